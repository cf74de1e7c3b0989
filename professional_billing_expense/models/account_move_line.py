from odoo import models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _sale_prepare_sale_line_values(self, order, price):
        # EXTENDS sale_expense: an engagement bills the order line of an expense by its own rule.
        values = super()._sale_prepare_sale_line_values(order, price)
        if self.expense_id and order.sudo().is_engagement:
            values["billing_rule"] = "expense"
        return values
