from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

ON_HOLD = "on_hold"


class BillingItemHold(models.Model):
    """Work that somebody keeps off the bills until a date."""

    _inherit = "billing.item"

    hold_until = fields.Date(
        string="On hold until", help="The first day on which it can be billed again."
    )
    hold_note = fields.Char(string="On hold because")

    # -- actions --------------------------------------------------------------------------------

    def action_hold(self):
        """Ask until when this work is to be kept off the bills, and why."""
        self._check_hold_rights()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Hold work in progress"),
            "res_model": "billing.item.hold",
            "view_mode": "form",
            "target": "new",
            "context": {"default_item_ids": self.ids},
        }

    def action_release_hold(self):
        """Let this work be billed again, whatever the date it was held until."""
        self._check_hold_rights()
        self.sudo()._release_hold()
        return True

    def _check_hold_rights(self):
        """Those who gather the engagement's work may hold it, too."""
        self.check_access("read")
        user = self.env.user
        officer = user.has_group("professional_billing.group_billing_officer")
        reviewer = user.has_group("professional_billing.group_billing_reviewer")
        for item in self.sudo():
            if not officer and not (reviewer and item.project_id.user_id == user):
                raise AccessError(
                    self.env._(
                        "“%(item)s” is put on hold by its project manager or a billing officer. Ask one of "
                        "them.",
                        item=item.display_name,
                    )
                )

    # -- hold and release -----------------------------------------------------------------------

    def _hold(self, date, note=False):
        """Keep these items off the bills before `date`; those who call it check the rights.

        :raise UserError: when one is on a pre-bill that is approved, or nothing of it is open
        """
        for item in self:
            if not item.is_open:
                raise UserError(
                    self.env._(
                        "Nothing of “%(item)s” is open: it cannot be put on hold.",
                        item=item.display_name,
                    )
                )
            if item.prebill_id.state == "approved":
                raise UserError(
                    self.env._(
                        "“%(item)s” is on the approved pre-bill %(prebill)s. Reopen that first.",
                        item=item.display_name,
                        prebill=item.prebill_id.name,
                    )
                )
            if date <= item.company_id._billing_today():
                raise UserError(
                    self.env._(
                        "%(date)s is not in the future. Choose the first day on which this can be billed "
                        "again.",
                        date=format_date(self.env, date),
                    )
                )
        self._take_from_prebills()
        self.write({"hold_until": date, "hold_note": note})
        self.filtered(lambda item: not item.blocked_reason).blocked_reason = ON_HOLD

    def _release_hold(self):
        held = self.filtered(lambda item: item.blocked_reason == ON_HOLD)
        self.write({"hold_until": False, "hold_note": False})
        held.blocked_reason = False
        held.order_line_id._accrue_billing(held.timesheet_id, held.filtered("timesheet_id"))

    @api.model
    def _accrue(self, order_lines, timesheets=None, items=None, rerate=False):
        # What is due today is billable today, also before the daily job has run.
        if timesheets is None:
            due = self.sudo().search(
                [
                    ("order_line_id", "in", order_lines.ids),
                    ("blocked_reason", "=", ON_HOLD),
                    ("hold_until", "<=", fields.Date.context_today(self)),
                ]
            )
            if due:
                due._release_hold()
        return super()._accrue(order_lines, timesheets, items, rerate)

    def _update_accrued(self, vals):
        if not vals.get("blocked_reason") and self.hold_until:
            vals = {**vals, "blocked_reason": ON_HOLD}
        return super()._update_accrued(vals)
