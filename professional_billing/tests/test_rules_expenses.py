import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import caps, expenses

D = Decimal
DECIMALS = st.sampled_from([0, 2, 3])
MONEY = st.decimals(0, 100000, places=3)
MARKUP = st.decimals(-100, 400, places=2)


class TestExpenses(unittest.TestCase):
    def test_at_cost(self):
        self.assertEqual(
            expenses.charge(D("120.00")), expenses.Charge(D("120.00"), D("0.00"), D("120.00"), D(0))
        )

    def test_markup(self):
        charge = expenses.charge("120", 10)
        self.assertEqual((charge.markup, charge.value), (D("12.00"), D("132.00")))
        self.assertEqual(charge.amount, D("132.00"))

    def test_limit_holds_for_cost_and_markup_together(self):
        charge = expenses.charge("120", 10, 100)
        self.assertEqual((charge.amount, charge.excess), (D("100.00"), D("32.00")))

    def test_markup_is_rounded_half_up_by_itself(self):
        self.assertEqual(expenses.charge("0.33", 50).markup, D("0.17"))
        self.assertEqual(expenses.charge("33", "1.5", decimals=0).value, D("33"))
        self.assertEqual(expenses.charge("33.333", 10, decimals=3).value, D("36.666"))

    def test_money_back_passes_whole(self):
        self.assertEqual(expenses.charge("-120", 10, 100).amount, D("-132.00"))

    def test_free(self):
        self.assertEqual(expenses.charge("120", -100).amount, 0)

    def test_nonsense_is_refused(self):
        for markup, limit in ((D("-100.01"), 0), (0, -1)):
            with self.assertRaises(ValueError):
                expenses.charge(10, markup, limit)

    @given(base=MONEY, markup=MARKUP, limit=MONEY, decimals=DECIMALS)
    def test_adds_up_and_stays_under_the_limit(self, base, markup, limit, decimals):
        charge = expenses.charge(base, markup, limit, decimals)
        self.assertEqual(charge.base + charge.markup, charge.amount + charge.excess)
        self.assertGreaterEqual(charge.excess, 0)
        if limit:
            self.assertLessEqual(charge.amount, expenses.money(limit, decimals))
        for part in (charge.base, charge.markup, charge.amount, charge.excess):
            self.assertEqual(part, expenses.money(part, decimals))

    @given(base=MONEY, low=MARKUP, high=MARKUP, limit=MONEY)
    def test_more_markup_is_never_cheaper(self, base, low, high, limit):
        low, high = sorted((low, high))
        self.assertLessEqual(
            expenses.charge(base, low, limit).amount, expenses.charge(base, high, limit).amount
        )

    @given(base=MONEY, markup=MARKUP)
    def test_money_back_mirrors_an_expense(self, base, markup):
        self.assertEqual(
            expenses.charge(-base, markup).amount, -expenses.charge(base, markup).amount
        )

    @given(
        bases=st.lists(MONEY, max_size=6),
        markup=MARKUP,
        limit=MONEY,
        total=MONEY,
        order=st.randoms(use_true_random=False),
    )
    def test_both_limits_hold_in_any_order(self, bases, markup, limit, total, order):
        """The most for one, then the most for all together, whichever expense comes first."""
        values = [expenses.charge(base, markup, limit).amount for base in bases]
        shuffled = order.sample(values, len(values))
        granted = [
            sum(grant.granted for grant in caps.grant_each(total, 0, each, caps.WRITE_DOWN))
            for each in (values, shuffled)
        ]
        self.assertEqual(granted, [min(sum(values), total)] * 2)
