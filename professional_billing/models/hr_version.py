from odoo import fields, models


class HrVersion(models.Model):
    _inherit = "hr.version"

    billing_role_id = fields.Many2one(
        "billing.role",
        string="Billing role",
        groups="hr.group_hr_user",
        tracking=True,
        help="What this person is billed as from the date of this version, unless a project says "
        "otherwise.",
    )
