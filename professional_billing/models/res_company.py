from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    billing_write_off_limit = fields.Monetary(
        string="Write-off limit",
        default=1000.0,
        help="Most that one pre-bill may write off without a billing manager.",
    )

    def _billing_today(self):
        """Return today's date where the company is (its contact's time zone, else the user's)."""
        self.ensure_one()
        tz = self.partner_id.tz or self.env.context.get("tz") or self.env.user.tz or "UTC"
        return fields.Date.context_today(self.with_context(tz=tz))
