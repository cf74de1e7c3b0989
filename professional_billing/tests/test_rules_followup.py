import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import followup

D = Decimal
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


class Deciding:
    options = {}

    def decide(self, on, history=(), levels=LEVELS, holds=(), options=None, **values):
        options = {**self.options, **(options or {})}
        return followup.due_level(item(**values), levels, history, holds, day(on), **options)

    def check(self, decision, level, reason, date=None):
        self.assertEqual(
            (decision.level and decision.level.id, decision.reason), (level, reason), decision
        )
        if date is not None:
            self.assertEqual(decision.date, day(date))


class TestDueLevel(Deciding, unittest.TestCase):
    """Which level is due on a day, and why not."""

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

    def test_6_29_levels_of_tryton(self):
        """Levels after 5, 20 and 40 days; a level that was not sent stays the next one."""
        levels = [followup.Level(n, n, days) for n, days in ((1, 5), (2, 20), (3, 40))]
        self.check(self.decide(4, levels=levels), None, "not_yet", 5)
        self.check(self.decide(5, levels=levels), 1, "due", 5)
        self.check(self.decide(30, levels=levels), 1, "due")
        self.check(self.decide(30, [sent(levels[0], day(29))], levels), 2, "due")

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
        self.check(self.decide(0, levels=()), None, "not_overdue", 1)

    def test_the_hold_that_lasts_longest(self):
        """The day on which follow-up goes on is that of the last hold."""
        until = [followup.Hold("promise", day(40)), followup.Hold("manual", day(50))]
        self.check(self.decide(30, holds=until), None, "manual", 50)
        self.check(self.decide(30, holds=until[::-1]), None, "manual", 50)
        decision = self.decide(30, holds=[*until, followup.Hold("dispute")])
        self.check(decision, None, "dispute")
        self.assertIsNone(decision.date)

    def test_edge_41_posted_overdue(self):
        """An invoice posted late gets its first reminder some days after that."""
        self.check(self.decide(30, not_before=day(33)), None, "not_yet", 33)
        self.check(self.decide(33, not_before=day(33)), 1, "due", 33)
        first = sent(LEVELS[0], day(33))
        self.check(self.decide(35, [first], not_before=day(33)), None, "gap", 43)

    def test_contact_with_the_customer(self):
        """No message about one invoice so soon after one about another."""
        options = {"contact_gap": 5}
        late = {"customer_contact": day(6), "options": options}
        self.check(self.decide(10, **late), None, "gap", 11)
        self.check(self.decide(11, **late), 1, "due", 11)
        self.check(self.decide(10, customer_contact=day(6)), 1, "due", 7)

    def test_edge_65_gap_from_a_broken_promise(self):
        """After it the next level follows, not the first, by its gap from the date promised."""
        history = [sent(LEVELS[0], day(7))]
        self.check(self.decide(39, history, last_contact=day(30)), None, "gap", 40)
        self.check(self.decide(40, history, last_contact=day(30)), 2, "due", 40)

    def test_v30_minimum_of_all_that_is_open(self):
        """100 of 1,000 open reach 10 %, 100 of 1,100 (9.09 %) do not (SAP).

        What falls back to the first level is not sent again once that level was.
        """
        levels = [
            followup.Level(1, 10, 7, 7, D(10), D(10)),
            followup.Level(2, 20, 21, 7, D(10), D(10)),
        ]
        self.check(self.decide(30, levels=levels, open_company=D(1000)), 1, "due")
        history = [sent(levels[0], day(7))]
        fallen = self.decide(30, history, levels, open_company=D(1100))
        self.check(fallen, None, "below_minimum")
        self.assertEqual(fallen.upcoming.id, 2)
        self.check(self.decide(30, history, levels, open_company=D(1000)), 2, "due")
        with self.assertRaisesRegex(ValueError, "open amount"):
            self.decide(30, levels=levels)

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, "Unknown catch-up 'jump'"):
            self.decide(30, options={"catch_up": "jump"})


class TestCatchUpByAge(Deciding, unittest.TestCase):
    """A policy that skips to the level an instalment is old enough for."""

    options = {"catch_up": "by_age"}

    def test_late_start(self):
        """The highest level comes at once, and after it nothing lower."""
        self.check(self.decide(6), None, "not_yet", 7)
        self.check(self.decide(20), 1, "due", 7)
        self.check(self.decide(34), 2, "due", 21)
        self.check(self.decide(60), 3, "due", 35)
        self.check(self.decide(60, [sent(LEVELS[1], day(34))]), 3, "due", 44)
        self.check(self.decide(90, [sent(LEVELS[2], day(60))]), None, "all_sent")

    def test_levels_out_of_order(self):
        """The next level is the one that comes first, not the one that stands first."""
        levels = [followup.Level(1, 10, 30), followup.Level(2, 20, 10)]
        self.check(self.decide(5, levels=levels), None, "not_yet", 10)
        self.check(self.decide(10, levels=levels), 2, "due", 10)

    def test_v30_minimum_of_all_that_is_open(self):
        """Below the minimum of the highest level, the next lower one is sent, but not again."""
        levels = [
            followup.Level(1, 10, 7, 7, D(10), D(5)),
            followup.Level(2, 20, 21, 7, D(10), D(10)),
        ]
        self.check(self.decide(30, levels=levels, open_company=D(1000)), 2, "due")
        self.check(self.decide(30, levels=levels, open_company=D(1100)), 1, "due")
        again = self.decide(40, [sent(levels[0], day(30))], levels, open_company=D(1100))
        self.check(again, None, "below_minimum")
        poor = self.decide(30, levels=levels, open_company=D(2100))
        self.check(poor, None, "below_minimum")
        self.assertEqual(poor.upcoming.id, 2)

    def test_edge_41_posted_overdue(self):
        self.check(self.decide(60, not_before=day(63)), None, "not_yet", 63)
        self.check(self.decide(63, not_before=day(63)), 3, "due", 63)

    def test_contact_with_the_customer(self):
        late = {"customer_contact": day(36), "options": {"contact_gap": 5}}
        self.check(self.decide(40, **late), None, "gap", 41)
        self.check(self.decide(41, **late), 3, "due", 41)

    def test_failed_reminder_leaves_the_level_open(self):
        failed = sent(LEVELS[2], day(40), followup.FAILED)
        self.check(self.decide(41, [failed]), 3, "due")

    def test_paid_and_credit(self):
        self.check(self.decide(40, residual=D(0)), None, "paid")
        self.check(self.decide(40, credit=D(100)), None, "credit_covers")
        self.check(self.decide(40, credit=D("99.99")), 3, "due")


class TestBeforeDue(unittest.TestCase):
    """Reminders before the due date."""

    early = (
        followup.Level(id=8, sequence=1, delay_days=-14),
        followup.Level(id=9, sequence=2, delay_days=-3, min_gap_days=4),
    )
    levels = (*early, *LEVELS)

    def check(self, on, level, reason, date=None, history=(), levels=None, **values):
        options = values.pop("options", {})
        decision = followup.due_level(
            item(**{"overdue": D(0), "overdue_company": D(0), **values}),
            levels or self.levels, history, (), day(on), **options,
        )  # fmt: skip
        found = decision.level and decision.level.id, decision.reason
        self.assertEqual(found, (level, reason), decision)
        if date is not None:
            self.assertEqual(decision.date, day(date))

    def test_over_time(self):
        self.check(-15, None, "not_yet", -14)
        self.check(-14, 8, "due", -14)
        first = sent(self.early[0], day(-14))
        self.check(-4, None, "not_yet", -3, [first])
        self.check(-3, 9, "due", -3, [first])
        both = [first, sent(self.early[1], day(-3))]
        self.check(0, None, "not_overdue", 1, both)
        for on, level, reason in ((6, None, "not_yet"), (7, 1, "due")):
            self.check(on, level, reason, 7, both, overdue=D(100), overdue_company=D(100))

    def test_only_the_latest(self):
        """A run that comes late sends one, not one after the other."""
        self.check(-2, 9, "due", -3)
        self.check(0, 9, "due", -3)
        self.check(0, None, "not_overdue", 1, [sent(self.early[1], day(-2))])

    def test_edge_40_never_after_the_due_date(self):
        self.check(1, None, "not_yet", 7)
        self.check(7, 1, "due", overdue=D(100))
        for catch_up in ("progressive", "by_age"):
            options = {"catch_up": catch_up}
            self.check(90, None, "all_sent", levels=self.early, options=options)

    def test_no_gap_beyond_the_due_date(self):
        """One that could only follow too late does not come; the first overdue one is next."""
        first = sent(self.early[0], day(-3))
        self.check(0, None, "not_overdue", 1, [first])
        self.check(-1, None, "gap", 0, [sent(self.early[0], day(-4))])

    def test_never_after_a_late_one(self):
        """The due date was moved on after a reminder that it is past: no courtesy follows."""
        before = sent(LEVELS[0], day(-20), due_date=day(-30))
        later = followup.Level(id=7, sequence=99, delay_days=-3)
        self.check(-2, None, "not_overdue", 1, [before], levels=(*LEVELS, later))
        self.check(-2, 7, "due", levels=(*LEVELS, later))

    def test_credit_and_minimum(self):
        """Asked for is what is overdue and what falls due now; a minimum needs to know it."""
        self.check(-3, 9, "due", credit=D("99.99"))
        self.check(-3, None, "credit_covers", credit=D(100))
        self.check(-3, 9, "due", credit=D(100), overdue=D(1))
        level = [followup.Level(1, 1, -5, min_amount=D(150))]
        self.check(-3, None, "below_minimum", levels=level, residual_company=D("149.99"))
        self.check(-3, 1, "due", levels=level, residual_company=D(150))
        self.check(-3, 1, "due", levels=level, residual_company=D(100), overdue_company=D(50))
        with self.assertRaisesRegex(ValueError, "residual amount"):
            self.check(-3, 1, "due", levels=level)

    def test_on_the_due_date(self):
        """A level of no days comes on the day itself, and late if need be."""
        levels = [followup.Level(1, 1, 0), followup.Level(2, 2, 7)]
        self.check(-1, None, "not_yet", 0, levels=levels)
        self.check(0, 1, "due", 0, levels=levels)
        self.check(3, 1, "due", 0, levels=levels, overdue=D(100))
        self.check(0, None, "not_overdue", 1, [sent(levels[0], day(0))], levels=levels)
        both = [*self.early, levels[0]]
        self.check(-1, 9, "due", -3, levels=both)
        self.check(0, 1, "due", 0, levels=both)


@st.composite
def policies(draw, earliest=1):
    size = draw(st.integers(1, 5))
    levels = []
    for index in range(size):
        levels.append(
            followup.Level(
                id=index + 1,
                sequence=draw(st.integers(0, 3)),
                delay_days=draw(st.integers(earliest, 60)),
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

    @given(policies(-30), st.lists(st.integers(-40, 150), max_size=30), st.integers(0, 10))
    def test_by_age_and_before_due(self, levels, offsets, contact_gap):
        """However a policy catches up: no level twice or backwards, none early after the due date."""
        for catch_up in (followup.PROGRESSIVE, followup.BY_AGE):
            history, contact = [], None
            for offset in sorted(offsets):
                one = item(overdue=D(0) if offset <= 0 else D(100), customer_contact=contact)
                decision = followup.due_level(
                    one, levels, history, (), day(offset), catch_up, contact_gap
                )
                if not decision.level:
                    continue
                level = decision.level
                if level.delay_days < 0:
                    self.assertLessEqual(offset, 0)
                self.assertGreaterEqual(offset, level.delay_days)
                if contact:
                    self.assertGreaterEqual((day(offset) - contact).days, max(contact_gap, 1))
                history.append(sent(level, day(offset)))
                contact = day(offset)
            places = {level.id: level.position for level in levels}
            climbed = [places[reminder.level_id] for reminder in history]
            self.assertEqual(climbed, sorted(set(climbed)))

    @given(policies(), st.integers(0, 150), st.integers(0, 150))
    def test_by_age_never_falls_back(self, levels, offset, more):
        """What is due stays due, and an older instalment is never at a lower level."""
        now, later = (
            followup.due_level(item(), levels, (), (), day(on), followup.BY_AGE)
            for on in (offset, offset + more)
        )
        if now.level:
            self.assertGreaterEqual(later.level.position, now.level.position)


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
