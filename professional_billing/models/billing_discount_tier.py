from odoo import fields, models


class BillingDiscountTier(models.Model):
    """One row of an engagement's discount by volume: up to which value billed, which percentage."""

    _name = "billing.discount.tier"
    _inherit = "billing.tier.mixin"
    _description = "Discount by volume"
    _order = "order_id, is_last, up_to, id"

    order_id = fields.Many2one(
        "sale.order", string="Engagement", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="order_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="order_id.currency_id")
    percentage = fields.Float(string="Discount (%)", digits=(16, 4), aggregator=None)

    _percentage_range = models.Constraint(
        "CHECK(percentage >= 0 AND percentage <= 100)",
        "A discount is a percentage between 0 and 100.",
    )
    _unique_limit = models.UniqueIndex(
        "(order_id, up_to)", "Two discounts by volume have the same limit: delete one of them."
    )
