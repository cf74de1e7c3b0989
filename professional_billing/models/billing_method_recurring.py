from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import models
from odoo.tools import format_date

from ..rules import recurring, rounding

STEPS = {
    "week": relativedelta(weeks=1),
    "month": relativedelta(months=1),
    "quarter": relativedelta(months=3),
    "year": relativedelta(years=1),
}


class BillingMethodRecurring(models.AbstractModel):
    """The line's amount for each period, in advance or in arrears; one item for each period.

    What is earned are the periods due up to today and the next one. A period has no record of its
    own: its order line and first day make it the only one, in the database too.
    """

    _name = "billing.method.recurring"
    _inherit = "billing.method"
    _description = "Recurring fee"
    _qty_delivered_method = "billing"

    # -- set-up ---------------------------------------------------------------------------------

    def _get_terms_error(self, line):
        label = line._billing_label()
        if not line.recurring_unit:
            return self.env._(
                "%(line)s: choose whether the fee is by week, month, quarter or year.", line=label
            )
        if not 1 <= line.recurring_interval <= 60:
            return self.env._(
                "%(line)s: the fee is billed every 1 to 60 weeks, months, quarters or years.",
                line=label,
            )
        if not 0 <= line.recurring_anchor_day <= 31:
            return self.env._(
                "%(line)s: periods begin on a day of the month between 1 and 31, or at 0 on the day "
                "the contract starts.",
                line=label,
            )
        if line.recurring_unit == "week" and (
            line.recurring_anchor_day or line.recurring_proration == "fixed_30"
        ):
            return self.env._(
                "%(line)s: weeks neither begin on a day of the month nor count months of 30 days. "
                "Set the day to 0 and prorate by actual days.",
                line=label,
            )
        start, end = line.recurring_start, line.recurring_end
        if start and end and end < start:
            return self.env._(
                "%(line)s: the last day, %(end)s, is before the first one, %(start)s.",
                line=label,
                start=format_date(self.env, start),
                end=format_date(self.env, end),
            )
        return None

    def _get_setup_errors(self, line):
        yield from super()._get_setup_errors(line)
        if not line._billing_total():
            yield self.env._(
                "%(line)s: the recurring fee is zero. Enter a price and a quantity.",
                line=line._billing_label(),
            )
        if not line.recurring_start:
            yield self.env._(
                "%(line)s: choose the day from which the fee is billed, in the billing terms of the "
                "line.",
                line=line._billing_label(),
            )
        if error := self._get_terms_error(line):
            yield error

    def _prepare_confirmation(self, lines):
        """A line added to a confirmed order starts today, until somebody says otherwise."""
        for line in lines.filtered(lambda line: not line.recurring_start):
            line.recurring_start = line.company_id._billing_today()

    def _describe(self, line):
        count, start, end = line.recurring_interval, line.recurring_start, line.recurring_end
        texts = {
            "week": (self.env._("every week"), self.env._("every %s weeks", count)),
            "month": (self.env._("every month"), self.env._("every %s months", count)),
            "quarter": (self.env._("every quarter"), self.env._("every %s quarters", count)),
            "year": (self.env._("every year"), self.env._("every %s years", count)),
        }
        text = self.env._(
            "%(line)s: %(fee)s %(every)s, %(timing)s",
            line=line._get_bill_label(),
            fee=line.currency_id.format(float(line._billing_total())),
            every=texts.get(line.recurring_unit, ("", ""))[count > 1],
            timing=self.env._("in arrears")
            if line.recurring_timing == "arrears"
            else self.env._("in advance"),
        )
        if start:
            text += self.env._(", from %(start)s", start=format_date(self.env, start))
        if end:
            text += self.env._(" to %(end)s", end=format_date(self.env, end))
        return f"{text}."

    # -- earning --------------------------------------------------------------------------------

    def _plan_items(self, lines):
        return [
            self._prepare_item(line, period, whole)
            for line in lines
            for period, whole in self._get_periods_due(line)
        ]

    def _get_periods(self, line, end):
        """Return [(period, whole period)] of `line` before `end`; each is (start, end), half-open.

        A period at the start or the end of the contract may be a part of its whole period.
        """
        if not line.recurring_start or self._get_terms_error(line):
            return []
        terms = (
            line.recurring_start,
            max(end, line.recurring_start),
            line.recurring_unit,
            line.recurring_interval,
            line.recurring_anchor_day or None,
        )
        return list(zip(recurring.periods(*terms), recurring.whole_periods(*terms), strict=True))

    def _get_periods_due(self, line):
        """Return the periods due up to today and the next one."""
        if not line.recurring_start or self._get_terms_error(line):
            return []
        today = line.company_id._billing_today()
        step = STEPS[line.recurring_unit]
        # The next period ends within two steps; the one that this cuts is not among them.
        horizon = max(today, line.recurring_start) + 4 * line.recurring_interval * step
        end = line.recurring_end and line.recurring_end + timedelta(days=1)
        result = []
        for period, whole in self._get_periods(line, min(end or horizon, horizon)):
            result.append((period, whole))
            if self._get_due_date(line, period) > today:
                break
        return result

    def _get_due_date(self, line, period):
        start, end = period
        return end - timedelta(days=1) if line.recurring_timing == "arrears" else start

    def _prepare_item(self, line, period, whole):
        fee = line._billing_total()
        amount = self._get_amount(line, fee, period, whole)
        return {
            "kind": "period",
            "order_line_id": line.id,
            "period_start": period[0],
            "period_end": period[1],
            "date": self._get_due_date(line, period),
            "description": self._for_client(line)._describe_period(line, period),
            "standard_amount": float(amount),
            "amount": float(amount),
            "blocked_reason": False if fee else "no_price",
            "explanation": self._explain(line, fee, amount, period, whole),
        }

    def _get_amount(self, line, fee, period, whole):
        decimals = line.currency_id.decimal_places
        if period == whole or line.recurring_proration == "none":
            return rounding.money(fee, decimals)
        return recurring.prorate(
            fee, *period, *whole, method=line.recurring_proration or "actual", decimals=decimals
        )

    def _describe_period(self, line, period):
        return self.env._(
            "%(line)s: service period %(period)s",
            line=line._get_bill_label(),
            period=self._format_period(period),
        )

    def _format_period(self, period):
        start, end = period
        return self.env._(
            "%(start)s to %(end)s",
            start=format_date(self.env, start),
            end=format_date(self.env, end - timedelta(days=1)),
        )

    def _explain(self, line, fee, amount, period, whole):
        currency = line.currency_id
        steps = [
            self.env._(
                "Fee for the period %(period)s: %(fee)s",
                period=self._format_period(whole),
                fee=currency.format(float(fee)),
            )
        ]
        if period != whole:
            steps.append(
                self.env._(
                    "Of it %(part)s, %(days)s of %(all_days)s days, %(method)s: %(amount)s",
                    part=self._format_period(period),
                    days=(period[1] - period[0]).days,
                    all_days=(whole[1] - whole[0]).days,
                    method=self._get_proration_label(line),
                    amount=currency.format(float(amount)),
                )
            )
        return "\n".join(steps)

    def _get_proration_label(self, line):
        return {
            "none": self.env._("billed in full"),
            "fixed_30": self.env._("counted in months of 30 days"),
            "30_360": self.env._("counted in years of 360 days"),
        }.get(line.recurring_proration, self.env._("counted by actual days"))

    # -- billing --------------------------------------------------------------------------------

    def _get_billed_order_quantity(self, line, billed):
        """The ordered quantity once for each period, whatever its price was."""
        return float(rounding.decimal(line.product_uom_qty) * rounding.decimal(billed["quantity"]))

    def _is_all_billed(self, line):
        """A fee without an end goes on; one with an end is done with its last period."""
        if not line.recurring_end:
            return False
        items = line.sudo().billing_item_ids
        settled = {item.period_start for item in items if not item.is_open}
        periods = self._get_periods(line, line.recurring_end + timedelta(days=1))
        return bool(periods) and all(start in settled for (start, _end), _whole in periods)
