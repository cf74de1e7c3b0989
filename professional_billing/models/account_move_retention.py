from odoo import models
from odoo.exceptions import UserError

from ..rules import rounding


class AccountMoveRetention(models.Model):
    _inherit = "account.move"

    def _prepare_retention_lines(self):
        """Return the values of the lines that hold back of this bill, one per engagement."""
        self.ensure_one()
        if not any(self.line_ids.sale_line_ids.order_id.mapped("retention_percent")):
            return []
        work = self.invoice_line_ids.filtered(
            lambda line: line.billing_allocation_ids or line.billing_discount_order_id
        )
        sequence = max(self.invoice_line_ids.mapped("sequence"), default=0)
        vals_list = []
        for order, lines in work.grouped(lambda line: line._get_billed_order()).items():
            decimals = order.currency_id.decimal_places
            value = sum(rounding.money(line.price_subtotal, decimals) for line in lines)
            if vals := order._prepare_retention_line(value):
                sequence += 1
                vals_list.append({**vals, "move_id": self.id, "sequence": sequence})
        return vals_list

    def _post(self, soft=True):
        # EXTENDS account: what is held is a balance in the engagement's currency, never below zero.
        self._check_retention()
        return super()._post(soft)

    def _check_retention(self):
        lines = self.line_ids.filtered("billing_retention_order_id").sudo()
        for line in lines:
            order = line.billing_retention_order_id
            if line.currency_id != order.currency_id:
                raise UserError(
                    self.env._(
                        "%(move)s holds back or releases a retention in %(currency)s. Set its currency "
                        "back to %(currency)s.",
                        move=line.move_id.display_name,
                        currency=order.currency_id.name,
                    )
                )
        orders = lines.filtered(lambda line: line.amount_currency < 0).billing_retention_order_id
        for order_id, (held, _releasable) in orders._get_retained().items():
            order = orders.browse(order_id)
            if order.currency_id.compare_amounts(held, 0) < 0:
                raise UserError(order._get_over_released_message(order, held))
