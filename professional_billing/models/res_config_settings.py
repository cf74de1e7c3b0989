from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_write_off_limit = fields.Monetary(
        related="company_id.billing_write_off_limit",
        readonly=False,
    )
