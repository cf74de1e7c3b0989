import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import followup

DUE = datetime.date(2026, 3, 1)


def day(offset):
    return DUE + datetime.timedelta(days=offset)


def item(**values):
    fields = {"due_date": DUE, "residual": Decimal(100), "overdue": Decimal(100)}
    return followup.Item(**{**fields, "overdue_company": Decimal(100), **values})


LEVELS = (
    followup.Level(id=1, sequence=10, delay_days=7, min_gap_days=7),
    followup.Level(id=2, sequence=20, delay_days=21, min_gap_days=10),
    followup.Level(id=3, sequence=30, delay_days=35, min_gap_days=10),
)


def sent(level, on, state=followup.SENT, **values):
    return followup.Reminder(level.id, level.sequence, on, state, **values)


class TestDueLevel(unittest.TestCase):
    """Which level is due on a day, and why not."""

    def decide(self, on, history=(), levels=LEVELS, holds=(), **values):
        return followup.due_level(item(**values), levels, history, holds, day(on))

    def check(self, decision, level, reason, date=None):
        self.assertEqual(
            (decision.level and decision.level.id, decision.reason), (level, reason), decision
        )
        if date is not None:
            self.assertEqual(decision.date, day(date))

    def test_levels_over_time(self):
        first, second = LEVELS[:2]
        self.check(self.decide(0), None, "not_overdue", 1)
        self.check(self.decide(6), None, "not_yet", 7)
        self.check(self.decide(7), 1, "due", 7)
        self.check(self.decide(20, [sent(first, day(7))]), None, "not_yet", 21)
        self.check(self.decide(21, [sent(first, day(7))]), 2, "due", 21)
        history = [sent(first, day(7)), sent(second, day(21)), sent(LEVELS[2], day(35))]
        self.check(self.decide(400, history), None, "all_sent")

    def test_late_start_climbs_one_level_at_a_time_with_the_gap(self):
        """After a long pause the customer still gets every level, and time to pay in between."""
        first = sent(LEVELS[0], day(60))
        self.check(self.decide(60), 1, "due")
        self.check(self.decide(60, [first]), None, "gap", 70)
        self.check(self.decide(69, [first]), None, "gap", 70)
        self.check(self.decide(70, [first]), 2, "due", 70)

    def test_a_gap_of_zero_still_is_not_the_same_day(self):
        eager = [followup.Level(1, 10, 1), followup.Level(2, 20, 2)]
        history = [sent(eager[0], day(9))]
        self.check(self.decide(9, history, eager), None, "gap", 10)
        self.check(self.decide(10, history, eager), 2, "due")

    def test_paid_and_credit(self):
        self.check(self.decide(30, residual=Decimal(0)), None, "paid")
        self.check(self.decide(30, credit=Decimal(100)), None, "credit_covers")
        self.check(self.decide(30, credit=Decimal("99.99")), 1, "due")

    def test_minimum_counts_all_the_customer_owes(self):
        levels = [followup.Level(1, 10, 7, min_amount=Decimal(150))]
        self.check(self.decide(30, levels=levels), None, "below_minimum")
        self.check(self.decide(30, levels=levels, overdue_company=Decimal(150)), 1, "due")

    def test_hold(self):
        forever, until = followup.Hold("blocked"), followup.Hold("manual", day(20))
        self.check(self.decide(400, holds=[forever]), None, "blocked")
        self.check(self.decide(20, holds=[until]), None, "manual", 20)
        self.check(self.decide(21, holds=[until]), 1, "due")

    def test_failed_reminder_leaves_the_level_open(self):
        failed = sent(LEVELS[0], day(7), followup.FAILED)
        self.check(self.decide(8, [failed]), 1, "due")
        self.check(self.decide(14, [failed, sent(LEVELS[0], day(8))]), None, "not_yet", 21)

    def test_stuck_reminder_waits(self):
        stuck = sent(LEVELS[0], day(7), followup.STUCK)
        self.check(self.decide(30, [stuck]), None, "stuck")

    def test_policy_changed_under_way(self):
        """Levels inserted, renumbered or deleted neither repeat a reminder nor strand an item."""
        first, second, third = LEVELS
        history = [sent(first, day(7)), sent(second, day(21))]
        before = followup.Level(9, 15, 10)
        self.check(self.decide(90, history, (*LEVELS, before)), 3, "due")
        renumbered = [followup.Level(1, 1, 7), followup.Level(2, 2, 21), followup.Level(3, 3, 35)]
        self.check(self.decide(90, history, renumbered), 3, "due")
        self.check(self.decide(90, history, (first, third)), 3, "due")
        after = followup.Level(9, 40, 50)
        done = [*history, sent(third, day(35))]
        self.check(self.decide(90, done, (*LEVELS, after)), 9, "due")

    def test_contact_about_a_vanished_instalment_counts_for_the_gap(self):
        self.check(self.decide(30, last_contact=day(28)), None, "gap", 35)

    def test_no_levels(self):
        self.check(self.decide(30, levels=()), None, "all_sent")


@st.composite
def policies(draw):
    size = draw(st.integers(1, 5))
    levels = []
    for index in range(size):
        levels.append(
            followup.Level(
                id=index + 1,
                sequence=draw(st.integers(0, 3)),
                delay_days=draw(st.integers(1, 60)),
                min_gap_days=draw(st.integers(0, 20)),
            )
        )
    return levels


class TestFollowupProperties(unittest.TestCase):
    """What holds for any policy and any calendar of runs."""

    @given(policies(), st.lists(st.integers(0, 150), max_size=30))
    def test_each_level_once_in_order_never_two_a_day(self, levels, offsets):
        history = []
        for offset in sorted(offsets):
            decision = followup.due_level(item(), levels, history, (), day(offset))
            if decision.level:
                history.append(sent(decision.level, day(offset)))
                again = followup.due_level(item(), levels, history, (), day(offset))
                self.assertIsNone(again.level, "a run repeated the same day sends nothing")
        ordered = [level.id for level in sorted(levels, key=lambda level: level.position)]
        reached = [reminder.level_id for reminder in history]
        self.assertEqual(reached, ordered[: len(reached)], "no level skipped or repeated")
        days = [reminder.on for reminder in history]
        self.assertEqual(len(days), len(set(days)), "never two levels on a day")

    @given(policies(), st.integers(0, 4), st.integers(0, 150), st.integers(0, 150))
    def test_monotone_in_the_date(self, levels, done, offset, more):
        """What is due stays due, with the same level; the date promised is the date it is due."""
        ordered = sorted(levels, key=lambda level: level.position)
        history = [sent(level, day(20 + 3 * n)) for n, level in enumerate(ordered[:done])]
        now = followup.due_level(item(), levels, history, (), day(offset))
        later = followup.due_level(item(), levels, history, (), day(offset + more))
        if now.level:
            self.assertEqual(later.level, now.level)
        elif now.upcoming:
            at = followup.due_level(item(), levels, history, (), now.date)
            self.assertEqual(at.level, now.upcoming)
            before = now.date - datetime.timedelta(days=1)
            self.assertIsNone(followup.due_level(item(), levels, history, (), before).level)

    @given(policies(), st.integers(0, 150))
    def test_order_of_history_and_levels_does_not_matter(self, levels, offset):
        ordered = sorted(levels, key=lambda level: level.position)
        history = [sent(level, day(10 * n)) for n, level in enumerate(ordered[:2])]
        one = followup.due_level(item(), levels, history, (), day(offset))
        two = followup.due_level(item(), levels[::-1], history[::-1], (), day(offset))
        self.assertEqual(one, two)


class TestShareHistory(unittest.TestCase):
    """Whose reminder is it, after accounting has renumbered the instalments?"""

    def share(self, instalments, *spoken):
        reminders = [
            sent(LEVELS[0], day(7), due_date=due, amount=Decimal(amount)) for due, amount in spoken
        ]
        keys = [(due, Decimal(amount)) for due, amount in instalments]
        shares, left = followup.share_history(keys, reminders)
        return [[(r.due_date, int(r.amount)) for r in share] for share in shares], len(left)

    def test_unchanged(self):
        one, two = (day(0), 30), (day(30), 70)
        self.assertEqual(self.share([one, two], one), ([[one], []], 0))
        self.assertEqual(self.share([two, one], one, one), ([[], [one, one]], 0))

    def test_due_date_moved(self):
        one, two = (day(0), 30), (day(30), 70)
        self.assertEqual(self.share([(day(9), 30), two], one), ([[one], []], 0))

    def test_amount_changed(self):
        one, two = (day(0), 30), (day(30), 70)
        self.assertEqual(self.share([(day(0), 50), (day(30), 50)], one, two), ([[one], [two]], 0))

    def test_exact_goes_before_similar(self):
        one = (day(0), 50)
        self.assertEqual(self.share([(day(9), 50), one], one), ([[], [one]], 0))

    def test_nothing_alike(self):
        self.assertEqual(self.share([(day(9), 100)], (day(0), 30)), ([[]], 1))

    @given(
        st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), unique=True, max_size=6),
        st.lists(st.tuples(st.integers(0, 5), st.integers(1, 5)), max_size=12),
    )
    def test_no_reminder_is_lost_or_doubled(self, instalments, spoken):
        keys = [(day(due), amount) for due, amount in instalments]
        shares, left = self.share(keys, *[(day(due), amount) for due, amount in spoken])
        self.assertEqual(sum(len(share) for share in shares) + left, len(spoken))
        for key, share in zip(keys, shares, strict=True):
            self.assertLessEqual(len(set(share)), 1, "one earlier instalment at most")
            if any((day(due), amount) == key for due, amount in spoken):
                self.assertEqual(set(share), {key})
