from odoo import fields, models


class BillingRole(models.Model):
    """What somebody is billed as: partner, senior consultant, paralegal."""

    _name = "billing.role"
    _description = "Billing role"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        help="Leave empty for a role of all companies.",
        index="btree_not_null",
    )
    color = fields.Integer()
