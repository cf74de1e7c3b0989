from odoo import fields, models


class BillingPrebillLine(models.Model):
    _inherit = "billing.prebill.line"

    receipt_count = fields.Integer(related="item_id.receipt_count")

    def action_view_receipts(self):
        self.ensure_one()
        return self.item_id.action_view_receipts()
