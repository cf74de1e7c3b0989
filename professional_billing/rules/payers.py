"""Who pays what of a bill that several payers share: by percentage, up to an amount, by kind.

Amounts are in the currency's units. What a bill charges always equals what its payers pay, charge by
charge; what each payer pays in all does not depend on the order of the charges.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from .rounding import decimal, money, split_shares


@dataclass(frozen=True)
class Payer:
    """One line of the agreement: a percentage, or an amount of which `left` is not used up.

    `kind` is the only kind of charge it speaks of; None is every kind that no other line speaks of.
    """

    key: object
    percentage: Decimal = Decimal(0)
    left: Decimal | None = None
    kind: object = None


@dataclass(frozen=True)
class Charge:
    """One piece of work on the bill, and what each payer has been billed of it before."""

    amount: Decimal
    kind: object = None
    billed: dict = field(default_factory=dict)


def apportion(charges, payers, rest, decimals=2):
    """Decide what each payer pays of each charge.

    Amounts come first, in their order, until they are used up; what they leave is shared by
    percentage, and what the percentages leave is the customer's. A charge that was billed before and
    credited in part goes to those who are short of their share of all of it, so that a corrected
    bill reaches the payer it was credited to.

    :param payers: list of `Payer`
    :param rest: key of the customer
    :return: for each charge {key: Decimal}, without those who pay nothing; a charge of zero is its
        main payer's
    """
    result = [{} for _charge in charges]
    left = [None if payer.left is None else money(payer.left, decimals) for payer in payers]
    groups = {}
    for index, charge in enumerate(charges):
        rows = _get_rows(payers, charge.kind)
        amount = money(charge.amount, decimals)
        for row in rows:
            if left[row] is not None and amount > 0:
                part = min(max(left[row], Decimal(0)), amount)
                _add(result[index], payers[row].key, part)
                left[row] -= part
                amount -= part
        if amount or not result[index]:
            shares = _get_shares([payers[row] for row in rows], rest)
            shares = _catch_up(shares, amount, charge.billed, decimals)
            groups.setdefault((amount > 0, amount < 0, shares), []).append((index, amount))
    for (more, less, shares), members in groups.items():
        if more or less:
            _share_out(result, members, shares, decimals)
        else:
            main = max(shares, key=lambda share: share[1])[0]
            for index, _amount in members:
                result[index][main] = Decimal(0)
    return result


def _get_rows(payers, kind):
    """Return the indexes of the lines that speak of `kind`: its own, else those of every kind."""
    own = [index for index, payer in enumerate(payers) if kind and payer.kind == kind]
    return own or [index for index, payer in enumerate(payers) if not payer.kind]


def _get_shares(payers, rest):
    """Return ((key, percentage), ...) that make 100."""
    shares = {}
    for payer in payers:
        if payer.left is None:
            shares[payer.key] = shares.get(payer.key, Decimal(0)) + decimal(payer.percentage)
    open_share = 100 - sum(shares.values())
    if open_share > 0 or not shares:
        shares[rest] = shares.get(rest, Decimal(0)) + open_share
    return tuple(shares.items())


def _catch_up(shares, amount, billed, decimals):
    """Return shares by which `amount` brings each payer to their part of all that is billed."""
    billed = {key: decimal(billed[key]) for key, _share in shares if billed.get(key)}
    if not billed or not amount:
        return shares
    whole = amount + sum(billed.values())
    sign = 1 if amount > 0 else -1
    targets = split_shares(whole, [share for _key, share in shares], decimals)
    due = tuple(
        (key, sign * max(sign * (target - billed.get(key, 0)), Decimal(0)))
        for (key, _share), target in zip(shares, targets, strict=True)
    )
    return tuple((key, abs(part)) for key, part in due) if any(p for _k, p in due) else shares


def _share_out(result, members, shares, decimals):
    """Split the sum of `members` by `shares`, and each payer's part over the members.

    The sum is split once, so that many small charges favour nobody. Members have one sign.
    """
    rest = [amount for _index, amount in members]
    totals = split_shares(sum(rest), [share for _key, share in shares], decimals)
    for number, ((key, _share), total) in enumerate(zip(shares, totals, strict=True), start=1):
        parts = rest if number == len(shares) else split_shares(total, rest, decimals)
        for (index, _amount), part in zip(members, parts, strict=True):
            _add(result[index], key, part)
        rest = [left - part for left, part in zip(rest, parts, strict=True)]
        if not any(rest):
            break


def _add(parts, key, amount):
    if amount:
        parts[key] = parts.get(key, Decimal(0)) + amount


def split_quantity(quantity, parts, decimals=6):
    """Split `quantity` as `parts`, {key: amount}, split an amount; the last one takes the rest.

    :return: {key: Decimal} that sums to `quantity`
    """
    left, whole = decimal(quantity), sum(parts.values())
    result = {}
    for number, (key, part) in enumerate(parts.items(), start=1):
        share = left
        if number < len(parts):
            share = money(decimal(quantity) * part / whole, decimals) if whole else Decimal(0)
        result[key] = share
        left -= share
    return result
