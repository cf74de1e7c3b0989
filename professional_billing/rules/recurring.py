"""Recurring fees: the periods they are billed for, and what a part of a period costs.

Periods are half-open, [start, end): the end is the first day that is not in it. Amounts are in the
currency. The ways of counting days are Zuora's three: actual days, months of 30, and 30/360.
"""

import calendar
import datetime

from .day_counts import days_360
from .rounding import decimal, money

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def periods(start, end, unit, interval=1, anchor_day=None):
    """Return the billing periods of [start, end), which they cover without gap or overlap.

    All are whole billing periods, except that the first may begin late and the last is cut at
    `end`; `whole_periods` has them uncut. Every date is counted from the first one, so a contract
    of the 31st is billed on 28 February and on 31 March again.

    :param unit: `day`, `week`, `month`, `quarter` or `year`
    :param interval: units to a period
    :param anchor_day: day of the month (1-31, the last one where a month is shorter) on which
        periods begin, for units of months; the first period then runs from `start` to the next
        such day, in whichever month. Without it periods begin on the day `start` has.
    :return: list of (start, end), empty when `start` is `end`
    :raise ValueError: on an unknown unit, an interval that is no positive whole number, an anchor
        that is no day of a month or has a unit of days, or an end before the start
    """
    return [
        (max(first, start), min(after, end))
        for first, after in whole_periods(start, end, unit, interval, anchor_day)
    ]


def whole_periods(start, end, unit, interval=1, anchor_day=None):
    """Return, one for one, the uncut billing periods that `periods` are parts of.

    These are what `prorate` needs to know: a fee for [8 April, 1 July) by calendar months begins
    with a part of [1 April, 1 May).
    """
    if end < start:
        raise ValueError("The end must not be before the start.")
    edge = _edges(start, unit, interval, anchor_day)
    index = 0 if edge(0) == start else -1
    result = []
    while start < end and edge(index) < end:
        result.append((edge(index), edge(index + 1)))
        index += 1
    return result


def _edges(start, unit, interval, anchor_day):
    """Return a function from n to the n-th date a period begins, the first from `start` on is 0."""
    if interval != int(interval) or interval < 1:
        raise ValueError("The interval must be a positive whole number.")
    if unit in _DAYS:
        if anchor_day is not None:
            raise ValueError(
                "Only periods of months, quarters or years begin on a day of the month."
            )
        days = _DAYS[unit] * int(interval)
        return lambda index: start + datetime.timedelta(days=days * index)
    if unit not in _MONTHS:
        raise ValueError(f"Unknown unit {unit!r}: use day, week, month, quarter or year.")
    day = start.day if anchor_day is None else anchor_day
    if not 1 <= day <= 31:
        raise ValueError("The day of the month must be between 1 and 31.")
    months = _MONTHS[unit] * int(interval)
    origin = _month(start)
    if _on(origin, day) < start:
        origin += 1
    return lambda index: _on(origin + months * index, day)


def _month(day):
    return day.year * 12 + day.month - 1


def _on(month, day):
    """Return that day of a month counted by `_month`, or the month's last."""
    year, month = divmod(month, 12)
    return datetime.date(year, month + 1, min(day, calendar.monthrange(year, month + 1)[1]))


def prorate(amount, start, end, period_start, period_end, method="actual", decimals=2):
    """Return what [start, end) costs of a period that costs `amount`.

    A part costs what has run up to its end less what has run up to its start, both counted from
    the period's start and rounded. So the parts of a period make its amount to the cent, in all
    methods and however it is cut; a part's place in the period can move it by a cent.

    * `actual`: days / days of the period.
    * `fixed_30`: days / 30 x months of the period, counted from its start. Days beyond that are
      free; where there are fewer, as in February, the last one costs what is missing.
    * `30_360`: days by the European 30/360 rule (the 31st is taken for the 30th), over the
      period's days by the same rule.

    :param amount: price of the whole period, negative for a refund
    :raise ValueError: when the part is not inside the period, on an unknown method, or for
        `fixed_30` on a part of a period that is not made of whole months
    """
    if not period_start <= start <= end <= period_end or period_start == period_end:
        raise ValueError("The part must lie inside the period and not end before it starts.")
    if method not in _RUN_UP:
        raise ValueError(f"Unknown proration {method!r}: use actual, fixed_30 or 30_360.")

    def run_up(day):
        if day in (period_start, period_end):
            return money(amount if day == period_end else 0, decimals)
        days, whole = _RUN_UP[method](period_start, day, period_end)
        return money(decimal(amount) * min(days, whole) / whole, decimals)

    return run_up(end) - run_up(start)


def _actual(start, day, end):
    return (day - start).days, (end - start).days


def _fixed_30(start, day, end):
    months, anchor = _month(end) - _month(start), max(start.day, end.day)
    if months < 1 or _on(_month(start), anchor) != start or _on(_month(end), anchor) != end:
        raise ValueError("Months of 30 days need a period of whole months.")
    return (day - start).days, 30 * months


def _30_360(start, day, end):
    return days_360(day) - days_360(start), days_360(end) - days_360(start)


_RUN_UP = {"actual": _actual, "fixed_30": _fixed_30, "30_360": _30_360}
