import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules.statements import Entry, activity

MARCH = (datetime.date(2026, 3, 1), datetime.date(2026, 3, 31))
DAYS = st.dates(datetime.date(2026, 1, 1), datetime.date(2026, 6, 30))
AMOUNTS = st.decimals("-9999.99", "9999.99", places=2)


def entry(day, amount, kind="invoice"):
    return Entry(datetime.date.fromisoformat(day), day, kind, Decimal(amount))


class TestStatements(unittest.TestCase):
    def test_month(self):
        """100 from before, 250 billed, 100 paid: 250 at the end."""
        found = activity(
            [
                entry("2026-03-20", "-100", "payment"),
                entry("2026-02-10", "100"),
                entry("2026-03-01", "150"),
                entry("2026-03-31", "100"),
                entry("2026-04-01", "999"),
            ],
            *MARCH,
        )
        self.assertEqual((found.opening, found.closing), (100, 250))
        self.assertEqual([row.balance for row in found.entries], [250, 150, 250])
        self.assertEqual((found.total("invoice"), found.total("payment")), (250, -100))

    def test_nothing(self):
        found = activity([], *MARCH)
        self.assertEqual((found.opening, found.entries, found.closing), (0, (), 0))

    def test_same_day_keeps_its_order(self):
        found = activity([entry("2026-03-02", "1"), entry("2026-03-02", "2")], *MARCH)
        self.assertEqual([row.amount for row in found.entries], [1, 2])

    def test_period_backwards(self):
        with self.assertRaisesRegex(ValueError, "must not end before"):
            activity([], MARCH[1], MARCH[0])

    @given(st.lists(st.tuples(DAYS, AMOUNTS)), DAYS, DAYS)
    def test_adds_up(self, rows, one, two):
        """Opening and entries make the closing balance, which is the next period's opening one."""
        start, end = sorted((one, two))
        entries = [Entry(day, "", "invoice", amount) for day, amount in rows]
        found = activity(entries, start, end)
        self.assertEqual(found.opening + found.total("invoice"), found.closing)
        self.assertEqual(
            found.closing, sum((amount for day, amount in rows if day <= end), Decimal(0))
        )
        after = activity(entries, end + datetime.timedelta(days=1), datetime.date(2027, 1, 1))
        self.assertEqual(after.opening, found.closing)
