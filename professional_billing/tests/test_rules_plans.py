import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import plans

D = Decimal
START = datetime.date(2026, 3, 31)


def day(offset):
    return START + datetime.timedelta(days=offset)


PLAN = [(day(0), 300), (day(30), 300), (day(60), 400)]

amounts = st.decimals(min_value="0.01", max_value=500, places=2)
rows = st.lists(st.tuples(st.integers(-10, 100).map(day), amounts), max_size=6)


class TestStanding(unittest.TestCase):
    """What of a plan is due, and whether it is kept."""

    def at(self, on, *payments, **options):
        paid = [(day(offset), amount) for offset, amount in payments]
        return plans.standing(PLAN, paid, day(on), **options)

    def check(self, standing, state, due, left, defaulted_on=None):
        self.assertEqual((standing.state, standing.due, standing.left), (state, due, left))
        if defaulted_on is not None:
            defaulted_on = day(defaulted_on)
        self.assertEqual(standing.defaulted_on, defaulted_on)

    def test_kept(self):
        self.check(self.at(-1), "active", 0, 1000)
        self.check(self.at(0), "active", 300, 1000)
        self.check(self.at(0, (0, 300)), "active", 0, 700)
        self.check(self.at(40, (0, 300), (30, 300)), "active", 0, 400)
        self.check(self.at(90, (0, 300), (30, 300), (60, 400)), "completed", 0, 0)

    def test_edge_71_missed(self):
        """A missed instalment is a default the day after; all can become due by it."""
        self.check(self.at(31, (0, 300)), "defaulted", 300, 700, 31)
        self.check(self.at(31, (0, 300), accelerate=True), "defaulted", 700, 700, 31)

    def test_grace(self):
        self.check(self.at(3, grace_days=3), "active", 300, 1000)
        self.check(self.at(4, grace_days=3), "defaulted", 300, 1000, 4)
        self.check(self.at(31, (3, 300), grace_days=3), "active", 300, 700)

    def test_paid_after_the_default(self):
        """It stays one, unless everything is paid."""
        self.check(self.at(5, (3, 300)), "defaulted", 0, 700, 1)
        self.check(self.at(5, (3, 1000)), "completed", 0, 0, 1)

    def test_oldest_first(self):
        standing = self.at(30, (0, 450))
        self.assertEqual(standing.open, (0, 150, 400))
        self.check(standing, "active", 150, 550)
        self.assertEqual(standing.next_date, day(60))

    def test_paid_ahead(self):
        standing = self.at(10, (0, 650))
        self.check(standing, "active", 0, 350)
        self.assertEqual(standing.next_date, day(60))

    def test_tolerance(self):
        self.check(self.at(2, (0, 299), tolerance=1), "active", 1, 701)
        self.check(
            self.at(2, (0, D("298.99")), tolerance=1), "defaulted", D("1.01"), D("701.01"), 1
        )
        self.check(self.at(2, (0, 999), tolerance=1), "completed", 0, 1)

    def test_refused(self):
        for schedule in ([], [(day(0), 0)], [(day(0), 5), (day(1), -5)]):
            with self.assertRaises(ValueError):
                plans.standing(schedule, [], day(0))

    @given(rows, rows, st.integers(-20, 120), st.integers(0, 10), st.booleans())
    def test_nothing_is_lost(self, schedule, payments, on, grace, accelerate):
        """What is open and what was paid make the plan, and no more than that is due."""
        schedule = schedule or PLAN
        standing = plans.standing(schedule, payments, day(on), grace, accelerate)
        total = sum(amount for _date, amount in schedule)
        paid = sum(amount for date, amount in payments if date <= day(on))
        self.assertEqual(standing.left, max(total - paid, 0))
        self.assertEqual(sum(standing.open), standing.left)
        self.assertLessEqual(standing.due, standing.left)
        if standing.defaulted_on and accelerate:
            self.assertEqual(standing.due, standing.left)
        again = plans.standing(schedule[::-1], payments[::-1], day(on), grace, accelerate)
        self.assertEqual(standing, again)

    @given(rows, rows, st.integers(-20, 120), st.integers(0, 60))
    def test_a_default_stays(self, schedule, payments, on, more):
        schedule = schedule or PLAN
        now = plans.standing(schedule, payments, day(on)).defaulted_on
        if now:
            self.assertEqual(plans.standing(schedule, payments, day(on + more)).defaulted_on, now)
