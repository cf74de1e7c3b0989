"""Appropriation: which of costs, interest and principal a payment without directions settles."""

from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal

COSTS_FIRST = ("costs", "interest", "principal")  # section 367 of the German BGB
PRINCIPAL_FIRST = ("principal", "interest", "costs")


@dataclass(frozen=True)
class Owed:
    """What is owed, in the currency."""

    principal: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)
    costs: Decimal = Decimal(0)


def appropriate(payment, owed, order=COSTS_FIRST):
    """Return (the Owed that the payment leaves, what is left of the payment).

    :param order: names of the parts, the first to be settled first
    :raise ValueError: on a negative amount, or an order that does not name each part once
    """
    if sorted(order) != sorted(COSTS_FIRST):
        raise ValueError(f"The order must name {', '.join(COSTS_FIRST)}, each once.")
    left, rest = decimal(payment), {part: decimal(getattr(owed, part)) for part in order}
    if min(left, *rest.values()) < 0:
        raise ValueError("Neither the payment nor what is owed must be negative.")
    for part in order:
        settled = min(left, rest[part])
        rest[part] -= settled
        left -= settled
    return Owed(**rest), left
