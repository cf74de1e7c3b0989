from odoo import api, fields, models
from odoo.exceptions import UserError

from ..rules import retention


class BillingRetentionRelease(models.TransientModel):
    """Invoices what the client has held back: all of it, a percentage of it, or an amount."""

    _name = "billing.retention.release"
    _description = "Release retention"

    order_id = fields.Many2one("sale.order", string="Engagement", required=True, readonly=True)
    currency_id = fields.Many2one(related="order_id.currency_id")
    held_amount = fields.Monetary(related="order_id.retention_releasable", string="Held")
    mode = fields.Selection(
        [("whole", "All of it"), ("percent", "A percentage of it"), ("amount", "An amount")],
        string="Release",
        default="whole",
        required=True,
    )
    percent = fields.Float(string="Percentage", help="Of what is held, not of the work.")
    amount = fields.Monetary()
    release_amount = fields.Monetary(string="To invoice", compute="_compute_release_amount")

    @api.depends("mode", "percent", "amount", "order_id")
    def _compute_release_amount(self):
        for wizard in self:
            try:
                wizard.release_amount = wizard._get_amount()
            except ValueError:
                wizard.release_amount = 0.0

    def _get_amount(self):
        """Return what is released, as Decimal.

        :raise ValueError: when it is less than nothing or more than is held
        """
        decimals = self.currency_id.decimal_places
        if self.mode == "amount":
            return retention.release(self.held_amount, amount=self.amount, decimals=decimals)
        percent = self.percent if self.mode == "percent" else 100
        return retention.release(self.held_amount, percent=percent, decimals=decimals)

    def action_release(self):
        """Make the draft invoice of what is released and open it."""
        self.ensure_one()
        # Again by oneself: others may have billed or released since the dialog was opened.
        self.order_id.check_access("read")
        self.order_id.sudo()._lock_for_billing()
        self.order_id.invalidate_recordset(["retention_held", "retention_releasable"])
        self.invalidate_recordset(["held_amount", "release_amount"])
        if not self.held_amount:
            raise UserError(
                self.env._(
                    "%(order)s: no posted invoice holds back anything that could be released.",
                    order=self.order_id.name,
                )
            )
        try:
            amount = self._get_amount()
        except ValueError:
            amount = 0
        if not amount:
            raise UserError(
                self.env._(
                    "%(order)s: %(held)s is held. Release an amount above zero and no more than that, or a "
                    "percentage up to 100.",
                    order=self.order_id.name,
                    held=self.currency_id.format(self.held_amount),
                )
            )
        return self.order_id._release_retention(amount)._get_records_action()
