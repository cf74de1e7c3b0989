"""Which reminder is due for a receivable instalment on a day, and if none, why not.

The unit is one instalment of one invoice. Levels are climbed one at a time, in their order, and
never twice. A reminder that did not reach anybody does not count; everything else that was ever
sent does. Amounts are Decimal, days are dates in the company's time zone, spans are whole days.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

SENT = "sent"  # on its way or arrived: the level is used up
STUCK = "stuck"  # our mail server has not taken it yet: wait, it may still go out
FAILED = "failed"  # it reached nobody: the level is open again


@dataclass(frozen=True)
class Level:
    """One step of a policy; days after the due date, least days since the step before."""

    id: int
    sequence: int
    delay_days: int
    min_gap_days: int = 0
    min_amount: Decimal = Decimal(0)

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
    saying for what. `overdue_company` is `overdue` in the company's currency. `last_contact` is
    the day of an earlier reminder about the invoice that belongs to none of its instalments.
    """

    due_date: datetime.date
    residual: Decimal
    overdue: Decimal
    credit: Decimal = Decimal(0)
    overdue_company: Decimal = Decimal(0)
    last_contact: datetime.date | None = None


@dataclass(frozen=True)
class Decision:
    """`level` is due now, or None and `reason` says why; `upcoming` is the next one either way.

    `date` is the day from which the upcoming level is due, or the last day of a hold.
    """

    level: Level | None
    reason: str
    date: datetime.date | None = None
    upcoming: Level | None = None


def due_level(item, levels, history, holds, on):
    """Decide which level is due for `item` on the day `on`.

    :param item: Item
    :param levels: Levels of the policy, in any order
    :param history: Reminders of this instalment, in any order
    :param holds: Holds on the instalment, its invoice or its customer
    :param on: date of the decision
    :return: Decision; `reason` is one of due, paid, not_overdue, not_yet, gap, all_sent, stuck,
        credit_covers, below_minimum, or the reason of the hold
    """
    if item.residual <= 0:
        return Decision(None, "paid")
    for hold in holds:
        if hold.until is None or on <= hold.until:
            return Decision(None, hold.reason, hold.until)
    if on <= item.due_date:
        return Decision(None, "not_overdue", item.due_date + datetime.timedelta(days=1))
    counted = [reminder for reminder in history if reminder.state != FAILED]
    upcoming = next_level(levels, counted)
    if upcoming is None:
        return Decision(None, "all_sent")
    reached = item.due_date + datetime.timedelta(days=upcoming.delay_days)
    start = max(reached, _gap_ends(upcoming, item, counted))
    if on < start:
        return Decision(None, "not_yet" if on < reached else "gap", start, upcoming)
    if any(reminder.state == STUCK for reminder in counted):
        return Decision(None, "stuck", None, upcoming)
    if item.credit >= item.overdue:
        return Decision(None, "credit_covers", None, upcoming)
    if item.overdue_company < upcoming.min_amount:
        return Decision(None, "below_minimum", None, upcoming)
    return Decision(upcoming, "due", start, upcoming)


def next_level(levels, history):
    """Return the first level after the highest one sent, or None after the last.

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
    for level in ordered:
        if level.id not in sent and (last is None or level.position > last):
            return level
    return None


def _gap_ends(level, item, history):
    """Return the first day on which `level` may follow what was sent before."""
    days = [reminder.on for reminder in history]
    if item.last_contact:
        days.append(item.last_contact)
    if not days:
        return datetime.date.min
    # At least one day, or a run repeated the same day would climb a second level.
    return max(days) + datetime.timedelta(days=max(level.min_gap_days, 1))


def share_history(instalments, reminders):
    """Give every reminder of one invoice to the instalment it spoke of.

    Accounting renumbers and merges instalments when an invoice is corrected, so they are known
    by due date and original amount: both equal, else the amount (the due date was moved), else
    the due date (the amount was changed), earliest first.

    :param instalments: sequence of (due_date, amount), as they are today
    :param reminders: Reminders of the invoice
    :return: (tuple of Reminders per instalment, in the order given; the Reminders left over)
    """
    spoken = {}
    for reminder in reminders:
        spoken.setdefault((reminder.due_date, reminder.amount), []).append(reminder)
    shares = [()] * len(instalments)
    free = sorted(range(len(instalments)), key=lambda index: instalments[index])
    for same in (lambda key: key, lambda key: key[1], lambda key: key[0]):
        for key in sorted(spoken):
            index = next((i for i in free if same(instalments[i]) == same(key)), None)
            if index is not None:
                shares[index] = tuple(spoken.pop(key))
                free.remove(index)
    left = [reminder for group in spoken.values() for reminder in group]
    return shares, left
