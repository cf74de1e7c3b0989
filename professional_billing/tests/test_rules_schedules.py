import dataclasses
import itertools
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import rounding, schedules
from ..rules.schedules import Entry

D = Decimal

totals = st.decimals(min_value=0, max_value=10**7, places=2)
percentages = st.decimals(min_value=0, max_value=100, places=4)
money = st.decimals(min_value=0, max_value=10**6, places=2)


def percent(*values):
    return [Entry(percentage=D(value)) for value in values]


@st.composite
def whole_schedules(draw):
    """Percentages that add up to exactly 100."""
    cuts = sorted(draw(st.lists(percentages, max_size=8)))
    edges = [D(0), *cuts, D(100)]
    return percent(*(high - low for low, high in itertools.pairwise(edges)))


@st.composite
def any_entries(draw):
    """Entries of every sort: shares, amounts, frozen, cancelled."""
    entries = []
    for kind in draw(st.lists(st.sampled_from("pafFc"), min_size=1, max_size=8)):
        share, amount = draw(percentages), draw(money)
        entries.append(
            {
                "p": Entry(percentage=share),
                "a": Entry(amount=amount),
                "f": Entry(amount=amount, frozen=True),
                "F": Entry(percentage=share, amount=amount, frozen=True),
                "c": Entry(percentage=share, cancelled=True),
            }[kind]
        )
    return entries


class TestAmounts(unittest.TestCase):
    """What each instalment of a fee amounts to (examples published by Alga)."""

    def check(self, total, entries, expected, decimals=0):
        self.assertEqual(schedules.amounts(total, entries, decimals), [D(x) for x in expected])

    def test_thirds(self):
        """10,001 cents: the last open entry absorbs, 3,334 / 3,334 / 3,333."""
        self.check(10001, percent("33.3333", "33.3333", "33.3334"), [3334, 3334, 3333])

    def test_last_frozen(self):
        """10,000 with the last billed at 3,333: the last open one absorbs, 3,333 / 3,334 / 3,333."""
        entries = percent("33.3333", "33.3333")
        entries.append(Entry(percentage=D("33.3334"), amount=D(3333), frozen=True))
        self.check(10000, entries, [3333, 3334, 3333])

    def test_total_raised(self):
        """Fee raised to 12,000, 4,000 billed, 50 % open: 4,000 / 6,000 and a gap of 2,000."""
        for frozen in (
            Entry(amount=D(4000), frozen=True),
            Entry(percentage=D(40), amount=D(4000), frozen=True),
        ):
            entries = [frozen, *percent(50)]
            self.check(12000, entries, [4000, 6000])
            self.assertEqual(schedules.gap(12000, entries, 0), 2000)

    def test_amount_and_share(self):
        """5,000 and 50.005 % of 10,001: 5,000 / 5,001."""
        self.check(10001, [Entry(amount=D(5000)), *percent("50.005")], [5000, 5001])

    def test_gap_stays_visible(self):
        """30 % and 30 % of 10,000: nothing absorbs what was never agreed."""
        entries = percent(30, 30)
        self.check(10000, entries, [3000, 3000])
        self.assertEqual(schedules.gap(10000, entries, 0), 4000)

    def test_half_up(self):
        """12.5 % of 999 is 125."""
        self.check(999, percent("12.5"), [125])

    def test_halves_of_a_cent(self):
        """101 at 50 / 50: the first rounds up, the last takes the rest."""
        self.check(101, percent(50, 50), [51, 50])

    def test_cancelled(self):
        """A cancelled entry counts for nothing and absorbs nothing."""
        entries = percent(50, 50)
        entries.insert(1, Entry(percentage=D(10), cancelled=True))
        self.check(101, entries, [51, 0, 50])

    def test_quarters(self):
        """10,000 at 50 / 25 / 25 (BQE)."""
        self.check(10000, percent(50, 25, 25), [5000, 2500, 2500])

    def test_neither_or_both(self):
        """An open entry says a share or an amount, not both and not neither."""
        for entry in (Entry(), Entry(percentage=D(1), amount=D(1))):
            with self.assertRaises(ValueError):
                schedules.amounts(100, [entry])

    def test_nothing(self):
        """No entries, no amounts: the whole fee is the gap."""
        self.assertEqual(schedules.amounts(100, []), [])
        self.assertEqual(schedules.gap(100, []), 100)

    @given(totals, whole_schedules(), st.sampled_from([0, 2, 3]))
    def test_whole_schedule_sums_to_the_fee(self, total, entries, decimals):
        """Percentages of 100 % in all bill the fee, to the cent."""
        self.assertEqual(
            sum(schedules.amounts(total, entries, decimals)), rounding.money(total, decimals)
        )
        self.assertEqual(schedules.gap(total, entries, decimals), 0)

    @given(totals, whole_schedules())
    def test_only_the_last_differs(self, total, entries):
        """All but the last open entry are what their percentage says, rounded."""
        result = schedules.amounts(total, entries)
        for entry, amount in zip(entries[:-1], result[:-1], strict=True):
            self.assertEqual(amount, rounding.money(total * entry.percentage / 100))

    @given(totals, any_entries())
    def test_frozen_and_agreed_amounts_stay(self, total, entries):
        """What is billed and what was agreed in money never moves, whatever the rest is."""
        for entry, amount in zip(entries, schedules.amounts(total, entries), strict=True):
            if entry.cancelled:
                self.assertEqual(amount, 0)
            elif entry.amount is not None:
                self.assertEqual(amount, entry.amount)

    @given(totals, whole_schedules(), st.data())
    def test_billing_on_the_way_moves_nothing(self, total, entries, data):
        """Bill any of a whole schedule's entries, in any order: the others keep their amounts."""
        agreed = schedules.amounts(total, entries)
        for index in data.draw(st.permutations(range(len(entries)))):
            entries[index] = dataclasses.replace(entries[index], amount=agreed[index], frozen=True)
            after = schedules.amounts(total, entries)
            self.assertEqual(after[index], agreed[index])
            self.assertEqual(sum(after), total)

    @given(totals, any_entries())
    def test_absorbing_is_rounding_only(self, total, entries):
        """No entry ever takes more than the rounding of the others: half a cent each."""
        for entry, amount in zip(entries, schedules.amounts(total, entries), strict=True):
            if entry.percentage is not None and not entry.frozen and not entry.cancelled:
                exact = total * entry.percentage / 100
                self.assertLessEqual(abs(amount - exact), D("0.01") * len(entries))
