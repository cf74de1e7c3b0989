from odoo import fields, models


class BillingItemWriteOffWizard(models.TransientModel):
    """Why some work is given up."""

    _name = "billing.item.write.off"
    _description = "Write off work in progress"

    item_ids = fields.Many2many("billing.item", required=True, readonly=True)
    company_id = fields.Many2one(related="item_ids.company_id")
    reason_id = fields.Many2one(
        "billing.reason", required=True, domain="[('company_id', 'in', [False, company_id])]"
    )
    note = fields.Char(string="Why", help="Kept on the settlement, beside the reason.")

    def action_apply(self):
        """Write off, or ask a billing manager to, and say which."""
        waiting = self.item_ids._request_write_off(self.reason_id, self.note)
        close = {"type": "ir.actions.act_window_close"}
        if not waiting:
            return close
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._(
                    "A billing manager is asked to approve the write-off. Until then the work stays in "
                    "work in progress and is on no bill."
                ),
                "next": close,
            },
        }
