from odoo import fields, models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    # Without this add-on, a line goes on as Odoo's own; see the uninstall hook.
    billing_rule = fields.Selection(
        selection_add=[("expense", "Expense")], ondelete={"expense": "set unit"}
    )

    def _compute_price_unit(self):
        # EXTENDS sale: the price of an expense follows the terms until it is billed.
        expenses = self.filtered(lambda line: line.billing_rule == "expense")
        result = super(SaleOrderLine, self - expenses)._compute_price_unit()
        if expenses:
            prices = self.env["billing.method.expense"]._get_prices(expenses)
            for line in expenses.filtered(lambda line: line in prices):
                line.price_unit = prices[line]
        return result

    def _revalue_expenses(self):
        self.env.add_to_compute(self._fields["price_unit"], self)
        self._accrue_billing()
