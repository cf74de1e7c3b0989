import unittest
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ..rules import rounding

D = Decimal
CENT = D("0.01")

amounts = st.decimals(min_value=-(10**7), max_value=10**7, places=2)
weights = st.lists(
    st.decimals(min_value=0, max_value=10**6, places=4), min_size=1, max_size=12
).filter(any)
decimal_places = st.sampled_from([0, 2, 3])


class TestMoney(unittest.TestCase):
    """Money is rounded half away from zero, in the currency's decimals."""

    def test_half_up(self):
        """Half a cent goes up, and away from zero below it."""
        cases = {"0.005": "0.01", "2.675": "2.68", "-2.675": "-2.68", "1.004": "1.00"}
        for amount, expected in cases.items():
            self.assertEqual(rounding.money(amount), D(expected))

    def test_floats_are_read_as_written(self):
        """2.675 as a float is below the tie in binary; a person wrote a tie."""
        self.assertEqual(rounding.money(2.675), D("2.68"))
        self.assertEqual(rounding.money(1.005), D("1.01"))
        self.assertEqual(rounding.decimal(0.1) * 3, D("0.3"))

    def test_decimals_of_the_currency(self):
        """Yen have none, Kuwaiti dinars three."""
        self.assertEqual(rounding.money("0.5", 0), D(1))
        self.assertEqual(rounding.money("1234.5674", 3), D("1234.567"))

    @given(amounts)
    def test_rounded_money_stays(self, amount):
        """Rounding twice changes nothing, and rounding keeps the sign."""
        self.assertEqual(rounding.money(amount), amount)
        self.assertEqual(rounding.money(-amount), -rounding.money(amount))

    @given(st.floats(min_value=-1e9, max_value=1e9), decimal_places)
    def test_within_half_a_unit(self, amount, decimals):
        """The rounded amount is never more than half a unit away."""
        unit = D(1).scaleb(-decimals)
        self.assertLessEqual(abs(rounding.money(amount, decimals) - D(str(amount))), unit / 2)


class TestHours(unittest.TestCase):
    """Minutes to billable hours: increments, minimum, exact mode."""

    def check(self, cases, **options):
        for minutes, expected in cases.items():
            self.assertEqual(rounding.hours(minutes, **options), D(expected), minutes)

    def test_six_minutes_up(self):
        """Tenths of an hour, rounded up (published by Clio)."""
        self.check({5: "0.1", 7: "0.2", 9: "0.2", 70: "1.2", 45: "0.8"}, increment=6)

    def test_quarters_up(self):
        """9 min = 0.25 h; 0.248 h = 14.88 min = 0.25 h."""
        self.check({9: "0.25", "14.88": "0.25"}, increment=15)

    def test_quarters_all_modes(self):
        """TimeTracker's table, in minutes."""
        tables = {
            "nearest": {7: 0, 8: 15, 62: 60, 68: 75},
            "up": {1: 15, 61: 75, 60: 60},
            "down": {14: 0, 74: 60},
        }
        for mode, table in tables.items():
            for minutes, expected in table.items():
                self.assertEqual(
                    rounding.hours(minutes, increment=15, mode=mode) * 60, expected, (mode, minutes)
                )

    def test_nearest_takes_the_half_up(self):
        """7.5 of 15 minutes is a tie: up."""
        self.assertEqual(rounding.hours("7.5", increment=15, mode="nearest"), D("0.25"))

    def test_minimum_and_step(self):
        """70 min, minimum 30, step 15, at 150 per hour = 1.25 h = 187.50 (Alga)."""
        hours = rounding.hours(70, increment=15, minimum=30)
        self.assertEqual(hours, D("1.25"))
        self.assertEqual(rounding.money(hours * 150), D("187.50"))
        self.assertEqual(rounding.hours(10, increment=15, minimum=30), D("0.5"))

    def test_no_work_no_minimum(self):
        """The minimum is for work; none at all stays none, in every mode."""
        for mode in ("up", "nearest", "down"):
            self.assertEqual(rounding.hours(0, minimum=30, mode=mode), 0)

    def test_decimal_first(self):
        """50 min at 100 is 0.83 h on the bill: 83.00, not 83.33; 25 min at 34.34: 14.42 (Kimai)."""
        for minutes, rate, first, exact in (
            (50, 100, "83", "83.33"),
            (25, D("34.34"), "14.42", "14.31"),
        ):
            hours = rounding.hours(minutes, increment=D("0.6"), mode="nearest")
            self.assertEqual(rounding.money(hours * rate), D(first))
            self.assertEqual(rounding.money(D(minutes) / 60 * rate), D(exact))

    def test_per_entry_is_the_sum_that_prints(self):
        """2 x 15 min at 27.50 bill 13.76 as entries and 13.75 as one (Kimai): entries decide."""
        quarter = rounding.money(rounding.hours(15, increment=15) * D("27.5"))
        self.assertEqual(2 * quarter, D("13.76"))
        self.assertEqual(rounding.money(rounding.hours(30, increment=15) * D("27.5")), D("13.75"))

    def test_refused(self):
        """Negative time, a step of zero or an unknown mode is an error, never a number."""
        for minutes, options in (
            (-1, {}),
            (5, {"increment": 0}),
            (5, {"increment": -6}),
            (5, {"minimum": -1}),
            (5, {"mode": "sideways"}),
        ):
            with self.assertRaises(ValueError):
                rounding.hours(minutes, **options)

    @given(st.integers(0, 6000), st.integers(1, 120), st.integers(0, 120))
    def test_bounds(self, minutes, increment, minimum):
        """Down <= nearest <= up, each within one step of the work or at the minimum."""
        down, nearest, up = (
            rounding.hours(minutes, increment, minimum, mode) * 60
            for mode in ("down", "nearest", "up")
        )
        self.assertLessEqual(down, nearest)
        self.assertLessEqual(nearest, up)
        tolerance = D("1e-9")
        self.assertGreaterEqual(up + tolerance, minutes)
        self.assertLess(up, max(minutes + increment, minimum) + tolerance)
        if minutes:
            self.assertGreaterEqual(down + tolerance, minimum)

    @given(st.integers(0, 600), st.integers(0, 600))
    def test_more_work_never_bills_less(self, minutes, more):
        """Rounding is monotonic."""
        for mode in ("down", "nearest", "up"):
            self.assertLessEqual(
                rounding.hours(minutes, 15, 30, mode), rounding.hours(minutes + more, 15, 30, mode)
            )


class TestSplitShares(unittest.TestCase):
    """Largest remainder: shares that sum to the total."""

    def test_published(self):
        """302.50 over 480 : 240 is 201.67 / 100.83 (Alga)."""
        self.assertEqual(rounding.split_shares(D("302.50"), [480, 240]), [D("201.67"), D("100.83")])

    def test_fee_by_standalone_value(self):
        """500 over services worth 100 and 300 is 125 / 375 (Alga)."""
        self.assertEqual(rounding.split_shares(500, [100, 300]), [D(125), D(375)])

    def test_differs_from_a_schedule(self):
        """The cents go to the largest remainders, wherever they stand: 3,334 / 3,333 / 3,334."""
        self.assertEqual(
            rounding.split_shares(10001, [D("33.3333"), D("33.3333"), D("33.3334")], 0),
            [3334, 3333, 3334],
        )

    def test_ties_go_to_the_first(self):
        """A cent over three equal shares."""
        self.assertEqual(rounding.split_shares(D("0.01"), [1, 1, 1]), [CENT, 0, 0])
        self.assertEqual(rounding.split_shares(D("-0.01"), [1, 1, 1]), [-CENT, 0, 0])

    def test_zero_weights(self):
        """Zero weighs nothing, unless all do: then everybody alike."""
        self.assertEqual(rounding.split_shares(10, [0, 1, 0]), [0, 10, 0])
        self.assertEqual(rounding.split_shares(1, [0, 0, 0]), [D("0.34"), D("0.33"), D("0.33")])

    def test_refused(self):
        """Nothing to split over, or weights of both signs."""
        for shares in ([], [1, -1]):
            with self.assertRaises(ValueError):
                rounding.split_shares(10, shares)

    @given(amounts, weights, decimal_places)
    def test_sums_exactly(self, total, shares, decimals):
        """Nothing is lost and nothing is made."""
        parts = rounding.split_shares(total, shares, decimals)
        self.assertEqual(sum(parts), rounding.money(total, decimals))
        self.assertEqual(len(parts), len(shares))

    @given(amounts, weights)
    def test_within_a_cent_and_of_one_sign(self, total, shares):
        """No share is a cent or more from its exact part, none has the other sign."""
        whole = sum(map(Fraction, shares))
        for part, weight in zip(rounding.split_shares(total, shares), shares, strict=True):
            exact = Fraction(total) * Fraction(weight) / whole
            self.assertLess(abs(Fraction(part) - exact), Fraction(CENT))
            self.assertGreaterEqual(part * total, 0)
            if not weight:
                self.assertEqual(part, 0)

    @given(amounts, weights, st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, total, shares, random):
        """Shuffled weights get the same parts; only equal remainders may trade their cent."""
        shuffled = shares[:]
        random.shuffle(shuffled)
        self.assertEqual(
            sorted(rounding.split_shares(total, shares)),
            sorted(rounding.split_shares(total, shuffled)),
        )
        whole = sum(map(Fraction, shares))
        in_cents = [abs(Fraction(total)) * 100 * Fraction(weight) / whole for weight in shares]
        if len({exact % 1 for exact in in_cents}) == len(shares):
            by_weight = dict(zip(shares, rounding.split_shares(total, shares), strict=True))
            for weight, part in zip(shuffled, rounding.split_shares(total, shuffled), strict=True):
                self.assertEqual(part, by_weight[weight])

    @given(amounts, weights)
    def test_a_refund_mirrors_the_bill(self, total, shares):
        """Splitting a negative total gives the same parts with the other sign."""
        parts = rounding.split_shares(total, shares)
        self.assertEqual(rounding.split_shares(-total, shares), [-part for part in parts])

    @given(amounts, weights, st.integers(1, 1000))
    def test_only_proportions_count(self, total, shares, factor):
        """Weights in hours or in minutes give the same parts."""
        scaled = [weight * factor for weight in shares]
        self.assertEqual(rounding.split_shares(total, shares), rounding.split_shares(total, scaled))

    def test_quantize_modes(self):
        """Half up is the default of quantize; others are by name."""
        self.assertEqual(rounding.quantize("1.25", 1), rounding.quantize("1.25", 1, ROUND_HALF_UP))
