"""Which rate an hour of work is billed at: the most specific one in force on the work date.

Levels are searched in the order the contract gives them (what was agreed for the entry, then for
the line, then the contract's card, the client's, the company's, and the line's own price). Inside
a level a rate for the person goes before one for the role, before one for the service, before the
level's default; one for the project goes before the same one for all projects. The order follows
`practice.md` 2.10. Prices are per unit of time in the currency of their level; days are half-open.
"""

import datetime
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from .rounding import decimal

_DIMENSIONS = ("employee", "role", "product", "project")


@dataclass(frozen=True)
class Candidate:
    """A rate that might apply: `price` from `start` (included) to `end` (excluded).

    A dimension that is None holds for everybody. `source` is whatever the caller knows it by.
    """

    level: object
    price: Decimal
    source: object = None
    employee: object = None
    role: object = None
    product: object = None
    project: object = None
    start: datetime.date | None = None
    end: datetime.date | None = None


@dataclass(frozen=True)
class Context:
    """The work to be rated, and the levels to search, most specific first."""

    date: datetime.date
    employee: object = None
    role: object = None
    product: object = None
    project: object = None
    levels: tuple = ()


@dataclass(frozen=True)
class Tried:
    """A level that was searched: how many rates it has, and the source of the one taken."""

    level: object
    rates: int
    source: object = None


@dataclass(frozen=True)
class Rate:
    price: Decimal
    source: object
    level: object
    trace: tuple


class NoRate(LookupError):
    """No level has a rate; `trace` tells which were tried."""

    def __init__(self, context, trace):
        super().__init__(f"No rate on {context.date} in any of {len(trace)} places.")
        self.context = context
        self.trace = trace


class Book:
    """Rates filed by what they are for, so that finding one does not depend on how many there are."""

    def __init__(self, candidates):
        self._filed = {}
        self._sizes = {}
        for candidate in candidates:
            key = candidate.level, _for_what(candidate)
            self._filed.setdefault(key, []).append(candidate)
            self._sizes[candidate.level] = self._sizes.get(candidate.level, 0) + 1
        for rows in self._filed.values():
            # The latest start first: where two overlap, the newer agreement holds.
            rows.sort(key=lambda row: row.start or datetime.date.min, reverse=True)

    @property
    def turns(self):
        """The days from which a rate holds, or no longer holds."""
        rows = [row for rows in self._filed.values() for row in rows]
        return {day for row in rows for day in (row.start, row.end) if day}

    def resolve(self, context):
        """Return the Rate of the work `context`.

        :raise NoRate: when no level has a rate in force on the work date
        """
        trace = []
        for level in context.levels:
            found = self._find(level, context)
            trace.append(Tried(level, self._sizes.get(level, 0), found and found.source))
            if found:
                return Rate(found.price, found.source, level, tuple(trace))
        raise NoRate(context, tuple(trace))

    def _find(self, level, context):
        if level not in self._sizes:
            return None
        for key in _keys(context):
            for row in self._filed.get((level, key), ()):
                if (row.start is None or row.start <= context.date) and (
                    row.end is None or context.date < row.end
                ):
                    return row
        return None


def resolve(candidates, context):
    """Return the Rate of the work `context` among `candidates`: see `Book`, for more than one work.

    :param candidates: iterable of Candidate, in any order
    :param context: Context; without levels, those of the candidates in the order they come
    :raise NoRate: when none of them is in force on the work date
    """
    candidates = list(candidates)
    if not context.levels:
        levels = tuple(dict.fromkeys(candidate.level for candidate in candidates))
        context = Context(
            context.date,
            context.employee,
            context.role,
            context.product,
            context.project,
            levels,
        )
    return Book(candidates).resolve(context)


def adjust(price, percent, step=0):
    """Return `price` raised by `percent` (negative: lowered), to the nearest multiple of `step`.

    Used for cards that are a discount or mark-up on another one, and for indexation. Halves go
    up; a step of 0 does not round.
    """
    price = decimal(price) * (100 + decimal(percent)) / 100
    step = decimal(step)
    if not step:
        return price
    return (price / step).to_integral_value(rounding=ROUND_HALF_UP) * step


def _for_what(candidate):
    return tuple(getattr(candidate, name) for name in _DIMENSIONS)


def _keys(context):
    """Yield what a rate for this work can be filed under, most specific first."""
    parts = [
        (value, None) if value is not None else (None,)
        for value in (getattr(context, name) for name in _DIMENSIONS)
    ]
    for employee in parts[0]:
        for role in parts[1]:
            for product in parts[2]:
                for project in parts[3]:
                    yield employee, role, product, project
