from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _put_deductions_with_their_work(self):
        """Let discount and retention of each engagement stand below its work, under its heading."""
        orders = self.invoice_line_ids.sale_line_ids.order_id
        if len(orders) < 2:
            return
        for order in orders:
            lines = self.invoice_line_ids.filtered(
                lambda line, order=order: (
                    line.sale_line_ids.order_id == order and not line.is_downpayment
                )
            )
            last = max(lines.mapped("sequence"), default=0)
            for step, name in enumerate(
                ("billing_discount_order_id", "billing_retention_order_id"), start=1
            ):
                self.invoice_line_ids.filtered(
                    lambda line, name=name, order=order: line[name] == order
                ).sequence = last + step
