import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules.appropriation import PRINCIPAL_FIRST, Owed, appropriate

D = Decimal
amounts = st.decimals(min_value=0, max_value=10**5, places=2)
orders = st.permutations(["costs", "interest", "principal"])


class TestAppropriate(unittest.TestCase):
    """What a payment settles first."""

    def test_v22_german_order(self):
        """1,000 on 130 costs, 33.40 interest and 1,200 principal (sofortmahnung.de, BGB 367)."""
        owed = Owed(principal=D(1200), interest=D("33.40"), costs=D(130))
        self.assertEqual(appropriate(1000, owed), (Owed(principal=D("363.40")), 0))

    def test_principal_first(self):
        owed = Owed(principal=D(1200), interest=D("33.40"), costs=D(130))
        left = Owed(principal=D(0), interest=D("3.40"), costs=D(130))
        self.assertEqual(appropriate(1230, owed, PRINCIPAL_FIRST), (left, 0))

    def test_overpaid(self):
        self.assertEqual(appropriate(100, Owed(principal=D(60), costs=D(10))), (Owed(), 30))

    def test_refused(self):
        for order in (("costs", "interest"), ("costs", "costs", "principal"), ()):
            with self.assertRaisesRegex(ValueError, "each once"):
                appropriate(1, Owed(), order)
        for payment, owed in ((-1, Owed()), (1, Owed(interest=D(-1)))):
            with self.assertRaisesRegex(ValueError, "must be negative"):
                appropriate(payment, owed)

    @given(amounts, amounts, amounts, amounts, orders)
    def test_nothing_is_lost(self, payment, principal, interest, costs, order):
        """What was settled and what is left make the payment; later parts wait for earlier ones."""
        owed = Owed(principal, interest, costs)
        rest, left = appropriate(payment, owed, order)
        settled = [getattr(owed, part) - getattr(rest, part) for part in order]
        self.assertEqual(sum(settled) + left, payment)
        self.assertGreaterEqual(min(left, *settled), 0)
        open_parts = [part for part in order if getattr(rest, part)]
        self.assertFalse(left and open_parts)
        for part, paid in zip(order, settled, strict=True):
            if open_parts and order.index(part) > order.index(open_parts[0]):
                self.assertEqual(paid, 0)

    @given(amounts, amounts, amounts, amounts, amounts, orders)
    def test_two_payments_are_as_good_as_one(self, one, two, principal, interest, costs, order):
        owed = Owed(principal, interest, costs)
        between, left = appropriate(one, owed, order)
        after, rest = appropriate(two, between, order)
        self.assertEqual((after, left + rest), appropriate(one + two, owed, order))
