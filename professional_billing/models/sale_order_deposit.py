from odoo import fields, models
from odoo.tools import float_round

from ..rules import deposits, rounding


class SaleOrderDeposit(models.Model):
    """Deposits: Odoo's down payments, drawn down bill by bill on an engagement.

    Odoo deducts a down payment as a whole, and turns a bill that is smaller into a credit note.
    """

    _inherit = "sale.order"

    deposit_left = fields.Monetary(
        compute="_compute_deposit_left",
        compute_sudo=True,
        help="Posted down payments that no bill has deducted yet, before tax.",
    )

    def _compute_deposit_left(self):
        # Without dependencies on purpose: as `retention_held`.
        for order in self:
            order.deposit_left = sum(
                line._get_deposit_value(left)[0]
                for line in order.order_line._get_deposits()
                if (left := line._get_deposit_left()) > 0
            )

    def _draws_deposits(self):
        return self.is_engagement and self.deposit_policy != "final"

    def _plan_deposits(self, parts, retained):
        """Return [(deposit line, price)] that a bill takes, oldest first.

        :param parts: [(taxes, untaxed, with tax)] of the bill, as Decimals
        :param retained: what is held back of it
        """
        lines = self.order_line._get_deposits().sorted("id")
        return deposits.draw(
            [
                deposits.Deposit(
                    line, line.tax_ids, line._get_deposit_left(), line._get_deposit_value
                )
                for line in lines
            ],
            [deposits.Part(*part) for part in parts],
            retained,
            self.currency_id.decimal_places,
        )

    def _create_account_invoices(self, invoice_vals_list, final):
        # EXTENDS sale: what is left of deposits is drawn down, after the retention.
        moves = super()._create_account_invoices(invoice_vals_list, final)
        wanted = final or self.env.context.get("billing_prebills_only")
        if not wanted or not self.env["billing.prebill"]._is_invoicing():
            return moves
        vals_list = [vals for move in moves for vals in move._prepare_deposit_lines()]
        if vals_list:
            self.env["account.move.line"].sudo().create(vals_list)
        return moves


class SaleOrderLineDeposit(models.Model):
    _inherit = "sale.order.line"

    def _get_deposits(self):
        return self.filtered(lambda line: line.is_downpayment and not line.display_type)

    def _get_deposit_entries(self):
        """Return [(invoice line, its amount)] of a down payment, positive for what was paid in."""
        entries = []
        for line in self.sudo().invoice_lines:
            move = line.move_id
            if move.state != "cancel" and move.currency_id == self.currency_id:
                amount = line._get_price_amount()
                entries.append((line, -amount if move.move_type == "out_refund" else amount))
        return entries

    def _get_deposit_left(self):
        """Return what bills have not taken yet, in the terms of the price, as Decimal.

        A deposit counts once its invoice is posted, and so does what a credit note gives back; what
        a draft takes is taken.
        """
        return sum(
            (
                amount
                for line, amount in self._get_deposit_entries()
                if amount < 0 or line.parent_state == "posted"
            ),
            rounding.decimal(0),
        )

    def _is_deposit_drawn(self):
        return any(amount < 0 for _line, amount in self._get_deposit_entries())

    def _get_deposit_value(self, price):
        """Return (before tax, with tax) of a part of this deposit, as Decimals."""
        decimals = self.currency_id.decimal_places
        paid = self._get_whole_deposit(price)
        if paid:
            amounts = paid.price_subtotal, paid.price_total
        else:
            taxed = self.tax_ids.compute_all(float(price), currency=self.currency_id)
            amounts = taxed["total_excluded"], taxed["total_included"]
        return tuple(rounding.money(amount, decimals) for amount in amounts)

    def _get_whole_deposit(self, price):
        """Return the invoice line of the down payment when `price` is all of it, else none.

        Odoo keeps its tax to the cent then; a part is taxed by itself, like any line.
        """
        entries = self._get_deposit_entries()
        if len(entries) == 1 and entries[0][1] == rounding.decimal(price):
            return entries[0][0]
        return self.env["account.move.line"]

    def _prepare_deposit_line(self, price, **values):
        """Return the values of the invoice line that takes `price` of this deposit."""
        left = self._get_deposit_left()
        rest = left - price
        extra = self.extra_tax_data or {}
        if self._get_whole_deposit(price):
            extra = self.env["account.tax"]._reverse_quantity_base_line_extra_tax_data(extra)
        else:
            # The key lets the tax of a deposit be rounded by itself; its amounts are the whole's.
            extra = {name: extra[name] for name in ("computation_key",) if name in extra}
        vals = self._prepare_invoice_line(
            quantity=-1.0, price_unit=float(price), extra_tax_data=extra, **values
        )
        if rest:
            line = self.with_context(lang=self.order_id._get_lang())
            vals["name"] = line.env._(
                "%(deposit)s\n%(price)s of it; left for later bills: %(rest)s",
                deposit=vals["name"],
                price=self.currency_id.format(float(price)),
                rest=self.currency_id.format(float(rest)),
            )
        return vals

    def _prepare_invoice_lines_vals_list(self, **optional_values):
        # EXTENDS sale: Odoo deducts a down payment as a whole; of one drawn before, what is left.
        vals_list = super()._prepare_invoice_lines_vals_list(**optional_values)
        if (
            self._get_deposits()
            and self.order_id.is_engagement
            and self._is_deposit_drawn()
            and "quantity" in optional_values
        ):
            left = self._get_deposit_left()
            values = {
                name: value
                for name, value in optional_values.items()
                if name not in ("quantity", "extra_tax_data")
            }
            return [self._prepare_deposit_line(left, **values)] if left > 0 else []
        return vals_list

    def _prepare_qty_invoiced(self):
        # EXTENDS sale: a deposit drawn in parts is invoiced as far as it is left. Odoo counts lines.
        quantities = super()._prepare_qty_invoiced()
        if self.env.context.get("accrual_entry_date"):
            return quantities
        for line in self._get_deposits():
            if line.order_id.is_engagement and line._is_deposit_drawn():
                quantities[line] = line._get_deposit_share()
        return quantities

    def _get_deposit_share(self):
        """Return the part of this deposit that is left, rounded up as a quantity is."""
        paid = sum(amount for _line, amount in self._get_deposit_entries() if amount > 0)
        left = self._get_deposit_left()
        return float_round(
            float(left / paid) if paid and left > 0 else 0.0,
            precision_digits=self.env["decimal.precision"].precision_get("Product Unit"),
            rounding_method="UP",
        )
