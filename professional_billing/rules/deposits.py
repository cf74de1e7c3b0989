"""Deposits drawn down on bills: how much of each a bill takes, and what it leaves.

Amounts are in the currency. A deposit is counted in the terms of its price, which may include tax;
a bill by its value before tax and with tax.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from .rounding import decimal, quantize


@dataclass(frozen=True)
class Deposit:
    """What is left of a deposit: in terms of its price, and what a part of it is worth."""

    key: object
    taxes: Hashable
    left: Decimal
    value: Callable  # price -> (before tax, with tax)


@dataclass(frozen=True)
class Part:
    """What a bill charges under the same taxes."""

    taxes: Hashable
    untaxed: Decimal
    total: Decimal


def draw(deposits, parts, retained=0, decimals=2):
    """Return what a bill takes of each deposit, the oldest first.

    A bill takes as much as it can: what is payable before tax, and never so much that its total
    with tax would be below zero. Deposits go to work under their own taxes first, so that the tax
    paid with them is taken off the tax it was paid for; only then to what else is payable.

    :param deposits: list of `Deposit`, the oldest first
    :param parts: list of `Part`; negative ones lower what is payable
    :param retained: what is held back of the bill, without tax
    :return: list of (key, price), positive, without deposits that give nothing
    """
    room = [
        sum((decimal(part.untaxed) for part in parts), -decimal(retained)),
        sum((decimal(part.total) for part in parts), -decimal(retained)),
    ]
    own, taken = {}, {}
    for part in parts:
        own[part.taxes] = own.get(part.taxes, Decimal(0)) + decimal(part.untaxed)
    for matching in (True, False):
        for deposit in deposits:
            untaxed = min(room[0], own.get(deposit.taxes, Decimal(0))) if matching else room[0]
            before = taken.get(deposit.key, Decimal(0))
            price, worth = _fit(deposit, before, (untaxed, room[1]), decimals)
            if price:
                room = [limit - value for limit, value in zip(room, worth, strict=True)]
                own[deposit.taxes] = own.get(deposit.taxes, Decimal(0)) - worth[0]
                taken[deposit.key] = before + price
    return [(deposit.key, taken[deposit.key]) for deposit in deposits if deposit.key in taken]


def _fit(deposit, before, limits, decimals):
    """Return (the largest price beyond `before` whose worth fits the limits, that worth)."""
    nothing = Decimal(0), (Decimal(0), Decimal(0))
    left = quantize(decimal(deposit.left) - before, decimals, ROUND_FLOOR)
    if min(left, *limits) <= 0:
        return nothing
    start = deposit.value(before) if before else nothing[1]

    def worth(price):
        # What a bill takes in two steps stands on one line of it: its tax is that of both.
        return tuple(b - a for a, b in zip(start, deposit.value(before + price), strict=True))

    def fits(price):
        return all(value <= limit for value, limit in zip(worth(price), limits, strict=True))

    if fits(left):
        return left, worth(left)
    share = min(limit / value for limit, value in zip(limits, worth(left), strict=True) if value)
    guess = quantize(left * share, decimals, ROUND_FLOOR)
    # Tax is rounded: what fits is the guess or a cent beside it.
    cent = Decimal(1).scaleb(-decimals)
    for price in (guess + cent, guess, guess - cent):
        if 0 < price <= left and fits(price):
            return price, worth(price)
    return nothing
