"""An invoice of engagements before it is made: its values, to be divided or put together."""

from dataclasses import dataclass, field

from odoo import models
from odoo.fields import Command

from ..rules import settlement


@dataclass
class Bill:
    """An invoice that is about to be made: its values, and whose work it bills."""

    vals: dict
    orders: models.Model
    heading: str = ""
    # The orders that somebody else pays here than their own customer.
    others: set = field(default_factory=set)
    # {order id: the part of its discount that comes off this invoice}, where it has several.
    discounts: dict = field(default_factory=dict)

    @property
    def lines(self):
        return self.vals["invoice_line_ids"]

    def with_lines(self, lines, **vals):
        values = {**self.vals, **vals, "invoice_line_ids": lines}
        return Bill(values, self.orders, self.heading, set(self.others))


def get_work(lines):
    """Return those of these commands that bill work in progress."""
    return [line for line in lines if line[2].get("billing_allocation_ids")]


def is_product(line):
    return line[2].get("display_type", "product") == "product"


def get_amount(line, decimals):
    vals = line[2]
    return settlement.line_amount(
        vals["quantity"], vals["price_unit"], vals.get("discount", 0), decimals
    )


def pick(lines, wanted):
    """Return the `wanted` of these commands, {index: its command here}, under their headings.

    A note goes with the line above it.
    """
    result, headings, note = [], [], True
    for index, line in enumerate(lines):
        kind = line[2].get("display_type")
        if kind == "line_section":
            headings = [line]
        elif kind == "line_subsection":
            above = [head for head in headings if head[2]["display_type"] == "line_section"]
            headings = [*above, line]
        elif kind == "line_note":
            result += [_copy(line)] if note and not headings else []
        else:
            note = index in wanted
            if note:
                result += [*map(_copy, headings), wanted[index]]
                headings = []
    return result


def _copy(line):
    return Command.create({**line[2]})
