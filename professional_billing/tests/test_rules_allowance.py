import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import allowance, settlement
from ..rules.allowance import Draw

D = Decimal
DAY = datetime.date(2025, 5, 15)

hours = st.decimals(min_value=0, max_value=1000, places=2)
rollovers = st.sampled_from(["none", "one_period", "capped"])
near = st.dates(DAY - datetime.timedelta(days=5), DAY + datetime.timedelta(days=5))


@st.composite
def prepaid(draw):
    """Lots that start and expire about the day, some used up or overdrawn."""
    rows = draw(
        st.lists(
            st.tuples(st.decimals(min_value=-5, max_value=50, places=2), near, st.none() | near),
            max_size=8,
        )
    )
    return [(index, *row) for index, row in enumerate(rows)]


class TestDraw(unittest.TestCase):
    """A period's allowance: overage, what is carried on, what is lost."""

    def check(self, expected, *args, **options):
        self.assertEqual(allowance.draw(*args, **options), Draw(*map(D, expected)))

    def test_6_7_one_period(self):
        """600 min: 360 carry 240; 900 of 840 leave 60 over; 660 leave 60 over (Alga)."""
        carried, overages = D(0), []
        for used in (360, 900, 660):
            period = allowance.draw(600, carried, used, "one_period")
            carried = period.carry
            overages.append((period.overage, period.carry))
        self.assertEqual(overages, [(0, 240), (60, 0), (60, 0)])

    def test_6_8_overage_price(self):
        """10 h and 2 h carried, 15 used: 3 h at 150 are 450."""
        period = allowance.draw(10, 2, 15, "one_period")
        self.assertEqual(period.overage, 3)
        self.assertEqual(settlement.line_amount(period.overage, 150), 450)

    def test_6_11_capped(self):
        """8 h, half of them carried at most: 3 used carry 4 and lose 1; then 9 of 12 fit."""
        self.check((0, 4, 1), 8, 0, 3, "capped", cap=4)
        self.check((0, 0, 3), 8, 4, 9, "capped", cap=4)

    def test_no_rollover(self):
        """What is left is lost; what is over is over."""
        self.check((0, 0, 5), 8, 0, 3)
        self.check((2, 0, 0), 8, 0, 10)
        self.check((0, 0, 0), 8, 0, 8)

    def test_base_first(self):
        """10 of 8 + 4 use the base and 2 of what was carried: nothing is carried on, 2 are lost."""
        self.check((0, 0, 2), 8, 4, 10, "one_period")
        self.check((0, 5, 4), 8, 4, 3, "one_period")

    def test_cap_is_for_capped_only(self):
        """A cap left in the form of a roll-over without one changes nothing."""
        self.check((0, 5, 0), 8, 0, 3, "one_period", cap=1)
        self.check((0, 0, 5), 8, 0, 3, "none", cap=1)

    def test_capped_at_nothing(self):
        """A cap of zero carries nothing, and is a cap."""
        self.check((0, 0, 5), 8, 0, 3, "capped", cap=0)

    def test_floats_are_read_as_written(self):
        """0.1 and 0.2 are 0.3, of which nothing is over."""
        self.check((0, 0, 0), 0.1, 0.2, 0.3, "one_period")
        self.check((0, "0.15", "0.15"), 0.3, 0.1, 0.1, "capped", cap=0.15)

    def test_refused(self):
        """Negative quantities, an unknown roll-over, a cap that is missing or negative."""
        for message, args in (
            ("must not be negative", (-1, 0, 0)),
            ("must not be negative", (8, -1, 0)),
            ("must not be negative", (8, 0, -1)),
            ("Unknown roll-over 'all'", (8, 0, 0, "all")),
            ("needs a cap", (8, 0, 0, "capped")),
            ("needs a cap", (8, 0, 0, "capped", -1)),
        ):
            with self.assertRaisesRegex(ValueError, message):
                allowance.draw(*args)

    @given(hours, hours, hours, rollovers, hours)
    def test_nothing_is_lost_unseen(self, base, carried, used, rollover, cap):
        """Whatever came in went out: used, carried on or forfeited; overage is what was missing."""
        period = allowance.draw(base, carried, used, rollover, cap)
        self.assertEqual(base + carried + period.overage, used + period.carry + period.forfeited)
        self.assertGreaterEqual(min(period.overage, period.carry, period.forfeited), 0)
        self.assertFalse(period.overage and (period.carry or period.forfeited))

    @given(hours, st.lists(hours, min_size=1, max_size=12), rollovers, hours)
    def test_carried_hours_never_compound(self, base, months, rollover, cap):
        """However long nobody works, no more than one base (or the cap) is carried."""
        carried = D(0)
        for used in months:
            alone = allowance.draw(base, 0, used, rollover, cap)
            period = allowance.draw(base, carried, used, rollover, cap)
            self.assertEqual(period.carry, alone.carry)
            self.assertLessEqual(period.carry, {"none": 0, "capped": cap}.get(rollover, base))
            self.assertLessEqual(period.carry, base)
            self.assertLessEqual(period.overage, alone.overage)
            carried = period.carry


class TestSplit(unittest.TestCase):
    """Which entries of a period the allowance covers."""

    def test_in_the_order_given(self):
        parts = allowance.split(12, [("a", 8, None), ("b", 6, None), ("c", 1, None)])
        self.assertEqual(parts, {"a": (8, 0), "b": (4, 2), "c": (0, 1)})

    def test_what_is_billed_keeps_its_part(self):
        """3 h come late and before 12 h of which 2 h are billed: nothing is left for them."""
        self.assertEqual(
            allowance.split(10, [("late", 3, None), ("billed", 12, 2)]),
            {"late": (0, 3), "billed": (10, 2)},
        )
        self.assertEqual(
            allowance.split(12, [("late", 3, None), ("billed", 12, 2)]),
            {"late": (2, 1), "billed": (10, 2)},
        )

    @given(hours, st.lists(hours, max_size=8))
    def test_agrees_with_draw(self, available, used):
        """The parts beyond make the overage of the period; each entry is covered, beyond, or both."""
        parts = allowance.split(available, [(key, value, None) for key, value in enumerate(used)])
        beyond = sum((part[1] for part in parts.values()), D(0))
        self.assertEqual(beyond, allowance.draw(available, 0, sum(used, D(0))).overage)
        for key, value in enumerate(used):
            self.assertEqual(sum(parts[key]), value)
            self.assertGreaterEqual(min(parts[key]), 0)


class TestConsume(unittest.TestCase):
    """Prepaid lots, the first in first."""

    def check(self, expected, lots, quantity):
        rows = [
            (
                key,
                available,
                DAY + datetime.timedelta(days=start),
                None if expiry is None else DAY + datetime.timedelta(days=expiry),
            )
            for key, available, start, expiry in lots
        ]
        self.assertEqual(allowance.consume(rows, quantity, DAY), expected)

    def test_2_8_first_in_first_out(self):
        """The one that starts first goes first, whenever it expires (Autotask)."""
        lots = [("b", 5, -1, 1), ("a", 10, -2, None)]
        self.check([("a", 10), ("b", 2)], lots, 12)
        self.check([("a", 3)], lots, 3)

    def test_same_start(self):
        """Of the same day: as given, which is by creation; neither key nor quantity decide."""
        self.check([("b", 5), ("a", 1)], [("b", 5, -1, None), ("a", 3, -1, None)], 6)

    def test_6_34_block(self):
        """A block of 10 h: 3 h leave 7, 2 h more leave 5 (ConnectWise)."""
        left = D(10)
        for used, rest in ((3, 7), (2, 5)):
            ((_key, taken),) = allowance.consume([("block", left, DAY, None)], used, DAY)
            left -= taken
            self.assertEqual(left, rest)

    def test_expiry_and_start(self):
        """Valid from its first day on, and not any more on the day it expires."""
        self.check([("a", 1)], [("a", 5, 0, 1)], 1)
        self.check([], [("expired", 5, -9, 0), ("early", 5, 1, None)], 1)
        self.check([("c", 1)], [("expired", 5, -9, 0), ("c", 5, -3, None)], 1)

    def test_not_enough(self):
        """What there is is taken, no more."""
        self.check([("a", 5), ("b", 2)], [("a", 5, -2, None), ("b", 2, -1, None)], 100)
        self.check([], [], 5)

    def test_empty_lots(self):
        """Used up or overdrawn lots give nothing and take nothing."""
        lots = [("a", 0, -3, None), ("b", -4, -2, None), ("c", 5, -1, None)]
        self.check([("c", 2)], lots, 2)
        self.check([], lots, 0)

    def test_floats_are_read_as_written(self):
        """0.3 of a lot of 0.1 and one of 0.7 leave half of an hour."""
        lots = [("a", 0.1, -2, None), ("b", 0.7, -1, None)]
        self.check([("a", D("0.1")), ("b", D("0.2"))], lots, 0.3)

    def test_refused(self):
        """Giving back is not taking."""
        with self.assertRaisesRegex(ValueError, "must not be negative"):
            allowance.consume([], -1, DAY)

    @given(prepaid(), hours)
    def test_never_more_than_there_is(self, lots, quantity):
        """No lot gives more than it has, all together no more than asked, and all that is valid."""
        taken = allowance.consume(lots, quantity, DAY)
        valid = {
            key: available
            for key, available, start, expiry in lots
            if available > 0 and start <= DAY and not (expiry and expiry <= DAY)
        }
        self.assertEqual(
            sum((part for _key, part in taken), D(0)), min(quantity, sum(valid.values()))
        )
        self.assertEqual(len(dict(taken)), len(taken))
        for key, part in taken:
            self.assertGreater(part, 0)
            self.assertLessEqual(part, valid[key])

    @given(prepaid(), hours)
    def test_the_next_only_when_the_last_is_empty(self, lots, quantity):
        """In order of their start, and all but the last one taken are used up."""
        taken = allowance.consume(lots, quantity, DAY)
        by_key = {lot[0]: lot for lot in lots}
        order = [(by_key[key][2], key) for key, _part in taken]
        self.assertEqual(order, sorted(order))
        for key, part in taken[:-1]:
            self.assertEqual(part, by_key[key][1])

    @given(prepaid(), hours, hours)
    def test_twice_is_as_good_as_once(self, lots, first, second):
        """Taking in two steps takes the same of each lot as taking all at once."""
        step = dict(allowance.consume(lots, first, DAY))
        left = [(key, had - step.get(key, 0), *rest) for key, had, *rest in lots]
        for key, part in allowance.consume(left, second, DAY):
            step[key] = step.get(key, 0) + part
        self.assertEqual(step, dict(allowance.consume(lots, first + second, DAY)))


class TestReplenish(unittest.TestCase):
    """What to ask for to keep up a balance."""

    def test_2_8_evergreen(self):
        """Below the minimum: up to the target (Smokeball's two parameters)."""
        self.assertEqual(allowance.replenish(800, 1000, 3000), 2200)

    def test_not_below(self):
        """On the minimum nothing is asked for, nor above the target."""
        for balance in (1000, 2000, 5000):
            self.assertEqual(allowance.replenish(balance, 1000, 3000), 0)
        self.assertEqual(allowance.replenish(D("999.99"), 1000, 3000), D("2000.01"))

    def test_overdrawn(self):
        """What is missing is asked for too."""
        self.assertEqual(allowance.replenish(-500, 1000, 3000), 3500)

    def test_floats_are_read_as_written(self):
        """From 0.1 to 0.3 are two tenths; 0.1 is not below 0.1, though it is in binary."""
        self.assertEqual(allowance.replenish(0.1, 0.2, 0.3), D("0.2"))
        self.assertEqual(allowance.replenish(D("0.1"), 0.1, 0.3), 0)

    def test_refused(self):
        """A target below the minimum; one equal to it is fine."""
        with self.assertRaisesRegex(ValueError, "below the minimum"):
            allowance.replenish(0, 1000, 999)
        self.assertEqual(allowance.replenish(0, 1000, 1000), 1000)

    @given(hours, hours, hours)
    def test_once_is_enough(self, balance, minimum, more):
        """After the request is paid, nothing more is asked for."""
        request = allowance.replenish(balance, minimum, minimum + more)
        self.assertGreaterEqual(request, 0)
        self.assertEqual(allowance.replenish(balance + request, minimum, minimum + more), 0)


class TestDrawLots(unittest.TestCase):
    def test_first_block_first(self):
        """40 h from January, 20 h from May: 45 h of May take 40 and 5; what is left is 15."""
        lots = [("A", 40, datetime.date(2025, 1, 1), None), ("B", 20, DAY, None)]
        parts, left = allowance.draw_lots(lots, [("x", 30, DAY, None), ("y", 15, DAY, None)])
        self.assertEqual(parts, {"x": ([("A", 30)], 0), "y": ([("A", 10), ("B", 5)], 0)})
        self.assertEqual(left, {"A": 0, "B": 15})

    def test_beyond(self):
        parts, left = allowance.draw_lots([("A", 10, DAY, None)], [("x", 12, DAY, None)])
        self.assertEqual(parts, {"x": ([("A", 10)], 2)})
        self.assertEqual(left, {"A": 0})

    def test_what_is_billed_keeps_its_part(self):
        """Of 8 h 3 h were billed: they took 5 h, so an earlier entry of 10 h finds 5 h."""
        parts, _left = allowance.draw_lots(
            [("A", 10, DAY, None)], [("early", 10, DAY, None), ("billed", 8, DAY, 3)]
        )
        self.assertEqual(parts["billed"], ([("A", 5)], 3))
        self.assertEqual(parts["early"], ([("A", 5)], 5))

    def test_run_out(self):
        lots = [("A", 10, DAY - datetime.timedelta(days=30), DAY)]
        parts, left = allowance.draw_lots(lots, [("x", 4, DAY, None)])
        self.assertEqual((parts, left), ({"x": ([], 4)}, {"A": 10}))

    @given(prepaid(), st.lists(st.tuples(hours, near), max_size=8))
    def test_nothing_is_lost(self, lots, work):
        """Each entry is covered or lies beyond; no lot gives more than it has."""
        entries = [(index, quantity, day, None) for index, (quantity, day) in enumerate(work)]
        parts, left = allowance.draw_lots(lots, entries)
        for index, quantity, _day, _billed in entries:
            taken, beyond = parts[index]
            self.assertEqual(sum(part for _lot, part in taken) + beyond, quantity)
            self.assertGreaterEqual(beyond, 0)
        for key, available, _start, _expiry in lots:
            used = sum(part for taken, _b in parts.values() for lot, part in taken if lot == key)
            self.assertEqual(left[key], available - used)
            self.assertGreaterEqual(left[key], min(available, 0))
