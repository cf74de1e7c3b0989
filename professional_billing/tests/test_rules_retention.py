import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import retention, rounding

D = Decimal

money = st.decimals(min_value=0, max_value=10**6, places=2)
claims = st.decimals(min_value=-(10**6), max_value=10**6, places=2)
percentages = st.decimals(min_value=0, max_value=100, places=4)
maximums = st.decimals(min_value=0, max_value=10**5, places=3)
decimal_places = st.sampled_from([0, 2, 3])


class TestRetain(unittest.TestCase):
    """What a claim holds back."""

    def check(self, expected, *args, **options):
        self.assertEqual(retention.retain(*args, **options), D(expected))

    def test_6_14_simple_retainage(self):
        """80,000 at 10 %: 8,000 held, 72,000 payable, 80,000 after the release."""
        held = retention.retain(80000, 10)
        self.assertEqual(held, 8000)
        self.assertEqual(80000 - held, 72000)
        self.assertEqual(80000 - held + retention.release(held, percent=100), 80000)

    def test_2_8_maximum_inside_a_claim(self):
        """4,000 of at most 5,000 held: a claim of 20,000 at 10 % holds back 1,000, 5 % of it."""
        self.check(1000, 20000, 10, held=4000, maximum=5000)
        self.check(0, 20000, 10, held=5000, maximum=5000)
        self.check(2000, 20000, 10, held=3000, maximum=5000)

    def test_maximum_lowered(self):
        """Below what is held: nothing more, and nothing given back by itself."""
        self.check(0, 20000, 10, held=6000, maximum=5000)
        self.check(0, 20000, 10, held=0, maximum=0)

    def test_credit(self):
        """A credit gives back its percentage, no more than is held."""
        self.check(-500, -5000, 10, held=8000)
        self.check(-300, -5000, 10, held=300)
        self.check(0, -5000, 10)

    def test_credit_at_the_maximum(self):
        """The percentage of the credit, though the maximum held back less of the work."""
        self.check(-2000, -20000, 10, held=5000, maximum=5000)
        self.check(-2000, -20000, 10, held=5000, maximum=1000)

    def test_decimals_of_the_currency(self):
        """Half up; a maximum between two cents is not passed by rounding."""
        self.check("0.13", "2.50", 5)
        self.check("0.125", "2.50", 5, decimals=3)
        self.check(3, 50, 5, decimals=0)
        self.check(99, 5000, 5, maximum=D("99.9"), decimals=0)
        self.check(-7, -5000, 5, held=D("7.9"), decimals=0)

    def test_floats_are_read_as_written(self):
        """0.1 held of at most 0.3 leaves two tenths."""
        self.check("0.2", 5.5, 10.0, held=0.1, maximum=0.3)
        self.check("0.02", 0.15, 10.0)

    def test_refused(self):
        """A percentage below nothing or above all; the ends are fine."""
        for percent in (D("-0.01"), D("100.01")):
            with self.assertRaisesRegex(ValueError, "between 0 and 100"):
                retention.retain(100, percent)
        self.check(0, 100, 0)
        self.check(100, 100, 100)

    @given(st.lists(claims, max_size=10), percentages, maximums, decimal_places)
    def test_never_above_the_maximum(self, works, percent, maximum, decimals):
        """Whatever is claimed and credited, between nothing and the maximum is held."""
        held = D(0)
        for work in works:
            amount = retention.retain(work, percent, held, maximum, decimals)
            self.assertEqual(amount, rounding.money(amount, decimals))
            self.assertGreaterEqual(amount * work, 0)
            self.assertLessEqual(abs(amount), rounding.money(abs(work * percent) / 100, decimals))
            held += amount
            self.assertGreaterEqual(held, 0)
            self.assertLessEqual(held, maximum)

    @given(money, percentages, maximums, decimal_places)
    def test_no_less_than_the_maximum_allows(self, work, percent, maximum, decimals):
        """The whole percentage is held back, or no cent fits any more."""
        amount = retention.retain(work, percent, 0, maximum, decimals)
        if amount != rounding.money(work * percent / 100, decimals):
            self.assertGreater(amount + D(1).scaleb(-decimals), maximum)

    @given(st.lists(money, max_size=8), percentages)
    def test_credited_in_full(self, works, percent):
        """Credit every claim, in reverse: nothing is held in the end."""
        held = D(0)
        for work in works:
            held += retention.retain(work, percent, held)
        for work in reversed(works):
            held += retention.retain(-work, percent, held)
        self.assertEqual(held, 0)


class TestRelease(unittest.TestCase):
    """What is released of a retention."""

    def test_2_8_percent_of_what_is_held(self):
        """5 % of 10,000 held, 20 % of that released: 100 (MYOB)."""
        held = retention.retain(10000, 5)
        self.assertEqual(retention.release(held, percent=20), 100)

    def test_amount(self):
        """Part of it, or all."""
        self.assertEqual(retention.release(8000, amount=D("2500.50")), D("2500.50"))
        self.assertEqual(retention.release(8000, amount=8000), 8000)
        self.assertEqual(retention.release(8000, amount=0), 0)

    def test_decimals_of_the_currency(self):
        """Half up."""
        self.assertEqual(retention.release(D("0.25"), percent=50), D("0.13"))
        self.assertEqual(retention.release(25, percent=50, decimals=0), 13)
        self.assertEqual(retention.release(D("0.25"), percent=50, decimals=3), D("0.125"))
        self.assertEqual(retention.release(5, amount=D("1.0049")), 1)

    def test_floats_are_read_as_written(self):
        """Half of 0.29 is 0.15; half a cent held is a cent."""
        self.assertEqual(retention.release(0.29, percent=50.0), D("0.15"))
        self.assertEqual(retention.release(0.285, percent=100), D("0.29"))

    def test_refused(self):
        """More than is held, less than nothing, neither or both ways to say it."""
        for message, options in (
            ("can be released", {"amount": D("100.01")}),
            ("can be released", {"amount": -1}),
            ("between 0 and 100", {"percent": D("100.01")}),
            ("between 0 and 100", {"percent": -1}),
            ("either a percentage or an amount", {}),
            ("either a percentage or an amount", {"percent": 0, "amount": 0}),
        ):
            with self.assertRaisesRegex(ValueError, message):
                retention.release(100, **options)

    @given(money, st.lists(percentages, max_size=6), decimal_places)
    def test_all_is_released_in_the_end(self, held, steps, decimals):
        """Any partial releases and then 100 % release what was held, no cent more."""
        held = rounding.money(held, decimals)
        left = held
        for percent in [*steps, D(100)]:
            part = retention.release(left, percent, decimals=decimals)
            self.assertGreaterEqual(part, 0)
            self.assertLessEqual(part, left)
            left -= part
        self.assertEqual(left, 0)
