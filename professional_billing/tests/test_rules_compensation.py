import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import interest
from ..rules.compensation import Percentages, Steps, compensation

D = Decimal
amounts = st.decimals(min_value="0.01", max_value=10**7, places=2)
scales = st.sampled_from(["eu", "uk", "nl_wik"])


class TestCompensation(unittest.TestCase):
    """The fixed sum for a late payment."""

    def check(self, scale, expected, **options):
        for principal, fee in expected.items():
            self.assertEqual(compensation(scale, D(principal), **options), D(fee), principal)

    def test_v24_uk_steps(self):
        """A step begins at its own amount (section 5A of the Act of 1998)."""
        self.check("uk", {"999.99": 40, "1000.00": 70, "9999.99": 70, "10000.00": 100})

    def test_eu(self):
        """40, however small the debt is."""
        self.check("eu", {"0.01": 40, "4500": 40, "1000000": 40})

    def test_nl_wik(self):
        """15, 10, 5, 1 and 0.5 % of the parts, at least 40 and at most 6,775."""
        self.check(
            "nl_wik",
            {
                "100": 40,
                "266.67": 40,
                "266.74": "40.01",
                "2500": 375,
                "5000": 625,
                "10000": 875,
                "200000": 2775,
                "1000000": 6775,
                "5000000": 6775,
            },
        )

    def test_v32_norwegian_reminder_fees(self):
        """A standard compensation of 400 after a reminder fee of 35: 365 more."""
        standard = Steps(((0, 400),))
        self.check(standard, {"5000": 365}, charged=35)
        self.check(standard, {"5000": 0}, charged=500)

    def test_scales_of_your_own(self):
        self.check(Steps(((100, 5), (50, D("2.5")))), {"50": "2.50", "99.99": "2.50", "100": 5})
        with self.assertRaises(ValueError):
            compensation(Steps(((50, 5),)), 49)
        self.check(Percentages(((None, 5),), maximum=30), {"100": 5, "1000": 30, "0.09": "0.00"})

    def test_decimals(self):
        """A currency without decimals gets a fee without."""
        self.assertEqual(str(compensation("eu", 100, decimals=0)), "40")
        self.assertEqual(str(compensation("eu", 0, decimals=0)), "0")
        self.assertEqual(str(compensation("eu", 100)), "40.00")

    def test_nothing_late(self):
        for scale in ("eu", "uk", "nl_wik"):
            self.check(scale, {"0": 0})

    def test_one_name(self):
        self.assertIs(interest.compensation, compensation)

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, "Unknown scale 'us'"):
            compensation("us", 100)
        for arguments in ((-1,), (1, -1)):
            with self.assertRaisesRegex(ValueError, "must not be negative"):
                compensation("eu", *arguments)

    @given(scales, amounts, amounts)
    def test_a_larger_debt_costs_no_less(self, scale, debt, more):
        self.assertLessEqual(compensation(scale, debt), compensation(scale, debt + more))

    @given(scales, amounts, amounts)
    def test_fees_before_are_deducted_once(self, scale, debt, charged):
        """Together with what was charged it is the fee, or more was charged than the fee."""
        whole, rest = compensation(scale, debt), compensation(scale, debt, charged)
        self.assertEqual(rest + min(charged, whole), whole)
