from odoo import api, fields, models


class BillingTier(models.Model):
    """One row of an order line's prices by volume: up to which quantity, which price.

    For a success fee the quantity is the outcome in the order's currency and the price a
    percentage of it. The last row has no limit.
    """

    _name = "billing.tier"
    _inherit = "billing.tier.mixin"
    _description = "Price by volume"
    _order = "order_line_id, is_last, up_to, id"

    order_line_id = fields.Many2one(
        "sale.order.line", string="Order line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="order_line_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="order_line_id.currency_id")
    price_unit = fields.Float(
        string="Price",
        min_display_digits="Product Price",
        aggregator=None,
        help="Price of a unit; for a success fee a percentage of the outcome.",
    )

    _not_negative = models.Constraint(
        "CHECK(price_unit >= 0)", "A price by volume cannot be less than zero."
    )
    _unique_limit = models.UniqueIndex(
        "(order_line_id, up_to)", "Two prices by volume have the same limit: delete one of them."
    )

    @api.model_create_multi
    def create(self, vals_list):
        tiers = super().create(vals_list)
        tiers.order_line_id._accrue_billing()
        return tiers

    def write(self, vals):
        result = super().write(vals)
        self.order_line_id._accrue_billing()
        return result

    def unlink(self):
        lines = self.order_line_id
        result = super().unlink()
        lines.exists()._accrue_billing()
        return result
