"""Hours or money agreed ahead: a period's allowance, prepaid lots, a balance to keep up.

Quantities share one unit, hours, minutes or money. Nothing is rounded.
"""

from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal

NONE = "none"
ONE_PERIOD = "one_period"
CAPPED = "capped"


@dataclass(frozen=True)
class Draw:
    """What a period leaves: used beyond the allowance, carried to the next period, lost."""

    overage: Decimal
    carry: Decimal
    forfeited: Decimal


def draw(base, carried, used, rollover=NONE, cap=None):
    """Settle a period that had `base` and `carried` and used `used`.

    The period's own base is used first, then what was carried. Only unused base is carried on, so
    what was carried once is lost at the end of the next period and nothing piles up (Alga's
    one-period roll-over). Whatever is neither used nor carried on is forfeited.

    :param carried: what the period before carried here
    :param rollover: `none`, `one_period` (all unused base) or `capped` (no more than `cap` of it)
    :param cap: most that is carried on, only for `capped`
    :return: `Draw`; base + carried + overage = used + carry + forfeited
    :raise ValueError: on a negative quantity, an unknown roll-over, or `capped` without a cap
    """
    base, carried, used = decimal(base), decimal(carried), decimal(used)
    if base < 0 or carried < 0 or used < 0:
        raise ValueError("Allowance, carried and used quantity must not be negative.")
    available = base + carried
    carry = _carry(max(base - used, Decimal(0)), rollover, cap)
    return Draw(
        overage=max(used - available, Decimal(0)),
        carry=carry,
        forfeited=max(available - used, Decimal(0)) - carry,
    )


def _carry(unused, rollover, cap):
    if rollover == NONE:
        return Decimal(0)
    if rollover == ONE_PERIOD:
        return unused
    if rollover != CAPPED:
        raise ValueError(f"Unknown roll-over {rollover!r}: use none, one_period or capped.")
    if cap is None or decimal(cap) < 0:
        raise ValueError("A capped roll-over needs a cap that is not negative.")
    return min(decimal(cap), unused)


def split(available, entries):
    """Split a period's entries, in the order given, into what is covered and what lies beyond.

    An entry may be covered in part. What is on a bill keeps its part beyond the allowance; the
    others share what that leaves.

    :param available: base and carried quantity of the period
    :param entries: list of (key, quantity, part beyond that is billed, or None)
    :return: {key: (covered, beyond)}; the two make the quantity
    """
    kept = {
        key: (decimal(quantity) - decimal(beyond), decimal(beyond))
        for key, quantity, beyond in entries
        if beyond is not None
    }
    left = max(decimal(available) - sum(covered for covered, _beyond in kept.values()), Decimal(0))
    parts = {}
    for key, quantity, beyond in entries:
        if beyond is None:
            covered = min(decimal(quantity), left)
            left -= covered
            parts[key] = covered, decimal(quantity) - covered
        else:
            parts[key] = kept[key]
    return parts


def consume(lots, quantity, on):
    """Take a quantity out of prepaid lots, the one that starts first first (as Autotask does).

    Lots that start on the same day are used in the order given. What the lots cannot cover is not
    taken: the sum is less than the quantity then, and the rest is the caller's to bill.

    :param lots: list of (key, available, start, expiry); expiry is the first day the lot is not
        valid any more, or None
    :param on: day of the work
    :return: list of (key, quantity), without lots that give nothing
    :raise ValueError: on a negative quantity
    """
    left = decimal(quantity)
    if left < 0:
        raise ValueError("The quantity to take must not be negative.")
    taken = []
    for key, available, start, expiry in sorted(lots, key=lambda lot: lot[2]):
        part = min(left, decimal(available))
        if part > 0 and start <= on and (expiry is None or on < expiry):
            taken.append((key, part))
            left -= part
    return taken


def draw_lots(lots, entries):
    """Cover work with prepaid lots in the order given; what is on a bill keeps its part beyond.

    :param lots: as for `consume`
    :param entries: list of (key, quantity, day, part beyond that is billed, or None)
    :return: ({key: ([(lot key, quantity)], beyond)}, {lot key: what is left of it})
    """
    left = {key: decimal(available) for key, available, _start, _expiry in lots}
    parts = {}
    for key, quantity, day, billed in sorted(entries, key=lambda entry: entry[3] is None):
        quantity = decimal(quantity)
        current = [(lot, left[lot], start, expiry) for lot, _all, start, expiry in lots]
        taken = consume(current, quantity - decimal(billed or 0), day)
        for lot, part in taken:
            left[lot] -= part
        beyond = quantity - sum(part for _lot, part in taken) if billed is None else decimal(billed)
        parts[key] = taken, beyond
    return parts, left


def replenish(balance, minimum, target):
    """Return what to ask for so that a balance below `minimum` is `target` again, else zero.

    :raise ValueError: when the target is below the minimum, which would ask for ever
    """
    balance, minimum, target = decimal(balance), decimal(minimum), decimal(target)
    if target < minimum:
        raise ValueError("The balance to restore must not be below the minimum.")
    return target - balance if balance < minimum else Decimal(0)
