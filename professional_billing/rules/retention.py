"""Retention (retainage, holdback): what of a claim is held back, and what is released later.

Amounts are in the currency, before tax. `held` is what is retained so far, less what was given
back or released.
"""

from decimal import ROUND_FLOOR, Decimal

from .rounding import decimal, money, quantize


def retain(work, percent, held=0, maximum=None, decimals=2):
    """Return what this claim holds back: a percentage of its work, while below the maximum.

    Each claim is rounded on its own. A credit (negative work) gives back its percentage, shown
    as a negative amount, but never more than is held; also where the maximum had held back less
    than the percentage. What it gives back, later claims may hold back again.

    :param work: value of this claim, not to date
    :param percent: percentage of the work, 0-100
    :param maximum: most that may be held at any time, or None; one that is below `held` by now
        holds back nothing more and gives back nothing
    :raise ValueError: on a percentage below 0 or above 100
    """
    percent, held = _percentage(percent), decimal(held)
    amount = money(decimal(work) * percent / 100, decimals)
    if amount < 0:
        return -min(-amount, _room(held, decimals))
    if maximum is None:
        return amount
    return min(amount, _room(decimal(maximum) - held, decimals))


def _room(amount, decimals):
    return max(quantize(amount, decimals, ROUND_FLOOR), Decimal(0))


def _percentage(value):
    value = decimal(value)
    if not 0 <= value <= 100:
        raise ValueError(f"A percentage must be between 0 and 100, not {value}.")
    return value


def release(held, percent=None, amount=None, decimals=2):
    """Return what to release: a percentage of what is held now, or an amount.

    The percentage is of the retention, not of the work (as MYOB has it): 20 % of 500 is 100.

    :param percent: percentage of `held`, 0-100; 100 releases everything
    :raise ValueError: with neither or both of percentage and amount, on a percentage below 0 or
        above 100, on a negative amount or one above `held`
    """
    held = money(held, decimals)
    if (percent is None) == (amount is None):
        raise ValueError("A release needs either a percentage or an amount.")
    if percent is not None:
        return money(held * _percentage(percent) / 100, decimals)
    amount = money(amount, decimals)
    if not 0 <= amount <= held:
        raise ValueError(f"Between 0 and {held} can be released, not {amount}.")
    return amount
