from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .sale_order_check import BLOCKER, WARNING


class SaleOrderCreditHold(models.Model):
    """No new orders of customers on credit hold, unless a manager says why."""

    _inherit = "sale.order"

    credit_hold_note = fields.Char(compute="_compute_credit_hold_note")
    credit_hold_reason = fields.Char(
        string="Goes ahead because",
        copy=False,
        tracking=True,
        help="Why this order is confirmed although its customer is on credit hold. Sales and "
        "collection managers say it.",
    )

    @api.depends("partner_id", "company_id")
    def _compute_credit_hold_note(self):
        held = self._get_credit_holds()
        for order in self:
            customer = order.partner_id.commercial_partner_id
            amounts = held.get((order.company_id, customer))
            order.credit_hold_note = amounts and self.env._(
                "%(customer)s is on credit hold: %(amounts)s overdue.",
                customer=customer.display_name,
                amounts=" + ".join(amounts),
            )

    def _get_credit_holds(self):
        """Return {(company, customer): what is overdue, in words} of the customers on hold.

        A hold holds as long as something is overdue.
        """
        cases = (
            self.env["collection.case"]
            .sudo()
            .search(
                [
                    ("company_id", "in", self.company_id.ids),
                    ("partner_id", "in", self.partner_id.commercial_partner_id.ids),
                    ("credit_hold", "=", True),
                ]
            )
        )
        held = {}
        for case in cases:
            if case.overdue_amount > 0:
                amounts = held.setdefault((case.company_id, case.partner_id), [])
                amounts.append(case.currency_id.format(case.overdue_amount))
        return held

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_credit_hold_decider(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_credit_hold_decider(vals)
        return super().write(vals)

    def _check_credit_hold_decider(self, vals):
        user = self.env.user
        if (
            not vals.get("credit_hold_reason")
            or self.env.su
            or user.has_group("sales_team.group_sale_manager")
            or user.has_group("professional_billing.group_collection_manager")
        ):
            return
        raise AccessError(
            self.env._(
                "Whether an order goes ahead although its customer is on credit hold is decided by a "
                "sales or collection manager. Ask one of them."
            )
        )

    def action_confirm(self):
        # EXTENDS sale
        for order in self:
            if order.credit_hold_note and not order.credit_hold_reason:
                raise UserError(
                    self.env._(
                        "%(order)s: %(note)s Collect it first, or let a sales or collection manager say "
                        "in “Goes ahead because” why this order is confirmed all the same.",
                        order=order.name,
                        note=order.credit_hold_note,
                    )
                )
        return super().action_confirm()

    def _find_in_order(self):
        yield from super()._find_in_order()
        if self.credit_hold_note:
            severity = WARNING if self.credit_hold_reason or self.state == "sale" else BLOCKER
            yield self._prepare_finding(severity, self.credit_hold_note, self.partner_id)


class BillingPrebillCreditHold(models.Model):
    _inherit = "billing.prebill"

    credit_hold_note = fields.Char(compute="_compute_credit_hold_note", compute_sudo=True)

    @api.depends("order_ids.partner_id")
    def _compute_credit_hold_note(self):
        for prebill in self:
            prebill.credit_hold_note = next(
                filter(None, prebill.order_ids.mapped("credit_hold_note")), False
            )


class AccountAnalyticLineCreditHold(models.Model):
    _inherit = "account.analytic.line"

    @api.onchange("project_id", "task_id")
    def _onchange_credit_hold(self):
        """Tell whoever logs time that the customer is on credit hold, not what is owed."""
        order = (self.task_id.sale_line_id or self.project_id.sale_line_id).sudo().order_id
        if not order.credit_hold_note:
            return None
        return {
            "warning": {
                "type": "notification",
                "title": self.env._("Credit hold"),
                "message": self.env._(
                    "%(customer)s is on credit hold. Ask the project manager whether the work goes "
                    "on.",
                    customer=order.partner_id.commercial_partner_id.display_name,
                ),
            }
        }
