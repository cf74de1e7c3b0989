"""Rounding and splitting money so that the parts always add up.

Amounts are in a currency's units, `decimals` is the number of decimals of that currency
(0 for JPY, 2 for EUR, 3 for KWD). Floats are read by their shortest text, so `0.1` is one tenth.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

_TIME_ROUNDING = {"up": ROUND_CEILING, "nearest": ROUND_HALF_UP, "down": ROUND_FLOOR}


def decimal(value):
    """Return `value` (int, float, str or Decimal) as an exact Decimal."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def quantize(value, decimals, rounding=ROUND_HALF_UP):
    """Round `value` to `decimals` digits, halves away from zero unless told otherwise."""
    return decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=rounding)


def money(amount, decimals=2):
    """Round an amount of money half up (away from zero) to the currency's decimals."""
    return quantize(amount, decimals)


def hours(minutes, increment=6, minimum=0, mode="up"):
    """Turn worked minutes into billable hours.

    :param minutes: minutes worked, zero or more
    :param increment: billing step in minutes, e.g. 6 for tenths of an hour
    :param minimum: least minutes billed for any work at all
    :param mode: `up`, `nearest` (halves up) or `down`
    :return: Decimal hours, exact (not rounded to decimals)
    :raise ValueError: on negative minutes, an increment that is not positive or an unknown mode
    """
    minutes, increment, minimum = decimal(minutes), decimal(increment), decimal(minimum)
    if minutes < 0 or increment <= 0 or minimum < 0:
        raise ValueError(
            "Minutes and minimum must not be negative, the increment must be positive."
        )
    if mode not in _TIME_ROUNDING:
        raise ValueError(f"Unknown time rounding {mode!r}: use up, nearest or down.")
    if not minutes:
        return Decimal(0)
    steps = (minutes / increment).to_integral_value(rounding=_TIME_ROUNDING[mode])
    return max(steps * increment, minimum) / 60


def split_shares(total, weights, decimals=2):
    """Split `total` in proportion to `weights` so that the shares sum to it exactly.

    Largest remainder (Hamilton): every share is cut down to the currency's decimals and the cents
    left over go, one each, to the largest remainders; ties go to the first. Zero weights get
    nothing unless all weights are zero, in which case the split is even.

    :param total: amount, rounded to `decimals` first
    :param weights: numbers of one sign (or zero), one per share
    :return: list of Decimal, as long as `weights`
    :raise ValueError: without weights, or when weights have both signs
    """
    weights = [decimal(weight) for weight in weights]
    if not weights:
        raise ValueError("Nothing to split the amount over.")
    if min(weights) < 0 < max(weights):
        raise ValueError("Weights of both signs cannot share an amount.")
    if not any(weights):
        weights = [Decimal(1)] * len(weights)
    total = money(total, decimals)
    cent = Decimal(1).scaleb(-decimals)
    sign = -1 if total < 0 else 1
    whole = sum(weights)
    exact = [abs(total) * weight / whole for weight in weights]
    shares = [quantize(value, decimals, ROUND_FLOOR) for value in exact]
    left = int(((abs(total) - sum(shares)) / cent).to_integral_value())
    by_remainder = sorted(
        (index for index, weight in enumerate(weights) if weight),
        key=lambda index: (shares[index] - exact[index], index),
    )
    for index in by_remainder[:left]:
        shares[index] += cent
    return [sign * share for share in shares]
