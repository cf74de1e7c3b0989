import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules.charges import Debt, to_charge

D = Decimal
DUE = datetime.date(2025, 1, 31)
AMOUNTS = st.decimals(0, 1000, places=2)


def on(days):
    return DUE + datetime.timedelta(days=days)


class TestDebt(unittest.TestCase):
    def test_what_was_paid_late(self):
        debt = Debt(D(100), DUE, payments=((on(-5), D(10)), (on(0), D(20)), (on(3), D(40))))
        self.assertEqual(debt.paid_late(), 70)
        self.assertEqual(debt.paid_late(grace_days=3), 30)

    def test_what_was_credited_was_not_owed(self):
        self.assertEqual(Debt(D(100), DUE, credits=((on(50), D(60)),)).paid_late(), 40)
        self.assertEqual(Debt(D(100), DUE, credits=((on(50), D(160)),)).paid_late(), 0)


class TestToCharge(unittest.TestCase):
    def test_first_and_next(self):
        self.assertEqual(to_charge(D(10), 0, 0), 10)
        self.assertEqual(to_charge(D(25), D(10), 0), 15)

    def test_given_up_is_not_asked_for_again(self):
        self.assertEqual(to_charge(D(25), 0, D(10)), 15)
        self.assertEqual(to_charge(D(25), D(5), D(10)), 10)

    def test_gives_back_what_was_charged_and_no_more(self):
        self.assertEqual(to_charge(D(4), D(10), 0), -6)
        self.assertEqual(to_charge(D(4), 0, D(10)), 0)

    @given(st.lists(st.tuples(AMOUNTS, st.booleans()), min_size=1))
    def test_all_bills_come_to_the_last_target(self, targets):
        """Billed or left out from time to time, it adds up; nothing is given back unbilled."""
        charged = given_up = D(0)
        for target, bills in targets:
            amount = to_charge(target, charged, given_up)
            if bills or amount < 0:
                charged += amount
            else:
                given_up += amount
            self.assertGreaterEqual(charged, 0)
            self.assertEqual(to_charge(target, charged, given_up), 0)
