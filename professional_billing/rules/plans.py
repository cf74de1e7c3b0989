"""Payment plans: what of a plan is due, when it is in default, and what that makes due.

A plan has dates and amounts of its own; the due dates of the invoices in it stay as they are.
Payments settle the oldest instalment first.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal

ACTIVE = "active"
COMPLETED = "completed"
DEFAULTED = "defaulted"


@dataclass(frozen=True)
class Standing:
    """Where a plan stands.

    `due` is what can be asked for now, `left` what is open in all, `open` that by instalment in
    order of date. `defaulted_on` is the first day of default, also when all was paid after it.
    """

    state: str
    due: Decimal
    left: Decimal
    open: tuple
    next_date: datetime.date | None = None
    defaulted_on: datetime.date | None = None


def standing(instalments, payments, on, grace_days=0, accelerate=False, tolerance=0):
    """Return the `Standing` of a plan on a day.

    An instalment that is not paid by its date and the days of grace puts the plan in default from
    the next day on. Paying later does not mend that, unless it completes the plan.

    :param instalments: list of (date, amount), in any order
    :param payments: list of (accounting date, amount); those after `on` do not count
    :param accelerate: whether a default makes all the rest due
    :param tolerance: amount that may be missing at any date
    :raise ValueError: without instalments, or when one is not above zero
    """
    schedule = sorted((date, decimal(amount)) for date, amount in instalments)
    if not schedule or any(amount <= 0 for _date, amount in schedule):
        raise ValueError("A plan needs instalments, all of them above zero.")
    paid = _paid_by(payments, on)
    left = _open(schedule, paid)
    defaulted_on = _default(schedule, payments, on, grace_days, decimal(tolerance))
    whole = sum(left, Decimal(0))
    if whole <= decimal(tolerance):
        return Standing(COMPLETED, Decimal(0), whole, left, None, defaulted_on)
    if defaulted_on and accelerate:
        due = whole
    else:
        due = sum(
            (rest for (date, _), rest in zip(schedule, left, strict=True) if date <= on), Decimal(0)
        )
    upcoming = next(
        (date for (date, _), rest in zip(schedule, left, strict=True) if rest and date > on), None
    )
    state = DEFAULTED if defaulted_on else ACTIVE
    return Standing(state, due, whole, left, upcoming, defaulted_on)


def _paid_by(payments, day):
    return sum((decimal(amount) for date, amount in payments if date <= day), Decimal(0))


def _open(schedule, paid):
    """Return what is open on each instalment when `paid` settles the first ones first."""
    result = []
    for _date, amount in schedule:
        settled = min(max(paid, Decimal(0)), amount)
        paid -= settled
        result.append(amount - settled)
    return tuple(result)


def _default(schedule, payments, on, grace_days, tolerance):
    """Return the first day of default up to `on`, or None."""
    owed = Decimal(0)
    for date, amount in schedule:
        owed += amount
        last_day = date + datetime.timedelta(days=grace_days)
        if last_day < on and _paid_by(payments, last_day) < owed - tolerance:
            return last_day + datetime.timedelta(days=1)
    return None
