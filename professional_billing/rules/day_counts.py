"""Day counts: how many days, of a year of how many, interest runs for.

The first day never counts and the last one does, so that what runs from a due date runs from the
day after it. `act/365` (fixed), `act/act` (each day in its own year, as ISDA's), `act/360` and
`30e/360` (the European rule: the 31st is taken for the 30th) are the market's names. A percentage
a month is twelve times that a year by `30e/360`, or by `act/360` where a month means 30 days.
"""

import calendar
import datetime

ACT_365 = "act/365"
ACT_ACT = "act/act"
ACT_360 = "act/360"
THIRTY_360 = "30e/360"
DAY_COUNTS = (ACT_365, ACT_ACT, ACT_360, THIRTY_360)

_YEARS = {ACT_365: 365, ACT_360: 360, THIRTY_360: 360}


def days(after, last, convention=ACT_365):
    """Return the days after `after` up to `last`, which counts.

    Spans that follow on each other have the days of the whole, in every convention.

    :raise ValueError: on an unknown convention
    """
    _check(convention)
    if convention == THIRTY_360:
        return days_360(last) - days_360(after)
    return (last - after).days


def year_days(day, convention=ACT_365):
    """Return the days of the year that `day` is a part of.

    :raise ValueError: on an unknown convention
    """
    _check(convention)
    if convention == ACT_ACT:
        return 366 if calendar.isleap(day.year) else 365
    return _YEARS[convention]


def year_starts(first, last, convention=ACT_365):
    """Return the days after `first`, up to `last`, on which a year of other length may begin.

    :raise ValueError: on an unknown convention
    """
    _check(convention)
    if convention != ACT_ACT:
        return []
    return [datetime.date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]


def days_360(day):
    """Return the number of a day when all months have 30: the 31st has that of the 30th."""
    return 360 * day.year + 30 * (day.month - 1) + min(day.day, 30)


def _check(convention):
    if convention not in DAY_COUNTS:
        raise ValueError(f"Unknown day count {convention!r}: use {', '.join(DAY_COUNTS)}.")
