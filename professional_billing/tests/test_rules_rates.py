import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules.rates import Book, Candidate, Context, NoRate, Tried, adjust, resolve

DAY = datetime.date(2026, 3, 15)


def candidate(level, price, **what):
    return Candidate(level, Decimal(price), f"{level} {price}", **what)


class TestResolve(unittest.TestCase):
    """The order is `practice.md` 2.10; each figure of 6.25 and 6.34 that concerns a rate."""

    def test_6_25_user_type_before_price_list(self):
        rates = [candidate("card", 150), candidate("card", 180, role="senior")]
        self.assertEqual(resolve(rates, Context(DAY, role="senior")).price, 180)

    def test_6_25_entry_before_everything(self):
        rates = [
            candidate("entry", 200),
            candidate("card", 150),
            candidate("card", 180, role="senior"),
        ]
        self.assertEqual(resolve(rates, Context(DAY, role="senior")).price, 200)

    def test_6_25_none_is_an_error_that_lists_what_was_tried(self):
        rates = [candidate("card", 150, employee="ada")]
        with self.assertRaises(NoRate) as caught:
            resolve(rates, Context(DAY, employee="bob", levels=("line", "card")))
        self.assertEqual(caught.exception.trace, (Tried("line", 0), Tried("card", 1)))

    def test_most_specific_inside_a_level(self):
        rates = [
            candidate("card", 1),
            candidate("card", 2, project="p"),
            candidate("card", 3, product="audit"),
            candidate("card", 4, role="senior"),
            candidate("card", 5, role="senior", project="p"),
            candidate("card", 6, employee="ada"),
        ]
        work = {"employee": "ada", "role": "senior", "product": "audit", "project": "p"}
        left = list(rates)
        for expected in (6, 5, 4, 3, 2, 1):
            rate = resolve(left, Context(DAY, **work))
            self.assertEqual(rate.price, expected)
            left = [row for row in left if row.price != expected]

    def test_a_rate_for_somebody_else_is_not_taken(self):
        rates = [candidate("card", 9, employee="bob"), candidate("card", 1)]
        self.assertEqual(resolve(rates, Context(DAY, employee="ada")).price, 1)
        self.assertEqual(resolve(rates, Context(DAY)).price, 1)

    def test_level_order_is_the_contexts(self):
        rates = [candidate("company", 100, employee="ada"), candidate("client", 80)]
        context = Context(DAY, employee="ada", levels=("line", "client", "company"))
        rate = resolve(rates, context)
        self.assertEqual((rate.price, rate.level, rate.source), (80, "client", "client 80"))
        self.assertEqual(rate.trace, (Tried("line", 0), Tried("client", 1, "client 80")))

    def test_in_force_on_the_work_date(self):
        rates = [
            candidate("card", 100, end=datetime.date(2026, 4, 1)),
            candidate("card", 110, start=datetime.date(2026, 4, 1)),
        ]
        for day, price in (((2026, 3, 31), 100), ((2026, 4, 1), 110)):
            self.assertEqual(resolve(rates, Context(datetime.date(*day))).price, price)

    def test_a_more_specific_rate_out_of_force_gives_way(self):
        rates = [
            candidate("card", 200, employee="ada", start=DAY + datetime.timedelta(days=1)),
            candidate("card", 100),
        ]
        self.assertEqual(resolve(rates, Context(DAY, employee="ada")).price, 100)

    def test_the_newer_of_two_that_overlap(self):
        rates = [
            candidate("card", 100),
            candidate("card", 110, start=datetime.date(2026, 1, 1)),
            candidate("card", 120, start=datetime.date(2026, 3, 1)),
        ]
        self.assertEqual(resolve(rates, Context(DAY)).price, 120)

    @given(st.permutations(range(7)))
    def test_the_order_of_the_candidates_does_not_matter(self, order):
        rates = [
            candidate("card", 1),
            candidate("card", 2, role="senior"),
            candidate("card", 3, employee="ada", end=DAY),
            candidate("card", 4, employee="bob"),
            candidate("company", 5, employee="ada"),
            candidate("card", 6, role="senior", start=DAY),
            candidate("card", 7, role="junior"),
        ]
        context = Context(DAY, employee="ada", role="senior", levels=("card", "company"))
        self.assertEqual(resolve([rates[index] for index in order], context).price, 6)

    @given(st.integers(0, 2000), st.integers(0, 59))
    def test_many_rates_find_the_same_as_few(self, others, day):
        """The book finds the one rate of a person among any number of others'."""
        date = DAY + datetime.timedelta(days=day)
        own = [
            candidate("card", 100, employee="ada", end=DAY + datetime.timedelta(days=30)),
            candidate("card", 120, employee="ada", start=DAY + datetime.timedelta(days=30)),
        ]
        book = Book([candidate("card", 1, employee=number) for number in range(others)] + own)
        context = Context(date, employee="ada", role="senior", levels=("card",))
        self.assertEqual(book.resolve(context).price, 100 if day < 30 else 120)


class TestAdjust(unittest.TestCase):
    def test_mark_up_discount_and_rounding(self):
        self.assertEqual(adjust(180, 10), Decimal("198"))
        self.assertEqual(adjust(180, -10), Decimal("162"))
        self.assertEqual(adjust(Decimal("172.50"), "3.5", 5), Decimal("180"))
        self.assertEqual(adjust(Decimal("0.1"), 0), Decimal("0.1"))

    def test_half_a_step_goes_up(self):
        self.assertEqual(adjust(Decimal("102.5"), 0, 5), Decimal("105"))

    @given(
        st.decimals(0, 10000, places=2), st.decimals(-99, 200, places=2), st.sampled_from([1, 5])
    )
    def test_rounding_moves_a_price_by_half_a_step_at_most(self, price, percent, step):
        exact = adjust(price, percent)
        self.assertLessEqual(abs(adjust(price, percent, step) - exact) * 2, step)
