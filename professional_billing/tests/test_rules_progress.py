import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import progress, rounding

D = Decimal

contracts = st.decimals(min_value=0, max_value=10**7, places=3)
percentages = st.decimals(min_value=0, max_value=100, places=4)
decimal_places = st.sampled_from([0, 2, 3])


class TestDue(unittest.TestCase):
    """What a percentage of completion makes due."""

    def test_6_17_percent_complete(self):
        """Budget 26,200, 3,125 billed, 34.2 % done by now: 5,835 due, 17,240 remain (BigTime)."""
        done = D(8960) * 100 / 26200
        self.assertEqual(rounding.quantize(done, 1), D("34.2"))
        self.assertEqual(progress.due(26200, done, 3125), 5835)
        self.assertEqual(progress.due(26200, 100, 8960), 17240)

    def test_6_18_schedule_by_completion(self):
        """10,000 at 50, 75 and 100 % bills 5,000 / 2,500 / 2,500 (BQE)."""
        self.assertEqual(progress.due(10000, 50, 0), 5000)
        self.assertEqual(progress.due(10000, 75, 5000), 2500)
        self.assertEqual(progress.due(10000, 100, 7500), 2500)

    def test_6_31_progress(self):
        """5 h at 20 and a fixed 50, both at 50 %: 75; then 75 and 90 % and 1 h at 80 %: 61 more."""
        self.assertEqual(progress.due(100, 50, 0) + progress.due(50, 50, 0), 75)
        more = [progress.due(100, 75, 50), progress.due(50, 90, 25), progress.due(20, 80, 0)]
        self.assertEqual(more, [25, 20, 16])
        self.assertEqual(75 + sum(more), 136)

    def test_progress_taken_back(self):
        """40 % after 5,000 of 10,000 were billed: 1,000 go back."""
        self.assertEqual(progress.due(10000, 40, 5000), -1000)
        self.assertEqual(progress.due(10000, 0, 5000), -5000)

    def test_contract_lowered(self):
        """Complete, but worth less than what is billed."""
        self.assertEqual(progress.due(8000, 100, 9000), -1000)

    def test_rounding(self):
        """12.5 % of 999: half up, in the currency's decimals; what is earned is rounded."""
        self.assertEqual(progress.due(999, D("12.5"), 0, 0), 125)
        self.assertEqual(progress.due(999, D("12.5"), 0), D("124.88"))
        self.assertEqual(progress.due(999, D("12.5"), 0, 3), D("124.875"))
        self.assertEqual(progress.due(999, D("12.5"), 200, 0), -75)
        self.assertEqual(progress.due(1, D("0.5"), 1), D("-0.99"))

    def test_floats_are_read_as_written(self):
        """2.675 was a tie when a person wrote it; half a cent billed is a cent."""
        self.assertEqual(progress.due(2.675, 100.0, 0.0), D("2.68"))
        self.assertEqual(progress.due(1, 50, 0.005), D("0.49"))

    def test_refused(self):
        """No less than nothing, no more than all; the ends are fine."""
        for percent in (-1, D("-0.01"), D("100.01"), 150):
            with self.assertRaisesRegex(ValueError, "between 0 and 100 percent"):
                progress.due(100, percent, 0)
        self.assertEqual(progress.due(100, 0, 0), 0)
        self.assertEqual(progress.due(100, 100, 0), 100)

    @given(contracts, st.lists(percentages, max_size=12), decimal_places)
    def test_claims_make_the_contract(self, contract, steps, decimals):
        """Up and down by any steps, at 100 % the contract is billed to the cent."""
        billed = D(0)
        for percent in [*steps, D(100)]:
            billed += progress.due(contract, percent, billed, decimals)
            self.assertEqual(billed, rounding.money(contract * percent / 100, decimals))
        self.assertEqual(billed, rounding.money(contract, decimals))

    @given(contracts, percentages, contracts)
    def test_a_second_claim_bills_nothing(self, contract, percent, billed):
        """What was claimed is not due again."""
        billed = rounding.money(billed)
        claim = progress.due(contract, percent, billed)
        self.assertEqual(progress.due(contract, percent, billed + claim), 0)
