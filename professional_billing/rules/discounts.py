"""A discount on bills that depends on what has been billed: a fixed amount, or by volume.

What is due on a bill is what the volume so far has earned less what was given, so that a credit
note, a changed agreement or a step to a better percentage is made up for on the next bill.
"""

from decimal import Decimal

from . import tiers
from .rounding import decimal, money


def earned(volume, rows, mode=tiers.MARGINAL, decimals=2):
    """Return the discount that `volume` has earned by percentages of its parts, or of all of it.

    :param volume: value billed, in the currency; below zero earns nothing
    :param rows: list of (upper bound or None, percent 0-100), lowest first
    :param mode: `marginal` or `whole`, as `tiers.split`
    :raise ValueError: on a percentage below 0 or above 100, and as `tiers.split`
    """
    if any(not 0 <= decimal(percent) <= 100 for _bound, percent in rows):
        raise ValueError("A discount is a percentage between 0 and 100.")
    parts = tiers.split(max(decimal(volume), Decimal(0)), rows, mode)
    total = sum((part * percent / 100 for part, percent in parts), Decimal(0))
    return money(total, decimals)


def due(target, given, work):
    """Return what comes off a bill of `work`: what is missing of `target`, never more than the bill.

    :param target: discount to date, from `earned` or as agreed
    :param given: discount on bills so far, less credited
    :return: Decimal, zero or more; a bill that is itself zero or less gets none
    """
    missing = max(decimal(target) - decimal(given), Decimal(0))
    return min(missing, max(decimal(work), Decimal(0)))
