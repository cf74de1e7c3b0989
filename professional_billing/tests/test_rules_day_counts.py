import datetime
import unittest

from hypothesis import given
from hypothesis import strategies as st

from ..rules import day_counts, working_days
from ..rules.day_counts import DAY_COUNTS

dates = st.dates(datetime.date(1999, 1, 1), datetime.date(2101, 12, 31))
conventions = st.sampled_from(DAY_COUNTS)


def date(text):
    return datetime.date.fromisoformat(text)


class TestDays(unittest.TestCase):
    """Days between two dates, and days of the year."""

    def test_30e_360(self):
        for after, last, expected in (
            ("2025-01-31", "2025-02-28", 28),
            ("2025-02-28", "2025-03-31", 32),
            ("2025-01-30", "2025-01-31", 0),
            ("2025-01-31", "2025-02-01", 1),
            ("2025-01-15", "2026-01-15", 360),
            ("2024-12-31", "2025-12-31", 360),
        ):
            self.assertEqual(day_counts.days(date(after), date(last), "30e/360"), expected)

    def test_swiss_example(self):
        """From 1 to 20 January are 19 days (law.ch)."""
        for convention in DAY_COUNTS:
            self.assertEqual(
                day_counts.days(date("2025-01-01"), date("2025-01-20"), convention), 19
            )

    def test_length_of_the_year(self):
        for text, length in (("2023-12-31", 365), ("2024-01-01", 366), ("2100-06-01", 365)):
            self.assertEqual(day_counts.year_days(date(text), "act/act"), length)
            self.assertEqual(day_counts.year_days(date(text), "act/365"), 365)
            self.assertEqual(day_counts.year_days(date(text), "act/360"), 360)
            self.assertEqual(day_counts.year_days(date(text), "30e/360"), 360)

    def test_unknown(self):
        for call in (
            lambda: day_counts.days(date("2025-01-01"), date("2025-01-02"), "365"),
            lambda: day_counts.year_days(date("2025-01-01"), "act"),
        ):
            with self.assertRaisesRegex(ValueError, "Unknown day count"):
                call()

    @given(st.lists(dates, min_size=3, max_size=3), conventions)
    def test_parts_make_the_whole(self, three, convention):
        one, two, three = sorted(three)
        self.assertEqual(
            day_counts.days(one, two, convention) + day_counts.days(two, three, convention),
            day_counts.days(one, three, convention),
        )
        self.assertGreaterEqual(day_counts.days(one, two, convention), 0)

    @given(dates, dates)
    def test_year_starts(self, one, two):
        """Between two of them, every day is of a year of the same length."""
        first, last = sorted((one, two))
        starts = day_counts.year_starts(first, last, "act/act")
        self.assertTrue(all(first < day <= last for day in starts))
        self.assertEqual(len(starts), last.year - first.year)
        for convention in ("act/365", "act/360", "30e/360"):
            self.assertEqual(day_counts.year_starts(first, last, convention), [])


class TestRollForward(unittest.TestCase):
    """Due dates that are no working day."""

    def test_weekend_and_holidays(self):
        holidays = {date("2026-04-03"), date("2026-04-06")}
        for day, expected in (
            ("2026-04-02", "2026-04-02"),
            ("2026-04-03", "2026-04-07"),
            ("2026-04-05", "2026-04-07"),
            ("2026-04-11", "2026-04-13"),
        ):
            self.assertEqual(working_days.roll_forward(date(day), holidays), date(expected))
        self.assertEqual(working_days.roll_forward(date("2026-04-05")), date("2026-04-06"))
        friday = working_days.roll_forward(date("2026-04-10"), weekend=(4, 5))
        self.assertEqual(friday, date("2026-04-12"))

    def test_no_day_left(self):
        with self.assertRaises(ValueError):
            working_days.roll_forward(date("2026-04-05"), weekend=range(7))

    @given(dates)
    def test_never_back(self, day):
        rolled = working_days.roll_forward(day)
        self.assertLess(rolled.weekday(), 5)
        self.assertLess((rolled - day).days, 3)
        self.assertEqual(working_days.roll_forward(rolled), rolled)
        self.assertGreaterEqual(rolled, day)
