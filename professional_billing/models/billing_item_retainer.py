from odoo import api, fields, models
from odoo.fields import Domain

from ..rules import rounding


class BillingItemRetainer(models.Model):
    """Time on a line whose fee includes hours: an entry moves when others come before it."""

    _inherit = "billing.item"

    overage_approved = fields.Float(
        help="Hours beyond the allowance that somebody approved. More than these wait again."
    )

    @api.model
    def _with_same_day(self, timesheets):
        """Add the entries that share the allowance of these: all of their order line."""
        timesheets = super()._with_same_day(timesheets)
        lines = timesheets.so_line.filtered(
            lambda line: line.billing_rule and line._get_billing_method()._shares_hours
        )
        if not lines:
            return timesheets
        return timesheets | timesheets.search(
            Domain("so_line", "in", lines.ids) & Domain("project_id", "!=", False)
        )

    @api.model
    def _price_entry(self, timesheet, item, rater):
        price = super()._price_entry(timesheet, item, rater)
        return rater.terms(timesheet.so_line).method._apply_allowance(timesheet, price, rater)

    @api.model
    def _prepare_time(self, timesheet, hours, price, rater):
        part = price.get("part")
        return super()._prepare_time(timesheet, part.beyond if part else hours, price, rater)

    @api.model
    def _explain_time(self, timesheet, price, hours, amount, rater):
        part = price.get("part")
        if not part:
            return super()._explain_time(timesheet, price, hours, amount, rater)
        steps = [part.text, *price["steps"]]
        if price["blocked_reason"] in (False, "overage_ask"):
            currency = timesheet.so_line.currency_id
            steps.append(
                self.env._(
                    "%(hours)s h × %(rate)s = %(amount)s",
                    hours=f"{hours:.2f}",
                    rate=currency.format(float(price["rate"])),
                    amount=currency.format(float(amount)),
                )
            )
        return "\n".join(steps)

    def action_approve_time(self):
        """Approve what lies beyond an allowance too: by the project manager, never one's own."""
        asked = self.filtered(lambda item: item.blocked_reason == "overage_ask")
        for item in asked.sudo():
            item.timesheet_id._check_time_approver(self.env.user)
            item.overage_approved = item.quantity
        if asked:
            asked.sudo().order_line_id._accrue_billing(asked.sudo().timesheet_id)
        return super(BillingItemRetainer, self - asked).action_approve_time()

    def _is_overage_approved(self, hours):
        approved = rounding.quantize(sum(self.mapped("overage_approved")), 6)
        return approved >= rounding.quantize(hours, 6)
