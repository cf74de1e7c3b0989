from dataclasses import dataclass
from decimal import Decimal

from odoo import models
from odoo.fields import Domain

from ..rules import rates, rounding

HOURS, MONEY = "hours", "money"


@dataclass(frozen=True)
class Part:
    """What of a time entry lies beyond what is paid ahead, and the sentence that says why."""

    hours: Decimal
    text: str
    amount: Decimal | None = None  # where money is drawn, else the hours and their price say it
    value: Decimal | None = None  # of the whole entry, where money is drawn
    worked: Decimal | None = None  # the hours of it


class BillingMethodAllowance(models.AbstractModel):
    """Time that is paid ahead: drawn in the order of its dates, beyond at a price of its own.

    What is paid ahead is counted in hours, or in money that work is drawn from at its price.
    Entries that are billed keep their part beyond.
    """

    _name = "billing.method.allowance"
    _inherit = "billing.method.time_materials"
    _description = "Work paid ahead"
    _prices_time = False
    _shares_hours = True
    _groups_time = False

    # -- set-up ---------------------------------------------------------------------------------

    def _get_line_error(self, line):
        return self.env["billing.method"]._get_line_error(line)

    def _measures_money(self, line):
        return line.retainer_measure == MONEY

    def _bills_exact_amounts(self, line):
        return self._measures_money(line)

    def _format_measure(self, line, quantity):
        if self._measures_money(line):
            return line.currency_id.format(float(quantity))
        return self.env._("%(hours)s h", hours=f"{quantity:.2f}")

    def _get_price_error(self, line):
        """Work can only be drawn from money when it has a price."""
        if self._measures_money(line) and not line.overage_price and line.rate_source != "card":
            return self.env._(
                "%(line)s: enter the price of an hour, or bill by the rate cards, so that work can be "
                "taken from what is paid ahead.",
                line=line._billing_label(),
            )
        return None

    def _describe_beyond(self, line):
        if price := self._get_overage_price(line):
            price = line.currency_id.format(float(price))
            if self._measures_money(line):
                yield self.env._("Time costs %(price)s an hour.", price=price)
            else:
                yield self.env._("Time beyond costs %(price)s an hour.", price=price)

    # -- earning --------------------------------------------------------------------------------

    def _get_overage_price(self, line):
        """Return the price of an hour beyond, as Decimal."""
        return rounding.decimal(line.overage_price)

    def _get_price(self, timesheet, line, uom, rater):
        price = self._get_overage_price(line)
        if timesheet.billing_rate_override or line.rate_source == "card":
            try:
                return super()._get_price(timesheet, line, uom, rater)
            except rates.NoRate:
                if not price:
                    raise
        values = {"price": line.currency_id.format(float(price)), "unit": uom.name}
        if self._measures_money(line):
            step = self.env._("Price agreed for time: %(price)s / %(unit)s", **values)
        else:
            step = self.env._("Price beyond the allowance: %(price)s / %(unit)s", **values)
        return price, (step,)

    def _apply_discount(self, line, uom, price, rater):
        # The discount is one of the fee.
        return price, ()

    def _apply_allowance(self, timesheet, price, rater):
        line = timesheet.so_line
        part = rater.remember(("parts", line.id), lambda: self._get_parts(line, rater)).get(
            timesheet
        )
        if not part:
            return price
        price = {**price, "part": part}
        if not part.hours:
            return {**price, "billable": False, "blocked_reason": False}
        asks = line.overage_policy == "ask" and not price["blocked_reason"]
        if asks and not timesheet.billing_item_ids._is_overage_approved(part.hours):
            price["blocked_reason"] = "overage_ask"
        return price

    def _get_parts(self, line, rater):
        """Return {time entry: Part} of the work on `line` that is taken from what is paid ahead."""
        entries = self._get_drawing_entries(line, rater)
        hours = self.env["billing.item"]._get_billable_hours(entries)
        entries = entries.filtered(
            lambda entry: hours[entry] > 0 and entry.billing_treatment != "complimentary"
        )
        sizes = self._get_sizes(line, entries, hours, rater)
        split = self._draw(
            line, [(entry, size, self._get_billed_part(entry)) for entry, size in sizes.items()]
        )
        return {
            entry: self._prepare_part(entry, beyond, text, sizes[entry], hours[entry])
            for entry, (beyond, text) in split.items()
        }

    def _draw(self, line, entries):
        """Say what of each entry lies beyond; to be defined by the rules that are paid ahead.

        :param entries: list of (entry, size, part beyond that is billed or None), in the order of
            the work; sizes are hours or money, see `_measures_money`
        :return: {entry: (size beyond, sentence)}
        """
        raise NotImplementedError

    def _get_drawing_entries(self, line, rater):
        """Return the entries that bear on those of `rater`, in the order of the work."""
        mine = rater.timesheets.filtered(lambda entry: entry.so_line == line)
        domain = Domain("so_line", "=", line.id) & Domain("project_id", "!=", False)
        if start := self._get_drawing_start(line, min(mine.mapped("date"))):
            domain &= Domain("date", ">=", start)
        return self.env["account.analytic.line"].search(domain, order="date, id")

    def _get_drawing_start(self, line, date):
        """Return the first day whose entries bear on those of `date`, None for all."""
        return None

    def _get_sizes(self, line, entries, hours, rater):
        """Return {entry: hours, or money at its rate}; entries without a rate draw nothing yet."""
        if not self._measures_money(line):
            return {entry: hours[entry] for entry in entries}
        decimals, planned = line.currency_id.decimal_places, set(rater.timesheets.ids)
        sizes = {}
        for entry in entries:
            item = entry.billing_item_ids
            if item._is_settled() or entry.id not in planned:
                rate = rounding.decimal(item.rate)
            else:
                price = self.env["billing.item"]._price_alone(entry, rater)
                rate = None if price["blocked_reason"] else price["rate"]
            if rate is not None:
                sizes[entry] = rounding.money(hours[entry] * rate, decimals)
        return sizes

    def _get_billed_part(self, entry):
        """Return the size beyond the allowance that is billed of `entry`, None when it is open."""
        item = entry.billing_item_ids
        if not item._is_settled():
            return None
        money = self._measures_money(entry.so_line)
        return rounding.decimal(item.amount if money else item.quantity)

    def _prepare_part(self, entry, beyond, text, size, hours):
        if not self._measures_money(entry.so_line):
            return Part(beyond, text)
        part = hours if beyond == size else rounding.quantize(hours * beyond / size, 6)
        return Part(part, text, beyond, size, hours)

    def _get_paid_spans(self, line):
        """Return [(first day, day after)] for which what is paid ahead has been billed."""
        return []

    # -- billing --------------------------------------------------------------------------------

    def _get_billed_order_quantity(self, line, billed):
        """Fees and hours have no unit in common: the part of the fee that the amount is."""
        return self.env["billing.method"]._get_billed_order_quantity(line, billed)

    def _prepare_bill_lines(self, line, prebill_lines):
        time = prebill_lines.filtered(lambda part: part.kind == "time")
        fees = self.env["billing.method"]._prepare_bill_lines(line, prebill_lines - time)
        return fees + super()._prepare_bill_lines(line, time)

    def _prepare_time_line(self, line, work):
        """Hours by the hour, whatever the unit of the fee is."""
        uom = work.uom
        return {
            "name": self._get_time_label(line, work),
            "product_uom_id": uom.id,
            "quantity": uom._compute_quantity(work.hours, uom, rounding_method="HALF-UP"),
            "price_unit": 0.0 if work.is_free else work.rate,
            "discount": 0.0,
        }

    def _get_time_label(self, line, work):
        label = super()._get_time_label(line, work)
        beyond = (
            self.env._("Time beyond what is paid ahead")
            if self._measures_money(line)
            else self.env._("Time beyond the hours included")
        )
        return "\n".join([label, beyond])
