"""Days of the demonstration, counted from today's month. Plain Python."""

import calendar
from datetime import date, timedelta
from typing import NamedTuple


class Day(NamedTuple):
    """A day of a month: `month` is 0 for today's, -1 for the last one; `day` 31 for its end."""

    month: int
    day: int

    def on(self, today):
        """Return the date, or the working day before when it falls on a weekend."""
        year, month = divmod(today.year * 12 + today.month - 1 + self.month, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return back_to_work(date(year, month + 1, min(self.day, last)), earliest=self.day > 2)


def back_to_work(day, earliest=True):
    """Return the working day at or before `day`, or after it when `earliest` is false."""
    step = timedelta(days=-1 if earliest else 1)
    while day.weekday() > 4:
        day += step
    return day


def month_end(today, month):
    """Return the last day of a month, a weekend or not."""
    first = date(today.year, today.month, 1)
    for _month in range(month, 0):
        first = (first - timedelta(days=1)).replace(day=1)
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def working_days(start, end):
    days = ((start + timedelta(days=count)) for count in range((end - start).days + 1))
    return [day for day in days if day.weekday() < 5]
