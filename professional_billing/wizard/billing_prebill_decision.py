from odoo import fields, models


class BillingPrebillDecision(models.TransientModel):
    """Asks why work is given up, before lines of pre-bills are written off or billed at nothing."""

    _name = "billing.prebill.decision"
    _description = "Decision on work of a pre-bill"

    line_ids = fields.Many2many("billing.prebill.line", string="Work", required=True)
    decision = fields.Selection(
        [("complimentary", "Free of charge"), ("write_off", "Write off")],
        required=True,
    )
    company_id = fields.Many2one(related="line_ids.company_id")
    reason_id = fields.Many2one(
        "billing.reason",
        required=True,
        domain="[('company_id', 'in', [False, company_id])]",
    )
    reason_note = fields.Char(string="Why", help="Kept on the settlement, beside the reason.")

    def action_apply(self):
        """Decide on the lines, as far as the user may change them."""
        self.line_ids._decide(
            self.decision, reason_id=self.reason_id.id, reason_note=self.reason_note
        )
        return {"type": "ir.actions.act_window_close"}
