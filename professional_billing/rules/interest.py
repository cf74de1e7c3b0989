"""Late-payment interest: simple interest on what was open, day by day, and why it is that much.

Interest runs from the day after the due date on the balance of that day, so it follows the history
of payments and not what is open today. Balances are with tax, percentages are a year. Amounts are
kept as exact fractions until they are rounded, half up, where `rounding` says.
"""

import datetime
import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from . import day_counts, recurring, reference_rates
from .compensation import compensation as compensation
from .reference_rates import RateMissing as RateMissing
from .reference_rates import RateStale as RateStale
from .rounding import decimal

TOTAL = "total"  # once, at the end
SEGMENT = "segment"  # each segment, as lines of an invoice are
DAY = "day"  # the interest of one day, which is then multiplied
ROUNDINGS = (TOTAL, SEGMENT, DAY)

NONE = "none"
#: Unit after which interest is added to the balance: never but by law (Netherlands) or contract.
COMPOUNDINGS = {NONE: None, "yearly": "year", "monthly": "month"}

FROM_DUE_DATE = "due"  # the credit corrects the bill, which was never owed in full
FROM_ITS_DATE = "date"

_ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Segment:
    """Days, first and last included, with one balance and one rate.

    amount = balance x rate / 100 x days / year_days, rounded only if `rounding` says so.
    """

    start: datetime.date
    end: datetime.date
    days: int
    balance: Decimal
    rate: Decimal
    year_days: int
    amount: Decimal


@dataclass(frozen=True)
class Interest:
    """Interest rounded to the currency, and the segments it is made of."""

    total: Decimal
    segments: tuple = ()


def late_interest(
    principal,
    due,
    until,
    rates,
    payments=(),
    credits=(),
    margin=0,
    fixing=reference_rates.FLOATING,
    day_count=day_counts.ACT_365,
    count_payment_day=True,
    rounding=TOTAL,
    compounding=NONE,
    decimals=2,
    *,
    grace_days=0,
    credits_from=FROM_DUE_DATE,
    stale_after=None,
):
    """Return the `Interest` on a debt that was due on `due`, up to and including `until`.

    Payments lower the principal: what they settle of the interest is the caller's to take off
    first. A negative payment is one that was returned. Interest that a former bill asked for is no
    principal either; without `compounding` nothing bears interest but the principal.

    :param due: due date, moved to a working day by the caller where the law does so
    :param rates: list of (first day, percentage), see `reference_rates`
    :param payments: list of (date, amount), in any order
    :param credits: list of (date, amount) credited, positive
    :param margin: percentage points on top of the rates; the sum is never below zero
    :param fixing: `floating`, `half_year` or `at_default`
    :param day_count: `act/365`, `act/act`, `act/360` or `30e/360`, see `day_counts`
    :param count_payment_day: whether the day of a payment still bears interest on it
    :param rounding: `total`, `segment` or `day`
    :param compounding: `none`, `yearly` or `monthly`: then interest joins the balance, rounded
    :param grace_days: days after the due date that bear no interest
    :param credits_from: `due`: credits count from the start; `date`: from their day, as payments
    :param stale_after: last day the rates are known for, as `reference_rates.stale_after` says;
        without it the last one holds for ever, as that of a contract does
    :raise ValueError: on a negative principal or grace, or an unknown option
    :raise RateMissing: when there is no rate for a day with a balance (`RateStale`: not any more)
    """
    principal = decimal(principal)
    _check(principal, grace_days, rounding, compounding, credits_from)
    first = due + datetime.timedelta(days=1 + grace_days)
    table = reference_rates.Table(rates, first, margin, fixing, stale_after)
    reductions = _reductions(payments, count_payment_day)
    if credits_from == FROM_ITS_DATE:
        reductions += _reductions(credits, count_payment_day)
    else:
        reductions += [(first, decimal(amount)) for _date, amount in credits]
    anniversaries = _anniversaries(first, until, compounding)
    cuts = {day for day, _amount in reductions}.union(
        table.changes(until), anniversaries, day_counts.year_starts(first, until, day_count)
    )
    segments, added = [], Decimal(0)
    for start, end in _spans(first, until, cuts):
        if start in anniversaries:
            added = _total(segments, rounding, decimals)
        balance = principal + added - sum(paid for day, paid in reductions if day <= start)
        if balance > 0:
            _append(segments, start, end, balance, table.percent(start), day_count)
    explained = (
        replace(segment, amount=_decimal(_amount(segment, rounding, decimals)))
        for segment in segments
    )
    return Interest(_total(segments, rounding, decimals), tuple(explained))


def _check(principal, grace_days, rounding, compounding, credits_from):
    if principal < 0 or grace_days < 0:
        raise ValueError("Neither the principal nor the days of grace must be negative.")
    for title, value, known in (
        ("rounding", rounding, ROUNDINGS),
        ("compounding", compounding, COMPOUNDINGS),
        ("start of credits", credits_from, (FROM_DUE_DATE, FROM_ITS_DATE)),
    ):
        if value not in known:
            raise ValueError(f"Unknown {title} {value!r}: use {', '.join(known)}.")


def _reductions(payments, count_payment_day):
    """Return (first day on which the balance is lower, by how much) for each payment."""
    later = _ONE_DAY if count_payment_day else datetime.timedelta(0)
    return [(date + later, decimal(amount)) for date, amount in payments]


def _anniversaries(first, until, compounding):
    """Return the days on which the interest of a year or month before joins the balance."""
    unit = COMPOUNDINGS[compounding]
    if unit is None or until < first:
        return []
    return [start for start, _end in recurring.periods(first, until + _ONE_DAY, unit)][1:]


def _spans(first, until, cuts):
    """Yield (first day, last day) of the spans that `cuts`, each the first of one, make."""
    starts = [first, *sorted(day for day in cuts if first < day <= until)]
    for start, following in zip(starts, [*starts[1:], until + _ONE_DAY], strict=True):
        if start < following:
            yield start, following - _ONE_DAY


def _append(segments, start, end, balance, rate, day_count):
    """Add a segment, or lengthen the last one when nothing has changed."""
    year_days = day_counts.year_days(start, day_count)
    if segments:
        last = segments[-1]
        same = (last.balance, last.rate, last.year_days) == (balance, rate, year_days)
        if same and last.end + _ONE_DAY == start:
            start = segments.pop().start
    days = day_counts.days(start - _ONE_DAY, end, day_count)
    segments.append(Segment(start, end, days, balance, rate, year_days, Decimal(0)))


def _amount(segment, rounding, decimals):
    """Return the interest of a segment as a Fraction, which no division makes inexact."""
    daily = Fraction(segment.balance) * Fraction(segment.rate) / (100 * segment.year_days)
    if rounding == DAY:
        daily = Fraction(_round(daily, decimals))
    amount = daily * segment.days
    return Fraction(_round(amount, decimals)) if rounding == SEGMENT else amount


def _total(segments, rounding, decimals):
    exact = (_amount(segment, rounding, decimals) for segment in segments)
    return _round(sum(exact, Fraction(0)), decimals)


def _round(amount, decimals):
    """Round a Fraction that is not negative half up."""
    return Decimal(math.floor(amount * 10**decimals + Fraction(1, 2))).scaleb(-decimals)


def _decimal(amount):
    return Decimal(amount.numerator) / Decimal(amount.denominator)
