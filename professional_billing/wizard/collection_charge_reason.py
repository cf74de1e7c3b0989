from odoo import fields, models


class CollectionChargeReason(models.TransientModel):
    """Why late charges are left out or given back."""

    _name = "collection.charge.reason"
    _description = "Reason for Giving up Late Charges"

    charge_ids = fields.Many2many("collection.charge", string="Charges", required=True)
    decision = fields.Selection([("skip", "Leave out"), ("waive", "Waive")], required=True)
    reason = fields.Char(required=True)

    def action_confirm(self):
        if self.decision == "skip":
            self.charge_ids._skip(self.reason)
        else:
            self.charge_ids._waive(self.reason)
        return {"type": "ir.actions.act_window_close"}
