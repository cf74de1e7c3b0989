"""What a client pays for an expense: its cost or sales price, the mark-up, the most for one expense.

Amounts are in the currency of the bill. A limit on all expenses of a kind together is not for here:
it is granted bill by bill (`caps`).
"""

from dataclasses import dataclass
from decimal import Decimal

from . import caps
from .rounding import decimal, money


@dataclass(frozen=True)
class Charge:
    """What one expense costs the client: base + markup = amount + excess."""

    base: Decimal
    markup: Decimal
    amount: Decimal
    excess: Decimal

    @property
    def value(self):
        """The expense with its mark-up, before the limit."""
        return self.base + self.markup


def charge(base, markup=0, limit=0, decimals=2):
    """Return the `Charge` for an expense of `base`.

    The mark-up is rounded by itself, so that cost, mark-up and sum read right on one line. The
    limit holds for cost and mark-up together. Money that came back (below zero) passes whole.

    :param base: cost or sales price, rounded to `decimals` first
    :param markup: percent of the base
    :param limit: most that is charged, 0 for no limit
    :raise ValueError: on a mark-up that takes more than the base, or a limit below zero
    """
    base, markup, limit = money(base, decimals), decimal(markup), decimal(limit)
    if markup < -100 or limit < 0:
        raise ValueError("A mark-up is -100 percent or more, a limit zero or more.")
    added = money(base * markup / 100, decimals)
    value = base + added
    granted = caps.grant(money(limit, decimals), 0, value, caps.WRITE_DOWN).granted
    amount = granted if limit else value
    return Charge(base, added, amount, value - amount)
