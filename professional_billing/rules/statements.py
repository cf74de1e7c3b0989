"""Statements of account: what was open before, what came and went, and what is open at the end.

Amounts are in one currency, what the customer owes positive, what they have paid or were credited
negative. They are exact, so that a balance is the sum of its rows.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from .rounding import decimal


@dataclass(frozen=True)
class Entry:
    """One document, payment or settlement; `balance` is what is owed after it."""

    date: date
    name: str
    kind: str
    amount: Decimal
    balance: Decimal = Decimal(0)


@dataclass(frozen=True)
class Activity:
    """Entries of a period with the balance before the first and after the last of them."""

    opening: Decimal
    entries: tuple
    closing: Decimal

    def total(self, *kinds):
        """Return the sum of the entries of these kinds."""
        return sum((entry.amount for entry in self.entries if entry.kind in kinds), Decimal(0))


def activity(entries, date_from, date_to):
    """Return the `Activity` of the days `date_from` to `date_to`, both included.

    :param entries: list of `Entry`, from the beginning, in the order in which they are shown on
        the same day; later ones are left out
    :raise ValueError: when the period ends before it begins
    """
    if date_to < date_from:
        raise ValueError("The period of a statement must not end before it begins.")
    ordered = sorted(entries, key=lambda entry: entry.date)
    opening = sum(
        (decimal(entry.amount) for entry in ordered if entry.date < date_from), Decimal(0)
    )
    balance, rows = opening, []
    for entry in ordered:
        if date_from <= entry.date <= date_to:
            balance += decimal(entry.amount)
            rows.append(replace(entry, balance=balance))
    return Activity(opening, tuple(rows), balance)
