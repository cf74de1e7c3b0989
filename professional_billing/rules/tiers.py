"""Prices by volume: what a quantity costs when the unit price depends on it.

Tiers are (upper bound, unit price), lowest first. A bound belongs to its own tier: bounds 10 and
None are 1-10 and 11 on. The last bound is None where there is no end.
"""

from decimal import Decimal

from .rounding import decimal, money

MARGINAL = "marginal"  # each unit at the price of the tier it falls in
WHOLE = "whole"  # all units at the price of the tier the last one falls in


def price(quantity, tiers, mode=MARGINAL, decimals=2):
    """Return what `quantity` costs: its parts by tier, each rounded as its invoice line is.

    By whole volume one unit more can cost less, where it takes all to a cheaper tier.

    :raise ValueError: as `split`
    """
    parts = (money(part * unit, decimals) for part, unit in split(quantity, tiers, mode))
    return sum(parts, money(0, decimals))


def split(quantity, tiers, mode=MARGINAL):
    """Return the parts of `quantity` by unit price, so that each can be a line of an invoice.

    :param tiers: list of (upper bound or None, unit price)
    :param mode: `marginal` or `whole`
    :return: list of (quantity, unit price), lowest tier first, empty for a quantity of zero
    :raise ValueError: on a negative quantity or one above the last bound, an unknown mode, or
        bounds that do not ascend from zero
    """
    quantity, tiers = decimal(quantity), _checked(tiers)
    if mode not in (MARGINAL, WHOLE):
        raise ValueError(f"Unknown way to price a volume {mode!r}: use marginal or whole.")
    if quantity < 0:
        raise ValueError("A quantity priced by volume must not be negative.")
    parts, below = [], Decimal(0)
    for bound, unit in tiers:
        if quantity <= below:
            break
        upper = quantity if bound is None else min(quantity, bound)
        parts.append((upper - below, unit))
        below = upper
    if below < quantity:
        raise ValueError(f"No price for a quantity of {quantity}: the last tier ends at {below}.")
    if mode == WHOLE and parts:
        return [(quantity, parts[-1][1])]
    return parts


def _checked(tiers):
    tiers = [(None if bound is None else decimal(bound), decimal(unit)) for bound, unit in tiers]
    if not tiers:
        raise ValueError("Prices by volume need at least one tier.")
    below = Decimal(0)
    for bound, _unit in tiers[:-1] if tiers[-1][0] is None else tiers:
        if bound is None:
            raise ValueError("Only the last tier can be without an upper bound.")
        if bound <= below:
            raise ValueError("Upper bounds must be above zero and ascend from tier to tier.")
        below = bound
    return tiers
