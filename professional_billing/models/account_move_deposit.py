from odoo import models

from ..rules import rounding


class AccountMoveDeposit(models.Model):
    _inherit = "account.move"

    def _prepare_deposit_lines(self):
        """Return the values of the lines that draw deposits on this new bill, under their heading."""
        self.ensure_one()
        lines = self.invoice_line_ids
        sequence = max(lines.mapped("sequence"), default=0)
        vals_list = []
        for order in lines.sale_line_ids.order_id:
            if not order._draws_deposits():
                continue
            plan = order._plan_deposits(self._get_bill_parts(order), self._get_retained_of(order))
            if not plan:
                continue
            order._lock_for_billing()
            order = order.with_context(lang=order.partner_invoice_id.lang or self.env.lang)
            sequence += 1
            vals_list.append(
                {
                    **order._prepare_down_payment_section_line(sequence=sequence),
                    "move_id": self.id,
                }
            )
            for line, price in plan:
                sequence += 1
                line = line.with_env(order.env)
                vals = line._prepare_deposit_line(price, sequence=sequence)
                vals_list.append({**vals, "move_id": self.id})
        return vals_list

    def _get_bill_parts(self, order):
        """Return [(taxes, untaxed, with tax)] of what this invoice charges for `order`."""
        decimals = order.currency_id.decimal_places
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line._get_billed_order() == order
        )
        return [
            (
                taxes,
                sum(rounding.money(line.price_subtotal, decimals) for line in mine),
                sum(rounding.money(line.price_total, decimals) for line in mine),
            )
            for taxes, mine in lines.grouped("tax_ids").items()
        ]

    def _get_retained_of(self, order):
        lines = self.invoice_line_ids.filtered(
            lambda line: line.billing_retention_order_id == order
        )
        return -sum(
            (
                rounding.money(line.price_subtotal, order.currency_id.decimal_places)
                for line in lines
            ),
            rounding.decimal(0),
        )
