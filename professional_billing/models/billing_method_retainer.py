import bisect
from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.tools import format_date

from ..rules import allowance, rounding
from .billing_method_recurring import STEPS


class BillingMethodRetainer(models.AbstractModel):
    """A fee for each period that includes hours, or work worth the fee: then it is a minimum.

    The fee is a recurring one. Each period's own allowance is used first, then what was carried
    over (`rules.allowance`).
    """

    _name = "billing.method.retainer"
    _inherit = ["billing.method.recurring", "billing.method.allowance"]
    _description = "Retainer"

    # -- set-up ---------------------------------------------------------------------------------

    def _get_setup_errors(self, line):
        yield from self.env["billing.method.recurring"]._get_setup_errors(line)
        if error := self._get_hours_error(line) or self._get_price_error(line):
            yield error
        elif not line.retainer_hours and not self._measures_money(line):
            yield self.env._(
                "%(line)s: enter the hours that the fee of each period includes, in the billing terms "
                "of the line.",
                line=line._billing_label(),
            )

    def _get_terms_error(self, line):
        return super()._get_terms_error(line) or self._get_hours_error(line)

    def _get_hours_error(self, line):
        label = line._billing_label()
        if min(line.retainer_hours, line.retainer_rollover_cap, line.overage_price) < 0:
            return self.env._(
                "%(line)s: hours included, what is carried over and the price beyond are zero or more.",
                line=label,
            )
        if line.retainer_rollover == allowance.CAPPED and not line.retainer_rollover_cap:
            return self.env._(
                "%(line)s: enter how much of what is unused is carried to the next period at most.",
                line=label,
            )
        return None

    def _describe(self, line):
        return " ".join(
            [super()._describe(line), *self._describe_included(line), *self._describe_beyond(line)]
        )

    def _describe_included(self, line):
        money = self._measures_money(line)
        if money:
            yield self.env._("It is a minimum: work worth the fee is included in it.")
        else:
            yield self.env._(
                "It includes %(hours)s h each period.", hours=f"{line.retainer_hours:g}"
            )
        if line.retainer_rollover == allowance.ONE_PERIOD:
            yield (
                self.env._("What is not used can be used in the next period.")
                if money
                else self.env._("Unused hours can be used in the next period.")
            )
        elif line.retainer_rollover == allowance.CAPPED:
            cap = line.retainer_rollover_cap
            yield (
                self.env._(
                    "Up to %(amount)s that is not used can be used in the next period.",
                    amount=line.currency_id.format(cap),
                )
                if money
                else self.env._(
                    "Up to %(hours)s unused hours can be used in the next period.",
                    hours=f"{cap:g}",
                )
            )

    # -- earning --------------------------------------------------------------------------------

    def _draw(self, line, entries):
        if not entries:
            return {}
        periods = self._get_periods_until(line, entries[-1][0].date)
        by_period = {}
        for entry in entries:
            by_period.setdefault(self._find_period(periods, entry[0].date), []).append(entry)
        parts = self._draw_outside(line, by_period.get(None, ()))
        carried = Decimal(0)
        for index, (period, whole) in enumerate(periods):
            mine, base = by_period.get(index, []), self._get_base(line, period, whole)
            parts.update(self._draw_period(line, period, mine, base, carried))
            carried = allowance.draw(
                base,
                carried,
                sum((size for _entry, size, _billed in mine), Decimal(0)),
                line.retainer_rollover or allowance.NONE,
                line.retainer_rollover_cap,
            ).carry
        return parts

    def _get_base(self, line, period, whole):
        """Return what the fee of a period includes: hours, or as much money as it is."""
        if self._measures_money(line):
            return self._get_amount(line, line._billing_total(), period, whole)
        return rounding.decimal(line.retainer_hours)

    def _get_periods_until(self, line, last):
        """Return the periods of `line` up to the one of `last`, and perhaps a part of the next."""
        end = last + timedelta(days=1) + line.recurring_interval * STEPS[line.recurring_unit]
        if line.recurring_end:
            end = min(end, line.recurring_end + timedelta(days=1))
        return self._get_periods(line, end)

    def _find_period(self, periods, date):
        """Return the index of the period that `date` lies in, None when it lies in none."""
        index = bisect.bisect([start for (start, _end), _whole in periods], date) - 1
        return index if index >= 0 and date < periods[index][0][1] else None

    def _get_shared_start(self, line, date):
        # What a period leaves unused is carried on once: no earlier entry is changed by this one.
        periods = self._get_periods_until(line, date)
        index = self._find_period(periods, date)
        return None if index is None else periods[index][0][0]

    def _get_drawing_start(self, line, date):
        periods = self._get_periods_until(line, date)
        index = self._find_period(periods, date)
        return periods[max(index - 1, 0)][0][0] if index is not None else None

    def _draw_period(self, line, period, entries, base, carried):
        split = allowance.split(base + carried, entries)
        parts, used = {}, Decimal(0)
        for entry, size, _billed in entries:
            used += size
            beyond = split[entry][1]
            figures = {
                "used": used,
                "base": base,
                "carried": carried,
                "beyond": used - base - carried,
                "mine": beyond,
            }
            values = {name: self._format_measure(line, value) for name, value in figures.items()}
            values["start"] = format_date(self.env, period[0])
            if beyond:
                text = self.env._(
                    "Used in the period from %(start)s, less what is included and carried over: "
                    "%(used)s − (%(base)s + %(carried)s) = %(beyond)s; %(mine)s of this entry lie "
                    "beyond.",
                    **values,
                )
            else:
                text = self.env._(
                    "Included in the retainer: %(used)s of %(base)s + %(carried)s used in the period "
                    "from %(start)s. Valued, not billed.",
                    **values,
                )
            parts[entry] = beyond, text
        return parts

    def _draw_outside(self, line, entries):
        text = self.env._(
            "%(line)s includes nothing on that day: it is before the first or after the last day.",
            line=line._billing_label(),
        )
        return {
            entry: (size if billed is None else billed, text) for entry, size, billed in entries
        }

    def _get_paid_spans(self, line):
        periods = self.env["billing.item"].search(
            [("order_line_id", "=", line.id), ("kind", "=", "period"), ("billed_amount", "!=", 0)]
        )
        return [(item.period_start, item.period_end) for item in periods]
