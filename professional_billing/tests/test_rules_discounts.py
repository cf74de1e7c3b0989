import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import discounts

D = Decimal
LAW = [(1_000_000, 5), (3_000_000, 10), (None, 15)]
money = st.decimals(min_value=0, max_value=5_000_000, places=2)
modes = st.sampled_from(["marginal", "whole"])


class TestEarned(unittest.TestCase):
    def test_6_28_marginal(self):
        """4,000,000 at 5, 10 and 15 % of its parts: 50,000 + 200,000 + 150,000."""
        self.assertEqual(discounts.earned(4_000_000, LAW), 400_000)

    def test_6_28_whole_volume(self):
        self.assertEqual(discounts.earned(4_000_000, LAW, "whole"), 600_000)

    def test_nothing_billed(self):
        self.assertEqual(discounts.earned(0, LAW), 0)
        self.assertEqual(discounts.earned(-5, LAW), 0)

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, "between 0 and 100"):
            discounts.earned(10, [(None, 101)])

    @given(money, money, modes)
    def test_more_volume_earns_more(self, volume, more, mode):
        self.assertGreaterEqual(
            discounts.earned(volume + more, LAW, mode), discounts.earned(volume, LAW, mode)
        )


class TestDue(unittest.TestCase):
    def test_fixed_amount(self):
        """500 off: a bill of 300 takes 300, the next one 200, the third none."""
        self.assertEqual(discounts.due(500, 0, 300), 300)
        self.assertEqual(discounts.due(500, 300, 1000), 200)
        self.assertEqual(discounts.due(500, 500, 1000), 0)

    def test_credit_note_gives_it_back(self):
        self.assertEqual(discounts.due(500, 200, 1000), 300)

    def test_negative_bill(self):
        self.assertEqual(discounts.due(500, 0, -10), 0)

    @given(st.lists(money, max_size=8), modes)
    def test_bills_in_pieces_make_the_whole(self, bills, mode):
        """Bill by bill the discounts add up to what all the bills have earned together."""
        volume = given_so_far = D(0)
        for work in bills:
            volume += work
            target = discounts.earned(volume, LAW, mode)
            off = discounts.due(target, given_so_far, work)
            self.assertLessEqual(off, work)
            given_so_far += off
        if mode == "marginal":
            self.assertEqual(given_so_far, discounts.earned(volume, LAW, mode))
        else:
            self.assertLessEqual(given_so_far, discounts.earned(volume, LAW, mode))
