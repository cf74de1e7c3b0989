from odoo import fields, models
from odoo.exceptions import UserError

# What follows from the expense and its terms.
VALUED_FIELDS = ("price_unit", "product_uom_qty")


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

    def write(self, vals):
        if not self.env.su:
            self._check_valued(vals)
        return super().write(vals)

    def _check_valued(self, vals):
        changed = [name for name in VALUED_FIELDS if name in vals]
        for line in self.filtered(lambda line: line.billing_rule == "expense") if changed else ():
            if any(line[name] != vals[name] for name in changed):
                raise UserError(
                    self.env._(
                        "%(line)s: quantity and price follow from the expense. Change the expense "
                        "terms on the page “Billing”, or what is billed on the pre-bill.",
                        line=line._billing_label(),
                    )
                )

    def _revalue_expenses(self):
        self.env.add_to_compute(self._fields["price_unit"], self)
        self._accrue_billing()
