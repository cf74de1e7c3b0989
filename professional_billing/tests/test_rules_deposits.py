import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import deposits, rounding

D = Decimal
money = st.decimals(min_value=0, max_value=10**5, places=2)
rates = st.sampled_from([0, 6, 15, 20])


def deposit(key, left, rate=0, included=False):
    """A deposit taxed at `rate` percent, which its price includes or not."""

    def value(price):
        if included:
            untaxed = rounding.money(D(price) * 100 / (100 + rate))
            return untaxed, D(price)
        return D(price), D(price) + rounding.money(D(price) * rate / 100)

    return deposits.Deposit(key, rate, D(left), value)


def part(untaxed, rate=0):
    untaxed = D(untaxed)
    return deposits.Part(rate, untaxed, untaxed + rounding.money(untaxed * rate / 100))


class TestDraw(unittest.TestCase):
    """How much of the deposits a bill takes."""

    def check(self, expected, *args, **options):
        self.assertEqual(deposits.draw(*args, **options), [(k, D(v)) for k, v in expected])

    def test_6_5_deposits_net_against_the_bill(self):
        """2,000 and 1,500 against 5,000; 7,500 against 5,000 leaves 2,500; 1,000 against 3,000."""
        self.check(
            [("a", 2000), ("b", 1500)], [deposit("a", 2000), deposit("b", 1500)], [part(5000)]
        )
        self.check([("a", 5000)], [deposit("a", 7500)], [part(5000)])
        self.check([("a", 1000)], [deposit("a", 1000)], [part(3000)])

    def test_oldest_first(self):
        self.check([("a", 600), ("b", 400)], [deposit("a", 600), deposit("b", 900)], [part(1000)])
        self.check([("a", 1000)], [deposit("a", 1000), deposit("b", 900)], [part(1000)])

    def test_after_retention(self):
        """1,000 of work, 100 held back: 900 is paid by the deposit; the tax on 100 is due."""
        self.check([("a", 900)], [deposit("a", 5000, 20)], [part(1000, 20)], retained=100)

    def test_tax_included(self):
        self.check([("a", 1200)], [deposit("a", 6000, 20, True)], [part(1000, 20)])
        self.check([("a", 1080)], [deposit("a", 6000, 20, True)], [part(1000, 20)], retained=100)

    def test_own_taxes_first(self):
        """Each deposit takes back the tax that was paid with it, whichever is older."""
        self.check(
            [("a", 300), ("b", 700)],
            [deposit("a", 500, 20), deposit("b", 900)],
            [part(300, 20), part(700)],
        )

    def test_other_taxes_never_below_zero(self):
        """A taxed deposit on untaxed work: 1,150 with tax is all the bill can take."""
        self.check([("a", 1000)], [deposit("a", 5000, 15)], [part(1150)])

    def test_nothing_to_pay(self):
        self.check([], [deposit("a", 5000)], [])
        self.check([], [deposit("a", 5000)], [part(-100)])
        self.check([], [deposit("a", 5000)], [part(100)], retained=100)
        self.check([], [deposit("a", 0)], [part(100)])

    @given(
        st.lists(st.tuples(money, rates, st.booleans()), max_size=4),
        st.lists(st.tuples(money, rates), max_size=4),
        st.sampled_from([0, 5, 10]),
    )
    def test_never_more_than_left_or_payable(self, lots, work, percent):
        """No deposit gives more than is left; the bill stays at or above zero, with and without tax."""
        lots = [deposit(index, *lot) for index, lot in enumerate(lots)]
        parts = [part(*values) for values in work]
        untaxed, total = (sum((getattr(p, n) for p in parts), D(0)) for n in ("untaxed", "total"))
        retained = rounding.money(untaxed * percent / 100)
        for key, price in deposits.draw(lots, parts, retained):
            self.assertGreater(price, 0)
            self.assertLessEqual(price, lots[key].left)
            worth = lots[key].value(price)
            untaxed -= worth[0]
            total -= worth[1]
        self.assertGreaterEqual(total - retained, 0)
        self.assertGreaterEqual(untaxed - retained, 0)

    @given(money, money, rates)
    def test_takes_as_much_as_the_bill_allows(self, left, work, rate):
        """Under one tax: the smaller of what is left and what is billed, and the bill is settled."""
        self.assertEqual(
            sum(
                price
                for _key, price in deposits.draw([deposit("a", left, rate)], [part(work, rate)])
            ),
            min(left, work),
        )
