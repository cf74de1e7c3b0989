from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import SQL

from ..rules import retention, rounding
from .sale_order_check import BLOCKER


class SaleOrderRetention(models.Model):
    """Retention: the part of each bill that the client keeps until the work is accepted.

    What is held is the balance of the journal items that carry the engagement, in its currency:
    bills add to it; credit notes, negative bills and releases take from it.
    """

    _inherit = "sale.order"

    retention_maximum = fields.Monetary(
        string="Retained at most", help="Most that is held at any time. Empty: no maximum."
    )
    retention_line_ids = fields.One2many(
        "account.move.line", "billing_retention_order_id", string="Retention lines"
    )
    retention_held = fields.Monetary(
        string="Retained",
        compute="_compute_retention",
        compute_sudo=True,
        help="Held back on bills, drafts included, less what was credited or released.",
    )
    retention_releasable = fields.Monetary(
        compute="_compute_retention",
        compute_sudo=True,
        help="Held back on posted bills, less what was credited or released, drafts included.",
    )

    @api.constrains("retention_maximum")
    def _check_retention_maximum(self):
        for order in self:
            if order.retention_maximum < 0:
                raise ValidationError(
                    self.env._(
                        "%(order)s: the most that is retained is not less than zero. Leave it empty for no "
                        "maximum.",
                        order=order.name,
                    )
                )

    def _compute_retention(self):
        # Without dependencies on purpose: Odoo's journal items do not have to look for us.
        retained = self._get_retained()
        for order in self:
            held, releasable = retained.get(order._origin.id, (0.0, 0.0))
            order.retention_held = held
            order.retention_releasable = releasable

    def _get_retained(self):
        """Return {order id: (held, what of it can be released)} in the orders' currencies.

        What a draft bill holds cannot be released yet; what a draft gives back is gone already.
        """
        orders = self._origin
        if not orders.ids:
            return {}
        self.env["account.move.line"].flush_model(
            ["billing_retention_order_id", "amount_currency", "parent_state"]
        )
        rows = self.env.execute_query(
            SQL(
                """
                SELECT billing_retention_order_id,
                       SUM(amount_currency),
                       SUM(amount_currency) FILTER (
                           WHERE amount_currency < 0 OR parent_state = 'posted')
                  FROM account_move_line
                 WHERE billing_retention_order_id IN %(orders)s
                   AND parent_state != 'cancel'
              GROUP BY billing_retention_order_id
                """,
                orders=tuple(orders.ids),
            )
        )
        return {
            order_id: (float(held), max(float(releasable or 0), 0.0))
            for order_id, held, releasable in rows
        }

    # -- what is agreed -------------------------------------------------------------------------

    @api.depends("retention_percent", "retention_maximum")
    def _compute_billing_summary(self):
        return super()._compute_billing_summary()

    def _get_billing_sentences(self):
        sentences = super()._get_billing_sentences()
        if not self.retention_percent:
            return sentences
        percent = f"{self.retention_percent:g}"
        if self.retention_maximum:
            maximum = self.currency_id.format(self.retention_maximum)
            sentence = self.env._(
                "%(percent)s %% of each bill is retained, up to %(maximum)s.",
                percent=percent,
                maximum=maximum,
            )
        else:
            sentence = self.env._("%(percent)s %% of each bill is retained.", percent=percent)
        return [*sentences, sentence]

    def _find_in_order(self):
        yield from super()._find_in_order()
        if self.retention_percent and not self.company_id.billing_retention_account_id:
            yield self._prepare_finding(
                BLOCKER,
                self.env._(
                    "There is a retention, but %(company)s has no account for it.",
                    company=self.company_id.name,
                ),
                self.company_id,
            )

    # -- on each bill ---------------------------------------------------------------------------

    def _get_retention(self, work):
        """Return (what a bill of `work` holds back, what is held so far) as Decimals.

        :param work: untaxed value of the bill's work; what a negative one gives back is negative
        """
        self.ensure_one()
        decimals = self.currency_id.decimal_places
        if not self.retention_percent or not work:
            return rounding.decimal(0), rounding.decimal(0)
        held = rounding.money(self._get_retained().get(self._origin.id, (0, 0))[0], decimals)
        amount = retention.retain(
            work,
            self.retention_percent,
            held,
            self.retention_maximum or None,
            decimals,
        )
        return amount, held

    def _create_account_invoices(self, invoice_vals_list, final):
        # EXTENDS sale: what the client holds back is a line of each bill.
        moves = super()._create_account_invoices(invoice_vals_list, final)
        vals_list = [
            vals
            for move in moves.filtered("is_professional_bill")
            for vals in move._prepare_retention_lines()
        ]
        if vals_list:
            self.env["account.move.line"].sudo().create(vals_list)
        return moves

    def _prepare_retention_line(self, work):
        """Return the values of the invoice line that holds back of `work`, or None."""
        amount, held = self._get_retention(work)
        if not amount:
            return None
        self._lock_for_billing()
        return {
            **self._prepare_retention_common(),
            "name": self._get_retention_label(work, held),
            "price_unit": -float(amount),
            "account_id": self._get_retention_account().id,
        }

    def _prepare_retention_common(self):
        return {
            "display_type": "product",
            "quantity": 1.0,
            # Tax is due on the whole bill when it is made: neither here nor on the release.
            "tax_ids": [Command.clear()],
            "billing_retention_order_id": self.id,
        }

    def _get_retention_label(self, work, held):
        """Return the line's text, in the client's language, as one that explains the amount."""
        order = self.with_context(lang=self.partner_invoice_id.lang or self.env.lang)
        currency = order.currency_id
        values = {
            "percent": f"{order.retention_percent:g}",
            "work": currency.format(float(work)),
            "held": currency.format(float(held)),
        }
        if order.retention_maximum:
            return order.env._(
                "Retention %(percent)s %% of %(work)s (held so far %(held)s, at most %(maximum)s)",
                maximum=currency.format(order.retention_maximum),
                **values,
            )
        return order.env._("Retention %(percent)s %% of %(work)s (held so far %(held)s)", **values)

    def _get_retention_account(self):
        account = self.company_id.billing_retention_account_id
        if not account:
            raise UserError(
                self.env._(
                    "%(order)s has a retention, but %(company)s has no account for it. Choose one under "
                    "Billing > Configuration > Settings.",
                    order=self.name,
                    company=self.company_id.name,
                )
            )
        return account

    # -- release --------------------------------------------------------------------------------

    def action_release_retention(self):
        """Ask how much of what is held is to be invoiced now."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Release retention"),
            "res_model": "billing.retention.release",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id},
        }

    def action_view_retention(self):
        """Open the documents that hold back, credit or release."""
        self.ensure_one()
        moves = self.sudo().retention_line_ids.move_id.sudo(False)
        return moves._get_records_action(name=self.env._("Retention of %s", self.name))

    def _release_retention(self, amount):
        """Invoice a part of what is held; rights and amount are the caller's to check.

        :param amount: Decimal in the order's currency, more than zero
        :return: the draft invoice
        """
        self.ensure_one()
        self.sudo()._lock_for_billing()
        order = self.sudo().with_company(self.company_id)
        order = order.with_context(lang=order.partner_invoice_id.lang or self.env.lang)
        newest = order.retention_line_ids.sorted("id")[-1:]
        line = {
            **order._prepare_retention_common(),
            "name": order.env._(
                "Release of the retention of %(order)s: %(amount)s of %(held)s",
                order=order.name,
                amount=order.currency_id.format(float(amount)),
                held=order.currency_id.format(order.retention_releasable),
            ),
            "price_unit": float(amount),
            # The account it was held on, also when the company has chosen another one since.
            "account_id": (newest.account_id or order._get_retention_account()).id,
        }
        move = (
            order.env["account.move"]
            .with_context(default_move_type="out_invoice")
            .create({**order._prepare_invoice(), "invoice_line_ids": [Command.create(line)]})
        )
        move.message_post_with_source(
            "mail.message_origin_link",
            render_values={"self": move, "origin": order},
            subtype_xmlid="mail.mt_note",
        )
        self.invalidate_recordset(["retention_held", "retention_releasable"])
        return move.with_env(self.env)

    @api.model
    def _get_over_released_message(self, order, held):
        return order.env._(
            "%(order)s: this would give back %(excess)s of retention more than is held; the rest has been "
            "released or credited before. Lower or delete the retention line.",
            order=order.name,
            excess=order.currency_id.format(-held),
        )
