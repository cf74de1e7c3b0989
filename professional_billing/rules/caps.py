"""How much of some work fits under a not-to-exceed limit, and which warnings that sets off.

The limit, what is used of it and the values share one unit, money or hours. Nothing is rounded.
The rules are those of Alga (hard cap, threshold alerts) and OpenAir ("adjusted for cap").
"""

from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal

WRITE_DOWN = "write_down"  # what lies above the limit is never billed
PARK = "park"  # what lies above the limit waits until the limit is raised
NOTIFY = "notify"  # everything is billed, somebody is told


@dataclass(frozen=True)
class Grant:
    """What a limit lets through of one value, and what lies above the limit.

    The two make the value, except under `notify`: there the excess is part of what is granted.
    """

    granted: Decimal
    excess: Decimal


def grant(limit, used, value, policy):
    """Return the `Grant` for a value when `used` of the limit is gone.

    `write_down` and `park` both split the item that straddles the limit; they differ in what
    becomes of the excess, which is the caller's to do. No room is no grant, also where the limit
    was lowered below what is used. A credit (negative value) always passes whole, and by it there
    is room again.

    :param used: billed and drafted so far, less credits
    :param policy: `write_down`, `park` or `notify`
    :raise ValueError: on an unknown policy
    """
    limit, used, value = decimal(limit), decimal(used), decimal(value)
    if policy not in (WRITE_DOWN, PARK, NOTIFY):
        raise ValueError(f"Unknown cap policy {policy!r}: use write_down, park or notify.")
    if value < 0:
        return Grant(value, Decimal(0))
    below = min(value, max(limit - used, Decimal(0)))
    return Grant(value if policy == NOTIFY else below, value - below)


def grant_each(limit, used, values, policy):
    """Return a `Grant` for each of the values, which use up the limit in the order given.

    An item that does not fit is no reason to stop: a credit behind it makes room for what follows
    the credit, never for what came before.
    """
    grants, used = [], decimal(used)
    for value in values:
        grants.append(grant(limit, used, value, policy))
        used += grants[-1].granted
    return grants


def crossed(limit, before, after, thresholds, sent=()):
    """Return the thresholds that a step from `before` to `after` reaches, in their own order.

    Reaching one exactly counts, standing on one already does not. Each is returned once, however
    often it is configured, and not at all if it is in `sent`. When the limit is changed the caller
    forgets `sent`, for the percentages now stand for other amounts.

    :param thresholds: percentages of the limit
    :param sent: percentages whose warning is out
    :return: list of Decimal, empty without a limit or when nothing was added
    """
    limit, before, after = decimal(limit), decimal(before), decimal(after)
    if limit <= 0 or after <= before:
        return []
    done, reached = {decimal(percentage) for percentage in sent}, []
    for percentage in map(decimal, thresholds):
        if percentage not in done and before < limit * percentage / 100 <= after:
            reached.append(percentage)
            done.add(percentage)
    return reached
