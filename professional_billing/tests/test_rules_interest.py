import datetime
import unittest
from decimal import Decimal

from ..rules import interest, reference_rates
from ..rules.interest import RateMissing, RateStale

D = Decimal
DUE = datetime.date(2025, 1, 31)

#: The German base rate (Basiszinssatz) as the Bundesbank publishes it.
GERMAN = [
    (datetime.date(2024, 7, 1), D("3.37")),
    (datetime.date(2025, 1, 1), D("2.27")),
    (datetime.date(2025, 7, 1), D("1.27")),
]


def date(text):
    return datetime.date.fromisoformat(text)


def days_on(day, count):
    return day + datetime.timedelta(days=count)


def fixed(percent):
    """A contract's rate, which holds for ever."""
    return [(datetime.date(2000, 1, 1), D(percent))]


def for_days(principal, percent, days, **options):
    """Interest at one rate for some days after a due date."""
    return interest.late_interest(
        D(principal), DUE, days_on(DUE, days), fixed(percent), **options
    ).total


class TestPublishedInterest(unittest.TestCase):
    """Worked examples that others have published; each source is named."""

    def check(self, expected, *args, **options):
        self.assertEqual(for_days(*args, **options), D(expected))

    def test_v3_german_consumer(self):
        """10,000 for 181 days at 1.62 + 5 % (unit test of ameax/bgb-interest)."""
        self.check("328.28", 10000, "1.62", 181, margin=5)

    def test_v4_german_business(self):
        """The same at 1.62 + 9 %."""
        self.check("526.64", 10000, "1.62", 181, margin=9)

    def test_v6_with_compensation(self):
        """262.25 for 139 days at 8.5 %, and 40 for the delay: 310.74 with the debt (Pay on Time)."""
        self.check("8.49", "262.25", "8.5", 139)
        late = for_days("262.25", "8.5", 139) + interest.compensation("uk", D("262.25"))
        self.assertEqual(D("262.25") + late, D("310.74"))

    def test_v7_on_the_amount_with_tax(self):
        """851.06 and 148.94 VAT for 30 days at 12 % (Daniels Silverman).

        Rounded once, at the end. The daily amount rounded to a tenth of a penny makes 9.87.
        """
        gross = D("851.06") + D("148.94")
        self.check("9.86", gross, 12, 30)
        self.check("9.870", gross, 12, 30, rounding="day", decimals=3)

    def test_v10_with_compensation(self):
        """5,000 for 30 days at 12.5 %, and 70 for the delay (ycalculator)."""
        self.check("51.37", 5000, "12.5", 30)
        late = for_days(5000, "12.5", 30) + interest.compensation("uk", 5000)
        self.assertEqual(late, D("121.37"))

    def test_v11_no_factor_is_rounded(self):
        """2,000 for 45 days at 13.25 %: toolfy has 32.66, by 45 / 365 = 0.1233; exact is 32.67."""
        self.check("32.67", 2000, "13.25", 45)

    def test_v13_small_amount(self):
        """1,000 for 25 days at 5.12 % (anleiter.de)."""
        self.check("3.51", 1000, "5.12", 25)

    def test_v15_year_of_360_days(self):
        """22,800 for 36 days at 7.5 % (gutefrage.net)."""
        self.check("171.00", 22800, "7.5", 36, day_count="act/360")

    def test_v16_prompt_payment_act(self):
        """1,500 due on 1 April and paid on 11 April at 6.5 % (US Treasury)."""
        result = interest.late_interest(
            1500,
            date("2025-04-01"),
            date("2025-12-31"),
            fixed("6.5"),
            payments=[(date("2025-04-11"), 1500)],
            day_count="act/360",
        )
        self.assertEqual(result.total, D("2.71"))

    def test_v19_months(self):
        """10,000 for three months at 10.25 and at 0.12 % (lexing.law, which prints 256)."""
        for due, until in (
            ("2025-03-31", "2025-06-30"),
            ("2025-04-15", "2025-07-15"),
            ("2025-10-31", "2026-01-31"),
        ):
            for percent, expected in (("10.25", "256.25"), ("0.12", "3.00")):
                result = interest.late_interest(
                    10000, date(due), date(until), fixed(percent), day_count="30e/360"
                )
                self.assertEqual(result.total, D(expected), due)

    def test_v20_with_fee(self):
        """100 for 15 days at 10 %, fee 10 (test of ERPNext): 110.41."""
        self.check("0.41", 100, 10, 15)
        self.assertEqual(100 + for_days(100, 10, 15) + 10, D("110.41"))

    def test_v21_whether_the_day_of_payment_counts(self):
        """354.16 at 4.12 % from 30 April, paid on 18 June (kosmologelei): 49 days or 50.

        The 1.99 of the program that is criticised there is 49 days of a year of 360.
        """
        for expected, counts, day_count in (
            ("1.96", False, "act/365"),
            ("2.00", True, "act/365"),
            ("1.99", False, "act/360"),
        ):
            result = interest.late_interest(
                D("354.16"),
                date("2018-04-29"),
                date("2018-12-31"),
                fixed("4.12"),
                payments=[(date("2018-06-18"), D("354.16"))],
                count_payment_day=counts,
                day_count=day_count,
            )
            self.assertEqual(result.total, D(expected))
            self.assertEqual(result.segments[0].days, 50 if counts else 49)

    def test_v26_part_paid_and_rate_changed(self):
        """10,000 due on 31 January, 4,000 paid on 31 March, the rest on 15 August (Germany).

        What is open today times all days would make 355.55, the first amount 592.58.
        """
        options = {
            "payments": [(date("2025-03-31"), 4000), (date("2025-08-15"), 6000)],
            "margin": 9,
        }
        result = interest.late_interest(10000, DUE, date("2025-12-31"), GERMAN, **options)
        self.assertEqual(result.total, D("428.42"))
        self.assertEqual(
            [(s.days, s.balance, s.rate, round(s.amount, 4)) for s in result.segments],
            [
                (59, 10000, D("11.27"), D("182.1726")),
                (91, 6000, D("11.27"), D("168.5868")),
                (46, 6000, D("10.27"), D("77.6581")),
            ],
        )
        self.assertEqual(
            [str(day) for s in result.segments for day in (s.start, s.end)],
            ["2025-02-01", "2025-03-31", "2025-04-01", "2025-06-30", "2025-07-01", "2025-08-15"],
        )
        without = interest.late_interest(
            10000, DUE, date("2025-12-31"), GERMAN, count_payment_day=False, **options
        )
        self.assertEqual(without.total, D("425.49"))

    def test_v27_fixing(self):
        """5,000 due on 15 June, paid on 23 September, the rate falling in between (UK)."""
        rates = [(date("2025-01-01"), D("4.75")), (date("2025-07-01"), D("4.25"))]
        for expected, fixing in (("174.66", "at_default"), ("168.84", "floating")):
            result = interest.late_interest(
                5000, date("2025-06-15"), date("2025-09-23"), rates, margin=8, fixing=fixing
            )
            self.assertEqual(result.total, D(expected), fixing)

    def test_v28_leap_year(self):
        """1,000 at 10 % from 1 December 2023 to 1 March 2024, both included: 92 days."""
        for expected, day_count in (
            ("25.21", "act/365"),
            ("25.16", "act/act"),
            ("25.56", "act/360"),
        ):
            result = interest.late_interest(
                1000, date("2023-11-30"), date("2024-03-01"), fixed(10), day_count=day_count
            )
            self.assertEqual(result.total, D(expected), day_count)
            self.assertEqual(sum(segment.days for segment in result.segments), 92)

    def test_v31_no_interest_on_interest(self):
        """12.00 of interest, asked for and unpaid for 60 days more, earn nothing (BGB 289)."""
        principal, paid = 7300, days_on(DUE, 6)
        self.check("12.00", principal, 10, 6)
        later = interest.late_interest(
            principal, DUE, days_on(paid, 60), fixed(10), payments=[(paid, principal)]
        )
        self.assertEqual(later.total - D("12.00"), 0)
        still_open = interest.late_interest(principal, DUE, days_on(paid, 60), fixed(10))
        self.assertEqual(still_open.total, D("132.00"))

    def test_6_20_uk(self):
        """Three of a site's examples; it rounds the daily amount of the second."""
        self.check("32.67", 2000, "13.25", 45)
        self.check("169.49", 5000, "12.25", 101)
        self.check("169.68", 5000, "12.25", 101, rounding="day")
        self.check("384.66", 12000, 13, 90)
        late = for_days(12000, 13, 90) + interest.compensation("uk", 12000)
        self.assertEqual(late, D("484.66"))

    def test_6_21_eu(self):
        """4,500 for 30 days at 11 %, and 40 for the delay (fiscavo)."""
        self.check("40.68", 4500, 11, 30)
        self.assertEqual(for_days(4500, 11, 30) + interest.compensation("eu", 4500), D("80.68"))

    def test_6_42_percentage_a_month(self):
        """1,000 for 20 days at 1.5 % for 30 days (Business Central, average daily balance)."""
        self.check("10.00", 1000, 12 * D("1.5"), 20, day_count="act/360")


class TestLateInterest(unittest.TestCase):
    """What else decides how much interest is due."""

    def test_nothing_before_the_day_after(self):
        for until in (days_on(DUE, -10), DUE):
            result = interest.late_interest(1000, DUE, until, fixed(10))
            self.assertEqual(result, interest.Interest(D("0.00"), ()))
        self.assertEqual(for_days(3650, 10, 1), 1)

    def test_grace(self):
        """Days of grace bear no interest, and a payment in them ends it all."""
        self.assertEqual(for_days(3650, 10, 10, grace_days=3), 7)
        self.assertEqual(for_days(3650, 10, 3, grace_days=3), 0)
        paid = [(days_on(DUE, 3), 3650)]
        self.assertEqual(for_days(3650, 10, 30, grace_days=3, payments=paid), 0)

    def test_credit_corrects_the_bill(self):
        """A credit note counts from the start, whenever it came, or like a payment."""
        credits = [(days_on(DUE, 10), 1650)]
        self.assertEqual(for_days(3650, 10, 20, credits=credits), D("10.96"))
        self.assertEqual(for_days(2000, 10, 20), D("10.96"))
        later = for_days(3650, 10, 20, credits=credits, credits_from="date")
        self.assertEqual(later, for_days(3650, 10, 20, payments=credits))
        self.assertEqual(later, D("15.48"))

    def test_returned_payment(self):
        """A direct debit that bounces: interest rests while the money was there."""
        payments = [(days_on(DUE, 10), 3650), (days_on(DUE, 15), -3650)]
        self.assertEqual(for_days(3650, 10, 20, payments=payments), 15)

    def test_overpaid(self):
        self.assertEqual(for_days(3650, 10, 20, payments=[(days_on(DUE, 10), 5000)]), 10)

    def test_day_of_default_on_the_edge(self):
        """What is due on 30 June is late on 1 July, at the rate of July."""
        rates = [(date("2025-01-01"), 10), (date("2025-07-01"), 20)]
        for due, percent in (("2025-06-29", 10), ("2025-06-30", 20)):
            result = interest.late_interest(
                1000, date(due), date("2025-09-01"), rates, fixing="at_default"
            )
            self.assertEqual([segment.rate for segment in result.segments], [percent])

    def test_rate_of_the_half_year(self):
        """A central bank that moves in March moves the statutory rate in July."""
        rates = [(date("2024-12-18"), D("3.15")), (date("2025-03-12"), D("2.65"))]
        arguments = 1000, DUE, date("2025-08-31"), rates
        result = interest.late_interest(*arguments, margin=8, fixing="half_year")
        self.assertEqual(
            [(str(segment.start), segment.rate) for segment in result.segments],
            [("2025-02-01", D("11.15")), ("2025-07-01", D("10.65"))],
        )
        floating = interest.late_interest(*arguments, margin=8)
        self.assertEqual(str(floating.segments[1].start), "2025-03-12")

    def test_negative_rate_is_none(self):
        """-0.88 % without a margin earns nothing, and takes nothing away."""
        self.assertEqual(for_days(1000, "-0.88", 100), 0)
        self.assertEqual(for_days(36500, "-0.88", 100, margin=9), 812)

    def test_rate_missing(self):
        """Interest before the table begins, or by no table at all, is an error, not zero."""
        for rates in ([], GERMAN):
            with self.assertRaises(RateMissing):
                interest.late_interest(1000, date("2024-05-31"), date("2025-01-01"), rates)
        paid = [(date("2024-05-31"), 1000)]
        result = interest.late_interest(
            1000, date("2024-05-31"), date("2025-01-01"), GERMAN, payments=paid
        )
        self.assertEqual(result.total, 0, "nothing was owed, so no rate is needed")

    def test_rate_stale(self):
        """A table that nobody keeps up is an error too, but only for days that need it."""
        last = reference_rates.stale_after(GERMAN)
        self.assertEqual(last, date("2026-01-16"))

        def late(until, **options):
            return interest.late_interest(
                1000, DUE, until, GERMAN, margin=9, stale_after=last, **options
            )

        late(last)
        for fixing in ("floating", "half_year"):
            with self.assertRaises(RateStale) as caught:
                late(days_on(last, 1), fixing=fixing)
            self.assertEqual(caught.exception.day, days_on(last, 1))
        late(days_on(last, 400), fixing="at_default")
        late(days_on(last, 400), payments=[(last, 1000)])
        with self.assertRaises(RateStale):
            late(days_on(last, 400), payments=[(last, 999)])

    def test_decimals(self):
        """Yen have no decimals, dinars three; 0.005 is half a cent and goes up."""
        self.assertEqual(str(for_days(100000, "14.6", 1, decimals=0)), "40")
        self.assertEqual(str(for_days(1000, "14.6", 3, decimals=3)), "1.200")
        self.assertEqual(str(for_days("1.825", 10, 10)), "0.01")

    def test_rounded_by_segment(self):
        """Lines of an invoice: 0.4 and 0.4 cents are none, and 0.6 and 0.6 are two."""
        for principal, whole, lines in (("1.46", "0.01", 0), ("2.19", "0.01", "0.02")):
            rates = [(date("2025-01-01"), 10), (days_on(DUE, 11), D("10.0001"))]
            arguments = D(principal), DUE, days_on(DUE, 20), rates
            self.assertEqual(interest.late_interest(*arguments).total, D(whole))
            result = interest.late_interest(*arguments, rounding="segment")
            self.assertEqual(result.total, D(lines))
            self.assertEqual(result.total, sum(segment.amount for segment in result.segments))

    def test_compounding(self):
        """By Dutch law interest joins the balance once a year; nothing else does by itself."""
        arguments = 1000, DUE, date("2028-01-31"), fixed(10)
        options = {"day_count": "30e/360"}
        self.assertEqual(interest.late_interest(*arguments, **options).total, 300)
        yearly = interest.late_interest(*arguments, compounding="yearly", **options)
        self.assertEqual(yearly.total, 331)
        self.assertEqual([segment.balance for segment in yearly.segments], [1000, 1100, 1210])
        self.assertEqual(str(yearly.segments[1].start), "2026-02-01")
        monthly = interest.late_interest(
            1000, date("2025-03-30"), date("2025-05-30"), fixed(12), compounding="monthly",
            **options,
        )  # fmt: skip
        self.assertEqual(monthly.total, D("20.10"))

    def test_compounding_starts_on_the_day(self):
        """The last day is the first of the second year: it bears interest on interest."""
        result = interest.late_interest(
            36500, DUE, date("2026-02-01"), fixed(10), compounding="yearly"
        )
        self.assertEqual(result.total, 3650 + 11)

    def test_explanation(self):
        """A segment tells all that its amount is made of."""
        result = interest.late_interest(
            10000, date("2023-11-15"), date("2024-03-01"), GERMAN + fixed("1.5"), margin=9,
            day_count="act/act", payments=[(date("2024-02-10"), 4000)],
        )  # fmt: skip
        self.assertEqual(
            [(s.balance, s.year_days) for s in result.segments],
            [(10000, 365), (10000, 366), (6000, 366)],
        )
        for s in result.segments:
            self.assertEqual(s.amount, s.balance * s.rate * s.days / (100 * s.year_days))

    def test_equal_neighbours_are_one_segment(self):
        """A table with a row for every half-year does not cut what has not changed."""
        rates = fixed(2) + [(date("2025-02-10"), 2), (date("2025-02-15"), D("2.00"))]
        payments = [(date("2025-02-05"), 0), (date("2025-02-05"), 0)]
        result = interest.late_interest(100, DUE, date("2025-03-01"), rates, payments=payments)
        self.assertEqual(len(result.segments), 1)

    def test_refused(self):
        for message, options in (
            ("must be negative", {"principal": -1}),
            ("must be negative", {"grace_days": -1}),
            ("Unknown fixing 'daily'", {"fixing": "daily"}),
            ("Unknown day count 'act/364'", {"day_count": "act/364"}),
            ("Unknown rounding 'up'", {"rounding": "up"}),
            ("Unknown compounding 'daily'", {"compounding": "daily"}),
            ("Unknown start of credits 'now'", {"credits_from": "now"}),
            ("two interest rates from 2000-01-01", {"rates": fixed(1) + fixed(2)}),
        ):
            arguments = {"principal": 1000, "rates": fixed(10), **options}
            with self.assertRaisesRegex(ValueError, message):
                interest.late_interest(due=DUE, until=days_on(DUE, 9), **arguments)
            with self.assertRaises(ValueError, msg="also when nothing is late yet"):
                interest.late_interest(due=DUE, until=DUE, **arguments)
