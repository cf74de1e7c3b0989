"""Ageing: what is open, by how old it is.

Receivables are aged by due date, so the first bucket begins a day late and what is not yet due
stands apart; work in progress is aged by the day of the work, from day 0. Credits that are not
allocated stand apart too: they would hide what is late. Amounts are in one currency.
"""

import bisect
import itertools
from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal

BOUNDS = (30, 60, 90, 120)


@dataclass(frozen=True)
class Bucket:
    """Days of age, first and last included, the last None where there is no end."""

    first: int
    last: int | None
    amount: Decimal


@dataclass(frozen=True)
class Ageing:
    """Receivables that are not yet due, late by bucket, and credits, which are negative."""

    not_due: Decimal
    buckets: tuple
    credits: Decimal

    @property
    def late(self):
        return sum((bucket.amount for bucket in self.buckets), Decimal(0))

    @property
    def total(self):
        return self.not_due + self.late + self.credits


def receivables(items, on, bounds=BOUNDS):
    """Return the `Ageing` of open items on a day: not due, 1-30, 31-60, ... days late.

    :param items: list of (due date, open amount on that day); negative ones are credits
    :raise ValueError: when the bounds, the last days of the buckets, do not ascend
    """
    owed = [(date, amount) for date, amount in items if amount > 0]
    not_due = sum((decimal(amount) for date, amount in owed if date >= on), Decimal(0))
    credits = sum((decimal(amount) for _date, amount in items if amount < 0), Decimal(0))
    return Ageing(not_due, _buckets(owed, on, 1, bounds), credits)


def work(items, on, bounds=BOUNDS):
    """Return the `Bucket`s of work in progress on a day: 0-30, 31-60, ... days old.

    What is dated after the day is not in them: it was not there yet. Corrections, which are
    negative, are as old as the day they are dated.

    :param items: list of (day of the work or since it is ready to bill, open amount)
    :raise ValueError: when the bounds do not ascend
    """
    return _buckets(items, on, 0, bounds)


def _buckets(items, on, first, bounds):
    if any(one >= two for one, two in itertools.pairwise((first - 1, *bounds))):
        raise ValueError("The bounds of an ageing must ascend.")
    amounts = [Decimal(0)] * (len(bounds) + 1)
    for date, amount in items:
        age = (on - date).days
        if age >= first:
            amounts[bisect.bisect_left(bounds, age)] += decimal(amount)
    firsts = [first, *(bound + 1 for bound in bounds)]
    return tuple(map(Bucket, firsts, [*bounds, None], amounts))
