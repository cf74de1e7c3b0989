import calendar
import datetime
import itertools
import unittest
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ..rules import recurring, rounding

D = Decimal
METHODS = ("actual", "fixed_30", "30_360")
MONTHS = {"month": 1, "quarter": 3, "year": 12}

days = st.dates(datetime.date(1999, 1, 1), datetime.date(2101, 12, 31))
units = st.sampled_from(["day", "week", "month", "quarter", "year"])
month_units = st.sampled_from(["month", "quarter", "year"])
amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=2)
anchors = st.integers(1, 31)
any_anchor = st.none() | anchors
decimal_places = st.sampled_from([0, 2, 3])


def day(text):
    """Return the date of an ISO text; "2026-02" is the first of February."""
    return datetime.date.fromisoformat(text if len(text) > 7 else f"{text}-01")


def month_end(date):
    return calendar.monthrange(date.year, date.month)[1]


@st.composite
def arguments(draw, units=units, anchors=any_anchor):
    """What `periods` takes: some years at most, any unit, an anchor where there can be one."""
    start = draw(days)
    unit = draw(units)
    length = draw(st.integers(0, 60 if unit in ("day", "week") else 1500))
    anchor = draw(anchors) if unit in MONTHS else None
    interval = draw(st.integers(1, 5))
    return start, start + datetime.timedelta(days=length), unit, interval, anchor


@st.composite
def cut_periods(draw):
    """A period of whole months and days in it, ascending, its own ends included."""
    unit = draw(month_units)
    start = draw(days)
    ((first, after),) = recurring.whole_periods(
        start, start + datetime.timedelta(days=1), unit, draw(st.integers(1, 3)), draw(anchors)
    )
    length = (after - first).days
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=8)))
    return [first + datetime.timedelta(days=cut) for cut in [0, *cuts, length]]


class TestPeriods(unittest.TestCase):
    """The periods a recurring fee is billed for."""

    def check(self, expected, *args, **options):
        edges = [day(text) for text in expected.split()]
        self.assertEqual(recurring.periods(*args, **options), list(itertools.pairwise(edges)))

    def test_2_11_month_end_does_not_drift(self):
        """From the 31st: 28 February, 31 March again; a leap year has the 29th."""
        self.check(
            "2025-01-31 2025-02-28 2025-03-31 2025-04-30 2025-05-31",
            day("2025-01-31"), day("2025-05-31"), "month",
        )  # fmt: skip
        self.check(
            "2024-01-31 2024-02-29 2024-03-31", day("2024-01-31"), day("2024-03-31"), "month"
        )

    def test_2_11_leap_day(self):
        """A yearly fee from 29 February is billed on the 28th until the next leap year."""
        self.check(
            "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29",
            day("2024-02-29"), day("2028-02-29"), "year",
        )  # fmt: skip

    def test_leap_centuries(self):
        """2000 has a leap day, 2100 none."""
        self.check(
            "2000-01-30 2000-02-29 2000-03-30", day("2000-01-30"), day("2000-03-30"), "month"
        )
        self.check(
            "2100-01-30 2100-02-28 2100-03-30", day("2100-01-30"), day("2100-03-30"), "month"
        )

    def test_days_and_weeks(self):
        """Counted in days, across the end of a month and of a year."""
        self.check("2025-12-30 2025-12-31 2026-01-01", day("2025-12-30"), day("2026-01"), "day")
        self.check(
            "2025-12-22 2026-01-05 2026-01-19", day("2025-12-22"), day("2026-01-19"), "week", 2
        )

    def test_intervals_of_months(self):
        """Every two months, quarters, half years, two years."""
        self.check("2025-11 2026-01 2026-03", day("2025-11"), day("2026-03"), "month", 2)
        self.check(
            "2025-11-30 2026-02-28 2026-05-30", day("2025-11-30"), day("2026-05-30"), "quarter"
        )
        self.check("2025-10 2026-04 2026-10", day("2025-10"), day("2026-10"), "quarter", 2)
        self.check("2024-05 2026-05 2028-05", day("2024-05"), day("2028-05"), "year", 2)

    def test_anchor_after_the_start(self):
        """A stub from the 8th to the first, then whole months."""
        self.check(
            "2025-04-08 2025-05 2025-06 2025-07",
            day("2025-04-08"), day("2025-07"), "month", anchor_day=1,
        )  # fmt: skip
        self.check(
            "2025-12-08 2025-12-15 2026-01-15",
            day("2025-12-08"), day("2026-01-15"), "month", anchor_day=15,
        )  # fmt: skip

    def test_anchor_on_the_start(self):
        """No stub when the contract begins on the day, as every month has it."""
        self.check("2025-04 2025-05", day("2025-04"), day("2025-05"), "month", anchor_day=1)
        self.check(
            "2025-02-28 2025-03-31 2025-04-30 2025-05-31",
            day("2025-02-28"), day("2025-05-31"), "month", anchor_day=31,
        )  # fmt: skip

    def test_anchor_of_a_quarter(self):
        """The stub ends on the day in the next month that has it, quarters follow."""
        self.check(
            "2025-04-08 2025-05 2025-08 2025-11",
            day("2025-04-08"), day("2025-11"), "quarter", anchor_day=1,
        )  # fmt: skip

    def test_cut_at_the_end(self):
        """The last period ends with the contract, also when that is within the stub."""
        self.check("2025-01 2025-02 2025-02-15", day("2025-01"), day("2025-02-15"), "month")
        self.check(
            "2025-04-08 2025-04-20", day("2025-04-08"), day("2025-04-20"), "month", anchor_day=1
        )
        self.check("2025-01-06 2025-01-09", day("2025-01-06"), day("2025-01-09"), "week")

    def test_no_days(self):
        """A contract of no days has no periods, in a stub or not."""
        for anchor in (None, 1, 8, 20):
            start = day("2025-04-08")
            self.assertEqual(recurring.periods(start, start, "month", anchor_day=anchor), [])

    def test_whole_periods(self):
        """What the stub and the cut period are parts of."""
        args = day("2025-04-08"), day("2025-06-10"), "month", 1, 1
        edges = [day(f"2025-0{month}") for month in (4, 5, 6, 7)]
        self.assertEqual(recurring.whole_periods(*args), list(itertools.pairwise(edges)))
        january = day("2025-01"), day("2025-02")
        self.assertEqual(recurring.whole_periods(*january, "month"), [january])
        self.assertEqual(
            recurring.whole_periods(day("2025-04-08"), day("2025-04-09"), "quarter", 1, 31),
            [(day("2025-01-31"), day("2025-04-30"))],
        )

    def test_6_39_recurring_consumption(self):
        """31 daily units at 10 are 310 (Tryton)."""
        daily = recurring.periods(day("2025-01"), day("2025-02"), "day")
        self.assertEqual(len(daily) * 10, 310)

    def test_refused(self):
        """An unknown unit, no interval, a day no month has, an anchor of weeks, an end too early."""
        start, end = day("2025-01"), day("2025-03")
        for message, args in (
            ("Unknown unit 'fortnight'", (start, end, "fortnight")),
            ("positive whole number", (start, end, "month", 0)),
            ("positive whole number", (start, end, "day", -1)),
            ("positive whole number", (start, end, "month", 1.5)),
            ("between 1 and 31", (start, end, "month", 1, 0)),
            ("between 1 and 31", (start, end, "month", 1, 32)),
            ("begin on a day of the month", (start, end, "week", 1, 1)),
            ("must not be before the start", (end, start, "month")),
        ):
            with self.assertRaisesRegex(ValueError, message):
                recurring.periods(*args)

    @given(arguments())
    def test_no_gap_and_no_overlap(self, args):
        """The periods tile [start, end): each day is in one of them."""
        start, end = args[:2]
        result = recurring.periods(*args)
        edges = [start, *(after for _first, after in result)]
        self.assertEqual(result, list(itertools.pairwise(edges)))
        self.assertEqual(edges[-1], end)
        self.assertTrue(all(first < after for first, after in result))

    @given(arguments())
    def test_parts_of_whole_periods(self, args):
        """All but the first and the last are whole; those lie inside the whole one."""
        result, whole = recurring.periods(*args), recurring.whole_periods(*args)
        self.assertEqual(result[1:-1], whole[1:-1])
        for (start, end), (first, after) in zip(result, whole, strict=True):
            self.assertTrue(first <= start < end <= after)
        for (_, after), (first, _) in itertools.pairwise(whole):
            self.assertEqual(after, first)

    @given(arguments())
    def test_of_the_right_length(self, args):
        """Whole periods have the agreed number of days or of months."""
        _start, _end, unit, interval, _anchor = args
        for first, after in recurring.whole_periods(*args):
            if unit in MONTHS:
                months = (after.year - first.year) * 12 + after.month - first.month
                self.assertEqual(months, MONTHS[unit] * interval)
            else:
                self.assertEqual((after - first).days, {"day": 1, "week": 7}[unit] * interval)

    @given(arguments(month_units))
    def test_anchors_do_not_drift(self, args):
        """Every period of months begins on the agreed day, or on the last of a shorter month."""
        start, _end, _unit, _interval, anchor = args
        for first, after in recurring.whole_periods(*args):
            for edge in (first, after):
                self.assertEqual(edge.day, min(anchor or start.day, month_end(edge)))

    # Filtering for what has an anchor would throw most examples away.
    @given(arguments(month_units, anchors))
    def test_the_stub_is_shorter_than_a_month(self, args):
        """The first regular period begins on the very next anchor."""
        start, end, _unit, _interval, anchor = args
        anchored = (
            date
            for date in (start + datetime.timedelta(days=count) for count in range(32))
            if date.day == min(anchor, month_end(date))
        )
        expected = next(anchored)
        edges = [edge for period in recurring.whole_periods(*args) for edge in period]
        if start < end:
            self.assertIn(expected, edges[:2])

    @given(arguments(), st.integers(0, 400))
    def test_a_longer_contract_keeps_its_periods(self, args, more):
        """Prolonging changes the last period at most: what was billed stays a period."""
        start, end, *rest = args
        short = recurring.periods(*args)
        long = recurring.periods(start, end + datetime.timedelta(days=more), *rest)
        self.assertEqual(long[: max(len(short) - 1, 0)], short[:-1])


class TestProrate(unittest.TestCase):
    """What a part of a period costs."""

    def check(self, expected, amount, *dates, **options):
        dates = [day(text) for text in dates]
        self.assertEqual(recurring.prorate(amount, *dates, **options), D(expected))

    def test_2_11_erpnext(self):
        """3,950 a month from 8 April to 30 June: 3,028.33 for April, 10,928.33 in all."""
        args = day("2025-04-08"), day("2025-07-01"), "month", 1, 1
        parts = [
            recurring.prorate(3950, *part, *whole)
            for part, whole in zip(
                recurring.periods(*args), recurring.whole_periods(*args), strict=True
            )
        ]
        self.assertEqual(parts, [D("3028.33"), D(3950), D(3950)])
        self.assertEqual(sum(parts), D("10928.33"))

    def test_2_11_coverage(self):
        """22 of 31 days of 2,400.00 are 1,703.23, the first ones or the last (Alga)."""
        self.check("1703.23", 2400, "2025-03-10", "2025-04", "2025-03", "2025-04")
        self.check("1703.23", 2400, "2025-03-01", "2025-03-23", "2025-03", "2025-04")

    def test_2_11_upgrade(self):
        """From 10 to 20 at half of the period: -5 and +10 (Stripe)."""
        half = "2025-04-16", "2025-05", "2025-04", "2025-05"
        self.check(-5, -10, *half)
        self.check(10, 20, *half)

    def test_6_38_by_days(self):
        """1,000 over 500 days, in two parts of 13 and 487 days: 26 and 974, nothing left."""
        start = day("2025-01")
        cut, end = (start + datetime.timedelta(days=count) for count in (13, 500))
        self.assertEqual(recurring.prorate(1000, start, cut, start, end), 26)
        self.assertEqual(recurring.prorate(1000, cut, end, start, end), 974)

    def test_fixed_30(self):
        """A day is a thirtieth; the 31st is free, 28 February costs three."""
        for expected, *part in (
            (300, "2025-01-01", "2025-01-11"),
            (90, "2025-01-28", "2025-02-01"),
            (0, "2025-01-31", "2025-02-01"),
            (900, "2025-01-01", "2025-02-01"),
        ):
            self.check(expected, 900, *part, "2025-01", "2025-02", method="fixed_30")
        self.check(30, 900, "2025-02-01", "2025-02-02", "2025-02", "2025-03", method="fixed_30")
        self.check(90, 900, "2025-02-28", "2025-03-01", "2025-02", "2025-03", method="fixed_30")
        self.check(60, 900, "2024-02-29", "2024-03-01", "2024-02", "2024-03", method="fixed_30")

    def test_fixed_30_counts_from_the_period(self):
        """15 January to 15 February: the last of 31 days is the free one."""
        period = "2025-01-15", "2025-02-15"
        self.check(0, 900, "2025-02-14", "2025-02-15", *period, method="fixed_30")
        self.check(30, 900, "2025-01-31", "2025-02-01", *period, method="fixed_30")

    def test_fixed_30_of_a_quarter(self):
        """A quarter has 90 days, a month-end one too."""
        self.check(300, 900, "2025-04-01", "2025-05-01", "2025-04", "2025-07", method="fixed_30")
        period = "2025-11-30", "2026-02-28"
        self.check(10, 900, "2025-11-30", "2025-12-01", *period, method="fixed_30")

    def test_30_360(self):
        """The 31st counts as the 30th, wherever the period begins."""
        period = "2025-01-15", "2025-02-15"
        self.check(0, 900, "2025-01-30", "2025-01-31", *period, method="30_360")
        self.check(30, 900, "2025-01-31", "2025-02-01", *period, method="30_360")
        self.check(30, 900, "2025-02-14", "2025-02-15", *period, method="30_360")
        self.check(90, 900, "2025-02-28", "2025-03-01", "2025-02", "2025-03", method="30_360")
        self.check(300, 900, "2025-01-01", "2025-02-01", "2025-01", "2025-04", method="30_360")

    def test_methods_differ(self):
        """10 days of February: of 28, of 30."""
        part = "2025-02-01", "2025-02-11", "2025-02", "2025-03"
        self.check("357.14", 1000, *part)
        self.check("333.33", 1000, *part, method="fixed_30")
        self.check("333.33", 1000, *part, method="30_360")

    def test_no_days_of_30_360(self):
        """From the 30th to the 31st no day passes by that rule; the whole is still the whole."""
        self.check(7, 7, "2025-01-30", "2025-01-31", "2025-01-30", "2025-01-31", method="30_360")

    def test_floats_are_read_as_written(self):
        """Half of 0.03 is a tie, below it in binary."""
        self.check("0.02", 0.03, "2025-04-01", "2025-04-16", "2025-04", "2025-05")

    def test_decimals_of_the_currency(self):
        """A third of 100, in yen and in dinars."""
        part = "2025-04-01", "2025-04-11", "2025-04", "2025-05"
        self.check(33, 100, *part, decimals=0)
        self.check("33.333", 100, *part, decimals=3)

    def test_refused(self):
        """A part outside its period, backwards, of a period of no days, an unknown method."""
        april, may = day("2025-04"), day("2025-05")
        inside = day("2025-04-10")
        for part in (
            (day("2025-03-31"), inside, april, may),
            (inside, day("2025-05-02"), april, may),
            (inside, april, april, may),
            (april, april, april, april),
        ):
            with self.assertRaisesRegex(ValueError, "inside the period"):
                recurring.prorate(100, *part)
        with self.assertRaisesRegex(ValueError, "Unknown proration 'weekly'"):
            recurring.prorate(100, april, may, april, may, "weekly")

    def test_months_of_30_days_need_months(self):
        """A week, or a month that ends on another day, is no number of months."""
        start = day("2025-04-01")
        cut = day("2025-04-03")
        for end in ("2025-04-08", "2025-05-02", "2025-04-30"):
            with self.assertRaisesRegex(ValueError, "whole months"):
                recurring.prorate(100, start, cut, start, day(end), "fixed_30")
            for method in ("actual", "30_360"):
                recurring.prorate(100, start, cut, start, day(end), method)

    @given(amounts, cut_periods(), st.sampled_from(METHODS), decimal_places)
    def test_pieces_make_the_whole(self, amount, edges, method, decimals):
        """Cut a period anywhere, any number of times: the pieces make the amount to the cent."""
        pieces = [
            recurring.prorate(amount, *part, edges[0], edges[-1], method, decimals)
            for part in itertools.pairwise(edges)
        ]
        self.assertEqual(sum(pieces), rounding.money(amount, decimals))
        for piece in pieces:
            self.assertGreaterEqual(piece * amount, 0)
            self.assertEqual(piece, rounding.money(piece, decimals))

    @given(amounts, cut_periods(), st.sampled_from(METHODS), st.data())
    def test_a_longer_part_never_costs_less(self, amount, edges, method, data):
        """A part of a part costs no more."""
        first, after = edges[0], edges[-1]
        inner = sorted(data.draw(st.lists(st.sampled_from(edges), min_size=4, max_size=4)))
        large = recurring.prorate(abs(amount), inner[0], inner[3], first, after, method)
        small = recurring.prorate(abs(amount), inner[1], inner[2], first, after, method)
        self.assertLessEqual(small, large)

    @given(amounts, cut_periods())
    def test_actual_days_within_a_cent(self, amount, edges):
        """By actual days no piece is more than a cent from its share of the days."""
        whole = (edges[-1] - edges[0]).days
        for start, end in itertools.pairwise(edges):
            exact = Fraction(amount) * (end - start).days / whole
            piece = recurring.prorate(amount, start, end, edges[0], edges[-1])
            self.assertLessEqual(abs(Fraction(piece) - exact), Fraction(1, 100))

    @given(amounts, cut_periods(), st.sampled_from(METHODS))
    def test_a_refund_mirrors_the_bill(self, amount, edges, method):
        """The same part, charged and given back, is nothing."""
        for part in itertools.pairwise(edges):
            charge = recurring.prorate(amount, *part, edges[0], edges[-1], method)
            refund = recurring.prorate(-amount, *part, edges[0], edges[-1], method)
            self.assertEqual(charge + refund, 0)

    @given(amounts, arguments())
    def test_a_cut_contract_costs_its_whole_periods(self, amount, args):
        """Stub, whole periods and the cut one: each whole period costs the amount."""
        parts = zip(recurring.periods(*args), recurring.whole_periods(*args), strict=True)
        for part, whole in parts:
            cost = recurring.prorate(amount, *part, *whole)
            rest = [(whole[0], part[0]), (part[1], whole[1])]
            others = [recurring.prorate(amount, *other, *whole) for other in rest]
            self.assertEqual(cost + sum(others), amount)
            if part == whole:
                self.assertEqual(cost, amount)
