"""What an invoice line settles: how its amount spreads over work items, and what a credit frees.

Quantities are in the item's own unit, amounts in the document's currency, both as Decimal.
"""

from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal, money, quantize


@dataclass(frozen=True)
class Billed:
    """What is still billed of one item by one invoice line."""

    key: object
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Freed:
    """What a credit frees of one item."""

    key: object
    quantity: Decimal
    amount: Decimal

    def negative(self):
        return Freed(self.key, -self.quantity, -self.amount)


def line_amount(quantity, price, discount=0, decimals=2):
    """Return quantity x price less the discount (percent), rounded as an invoice line is."""
    net = decimal(quantity) * decimal(price) * (100 - decimal(discount)) / 100
    return money(net, decimals)


def spread(total, amounts, decimals=2):
    """Fit rounded `amounts` to a line's `total`: the largest one absorbs the difference.

    The difference is the rounding of the line as a whole against its items one by one. One item
    takes it, so that all others stay what quantity x rate says; the first one on a tie.

    :return: list of Decimal that sums to `total`
    """
    amounts = [money(amount, decimals) for amount in amounts]
    difference = money(total, decimals) - sum(amounts)
    if difference:
        largest = max(range(len(amounts)), key=lambda index: abs(amounts[index]))
        amounts[largest] += difference
    return amounts


def share(amount, part, whole, decimals=2):
    """Return the part of `amount` that belongs to `part` of the quantity `whole`."""
    part, whole = decimal(part), decimal(whole)
    if part == whole or not whole:
        return money(amount, decimals)
    return money(decimal(amount) * part / whole, decimals)


def quantity_and_price(amount, quantity, price, discount=0, decimals=2, quantity_decimals=2):
    """Express a part of a line's fee so that quantity x price = amount.

    The line's own price and discount are kept when the part is a clean quantity of it (half of
    one, 5 of 10 days); else the part is 1 x amount, without discount.

    :param amount: what is billed now
    :param quantity: ordered quantity of the line
    :param price: unit price of the line
    :return: (quantity, price, discount) as Decimals
    """
    amount, price, discount = decimal(amount), decimal(price), decimal(discount)
    whole = line_amount(quantity, price, discount, decimals)
    if whole:
        part = quantize(decimal(quantity) * amount / whole, quantity_decimals)
        if part and line_amount(part, price, discount, decimals) == amount:
            return part, price, discount
    return Decimal(1), amount, Decimal(0)


def free_newest(entries, quantity, amount, decimals=2):
    """Decide what a credit of `quantity` and `amount` frees, newest work first.

    Whole items give back exactly what was billed of them; the one that is freed in part takes the
    rest, and what rounding leaves goes to the last item touched. Never frees more than is billed.

    :param entries: list of `Billed`, newest first
    :param quantity: quantity credited, or zero for a credit of price only
    :param amount: amount credited
    :return: list of `Freed`, without empty ones
    """
    quantity, amount = decimal(quantity), money(amount, decimals)
    if not quantity:
        return _free_amount(entries, amount)
    freed, left = [], quantity
    for entry in entries:
        if not left:
            break
        if not entry.quantity:
            continue
        part = min(left, entry.quantity) if left > 0 else max(left, entry.quantity)
        left -= part
        freed.append(Freed(entry.key, part, share(entry.amount, part, entry.quantity, decimals)))
    if not freed:
        return []
    rest = amount - sum(item.amount for item in freed)
    billed = {entry.key: entry.amount for entry in entries}
    for index in range(len(freed) - 1, -1, -1):
        if not rest:
            break
        item = freed[index]
        adjusted = _clamp(item.amount + rest, billed[item.key])
        rest -= adjusted - item.amount
        freed[index] = Freed(item.key, item.quantity, adjusted)
    # What is still billed without hours, after a credit of hours alone, comes last.
    return freed + _free_amount([entry for entry in entries if not entry.quantity], rest)


def _free_amount(entries, amount):
    freed = []
    for entry in entries:
        if not amount:
            break
        part = _clamp(amount, entry.amount)
        if part:
            freed.append(Freed(entry.key, Decimal(0), part))
            amount -= part
    return freed


def _clamp(value, limit):
    """Keep `value` between zero and `limit`, whichever sign the limit has."""
    low, high = min(limit, Decimal(0)), max(limit, Decimal(0))
    return max(low, min(high, value))


def take_back(entries, quantity, amount, decimals=2, hours=True):
    """Decide what a line that is raised bills again of its own work, oldest work first.

    Hours are taken with their value, as many as the line was raised by; money beyond that only
    where no hours are open with it, given up before on the same hours. Of a fee the money decides.

    :param entries: list of `Billed`, what is open of the line's items, oldest first
    :param quantity: hours the line was raised by, zero for a new price
    :param amount: money the line was raised by
    :param hours: whether the entries are time, else parts of a fee
    :return: list of `Freed`, without empty ones
    """
    amount = money(amount, decimals)
    if not hours:
        return _take_fees(entries, amount)
    taken, left = [], max(decimal(quantity), Decimal(0))
    for entry in entries:
        part = min(left, max(entry.quantity, Decimal(0)))
        value = share(entry.amount, part, entry.quantity, decimals) if part else Decimal(0)
        if part == entry.quantity:
            value += max(min(amount - value, entry.amount - value), Decimal(0))
        if part or value:
            taken.append(Freed(entry.key, part, value))
            left -= part
            amount -= value
    return taken


def _take_fees(entries, amount):
    taken = []
    for entry in entries:
        part = min(amount, entry.amount)
        if part > 0:
            quantity = quantize(entry.quantity * part / entry.amount, 6)
            taken.append(Freed(entry.key, quantity, part))
            amount -= part
    return taken
