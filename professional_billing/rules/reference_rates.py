"""Reference rates: which interest rate is in force on a day, by a dated table.

A table is a list of (first day, percentage a year), in any order; a row holds until the next one
begins. A rate that is not in the table is an error, never zero.
"""

import datetime
import itertools
from decimal import ROUND_CEILING, Decimal

from .rounding import decimal

FLOATING = "floating"  # every day at its own rate (Germany, France, Italy)
HALF_YEAR = "half_year"  # every day at the rate of 1 January or 1 July before it (EU directive)
AT_DEFAULT = "at_default"  # all days at the rate of the first one (United Kingdom, Ireland)
FIXINGS = (FLOATING, HALF_YEAR, AT_DEFAULT)


class RateMissing(LookupError):
    """The table has no rate for `day`."""

    def __init__(self, day, message=None):
        super().__init__(message or f"There is no interest rate for {day}.")
        self.day = day


class RateStale(RateMissing):
    """The table ends too early for its last rate to be relied on for `day`."""

    def __init__(self, day, stale_after):
        super().__init__(day, f"The interest rates are not known after {stale_after}: add {day}'s.")
        self.stale_after = stale_after


class Table:
    """The rates of one debt: those of a table as fixed for it, plus a margin, never below zero.

    :param rates: list of (first day, percentage)
    :param first: first day of interest
    :param margin: percentage points on top
    :param fixing: `floating`, `half_year` or `at_default`
    :param stale_after: last day the table speaks of, None where the last row holds for ever
    :raise ValueError: on an unknown fixing, or two rates from the same day
    """

    def __init__(self, rates, first, margin=0, fixing=FLOATING, stale_after=None):
        if fixing not in FIXINGS:
            raise ValueError(f"Unknown fixing {fixing!r}: use {', '.join(FIXINGS)}.")
        self._rates, self._first, self._fixing = _checked(rates), first, fixing
        self._margin, self._stale_after = decimal(margin), stale_after

    def percent(self, day):
        """Return the percentage a year for `day`.

        :raise RateMissing: when the table begins later
        :raise RateStale: when the table was not kept up until then
        """
        known = self._first if self._fixing == AT_DEFAULT else day
        if self._stale_after is not None and known > self._stale_after:
            raise RateStale(known, self._stale_after)
        fixed_on = half_year_start(day) if self._fixing == HALF_YEAR else known
        return max(rate_on(self._rates, fixed_on) + self._margin, Decimal(0))

    def changes(self, last):
        """Return the days after the first one, up to `last`, on which the rate may change."""
        if self._fixing == FLOATING:
            found = [day for day, _percent in self._rates]
        elif self._fixing == HALF_YEAR:
            years = range(self._first.year, last.year + 1)
            found = [datetime.date(year, month, 1) for year in years for month in (1, 7)]
        else:
            found = []
        if self._stale_after is not None and self._fixing != AT_DEFAULT:
            found.append(self._stale_after + datetime.timedelta(days=1))
        return [day for day in found if self._first < day <= last]


def rate_on(rates, day):
    """Return the percentage of the last row that begins on `day` or before.

    :raise RateMissing: when all rows begin later, or there are none
    """
    begun = [row for row in rates if row[0] <= day]
    if not begun:
        raise RateMissing(day)
    return decimal(max(begun)[1])


def stale_after(rates, months=6, days=15):
    """Return the last day for which a table that is published at intervals can be relied on.

    :param months: interval of publication, counted from the first day of the newest row
    :param days: time to enter a new rate
    :raise ValueError: without rates
    """
    if not rates:
        raise ValueError("A table without rates cannot be stale.")
    newest = max(day for day, _percent in rates)
    year, month = divmod(newest.year * 12 + newest.month - 1 + months, 12)
    # Every month has a 28th, and no rate is published for a later day.
    next_one = datetime.date(year, month + 1, min(newest.day, 28))
    return next_one + datetime.timedelta(days=days)


def half_year_start(day):
    return datetime.date(day.year, 1 if day.month < 7 else 7, 1)


def round_up(percent, step="0.5"):
    """Return a percentage rounded up to a multiple of `step`, as Belgium publishes its rate."""
    step = decimal(step)
    return (decimal(percent) / step).to_integral_value(rounding=ROUND_CEILING) * step


def annual_percent(monthly, stated=False, cap=5):
    """Return the percentage a year that a contract with a percentage a month can ask for.

    Unless the contract states the yearly rate too, no more than `cap` a year is enforceable
    (Canada's Interest Act, section 4). Nothing compounds: a year has twelve times the month.

    :param stated: whether the contract states the yearly rate
    """
    annual = 12 * decimal(monthly)
    return annual if stated else min(annual, decimal(cap))


def _checked(rates):
    rates = sorted((day, decimal(percent)) for day, percent in rates)
    for (one, _), (other, _) in itertools.pairwise(rates):
        if one == other:
            raise ValueError(f"There are two interest rates from {one} on.")
    return rates
