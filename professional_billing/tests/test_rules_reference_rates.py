import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import reference_rates
from ..rules.reference_rates import RateMissing, RateStale, rate_on

D = Decimal


def date(text):
    return datetime.date.fromisoformat(text)


#: The German base rate: missing half-years are unchanged.
GERMAN = [
    (date("2015-01-01"), D("-0.83")),
    (date("2016-07-01"), D("-0.88")),
    (date("2023-01-01"), D("1.62")),
    (date("2023-07-01"), D("3.12")),
]

dates = st.dates(date("2010-01-01"), date("2030-12-31"))
percents = st.decimals(min_value=-5, max_value=40, places=2)


class TestRateOn(unittest.TestCase):
    """Which rate is in force on a day."""

    def test_half_years(self):
        for day, percent in (
            ("2016-06-30", "-0.83"),
            ("2016-07-01", "-0.88"),
            ("2022-12-31", "-0.88"),
            ("2023-01-01", "1.62"),
            ("2023-06-30", "1.62"),
            ("2099-01-01", "3.12"),
        ):
            self.assertEqual(rate_on(GERMAN, date(day)), D(percent), day)
            self.assertEqual(rate_on(GERMAN[::-1], date(day)), D(percent), day)

    def test_german_business_rate(self):
        """9 points on a negative base rate: 8.12 % from 2016 to 2022."""
        table = reference_rates.Table(GERMAN, date("2020-01-01"), margin=9)
        self.assertEqual(table.percent(date("2020-01-01")), D("8.12"))

    def test_missing(self):
        with self.assertRaises(RateMissing) as caught:
            rate_on(GERMAN, date("2014-12-31"))
        self.assertEqual(caught.exception.day, date("2014-12-31"))
        self.assertIn("2014-12-31", str(caught.exception))

    @given(st.dictionaries(dates, percents, min_size=1), dates)
    def test_row_in_force(self, rows, day):
        """The row found began, and none began since."""
        if day < min(rows):
            with self.assertRaises(RateMissing):
                rate_on(list(rows.items()), day)
        else:
            found = rate_on(list(rows.items()), day)
            began = next(
                day - datetime.timedelta(days=back)
                for back in range(8000)
                if day - datetime.timedelta(days=back) in rows
            )
            self.assertEqual(found, rows[began])


class TestStaleAfter(unittest.TestCase):
    """How long a table can be relied on."""

    def test_half_year_and_two_weeks(self):
        self.assertEqual(reference_rates.stale_after(GERMAN), date("2024-01-16"))
        self.assertEqual(reference_rates.stale_after([(date("2023-01-01"), 1)]), date("2023-07-16"))

    def test_last_day(self):
        """The last day still has a rate, the next one none; a fixed rate is that of the first."""
        first, last = date("2023-03-01"), date("2024-01-16")
        for fixing in ("floating", "half_year"):
            table = reference_rates.Table(GERMAN, first, 9, fixing, stale_after=last)
            self.assertEqual(table.percent(last), D("12.12"))
            with self.assertRaises(RateStale) as caught:
                table.percent(date("2024-01-17"))
            self.assertEqual(caught.exception.stale_after, last)
        table = reference_rates.Table(GERMAN, first, 9, "at_default", stale_after=last)
        self.assertEqual(table.percent(date("2030-01-01")), D("10.62"))

    def test_monthly(self):
        rows = [(date("2023-12-31"), 1)]
        self.assertEqual(reference_rates.stale_after(rows, months=2, days=0), date("2024-02-28"))

    def test_no_rates(self):
        with self.assertRaises(ValueError):
            reference_rates.stale_after([])


class TestPercentages(unittest.TestCase):
    """Rates that are derived from others."""

    def test_v25_belgian_half_points(self):
        """The reference rate and 8, rounded up to the half point as published."""
        for reference, published in (("4.25", "12.5"), ("3.15", "11.5"), ("2.15", "10.5")):
            self.assertEqual(reference_rates.round_up(D(reference) + 8), D(published))
        self.assertEqual(reference_rates.round_up(D("12.5")), D("12.5"))
        self.assertEqual(reference_rates.round_up(D("12.01"), 1), 13)

    def test_v33_canadian_monthly_rate(self):
        """2 % a month alone is 5 % a year, with the 24 % beside it is 24 %."""
        self.assertEqual(reference_rates.annual_percent(2), 5)
        self.assertEqual(reference_rates.annual_percent(2, stated=True), 24)
        self.assertEqual(reference_rates.annual_percent(D("0.25")), 3)
