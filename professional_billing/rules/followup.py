"""Which reminder is due for a receivable instalment on a day, and if none, why not.

The unit is one instalment of one invoice. Levels are climbed one at a time, in their order, and
never twice; a policy may skip to the level an instalment is old enough for instead. Levels before
the due date are courtesies: only the latest that is due is sent, and none after the due date. A
reminder that did not reach anybody does not count; everything else that was ever sent does.
Amounts are Decimal, days are dates in the company's time zone, spans are whole days.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from .instalments import share_history as share_history

SENT = "sent"  # on its way or arrived: the level is used up
STUCK = "stuck"  # our mail server has not taken it yet: wait, it may still go out
FAILED = "failed"  # it reached nobody: the level is open again

PROGRESSIVE = "progressive"  # every level, however late the first one was
BY_AGE = "by_age"  # the highest level that the instalment is old enough for


@dataclass(frozen=True)
class Level:
    """One step of a policy; days after the due date, least days since the step before.

    A level of negative days comes before the due date, one of no days on it or later. `min_amount`
    is in the company's currency, `min_percent` of all that the customer has open.
    """

    id: int
    sequence: int
    delay_days: int
    min_gap_days: int = 0
    min_amount: Decimal = Decimal(0)
    min_percent: Decimal = Decimal(0)

    @property
    def position(self):
        return (self.sequence, self.id)


@dataclass(frozen=True)
class Reminder:
    """One reminder already sent for an instalment, with the level's number and name of then.

    `due_date` and `amount` tell which instalment of the invoice it spoke of.
    """

    level_id: int
    sequence: int
    on: datetime.date
    state: str = SENT
    due_date: datetime.date | None = None
    amount: Decimal = Decimal(0)
    name: str = ""


@dataclass(frozen=True)
class Hold:
    """Something that keeps an instalment out of follow-up, until a day (included) or for good."""

    reason: str
    until: datetime.date | None = None


@dataclass(frozen=True)
class Item:
    """One instalment as it stands today.

    `residual`, `overdue` and `credit` are in the instalment's currency: what is open on it, what
    the customer has overdue in all, and what the customer has paid or been credited without
    saying for what. `overdue_company` and `credit_company` are the same in the company's currency;
    a minimum is compared with the difference. `last_contact` is
    the day of an earlier reminder about the invoice that belongs to none of its instalments, or
    of what else the gap is counted from: a payment returned, a promise broken.

    `residual_company` is only needed for the minimum of a level before the due date, and
    `open_company`, all that the customer has open, due or not, for one in percent.
    `customer_contact` is the last automatic message to the customer about anything; no level is
    due before `not_before`.
    """

    due_date: datetime.date
    residual: Decimal
    overdue: Decimal
    credit: Decimal = Decimal(0)
    overdue_company: Decimal = Decimal(0)
    credit_company: Decimal = Decimal(0)
    last_contact: datetime.date | None = None
    residual_company: Decimal | None = None
    open_company: Decimal | None = None
    customer_contact: datetime.date | None = None
    not_before: datetime.date | None = None


@dataclass(frozen=True)
class Decision:
    """`level` is due now, or None and `reason` says why; `upcoming` is the next one either way.

    `date` is the day from which the upcoming level is due, or the last day of a hold.
    """

    level: Level | None
    reason: str
    date: datetime.date | None = None
    upcoming: Level | None = None


def due_level(item, levels, history, holds, on, catch_up=PROGRESSIVE, contact_gap=0):
    """Decide which level is due for `item` on the day `on`.

    Where a level by age falls below its minimum, the next lower one that was not sent is tried.

    :param item: Item
    :param levels: Levels of the policy, in any order
    :param history: Reminders of this instalment, in any order
    :param holds: Holds on the instalment, its invoice or its customer
    :param on: date of the decision
    :param catch_up: `progressive` or `by_age`
    :param contact_gap: least days between automatic messages to the customer
    :return: Decision; `reason` is one of due, paid, not_overdue, not_yet, gap, all_sent, stuck,
        credit_covers, below_minimum, or the reason of the hold that lasts longest
    :raise ValueError: on an unknown catch-up, or when a minimum needs an amount that is not there
    """
    if catch_up not in (PROGRESSIVE, BY_AGE):
        raise ValueError(f"Unknown catch-up {catch_up!r}: use progressive or by_age.")
    if item.residual <= 0:
        return Decision(None, "paid")
    holding = [hold for hold in holds if hold.until is None or on <= hold.until]
    if holding:
        hold = max(holding, key=lambda hold: hold.until or datetime.date.max)
        return Decision(None, hold.reason, hold.until)
    counted = [reminder for reminder in history if reminder.state != FAILED]
    left = levels_left(levels, counted)
    if on <= item.due_date:
        early = _level_before_due(item, left, counted, on, contact_gap)
        if early:
            return _decide(early, item, counted, on, contact_gap)
        return Decision(None, "not_overdue", item.due_date + datetime.timedelta(days=1))
    late = [level for level in left if level.delay_days >= 0]
    if not late:
        return Decision(None, "all_sent")
    candidates = _levels_by_age(item, late, on) if catch_up == BY_AGE else late[:1]
    decisions = [_decide(level, item, counted, on, contact_gap) for level in candidates]
    enough = (decision for decision in decisions if decision.reason != "below_minimum")
    return next(enough, decisions[0])


def levels_left(levels, history):
    """Return the levels after the highest one sent, in their order.

    A level that still exists counts with its place of today, so that inserting, moving or
    deleting levels neither repeats a reminder nor leaves an instalment stranded.
    """
    ordered = sorted(levels, key=lambda level: level.position)
    places = {level.id: level.position for level in ordered}
    sent = {reminder.level_id for reminder in history}
    last = max(
        (
            places.get(reminder.level_id, (reminder.sequence, reminder.level_id))
            for reminder in history
        ),
        default=None,
    )
    return [
        level
        for level in ordered
        if level.id not in sent and (last is None or level.position > last)
    ]


def _level_before_due(item, left, history, on, contact_gap):
    """Return the level due by the due date, the latest if many are, else the next, or None."""
    if any(reminder.on > (reminder.due_date or item.due_date) for reminder in history):
        return None
    starts = {level: _start(level, item, history, contact_gap) for level in left}
    starts = {level: start for level, start in starts.items() if start <= item.due_date}
    begun = [level for level, start in starts.items() if start <= on]
    if begun:
        return max(begun, key=lambda level: level.delay_days)
    return min(starts, key=starts.get, default=None)


def _levels_by_age(item, levels, on):
    """Return the levels the instalment is old enough for, highest first, else the next one."""
    reached = [level for level in levels if _reached(level, item) <= on]
    return reached[::-1] or [min(levels, key=lambda level: level.delay_days)]


def _decide(level, item, history, on, contact_gap):
    """Return the Decision on one level."""
    start = _start(level, item, history, contact_gap)
    if on < start:
        reached = max(_reached(level, item), item.not_before or datetime.date.min)
        return Decision(None, "not_yet" if on < reached else "gap", start, level)
    if any(reminder.state == STUCK for reminder in history):
        return Decision(None, "stuck", None, level)
    # What is not yet overdue is no part of what the customer has overdue in all.
    early = on <= item.due_date
    if item.credit >= item.overdue + (item.residual if early else 0):
        return Decision(None, "credit_covers", None, level)
    if _below_minimum(level, item, early):
        return Decision(None, "below_minimum", None, level)
    return Decision(level, "due", start, level)


def _below_minimum(level, item, early):
    asked = item.overdue_company - item.credit_company
    if not level.min_amount and not level.min_percent:
        return False
    if early:
        asked += _needed(item.residual_company, "residual")
    if asked < level.min_amount:
        return True
    if not level.min_percent:
        return False
    return asked * 100 < level.min_percent * _needed(item.open_company, "open")


def _needed(amount, title):
    if amount is None:
        raise ValueError(f"The minimum needs the {title} amount in the company's currency.")
    return amount


def _reached(level, item):
    return item.due_date + datetime.timedelta(days=level.delay_days)


def _start(level, item, history, contact_gap):
    """Return the first day on which `level` may be sent, after what was sent before."""
    start = max(_reached(level, item), item.not_before or datetime.date.min)
    days = [reminder.on for reminder in history]
    if item.last_contact:
        days.append(item.last_contact)
    if days:
        # At least one day, or a run repeated the same day would climb a second level.
        gap = datetime.timedelta(days=max(level.min_gap_days, 1))
        start = max(start, max(days) + gap)
    if item.customer_contact:
        start = max(start, item.customer_contact + datetime.timedelta(days=contact_gap))
    return start
