from functools import partial

from odoo import api, fields, models
from odoo.fields import Domain

from ..rules import rounding
from .billing_item_accrual import UNPRICED


class BillingItemRetainer(models.Model):
    """Time on a line whose fee includes hours: an entry moves when others come before it."""

    _inherit = "billing.item"

    overage_approved = fields.Float(
        help="Hours beyond the allowance that somebody approved. More than these wait again."
    )

    @api.model
    def _with_same_day(self, timesheets):
        """Add the entries that share with these what is paid ahead on their order line."""
        timesheets = super()._with_same_day(timesheets)
        lines = timesheets.so_line.filtered(
            lambda line: line.billing_rule and line._get_billing_method()._shares_hours
        )
        by_line = timesheets.grouped("so_line")
        domains = [self._get_sharing_domain(line, by_line[line]) for line in lines]
        return timesheets | timesheets.search(Domain.OR(domains)) if domains else timesheets

    @api.model
    def _get_sharing_domain(self, line, timesheets):
        domain = Domain("so_line", "=", line.id) & Domain("project_id", "!=", False)
        first = min(timesheets.mapped("date"))
        if start := line._get_billing_method()._get_shared_start(line, first):
            domain &= Domain("date", ">=", start)
        return domain

    @api.model
    def _price_entry(self, timesheet, rater):
        price = self._price_alone(timesheet, rater)
        return rater.terms(timesheet.so_line).method._apply_allowance(timesheet, price, rater)

    @api.model
    def _price_alone(self, timesheet, rater):
        """Return how a time entry is valued, whatever is paid ahead."""
        find = partial(super()._price_entry, timesheet, rater)
        price = rater.remember(("alone", rater.get_price_key(timesheet)), find)
        # Why there is no rate is said of each by itself: it names the day.
        if price["blocked_reason"] in UNPRICED:
            return rater.remember(("alone", timesheet.id), find)
        return price

    def _keeps_rate(self, timesheet, rater):
        """What money paid ahead has covered keeps its price, once that money is billed."""
        if super()._keeps_rate(timesheet, rater):
            return True
        line = self.order_line_id
        if self.blocked_reason != "included" or not self.rate or line != timesheet.so_line:
            return False
        method = rater.terms(line).method
        if not method._shares_hours or not method._measures_money(line):
            return False
        spans = rater.remember(("paid", line.id), lambda: method._get_paid_spans(line))
        return self.date == timesheet.date and any(start <= self.date < end for start, end in spans)

    @api.model
    def _prepare_time(self, timesheet, hours, price, rater):
        part = price.get("part")
        if not part:
            return super()._prepare_time(timesheet, hours, price, rater)
        values = super()._prepare_time(timesheet, part.hours, price, rater)
        if part.amount is not None and values["quantity"]:
            values["amount"] = float(part.amount)
        return values

    @api.model
    def _explain_time(self, timesheet, price, hours, amount, rater):
        part = price.get("part")
        if not part:
            return super()._explain_time(timesheet, price, hours, amount, rater)
        if part.amount is not None:
            value = self._explain_value(timesheet, price, part.worked, part.value)
            steps = [*price["steps"], value, part.text]
        elif part.hours and price["blocked_reason"] in (False, "overage_ask"):
            value = self._explain_value(timesheet, price, part.hours, amount)
            steps = [part.text, *price["steps"], value]
        else:
            steps = [part.text]
        return "\n".join(steps)

    @api.model
    def _explain_value(self, timesheet, price, hours, amount):
        currency = timesheet.so_line.currency_id
        return self.env._(
            "%(hours)s h × %(rate)s = %(amount)s",
            hours=f"{hours:.2f}",
            rate=currency.format(float(price["rate"])),
            amount=currency.format(float(amount)),
        )

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
