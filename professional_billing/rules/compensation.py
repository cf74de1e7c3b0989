"""Fixed compensation for a late payment: one sum, steps by the debt, or percentages of its parts.

Amounts are in the currency the scale is made for.
"""

from dataclasses import dataclass
from decimal import Decimal

from . import tiers
from .rounding import decimal, money


@dataclass(frozen=True)
class Steps:
    """The fee of the last step that begins at or below the debt: ((from, fee), ...)."""

    steps: tuple

    def fee(self, principal, decimals):
        return money(max(step for step in self.steps if step[0] <= principal)[1], decimals)


@dataclass(frozen=True)
class Percentages:
    """Each part of the debt at its percentage: ((upper bound or None, percent), ...)."""

    parts: tuple
    minimum: Decimal = Decimal(0)
    maximum: Decimal | None = None

    def fee(self, principal, decimals):
        parts = tiers.split(principal, self.parts)
        fee = max(sum(part * percent for part, percent in parts) / 100, decimal(self.minimum))
        return money(fee if self.maximum is None else min(fee, decimal(self.maximum)), decimals)


SCALES = {
    # Directive 2011/7/EU, article 6, in EUR.
    "eu": Steps(((0, 40),)),
    # Late Payment of Commercial Debts (Interest) Act 1998, section 5A, in GBP.
    "uk": Steps(((0, 40), (1000, 70), (10000, 100))),
    # Netherlands, extrajudicial collection costs (WIK), in EUR.
    "nl_wik": Percentages(
        ((2500, 15), (5000, 10), (10000, 5), (200000, 1), (None, Decimal("0.5"))), 40, 6775
    ),
}


def compensation(scale, principal, charged=0, decimals=2):
    """Return the fixed sum that one late payment allows to charge.

    :param scale: `eu`, `uk`, `nl_wik`, or `Steps` or `Percentages` of your own
    :param principal: what was paid late, with tax; nothing is due on zero
    :param charged: reminder fees charged before, where they are deducted (Norway)
    :raise ValueError: on an unknown scale, a negative amount, or a debt below the first step
    """
    principal, charged = decimal(principal), decimal(charged)
    if isinstance(scale, str):
        if scale not in SCALES:
            raise ValueError(f"Unknown scale {scale!r}: use {', '.join(SCALES)} or your own.")
        scale = SCALES[scale]
    if principal < 0 or charged < 0:
        raise ValueError("What was paid late and what was charged must not be negative.")
    if not principal:
        return money(0, decimals)
    return max(scale.fee(principal, decimals) - charged, money(0, decimals))
