from odoo import fields, models


class BillingReason(models.Model):
    _name = "billing.reason"
    _description = "Reason for a write-off or write-up"
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", help="Leave empty to share it between companies.")
