from odoo import fields, models


class SaleOrderTemplate(models.Model):
    """A template of engagements: its terms are copied to a new order, which then goes its own way."""

    _name = "sale.order.template"
    _inherit = ["sale.order.template", "billing.terms.mixin"]

    is_engagement = fields.Boolean(
        string="Engagement", help="New orders take over the billing terms below."
    )
