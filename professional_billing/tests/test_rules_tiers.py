import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import rounding, tiers

D = Decimal
USAGE = [(10, D("1.00")), (None, D("0.75"))]
# The source gives rates and results only; these bounds are ours and lead to its results.
FEES = [(10**6, D("0.05")), (3 * 10**6, D("0.10")), (None, D("0.15"))]

quantities = st.decimals(min_value=0, max_value=1000, places=2)
unit_prices = st.decimals(min_value=0, max_value=100, places=3)
modes = st.sampled_from(["marginal", "whole"])
decimal_places = st.sampled_from([0, 2, 3])


@st.composite
def any_tiers(draw):
    """One to six tiers without an end."""
    bounds = sorted(
        draw(st.sets(st.decimals(min_value="0.01", max_value=900, places=2), max_size=5))
    )
    return [(bound, draw(unit_prices)) for bound in [*bounds, None]]


class TestPrice(unittest.TestCase):
    """What a quantity costs by volume."""

    def check(self, expected, *args, **options):
        self.assertEqual(tiers.price(*args, **options), D(expected))

    def test_6_10_usage(self):
        """10 x 2.50; at least 25 of them; 15 units at 1.00 up to 10 and 0.75 from 11 on."""
        self.check("25.00", 10, [(None, D("2.50"))])
        self.check("62.50", max(10, 25), [(None, D("2.50"))])
        self.check("13.75", 15, USAGE)

    def test_6_28_marginal_and_whole(self):
        """4 million at 5, 10 and 15 %: 400,000 by tier, 600,000 by whole volume."""
        self.check(400000, 4 * 10**6, FEES)
        self.check(600000, 4 * 10**6, FEES, "whole")

    def test_bounds(self):
        """A bound belongs to its own tier, in both modes."""
        self.check("10.00", 10, USAGE)
        self.check("10.00", 10, USAGE, "whole")
        self.check("10.01", D("10.01"), USAGE)
        self.check("7.51", D("10.01"), USAGE, "whole")

    def test_whole_volume_can_fall(self):
        """11 units cost less than 10: all get the price of the second tier."""
        self.check("8.25", 11, USAGE, "whole")

    def test_nothing(self):
        """No quantity costs nothing."""
        for mode in ("marginal", "whole"):
            self.check(0, 0, USAGE, mode)
            self.assertEqual(str(tiers.price(0, USAGE, mode)), "0.00")

    def test_floats_are_read_as_written(self):
        """0.1 at 1.25 and 0.2 at 2.25 are 0.13 and 0.45."""
        self.check("0.58", 0.3, [(0.1, 1.25), (None, 2.25)])

    def test_lines_are_what_prints(self):
        """Each tier is a line and rounded: 0.005 and 0.005 are two cents, not one."""
        table = [(1, D("0.005")), (None, D("0.005"))]
        self.check("0.02", 2, table)
        self.check("0.01", 2, table, "whole")
        self.check("0.010", 2, table, decimals=3)
        self.check(0, 2, table, decimals=0)

    @given(any_tiers(), quantities, quantities, decimal_places)
    def test_more_never_costs_less(self, table, quantity, more, decimals):
        """By tier, the price only grows with the quantity."""
        self.assertLessEqual(
            tiers.price(quantity, table, decimals=decimals),
            tiers.price(quantity + more, table, decimals=decimals),
        )

    @given(any_tiers(), quantities, quantities)
    def test_dearer_tiers_grow_by_whole_volume(self, table, quantity, more):
        """With prices that ascend, whole volume grows too and is never below the tiers' price."""
        ascending = sorted(unit for _bound, unit in table)
        table = [(bound, unit) for (bound, _), unit in zip(table, ascending, strict=True)]
        whole = tiers.price(quantity, table, "whole")
        self.assertLessEqual(whole, tiers.price(quantity + more, table, "whole"))
        slack = D("0.01") * len(table)
        self.assertLessEqual(tiers.price(quantity, table), whole + slack)

    @given(any_tiers(), quantities, modes, decimal_places)
    def test_sum_of_the_lines(self, table, quantity, mode, decimals):
        """The price is what the lines of the parts sum to."""
        lines = [
            rounding.money(part * unit, decimals)
            for part, unit in tiers.split(quantity, table, mode)
        ]
        self.assertEqual(tiers.price(quantity, table, mode, decimals), sum(lines))

    @given(quantities, unit_prices, st.sets(st.integers(1, 900), max_size=4), modes)
    def test_equal_prices_make_no_tiers(self, quantity, unit, bounds, mode):
        """At one price for all, tiers change the rounding at most."""
        table = [(bound, unit) for bound in [*sorted(bounds), None]]
        difference = tiers.price(quantity, table, mode) - rounding.money(quantity * unit)
        self.assertLessEqual(abs(difference), D("0.005") * (len(table) + 1))


class TestSplit(unittest.TestCase):
    """The parts of a quantity, for the lines of an invoice."""

    def test_6_10_lines(self):
        """15 units: 10 at 1.00 and 5 at 0.75, or all at 0.75."""
        self.assertEqual(tiers.split(15, USAGE), [(10, 1), (5, D("0.75"))])
        self.assertEqual(tiers.split(15, USAGE, "whole"), [(15, D("0.75"))])

    def test_6_28_lines(self):
        """4 million: one, two and one."""
        self.assertEqual(
            tiers.split(4 * 10**6, FEES),
            [(10**6, D("0.05")), (2 * 10**6, D("0.10")), (10**6, D("0.15"))],
        )

    def test_no_empty_parts(self):
        """Tiers that are not reached have no line; nothing at all has none."""
        self.assertEqual(tiers.split(10, USAGE), [(10, 1)])
        for mode in ("marginal", "whole"):
            self.assertEqual(tiers.split(0, USAGE, mode), [])

    def test_last_bound(self):
        """A last tier can end; beyond it there is no price."""
        table = [(10, 1), (20, 2)]
        self.assertEqual(tiers.split(20, table), [(10, 1), (10, 2)])
        self.assertEqual(tiers.split(20, table, "whole"), [(20, 2)])
        for mode in ("marginal", "whole"):
            with self.assertRaisesRegex(ValueError, "the last tier ends at 20"):
                tiers.split(D("20.01"), table, mode)

    def test_refused(self):
        """No tiers, bounds that do not ascend, an end in the middle, a negative quantity."""
        for message, args in (
            ("at least one tier", (1, [])),
            ("ascend", (1, [(10, 1), (5, 2), (None, 3)])),
            ("ascend", (1, [(10, 1), (10, 2), (None, 3)])),
            ("ascend", (1, [(0, 1), (None, 3)])),
            ("ascend", (1, [(10, 1), (5, 2)])),
            ("Only the last tier", (1, [(None, 1), (10, 2)])),
            ("Only the last tier", (1, [(None, 1), (None, 2)])),
            ("must not be negative", (-1, USAGE)),
            ("Unknown way to price a volume 'sum'", (1, USAGE, "sum")),
        ):
            with self.assertRaisesRegex(ValueError, message):
                tiers.split(*args)

    @given(any_tiers(), quantities, modes)
    def test_parts_make_the_quantity(self, table, quantity, mode):
        """Nothing is billed twice or left out, and each unit has the price of its tier."""
        parts = tiers.split(quantity, table, mode)
        self.assertEqual(sum((part for part, _unit in parts), D(0)), quantity)
        self.assertTrue(all(part > 0 for part, _unit in parts))
        # A bill of `quantity` ends in the tier with the first bound that is not below it.
        last = next(unit for bound, unit in table if bound is None or quantity <= bound)
        if quantity:
            self.assertEqual(parts[-1][1], last)
        if mode == "whole":
            self.assertLessEqual(len(parts), 1)
        else:
            self.assertEqual([unit for _, unit in parts], [u for _, u in table][: len(parts)])
