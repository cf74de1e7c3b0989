import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import ageing

D = Decimal
ON = datetime.date(2026, 3, 31)

rows = st.lists(
    st.tuples(
        st.integers(-200, 400).map(lambda age: ON - datetime.timedelta(days=age)),
        st.decimals(min_value=-1000, max_value=1000, places=2),
    ),
    max_size=20,
)
bounds = st.sets(st.integers(1, 300), max_size=5).map(lambda days: tuple(sorted(days)))


def aged(days, amount=1):
    return ON - datetime.timedelta(days=days), D(amount)


class TestReceivables(unittest.TestCase):
    """What customers owe, by days late."""

    def test_edges(self):
        """0 days are not due, 1 and 30 are in the first bucket, 31 in the second (by due date)."""
        for days, first in ((1, 1), (30, 1), (31, 31), (60, 31), (61, 61), (120, 91), (121, 121)):
            result = ageing.receivables([aged(days)], ON)
            filled = [bucket.first for bucket in result.buckets if bucket.amount]
            self.assertEqual((result.not_due, filled), (0, [first]), days)
        for days in (0, -1):
            result = ageing.receivables([aged(days)], ON)
            self.assertEqual((result.not_due, result.late), (1, 0))

    def test_buckets(self):
        buckets = ageing.receivables([], ON).buckets
        self.assertEqual(
            [(bucket.first, bucket.last) for bucket in buckets],
            [(1, 30), (31, 60), (61, 90), (91, 120), (121, None)],
        )

    def test_credits_stand_apart(self):
        """A credit neither hides what is late nor counts as not due."""
        result = ageing.receivables([aged(40, 100), aged(40, -30), aged(-9, -5)], ON)
        self.assertEqual((result.not_due, result.late, result.credits), (0, 100, -35))
        self.assertEqual(result.total, 65)

    def test_refused(self):
        for bounds in ((0, 30), (30, 30), (60, 30)):
            with self.assertRaisesRegex(ValueError, "ascend"):
                ageing.receivables([], ON, bounds)

    @given(rows, bounds)
    def test_nothing_is_lost(self, items, bounds):
        result = ageing.receivables(items, ON, bounds)
        self.assertEqual(result.total, sum((amount for _date, amount in items), D(0)))
        for bucket in result.buckets:
            expected = (
                amount
                for date, amount in items
                if amount > 0
                and bucket.first <= (ON - date).days
                and (bucket.last is None or (ON - date).days <= bucket.last)
            )
            self.assertEqual(bucket.amount, sum(expected, D(0)))


class TestWork(unittest.TestCase):
    """Work in progress, by age."""

    def test_edges(self):
        """Work of the day is in the first bucket, what is dated later is not there yet."""
        for days, first in ((0, 0), (30, 0), (31, 31), (121, 121)):
            buckets = ageing.work([aged(days)], ON)
            self.assertEqual([bucket.first for bucket in buckets if bucket.amount], [first])
        self.assertFalse(any(bucket.amount for bucket in ageing.work([aged(-1)], ON)))

    def test_corrections(self):
        self.assertEqual(ageing.work([aged(5, 100), aged(9, -30)], ON)[0].amount, 70)

    @given(rows, bounds)
    def test_nothing_is_lost(self, items, bounds):
        there = sum((amount for date, amount in items if date <= ON), D(0))
        buckets = ageing.work(items, ON, bounds)
        self.assertEqual(sum((bucket.amount for bucket in buckets), D(0)), there)
