from dateutil.relativedelta import relativedelta

from odoo import fields, models


class BillingItemHoldWizard(models.TransientModel):
    """Until when some work is kept off the bills, and why."""

    _name = "billing.item.hold"
    _description = "Hold work in progress"

    item_ids = fields.Many2many("billing.item", required=True, readonly=True)
    date = fields.Date(
        string="Until",
        required=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(months=1, day=1),
        help="The first day on which it can be billed again.",
    )
    note = fields.Char(string="Reason", required=True)

    def action_hold(self):
        self.item_ids._check_hold_rights()
        self.item_ids.sudo()._hold(self.date, self.note)
        return {"type": "ir.actions.act_window_close"}
