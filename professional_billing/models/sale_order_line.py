from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.sql import column_exists, create_column

from ..rules import settlement
from .field_groups import CONTRACT_STAFF
from .product_template import BILLING_RULES

PRICING_FIELDS = {
    "price_unit",
    "discount",
    "product_uom_qty",
    "product_uom_id",
    "billing_rule",
    "rate_source",
}


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "billing.line.terms.mixin", "billing.cap.mixin"]
    _cap_field = "order_line_id"

    billing_rule = fields.Selection(
        BILLING_RULES,
        compute="_compute_billing_rule",
        store=True,
        readonly=False,
        precompute=True,
        help="Time and materials: hours from timesheets at this line's price. Fixed fee: by "
        "instalments. Milestones: by the project's milestones. Progress: by the percentage that is "
        "complete. Recurring fee: this line's amount for each period. Retainer: the same, with work "
        "included. Prepaid blocks: hours or money paid ahead. Price per unit: by what was used. Success fee: a percentage of an outcome. Empty: Odoo's standard invoicing.",
    )
    billing_cap_amount = fields.Monetary(
        string="Limit",
        help="Most that is billed, before tax. Empty: no limit in money.",
    )
    billing_rate_ids = fields.One2many(
        "billing.rate",
        "order_line_id",
        string="Rates of this line",
        copy=True,
        groups=CONTRACT_STAFF,
    )
    billing_installment_ids = fields.One2many(
        "billing.installment",
        "order_line_id",
        string="Instalments",
        copy=False,
        groups=CONTRACT_STAFF,
    )
    billing_milestone_ids = fields.One2many("project.milestone", "sale_line_id")
    billing_item_ids = fields.One2many("billing.item", "order_line_id", groups=CONTRACT_STAFF)
    _billing_rule_idx = models.Index("(order_id) WHERE billing_rule IS NOT NULL")

    def _auto_init(self):
        # Existing lines have no rule: spare a big table the ORM's computation.
        if not column_exists(self.env.cr, self._table, "billing_rule"):
            create_column(self.env.cr, self._table, "billing_rule", "varchar")
            for name in ("rate_source", "billing_cap_policy", "billing_cap_period"):
                create_column(self.env.cr, self._table, name, "varchar")
        return super()._auto_init()

    # -- computes -------------------------------------------------------------------------------

    @api.depends("product_id")
    def _compute_billing_rule(self):
        for line in self:
            line.billing_rule = line.product_id.billing_rule

    @api.depends("billing_rule")
    def _compute_qty_delivered_method(self):
        # EXTENDS sale: the rule says where the delivered quantity comes from, not the product.
        result = super()._compute_qty_delivered_method()
        for line in self.filtered("billing_rule"):
            method = line._get_billing_method()._qty_delivered_method
            line.qty_delivered_method = method or line.qty_delivered_method
        return result

    # -- actions --------------------------------------------------------------------------------

    def action_billing_terms(self):
        """Open what is agreed about billing this line."""
        self.ensure_one()
        view = self.env.ref("professional_billing.sale_order_line_view_form_billing")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Billing terms"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(view.id, "form")],
            "target": "new",
        }

    # -- constraints ----------------------------------------------------------------------------

    @api.constrains("billing_rule", "product_uom_id", "product_id")
    def _check_billing_rule(self):
        for line in self.filtered("billing_rule"):
            if error := line._get_billing_method()._get_line_error(line):
                raise ValidationError(error)

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        added = lines.filtered(lambda line: line.billing_rule and line.state == "sale")
        added._complete_confirmed_billing()
        return lines

    def write(self, vals):
        if "billing_rule" in vals:
            self._check_rule_unbilled(vals["billing_rule"])
        result = super().write(vals)
        if PRICING_FIELDS & set(vals) and (
            priced := self.filtered(lambda line: line.billing_rule or "billing_rule" in vals)
        ):
            if "billing_rule" in vals:
                priced.filtered(lambda line: line.state == "sale")._complete_confirmed_billing()
            priced._accrue_billing()
            priced._rerate_billing()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_settled(self):
        if settled := self.sudo().filtered("billing_rule").billing_item_ids.allocation_ids[:1]:
            raise UserError(
                self.env._(
                    "%(line)s has been billed or written off and cannot be deleted.",
                    line=settled.item_id.order_line_id._billing_label(),
                )
            )

    def _check_rule_unbilled(self, rule):
        for line in self.filtered(lambda line: line.billing_rule != rule):
            if line.sudo().billing_item_ids._is_settled():
                raise UserError(
                    self.env._(
                        "%(line)s has been billed by its rule, which cannot change any more. "
                        "Add a new line with the new rule instead.",
                        line=line._billing_label(),
                    )
                )
            if not line.billing_rule and line.qty_invoiced:
                raise UserError(
                    self.env._(
                        "%(line)s has been invoiced without a billing rule: with one, the same work "
                        "would be billed again. Add a new line with the rule instead.",
                        line=line._billing_label(),
                    )
                )

    # -- billing --------------------------------------------------------------------------------

    def _get_billing_method(self):
        """Return the model that knows this line's rule."""
        return self.env["billing.method"]._for_rule(self.billing_rule)

    def _billing_label(self):
        """Return a name a user recognises in a message: order and line."""
        return f"{self.order_id.name} – {self._get_bill_label()}"

    def _get_cap_orders(self):
        return self.order_id

    def _get_cap_label(self):
        return self._billing_label()

    def _get_bill_label(self):
        return (self.name or self.product_id.display_name or "").split("\n")[0]

    def _billing_total(self):
        """Return the agreed fee of the line in the terms of its price, as Decimal."""
        return settlement.line_amount(
            self.product_uom_qty,
            self.price_unit,
            self.discount,
            (self.currency_id or self.env.company.currency_id).decimal_places,
        )

    def _get_billing_errors(self):
        """Return the sentences that say why these lines cannot be billed as they are set up."""
        return [
            error
            for line in self.filtered("billing_rule")
            for error in line._get_billing_method()._get_setup_errors(line)
        ]

    def _group_confirmed(self):
        """Return {rule: lines} of the confirmed ones of these that have a rule."""
        return self.filtered(lambda line: line.billing_rule and line.state == "sale").grouped(
            "billing_rule"
        )

    def _complete_confirmed_billing(self):
        for rule, lines in self.filtered("billing_rule").grouped("billing_rule").items():
            self.env["billing.method"]._for_rule(rule)._prepare_confirmation(lines)
        self._accrue_billing()

    def _uses_rate_cards(self):
        """Tell whether rate cards price the time on this line, or say what it would have cost."""
        return (
            self.rate_source == "card"
            or bool(self.company_id.billing_rate_card_id)
            or bool(self.order_id.rate_card_id)
        )

    def _get_described_rates(self, date):
        """Return the rates of this line in force on `date`, else those of its first card with any.

        Rates of single people stay out of what is said to clients.
        """
        order = self.order_id
        cards = (
            order.rate_card_id,
            self.env["billing.rate.card"].search(
                [
                    ("partner_id", "=", order.partner_id.commercial_partner_id.id),
                    ("company_id", "=", order.company_id.id),
                ]
            ),
            order.company_id.billing_rate_card_id,
        )
        for rates in (self.billing_rate_ids, *(card.rate_ids for card in cards)):
            found = rates.filtered(
                lambda rate, rates=rates: (
                    not rate.employee_id
                    and (not rate.date_to or rate.date_to >= date)
                    and rate._is_newest_on(date, rates)
                )
            )
            if found:
                return found
        return self.env["billing.rate"]

    def _accrue_billing(self, timesheets=None, items=None, rerate=False):
        if self:
            self.env["billing.item"]._accrue(self, timesheets, items, rerate)

    def _rerate_billing(self, rerate=True):
        """Value the unsettled time of these lines again, at the price and state they have now.

        :param rerate: look up again what rate cards said
        """
        items = (
            self.env["billing.item"]
            .sudo()
            .search(
                [
                    ("order_line_id", "in", self.ids),
                    ("kind", "=", "time"),
                    ("billed_quantity", "=", 0),
                    ("written_off_quantity", "=", 0),
                ]
            )
        )
        if items:
            self._accrue_billing(items.timesheet_id, items, rerate=rerate)

    def _prepare_invoice_lines_vals_list(self, **optional_values):
        # EXTENDS sale: a line with a rule bills what its pre-bills decided, settlements included.
        self.ensure_one()
        if not self.billing_rule:
            return super()._prepare_invoice_lines_vals_list(**optional_values)
        return [
            {**self._prepare_invoice_line(**optional_values), **vals}
            for vals in self.env["billing.prebill"]._prepare_order_line_bill(self)
        ]
