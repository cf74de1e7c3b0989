from odoo import api, models
from odoo.fields import Domain

from ..rules import rounding


class BillingItemTime(models.Model):
    """How many hours of a time entry are billed, by the contract's steps and minimum."""

    _inherit = "billing.item"

    @api.model
    def _get_billable_hours(self, timesheets):
        """Return {time entry: Decimal hours to bill}, rounded as its contract says.

        Rounded per day, the last entry of a person's day on an order line takes the difference,
        so that the entries add up to the rounded day.
        """
        per_day = timesheets.so_line.filtered(lambda line: line.order_id.time_rounding_per == "day")
        together = timesheets.filtered(lambda entry: entry.so_line in per_day)
        hours = {entry: self._round_entry(entry) for entry in timesheets - together}
        by_day = together.grouped(lambda entry: (entry.so_line, entry.employee_id, entry.date))
        for day in by_day.values():
            hours.update(self._round_day(day.sorted("id")))
        return hours

    @api.model
    def _round_entry(self, entry):
        worked = self._get_hours_to_bill(entry)
        return self._round_hours(entry.so_line.order_id, worked)

    @api.model
    def _round_day(self, entries):
        exact = {entry: self._get_hours_to_bill(entry) for entry in entries}
        total = self._round_hours(entries.so_line.order_id, sum(exact.values()))
        for item in entries.billing_item_ids:
            if item._is_settled():
                exact[item.timesheet_id] = rounding.decimal(item.quantity)
        movable = [
            entry
            for entry in entries
            if exact[entry] > 0 and not entry.billing_item_ids._is_settled()
        ]
        if movable:
            rest = sum(hours for entry, hours in exact.items() if entry != movable[-1])
            exact[movable[-1]] = max(total - rest, rounding.decimal(0))
        return exact

    @api.model
    def _get_hours_to_bill(self, entry):
        """Return the hours before rounding: those a reviewer set, else those worked."""
        if entry.billing_treatment == "non_billable":
            return rounding.decimal(0)
        return rounding.decimal(entry.billing_hours or entry.unit_amount)

    @api.model
    def _round_hours(self, order, hours):
        if order.time_rounding in (False, "none") or hours <= 0:
            return hours
        # A third of an hour is stored as 0.333333: count the minutes people mean.
        minutes = rounding.quantize(hours * 60, 2)
        return rounding.hours(
            minutes, order.time_increment or 1, order.time_minimum, order.time_rounding
        )

    @api.model
    def _explain_hours(self, timesheet, worked, hours):
        order = timesheet.so_line.order_id
        if timesheet.billing_hours:
            step = self.env._(
                "%(worked)s h worked, %(hours)s h to bill by decision",
                worked=worked,
                hours=f"{timesheet.billing_hours:.2f}",
            )
            if rounding.quantize(timesheet.billing_hours, 2) == rounding.quantize(hours, 2):
                return step
            worked = rounding.quantize(timesheet.billing_hours, 2)
        modes = dict(order._fields["time_rounding"]._description_selection(self.env))
        return self.env._(
            "%(worked)s h rounded to %(hours)s h (%(mode)s, steps of %(increment)s min, at least "
            "%(minimum)s min)",
            worked=worked,
            hours=f"{hours:.2f}",
            mode=modes[order.time_rounding].lower(),
            increment=order.time_increment or 1,
            minimum=order.time_minimum,
        )

    @api.model
    def _with_same_day(self, timesheets):
        """Add the entries that are rounded together with these: their person's day on the line."""
        per_day = timesheets.filtered(
            lambda entry: (
                entry.so_line.billing_rule and entry.so_line.order_id.time_rounding_per == "day"
            )
        )
        if not per_day:
            return timesheets
        return timesheets | timesheets.search(
            Domain("so_line", "in", per_day.so_line.ids)
            & Domain("employee_id", "in", per_day.employee_id.ids)
            & Domain("date", "in", per_day.mapped("date"))
        )
