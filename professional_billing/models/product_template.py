from odoo import fields, models

BILLING_RULES = [
    ("time_materials", "Time and materials"),
    ("fixed_fee", "Fixed fee"),
    ("milestone", "Milestones"),
    ("progress", "Progress"),
    ("recurring", "Recurring fee"),
    ("retainer", "Retainer"),
    ("prepaid", "Prepaid blocks"),
    ("unit", "Price per unit"),
    ("success_fee", "Success fee"),
]


class ProductTemplate(models.Model):
    _inherit = "product.template"

    billing_rule = fields.Selection(
        BILLING_RULES,
        help="How order lines with this service are billed unless the salesperson chooses "
        "otherwise. Leave empty for Odoo's standard invoicing.",
    )
