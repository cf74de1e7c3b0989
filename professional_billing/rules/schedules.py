"""Fixed-fee schedules: what each instalment amounts to.

Published rule (see `amounts`): round each entry, the last open one absorbs the cent. It differs
from `rounding.split_shares` on purpose: a schedule is agreed entry by entry, and what has been
billed never moves.
"""

from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal, money


@dataclass(frozen=True)
class Entry:
    """One instalment: a percentage (0-100) of the total or an amount, never both.

    A frozen entry has been billed and keeps its `amount`; a cancelled one counts for nothing.
    """

    percentage: Decimal | None = None
    amount: Decimal | None = None
    frozen: bool = False
    cancelled: bool = False


def amounts(total, entries, decimals=2):
    """Return the amount of each entry, in order.

    Frozen and fixed amounts stay as they are, percentages are taken of `total`. When the entries
    cover exactly the whole (percentages plus fixed amounts as shares of the total make 100 %), the
    last open percentage absorbs the rounding, so 10,001 cents at 33.3333 / 33.3333 / 33.3334 %
    give 3,334 / 3,334 / 3,333. A real gap stays visible.

    :param total: agreed fee in the currency
    :param entries: list of `Entry`
    :return: list of Decimal, zero for cancelled entries
    :raise ValueError: an entry with neither or both of percentage and amount
    """
    total = money(total, decimals)
    result, absorber, covered = [], None, Decimal(0)
    for index, entry in enumerate(entries):
        if entry.cancelled:
            result.append(Decimal(0))
            continue
        if entry.frozen and entry.amount is not None:
            result.append(money(entry.amount, decimals))
            # A share billed before the total changed covers what it billed, not what it would be.
            share = entry.percentage if _is_share(entry, total, result[-1], decimals) else None
        elif (entry.percentage is None) == (entry.amount is None):
            raise ValueError("An instalment needs either a percentage or an amount.")
        elif entry.amount is not None:
            share = None
            result.append(money(entry.amount, decimals))
        else:
            share = decimal(entry.percentage)
            result.append(money(total * share / 100, decimals))
            absorber = index
        covered += result[-1] if share is None else total * decimal(share) / 100
    if absorber is not None and covered == total:
        result[absorber] += total - sum(result)
    return result


def _is_share(entry, total, amount, decimals):
    if entry.percentage is None:
        return False
    return abs(total * decimal(entry.percentage) / 100 - amount) < Decimal(1).scaleb(-decimals)


def gap(total, entries, decimals=2):
    """Return `total` less what the entries add up to: zero for a schedule that can be billed."""
    return money(total, decimals) - sum(amounts(total, entries, decimals))
