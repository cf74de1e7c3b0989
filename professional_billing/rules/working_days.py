"""Working days: to which day a date moves that falls on a weekend or a holiday."""

import datetime

SATURDAY_SUNDAY = (5, 6)


def roll_forward(day, holidays=(), weekend=SATURDAY_SUNDAY):
    """Return `day`, or the next working day when it is none (as section 193 of the German BGB).

    :param holidays: collection of dates
    :param weekend: days of the week, Monday is 0
    :raise ValueError: when the weekend leaves no day to work
    """
    if set(weekend) >= set(range(7)):
        raise ValueError("A weekend of seven days leaves no working day.")
    while day.weekday() in weekend or day in holidays:
        day += datetime.timedelta(days=1)
    return day
