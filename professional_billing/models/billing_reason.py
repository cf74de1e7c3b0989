from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingReason(models.Model):
    _name = "billing.reason"
    _description = "Reason for a write-off or write-up"
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", help="Leave empty to share it between companies.")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        domain = [("reason_id", "in", self.ids)]
        for model in ("billing.allocation", "billing.prebill.line"):
            if used := self.env[model].sudo().search(domain, limit=1):
                raise UserError(
                    self.env._(
                        "“%(name)s” is the reason of a write-off and cannot be deleted. Archive it "
                        "instead.",
                        name=used.reason_id.name,
                    )
                )
