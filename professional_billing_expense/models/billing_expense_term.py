from odoo import api, fields, models


class BillingExpenseTerm(models.Model):
    """What an engagement agrees on for the expenses of one category, or for all others."""

    _name = "billing.expense.term"
    _inherit = "billing.cap.mixin"
    _description = "Expense terms"
    _order = "order_id, product_id, id"
    _rec_name = "product_id"
    _cap_field = "expense_term_id"

    order_id = fields.Many2one(
        "sale.order", string="Engagement", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="order_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="order_id.currency_id")
    product_id = fields.Many2one(
        "product.product",
        string="Category",
        domain="[('can_be_expensed', '=', True), ('expense_policy', '!=', 'no')]",
        check_company=True,
        ondelete="restrict",
        help="Empty: all categories that have no line of their own.",
    )
    pricing = fields.Selection(
        [("cost", "At cost"), ("sales_price", "Sales price"), ("none", "Not billed")],
        string="Billed",
        help="At cost: what was paid, less the tax that the company gets back. Sales price: the "
        "quantity at the category's price on the order's pricelist. Empty: as the category says.",
    )
    markup = fields.Float(
        string="Mark-up (%)",
        aggregator=None,
        help="Percent that are added to the cost before tax, or to the sales price.",
    )
    billing_cap_amount = fields.Monetary(
        string="Limit",
        help="Most that is billed, mark-up included and before tax. Empty: no limit.",
    )
    billing_cap_period = fields.Selection(
        selection_add=[("expense", "Each expense"), ("total",)],
        default="expense",
        help="Each expense is billed up to the limit; or all expenses of the category together, in the "
        "order of their dates. Months, quarters and years are those of the expense.",
    )

    _unique_category = models.UniqueIndex(
        "(order_id, COALESCE(product_id, 0))",
        "This category has terms already: change those.",
    )
    _markup_not_below = models.Constraint(
        "CHECK(markup >= -100)", "A mark-up cannot take off more than the whole expense."
    )
    _cap_not_negative = models.Constraint(
        "CHECK(billing_cap_amount >= 0)", "The limit of expenses cannot be less than zero."
    )

    @api.depends("product_id")
    def _compute_display_name(self):
        for term in self:
            # Clients read it: without the internal reference.
            term.display_name = term.product_id.name or self.env._("All other expenses")

    @api.model_create_multi
    def create(self, vals_list):
        terms = super().create(vals_list)
        terms.order_id._revalue_expenses()
        return terms

    def write(self, vals):
        orders = self.order_id
        result = super().write(vals)
        (orders | self.order_id)._revalue_expenses()
        return result

    def unlink(self):
        orders = self.order_id
        result = super().unlink()
        orders.exists()._revalue_expenses()
        return result

    def _get_limit_of_each(self):
        """Return the most that one expense is billed at, 0 without such a limit."""
        return self.billing_cap_amount if self.billing_cap_period == "expense" else 0.0

    def _describe(self):
        """Return these terms as a sentence a client can read."""
        text = self.env._(
            "%(category)s: %(price)s", category=self.display_name, price=self._describe_pricing()
        )
        if self.pricing == "none" or not self.billing_cap_amount:
            return text + "."
        if self._get_limit_of_each():
            limit = self.currency_id.format(self.billing_cap_amount)
            return text + self.env._(", not more than %(limit)s each.", limit=limit)
        return f"{text}. {self._describe_cap()}"

    def _describe_pricing(self):
        policy = self.pricing or self.product_id.expense_policy or "cost"
        if policy == "none":
            return self.env._("not billed")
        text = self.env._("at cost") if policy == "cost" else self.env._("at our price")
        if self.markup:
            text += self.env._(" plus %(markup)s %%", markup=f"{self.markup:g}")
        return text
