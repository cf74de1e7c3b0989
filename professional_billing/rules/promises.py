"""Promises to pay: kept or broken, judged by the days on which money came.

What counts is the accounting date of a payment, not the day the bank statement was imported. So
a promise that is past its date waits until the bank is known through that date.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from .metrics import BROKEN, KEPT
from .rounding import decimal

PENDING = "pending"  # there is time left
PENDING_LATE = "pending_late"  # the time is over, the bank not yet known

_NOTHING = Decimal(0)


@dataclass(frozen=True)
class Promise:
    """`amount` was promised on `made` to be paid by `date`.

    `tolerance_days` and `tolerance` (an amount) say by how much it may be missed.
    """

    amount: Decimal
    made: datetime.date
    date: datetime.date
    tolerance_days: int = 0
    tolerance: Decimal = Decimal(0)

    @property
    def last_day(self):
        """The last day on which a payment keeps it, and on which it holds back reminders."""
        return self.date + datetime.timedelta(days=self.tolerance_days)


@dataclass(frozen=True)
class Verdict:
    """State of a promise, what was paid on it, and that in percent of what was promised."""

    state: str
    paid: Decimal
    kept_ratio: Decimal


def judge(promise, payments, on, known_until=None):
    """Return the `Verdict` on a promise on a day.

    Part of it paid in time is not a promise kept, but broken by that much.

    :param payments: list of (accounting date, amount), allocated or on account; negative ones
        were returned
    :param on: date of the decision; payments after it are not known yet
    :param known_until: day through which the bank is reconciled, None for through `on`
    :raise ValueError: when the amount promised is not positive
    """
    amount = decimal(promise.amount)
    if amount <= 0:
        raise ValueError("A promise must be of an amount above zero.")
    last = min(promise.last_day, on)
    paid = sum((decimal(sum_) for day, sum_ in payments if promise.made <= day <= last), _NOTHING)
    ratio = 100 * max(min(paid, amount), _NOTHING) / amount
    if paid >= amount - decimal(promise.tolerance):
        return Verdict(KEPT, paid, ratio)
    if on <= promise.last_day:
        return Verdict(PENDING, paid, ratio)
    known = known_until is None or known_until >= promise.last_day
    return Verdict(BROKEN if known else PENDING_LATE, paid, ratio)
