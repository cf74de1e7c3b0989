import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import rounding, settlement
from ..rules.settlement import Billed, Freed

D = Decimal

money = st.decimals(min_value=0, max_value=10**5, places=2)
hours = st.decimals(min_value=0, max_value=200, places=2)


@st.composite
def billed(draw):
    """What one invoice line bills: hours with a value, all of one sign."""
    direction = draw(st.sampled_from([1, -1]))
    rows = draw(st.lists(st.tuples(hours, money), min_size=1, max_size=8))
    return [
        Billed(index, direction * quantity, direction * amount)
        for index, (quantity, amount) in enumerate(rows)
    ]


def totals(entries):
    return (
        sum((entry.quantity for entry in entries), D(0)),
        sum((entry.amount for entry in entries), D(0)),
    )


class TestLineAmount(unittest.TestCase):
    """Quantity x price less discount, as an invoice line rounds it."""

    def test_discount(self):
        """3.5 h at 99.99 less 12.5 %."""
        self.assertEqual(settlement.line_amount("3.5", "99.99", "12.5"), D("306.22"))

    def test_full_discount(self):
        """All of it given away is zero, not an error."""
        self.assertEqual(settlement.line_amount(7, 150, 100), 0)


class TestSpread(unittest.TestCase):
    """A line's total over its items: one item takes the rounding."""

    def test_largest_takes_the_difference(self):
        """Two quarters at 27.50 are 6.88 each, the line of half an hour is 13.75."""
        self.assertEqual(
            settlement.spread(D("13.75"), [D("6.88"), D("6.88")]), [D("6.87"), D("6.88")]
        )

    def test_exact(self):
        """Nothing to spread: everybody keeps what is theirs."""
        self.assertEqual(settlement.spread(30, [10, 20]), [10, 20])

    @given(money, st.lists(money, min_size=1, max_size=10))
    def test_sums_to_the_line(self, total, amounts):
        """Whatever the difference is, the parts make the line; all but one stay as they were."""
        parts = settlement.spread(total, amounts)
        self.assertEqual(sum(parts), total)
        moved = [new for new, old in zip(parts, amounts, strict=True) if new != old]
        self.assertLessEqual(len(moved), 1)


class TestShare(unittest.TestCase):
    """The value of a part of the hours."""

    @given(money, hours, hours)
    def test_between_nothing_and_all(self, amount, part, whole):
        """A part of the hours is worth between nothing and everything."""
        part, whole = min(part, whole), max(part, whole)
        value = settlement.share(amount, part, whole)
        self.assertGreaterEqual(value, 0)
        self.assertLessEqual(value, amount)

    def test_all_of_it_is_exact(self):
        """All the hours take all the value, whatever they are."""
        self.assertEqual(settlement.share(D("100.01"), D("0.33"), D("0.33")), D("100.01"))


class TestQuantityAndPrice(unittest.TestCase):
    """A part of a fee on an invoice line: quantity x price is its amount, exactly."""

    def test_half_of_one(self):
        """50 % of 1 x 10,000 prints 0.5 x 10,000."""
        self.assertEqual(settlement.quantity_and_price(5000, 1, 10000), (D("0.5"), 10000, 0))

    def test_third_of_one(self):
        """3,333.33 of 10,000 is no clean quantity: 1 x 3,333.33."""
        self.assertEqual(settlement.quantity_and_price("3333.33", 1, 10000), (1, D("3333.33"), 0))

    def test_days_with_discount(self):
        """5 of 10 days at 800 less 10 % keep the price and the discount."""
        self.assertEqual(settlement.quantity_and_price(3600, 10, 800, 10), (5, 800, 10))

    @given(
        money,
        st.decimals(min_value=0, max_value=500, places=2),
        money,
        st.decimals(min_value=0, max_value=100, places=2),
        st.sampled_from([0, 2, 3]),
    )
    def test_multiplies_exactly(self, amount, quantity, price, discount, decimals):
        """However odd the fee, the printed line multiplies."""
        amount = rounding.money(amount, decimals)
        part = settlement.quantity_and_price(amount, quantity, price, discount, decimals)
        self.assertEqual(settlement.line_amount(*part, decimals), amount)


class TestFreeNewest(unittest.TestCase):
    """What a credit note frees: the newest work first, no more than was billed."""

    def test_partial_hours(self):
        """Credit 3 of 2 + 4 hours at 100: the newest 2, and 1 of the other."""
        entries = [Billed("new", D(2), D(200)), Billed("old", D(4), D(400))]
        self.assertEqual(
            settlement.free_newest(entries, 3, 300),
            [Freed("new", D(2), D(200)), Freed("old", D(1), D(100))],
        )

    def test_money_only(self):
        """A credit of price frees value, no hours."""
        entries = [Billed("new", D(2), D(200)), Billed("old", D(4), D(400))]
        self.assertEqual(
            settlement.free_newest(entries, 0, 250),
            [Freed("new", D(0), D(200)), Freed("old", D(0), D(50))],
        )

    def test_more_than_billed(self):
        """A credit of more than there is frees what there is."""
        entries = [Billed(1, D(2), D(200))]
        self.assertEqual(settlement.free_newest(entries, 5, 500), [Freed(1, D(2), D(200))])

    def test_nothing_billed(self):
        """Nothing billed, nothing freed."""
        self.assertEqual(settlement.free_newest([], 5, 500), [])
        self.assertEqual(settlement.free_newest([], 0, 500), [])

    @given(billed(), hours, money)
    def test_never_more_than_billed(self, entries, quantity, amount):
        """Per item: between zero and what is billed, in hours and in money."""
        sign = -1 if min(totals(entries)) < 0 else 1
        left = {entry.key: entry for entry in entries}
        for part in settlement.free_newest(entries, sign * quantity, sign * amount):
            whole = left.pop(part.key)
            self.assertLessEqual(0, sign * part.quantity)
            self.assertLessEqual(sign * part.quantity, sign * whole.quantity)
            self.assertLessEqual(0, sign * part.amount)
            self.assertLessEqual(sign * part.amount, sign * whole.amount)

    @given(billed(), st.data())
    def test_frees_what_is_credited(self, entries, data):
        """When the items touched can carry it, exactly what is credited is freed."""
        billed_quantity, billed_amount = totals(entries)
        sign = -1 if min(billed_quantity, billed_amount) < 0 else 1
        quantity = sign * data.draw(
            st.decimals(min_value=0, max_value=abs(billed_quantity), places=2)
        )
        amount = sign * data.draw(st.decimals(min_value=0, max_value=abs(billed_amount), places=2))
        freed = settlement.free_newest(entries, quantity, amount)
        self.assertEqual(totals(freed)[0], quantity)
        touched = {part.key for part in freed}
        carried = sum((entry.amount for entry in entries if entry.key in touched), D(0))
        wanted = sign * min(sign * amount, sign * carried) if quantity else amount
        self.assertEqual(totals(freed)[1], wanted)

    @given(billed())
    def test_full_credit_frees_everything(self, entries):
        """Crediting the whole line leaves nothing billed on any item that has hours."""
        quantity, amount = totals(entries)
        freed = {part.key: part for part in settlement.free_newest(entries, quantity, amount)}
        if not quantity:
            self.assertEqual(totals(freed.values())[1], amount)
            return
        self.assertEqual(totals(freed.values()), (quantity, amount))

    @given(billed(), st.data())
    def test_credits_in_steps(self, entries, data):
        """Credit hour after hour until all is credited: all is freed, nothing twice."""
        left = [entry for entry in entries if entry.quantity]
        while left:
            quantity, amount = totals(left)
            step = quantity
            if abs(quantity) > 1:
                step = data.draw(st.sampled_from([quantity, quantity / abs(quantity)]))
            value = settlement.share(amount, step, quantity)
            freed = settlement.free_newest(left, step, value)
            by_key = {part.key: part for part in freed}
            after = [
                Billed(
                    entry.key,
                    entry.quantity - (by_key[entry.key].quantity if entry.key in by_key else 0),
                    entry.amount - (by_key[entry.key].amount if entry.key in by_key else 0),
                )
                for entry in left
            ]
            self.assertEqual(totals(after)[0], quantity - step)
            left = [entry for entry in after if entry.quantity]


class TestTakeBack(unittest.TestCase):
    """What a line that is raised bills again of its own open work."""

    def test_hours_with_their_value(self):
        """Two of three open hours come back, the oldest first, at what they are worth."""
        entries = [Billed("old", D(1), D(100)), Billed("new", D(2), D(240))]
        taken = settlement.take_back(entries, 2, D(220))
        self.assertEqual(taken, [Freed("old", D(1), D(100)), Freed("new", D(1), D(120))])

    def test_money_only(self):
        """A price put back takes the money given up on hours that are billed, and no open hours."""
        entries = [Billed("given up", D(0), D(30)), Billed("open", D(2), D(200))]
        taken = settlement.take_back(entries, 0, D(50))
        self.assertEqual(taken, [Freed("given up", D(0), D(30))])

    def test_fee(self):
        """Of a fee the money decides, and takes the share of it."""
        taken = settlement.take_back([Billed("fee", D("0.5"), D(500))], 0, D(200), hours=False)
        self.assertEqual(taken, [Freed("fee", D("0.2"), D(200))])

    @given(st.lists(st.tuples(hours, money), min_size=1, max_size=8), hours, money)
    def test_never_more_than_open(self, rows, quantity, amount):
        """Nothing is taken beyond what is open of each item, nor more hours than asked for."""
        entries = [Billed(index, *row) for index, row in enumerate(rows)]
        taken = settlement.take_back(entries, quantity, amount)
        for part in taken:
            self.assertLessEqual(part.quantity, rows[part.key][0])
            self.assertLessEqual(part.amount, rows[part.key][1])
        self.assertLessEqual(totals(taken)[0], quantity)
