import random
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import payers
from ..rules.payers import Charge, Payer

D = Decimal
amounts = st.integers(1, 10**7).map(lambda cents: D(cents) / 100)
percentages = st.lists(st.integers(1, 100), min_size=1, max_size=4).map(
    lambda weights: [D(100 * weight) / sum(weights) for weight in weights]
)
kinds = st.sampled_from([None, "time", "expense"])


def totals(result):
    sums = {}
    for parts in result:
        for key, part in parts.items():
            sums[key] = sums.get(key, D(0)) + part
    return sums


class TestApportion(unittest.TestCase):
    """What each payer pays of a bill."""

    def check(self, expected, charges, *agreement):
        result = payers.apportion([Charge(D(amount)) for amount in charges], agreement, "customer")
        self.assertEqual(totals(result), {key: D(value) for key, value in expected.items()})

    def test_percentages(self):
        self.check({"a": 600, "b": 400}, [1000], Payer("a", D(60)), Payer("b", D(40)))

    def test_thirds_of_a_hundred(self):
        """One cent is over; it is somebody's, and nobody's twice."""
        third = [Payer(key, D(100) / 3) for key in "abc"]
        self.check({"a": "33.34", "b": "33.33", "c": "33.33"}, [100], *third)

    def test_many_small_charges_favour_nobody(self):
        """A hundred times 0.01, shared by halves, is 0.50 each; line by line it would be 1.00 and 0."""
        self.check({"a": "0.5", "b": "0.5"}, ["0.01"] * 100, Payer("a", D(50)), Payer("b", D(50)))

    def test_what_nobody_takes_is_the_customers(self):
        self.check({"a": 300, "customer": 700}, [1000], Payer("a", D(30)))
        self.check({"customer": 1000}, [1000])

    def test_an_amount_comes_first(self):
        """The insurer pays 1,500 in all, of which 500 are used up; the others share the rest."""
        agreement = Payer("insurer", left=D(1000)), Payer("a", D(75)), Payer("b", D(25))
        self.check({"insurer": 1000, "a": 450, "b": 150}, [700, 900], *agreement)

    def test_an_amount_used_up(self):
        self.check({"customer": 10}, [10], Payer("insurer", left=D(0)))
        self.check({"customer": 10}, [10], Payer("insurer", left=D(-5)))

    def test_a_kind_has_its_own_payer(self):
        agreement = [Payer("a", D(50)), Payer("b", D(100), kind="expense")]
        charges = [Charge(D(100), "time"), Charge(D(80), "expense")]
        result = payers.apportion(charges, agreement, "customer")
        self.assertEqual(result, [{"a": D(50), "customer": D(50)}, {"b": D(80)}])

    def test_less_than_zero(self):
        """Progress that is taken back goes back to those who paid."""
        self.check({"a": -60, "b": -40}, [-100], Payer("a", D(60)), Payer("b", D(40)))

    def test_nothing_to_pay_is_on_one_bill(self):
        """Work free of charge stands on the bill of who pays most."""
        self.check({"b": 0}, [0], Payer("a", D(40)), Payer("b", D(60)))

    def test_a_corrected_bill_reaches_its_payer(self):
        """B's 400 of 1,000 were credited: they are B's again, not shared out once more."""
        agreement = [Payer("a", D(60)), Payer("b", D(40))]
        [parts] = payers.apportion([Charge(D(400), billed={"a": D(600)})], agreement, "customer")
        self.assertEqual(parts, {"b": D(400)})

    def test_more_than_was_credited(self):
        """A paid 600 of 1,000, nothing else is billed: of the next 900 B catches up first."""
        agreement = [Payer("a", D(60)), Payer("b", D(40))]
        [parts] = payers.apportion([Charge(D(900), billed={"a": D(600)})], agreement, "customer")
        self.assertEqual(parts, {"a": D(300), "b": D(600)})

    @given(
        st.lists(st.tuples(amounts, kinds), min_size=1, max_size=12),
        percentages,
        st.lists(st.tuples(amounts, kinds), max_size=2),
        st.booleans(),
        st.randoms(use_true_random=False),
    )
    def test_sums(self, work, shares, limits, negative, shuffled):
        """Each charge is paid exactly, nobody pays less than nothing, and order does not matter."""
        sign = -1 if negative else 1
        agreement = [Payer(number, share) for number, share in enumerate(shares)]
        agreement += [Payer(f"limit {n}", left=left, kind=k) for n, (left, k) in enumerate(limits)]
        charges = [Charge(sign * amount, kind) for amount, kind in work]
        result = payers.apportion(charges, agreement, "customer")
        for charge, parts in zip(charges, result, strict=True):
            self.assertEqual(sum(parts.values()), charge.amount)
            self.assertTrue(all(sign * part >= 0 for part in parts.values()))
        if not any(kind for _left, kind in limits):
            again = random.Random(shuffled.random()).sample(charges, len(charges))
            other = totals(payers.apportion(again, agreement, "customer"))
            self.assertEqual(totals(result), other)

    @given(amounts, percentages, st.data())
    def test_credits_come_back(self, amount, shares, data):
        """Whatever is credited to whom, billing it again makes the bills what they were."""
        agreement = [Payer(number, share) for number, share in enumerate(shares)]
        [parts] = payers.apportion([Charge(amount)], agreement, "customer")
        credited = {
            key: data.draw(st.integers(0, int(100 * part)).map(lambda cents: D(cents) / 100))
            for key, part in parts.items()
        }
        billed = {key: parts[key] - credited[key] for key in parts}
        charge = Charge(sum(credited.values()), billed=billed)
        [again] = payers.apportion([charge], agreement, "customer")
        for key in parts:
            self.assertEqual(billed[key] + again.get(key, 0), parts[key])

    @given(amounts, percentages)
    def test_quantity(self, amount, shares):
        agreement = [Payer(number, share) for number, share in enumerate(shares)]
        [parts] = payers.apportion([Charge(amount)], agreement, "customer")
        quantities = payers.split_quantity(D("7.25"), parts)
        self.assertEqual(sum(quantities.values()), D("7.25"))
        self.assertTrue(all(quantity >= 0 for quantity in quantities.values()))


if __name__ == "__main__":
    unittest.main()
