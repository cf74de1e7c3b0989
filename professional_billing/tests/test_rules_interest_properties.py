import datetime
import itertools
import unittest
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ..rules import interest, reference_rates
from .test_rules_interest import DUE, D, days_on, fixed

DAY_COUNTS = ("act/365", "act/act", "act/360", "30e/360")

amounts = st.decimals(min_value=0, max_value=10**6, places=2)
spans = st.integers(0, 1500)
offsets = st.integers(-60, 1500)
percents = st.decimals(min_value=-5, max_value=40, places=2)
fixings = st.sampled_from(["floating", "half_year", "at_default"])
day_counts = st.sampled_from(DAY_COUNTS)
roundings = st.sampled_from(["total", "segment", "day"])
rate_tables = st.dictionaries(offsets, percents, max_size=6).map(
    lambda rows: fixed(3) + [(days_on(DUE, offset), percent) for offset, percent in rows.items()]
)
ledgers = st.lists(st.tuples(offsets, amounts), max_size=5).map(
    lambda rows: [(days_on(DUE, offset), amount) for offset, amount in rows]
)


@st.composite
def debts(draw):
    """Arguments of any debt, without the last day."""
    return {
        "principal": draw(amounts),
        "due": DUE,
        "rates": draw(rate_tables),
        "payments": draw(ledgers),
        "credits": draw(ledgers),
        "margin": draw(percents),
        "fixing": draw(fixings),
        "day_count": draw(day_counts),
        "count_payment_day": draw(st.booleans()),
        "credits_from": draw(st.sampled_from(["due", "date"])),
        "grace_days": draw(st.integers(0, 40)),
    }


def late(debt, span, **options):
    return interest.late_interest(until=days_on(DUE, span), **{**debt, **options})


def exact(result):
    """What the segments come to before any rounding."""
    return sum(
        Fraction(s.balance) * Fraction(s.rate) * s.days / (100 * s.year_days)
        for s in result.segments
    )


class TestInterestProperties(unittest.TestCase):
    """What holds for every debt."""

    @given(debts(), spans, spans)
    def test_split_period(self, debt, one, two):
        """Interest to a day, and on what was open from the next day on, is interest on the whole."""
        middle, last = sorted((one, two))
        # Fixed when the debt fell due, the rate of the second part is not its own.
        if debt["fixing"] == "at_default":
            debt["fixing"] = "half_year"
        middle = max(middle, debt["grace_days"])
        first, whole = late(debt, middle), late(debt, max(middle, last))
        rest = late(debt, max(middle, last), due=days_on(DUE, middle), grace_days=0)
        self.assertEqual(exact(first) + exact(rest), exact(whole))

    @given(debts(), spans, spans)
    def test_monotone_in_days(self, debt, one, two):
        one, two = sorted((one, two))
        self.assertLessEqual(late(debt, one).total, late(debt, two).total)

    @given(debts(), spans, amounts)
    def test_monotone_in_the_principal(self, debt, span, more):
        larger = late(debt, span, principal=debt["principal"] + more)
        self.assertLessEqual(late(debt, span).total, larger.total)

    @given(debts(), spans, st.randoms())
    def test_order_does_not_matter(self, debt, span, random):
        """Neither of payments, nor of credits, nor of rates."""
        shuffled = {
            name: random.sample(debt[name], len(debt[name]))
            for name in ("payments", "credits", "rates")
        }
        self.assertEqual(late(debt, span), late(debt, span, **shuffled))

    @given(debts(), spans, spans)
    def test_full_payment_ends_it(self, debt, paid, span):
        payment = days_on(DUE, paid), debt["principal"]
        options = {"payments": debt["payments"] + [payment]}
        self.assertEqual(
            late(debt, max(paid, span), **options).total, late(debt, paid, **options).total
        )

    @given(debts(), spans, st.integers(0, 60))
    def test_paid_in_time_bears_nothing(self, debt, span, early):
        payments = [(days_on(DUE, -early), debt["principal"])]
        self.assertEqual(late(debt, span, payments=payments).segments, ())

    @given(debts(), spans)
    def test_the_day_of_payment(self, debt, span):
        """Counting it is as good as each payment coming a day later, on a day that is not counted."""
        later = [(days_on(day, 1), amount) for day, amount in debt["payments"]]
        options = {"credits_from": "due"}
        self.assertEqual(
            late(debt, span, count_payment_day=True, **options),
            late(debt, span, count_payment_day=False, payments=later, **options),
        )

    @given(debts(), spans)
    def test_a_new_year_changes_nothing(self, debt, span):
        """By act/365 it makes no difference to be cut on 31 December."""
        debt["day_count"] = "act/365"
        dates = [datetime.date(year, 1, 1) for year in range(2026, 2030)]
        cuts = [(day, reference_rates.rate_on(debt["rates"], day)) for day in dates]
        rates = list({**dict(cuts), **dict(debt["rates"])}.items())
        self.assertEqual(late(debt, span), late(debt, span, rates=rates))

    @given(debts(), spans, roundings)
    def test_segments(self, debt, span, rounding):
        """They follow on each other, differ from each other, and make the total."""
        result = late(debt, span, rounding=rounding)
        for segment in result.segments:
            self.assertGreater(segment.balance, 0)
            self.assertGreaterEqual(segment.rate, 0)
            self.assertLessEqual(segment.start, segment.end)
            if debt["day_count"] != "30e/360":
                self.assertEqual(segment.days, (segment.end - segment.start).days + 1)
        for one, two in itertools.pairwise(result.segments):
            self.assertLess(one.end, two.start)
            if days_on(one.end, 1) == two.start:
                self.assertNotEqual(
                    (one.balance, one.rate, one.year_days), (two.balance, two.rate, two.year_days)
                )
        total = sum((segment.amount for segment in result.segments), D(0))
        slack = D("0.00500001") if rounding == "total" else 0
        self.assertLessEqual(abs(result.total - total), slack)
        self.assertEqual(result.total.as_tuple().exponent, -2)

    @given(debts(), spans, st.sampled_from(["yearly", "monthly"]))
    def test_compounding_never_asks_less(self, debt, span, compounding):
        simple, compound = late(debt, span), late(debt, span, compounding=compounding)
        # What joins the balance is rounded, at most down half a cent at a time.
        self.assertLessEqual(simple.total, compound.total + D("0.01"))

    @given(amounts, percents, spans, day_counts)
    def test_closed_form(self, principal, percent, span, day_count):
        """One balance and one rate: principal x rate x days / days of the year."""
        if day_count in ("act/365", "act/360"):
            year = int(day_count[-3:])
            found = exact(
                interest.late_interest(
                    principal, DUE, days_on(DUE, span), fixed(percent), day_count=day_count
                )
            )
            self.assertEqual(
                found, Fraction(principal) * max(Fraction(percent), 0) * span / (100 * year)
            )
