import bisect
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from odoo import models
from odoo.tools import format_date

from ..rules import allowance, rates, rounding


@dataclass(frozen=True)
class Part:
    """What of a time entry lies beyond the allowance, and the sentence that says why."""

    beyond: Decimal
    text: str


class BillingMethodRetainer(models.AbstractModel):
    """A fee for each period that includes hours; time beyond them at a price of its own.

    The fee is a recurring one. Time is drawn in the order of its dates: each period's own hours
    first, then those carried over (`rules.allowance`). Entries that are billed keep their part.
    """

    _name = "billing.method.retainer"
    _inherit = ["billing.method.recurring", "billing.method.time_materials"]
    _description = "Retainer"
    _prices_time = False
    _shares_hours = True

    # -- set-up ---------------------------------------------------------------------------------

    def _get_line_error(self, line):
        return self.env["billing.method"]._get_line_error(line)

    def _get_setup_errors(self, line):
        yield from self.env["billing.method.recurring"]._get_setup_errors(line)
        if error := self._get_hours_error(line):
            yield error
        elif not line.retainer_hours:
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
                "%(line)s: hours included, hours carried over and the price beyond are zero or more.",
                line=label,
            )
        if line.retainer_rollover == allowance.CAPPED and not line.retainer_rollover_cap:
            return self.env._(
                "%(line)s: enter how many unused hours are carried to the next period at most.",
                line=label,
            )
        return None

    def _describe(self, line):
        sentences = [
            super()._describe(line),
            self.env._("It includes %(hours)s h each period.", hours=f"{line.retainer_hours:g}"),
        ]
        if line.retainer_rollover == allowance.ONE_PERIOD:
            sentences.append(self.env._("Unused hours can be used in the next period."))
        elif line.retainer_rollover == allowance.CAPPED:
            sentences.append(
                self.env._(
                    "Up to %(hours)s unused hours can be used in the next period.",
                    hours=f"{line.retainer_rollover_cap:g}",
                )
            )
        if line.overage_price:
            price = line.currency_id.format(line.overage_price)
            sentences.append(self.env._("Time beyond costs %(price)s an hour.", price=price))
        return " ".join(sentences)

    # -- earning --------------------------------------------------------------------------------

    def _get_price(self, timesheet, line, uom, rater):
        if timesheet.billing_rate_override or line.rate_source == "card":
            try:
                return super()._get_price(timesheet, line, uom, rater)
            except rates.NoRate:
                if not line.overage_price:
                    raise
        step = self.env._(
            "Price beyond the allowance: %(price)s / %(unit)s",
            price=line.currency_id.format(line.overage_price),
            unit=uom.name,
        )
        return rounding.decimal(line.overage_price), (step,)

    def _apply_discount(self, line, uom, price, rater):
        # The discount is one of the fee.
        return price, ()

    def _apply_allowance(self, timesheet, price, rater):
        line = timesheet.so_line
        part = rater.remember(("allowance", line.id), lambda: self._draw(line)).get(timesheet)
        if not part:
            return price
        if not part.beyond:
            return {
                **price,
                "rate": rounding.decimal(0),
                "billable": False,
                "blocked_reason": False,
                "steps": (part.text,),
            }
        asks = line.overage_policy == "ask" and not price["blocked_reason"]
        if asks and not timesheet.billing_item_ids._is_overage_approved(part.beyond):
            price = {**price, "blocked_reason": "overage_ask"}
        return {**price, "part": part}

    def _draw(self, line):
        """Return {time entry: Part} of all work on `line` that takes hours of its allowance."""
        entries = self.env["account.analytic.line"].search(
            [("so_line", "=", line.id), ("project_id", "!=", False)], order="date, id"
        )
        hours = self.env["billing.item"]._get_billable_hours(entries)
        entries = entries.filtered(
            lambda entry: hours[entry] > 0 and entry.billing_treatment != "complimentary"
        )
        if not entries:
            return {}
        periods = self._get_periods_of(line, entries[-1].date)
        starts = [start for start, _end in periods]
        by_period = {}
        for entry in entries:
            index = bisect.bisect(starts, entry.date) - 1
            if index >= 0 and entry.date >= periods[index][1]:
                index = -1
            by_period.setdefault(index, []).append(entry)
        base, carried, parts = rounding.decimal(line.retainer_hours), Decimal(0), {}
        parts.update(self._draw_outside(line, by_period.get(-1, ()), hours))
        for index, period in enumerate(periods):
            mine = by_period.get(index, [])
            parts.update(self._draw_period(period, mine, hours, base, carried))
            carried = allowance.draw(
                base,
                carried,
                sum((hours[entry] for entry in mine), Decimal(0)),
                line.retainer_rollover or allowance.NONE,
                line.retainer_rollover_cap,
            ).carry
        return parts

    def _get_periods_of(self, line, last):
        end = last + timedelta(days=1)
        if line.recurring_end:
            end = min(end, line.recurring_end + timedelta(days=1))
        return [period for period, _whole in self._get_periods(line, end)]

    def _draw_period(self, period, entries, hours, base, carried):
        split = allowance.split(
            base + carried,
            [(entry, hours[entry], self._get_billed_part(entry)) for entry in entries],
        )
        parts, used = {}, Decimal(0)
        for entry in entries:
            used += hours[entry]
            values = {
                "start": format_date(self.env, period[0]),
                "used": f"{used:.2f}",
                "base": f"{base:.2f}",
                "carried": f"{carried:.2f}",
                "beyond": f"{used - base - carried:.2f}",
                "mine": f"{split[entry][1]:.2f}",
            }
            if split[entry][1]:
                text = self.env._(
                    "Hours used in the period from %(start)s, less those included and carried over: "
                    "%(used)s − (%(base)s + %(carried)s) = %(beyond)s h; %(mine)s h of this entry lie "
                    "beyond.",
                    **values,
                )
            else:
                text = self.env._(
                    "Included in the retainer: %(used)s of %(base)s + %(carried)s h used in the period "
                    "from %(start)s. Valued, not billed.",
                    **values,
                )
            parts[entry] = Part(split[entry][1], text)
        return parts

    def _draw_outside(self, line, entries, hours):
        text = self.env._(
            "%(line)s includes no hours on that day: it is before the first or after the last day.",
            line=line._billing_label(),
        )
        return {
            entry: Part(rounding.decimal(self._get_billed_part(entry) or hours[entry]), text)
            for entry in entries
        }

    def _get_billed_part(self, entry):
        """Return the hours beyond the allowance that are billed of `entry`, None when it is open."""
        item = entry.billing_item_ids
        return rounding.decimal(item.quantity) if item._is_settled() else None

    # -- billing --------------------------------------------------------------------------------

    def _get_billed_order_quantity(self, line, billed):
        """Fees and hours have no unit in common: the part of the fee that the amount is."""
        return self.env["billing.method"]._get_billed_order_quantity(line, billed)

    def _prepare_bill_lines(self, line, prebill_lines):
        time = prebill_lines.filtered(lambda part: part.kind == "time")
        fees = self.env["billing.method"]._prepare_bill_lines(line, prebill_lines - time)
        return fees + super()._prepare_bill_lines(line, time)

    def _prepare_time_line(self, line, prebill_lines):
        """Hours by the hour, whatever the unit of the fee is."""
        uom = prebill_lines.item_id.uom_id
        hours = sum(prebill_lines.mapped("quantity"))
        return {
            "name": self._get_time_label(line, prebill_lines),
            "product_uom_id": uom.id,
            "quantity": uom._compute_quantity(hours, uom, rounding_method="HALF-UP"),
            "price_unit": prebill_lines[0].rate,
            "discount": 0.0,
        }

    def _get_time_label(self, line, prebill_lines):
        label = super()._get_time_label(line, prebill_lines)
        return "\n".join([label, self.env._("Time beyond the hours included")])
