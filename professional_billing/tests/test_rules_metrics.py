import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import metrics
from ..rules.metrics import CountBack, KeptRate

D = Decimal
amounts = st.decimals(min_value=0, max_value=10**6, places=2)
positive = st.decimals(min_value="0.01", max_value=10**6, places=2)


class TestProductivity(unittest.TestCase):
    """Hours, values and what becomes of them."""

    def test_utilisation(self):
        """1,600 of 2,000 hours (lawfirmvelocity), 30 of 40 (mosaicapp)."""
        self.assertEqual(metrics.utilisation(1600, 2000), 80)
        self.assertEqual(metrics.utilisation(30, 40), 75)
        self.assertEqual(metrics.utilisation(50, 40), 125)

    def test_realisation(self):
        """Billed 900 and collected 800; collected 94,600 of 100,000 (woodcg, myleanlaw)."""
        result = metrics.realisation(1200, 1000, 900, 800)
        self.assertEqual(round(result.collection, 1), D("88.9"))
        self.assertEqual(result.billing, 75)
        self.assertEqual(result.billing_of_agreed, 90)
        self.assertEqual(round(result.rate, 1), D("83.3"))
        self.assertEqual(round(result.overall, 1), D("66.7"))
        self.assertEqual(metrics.realisation(100000, 1, 1, 94600).overall, D("94.6"))

    def test_what_is_left_of_an_hour(self):
        """60 % utilisation, 80 and 85 % realisation leave 122.40 of 300 an hour; printed as 122."""
        hours = metrics.utilisation(60, 100)
        values = metrics.realisation(100, 90, 80, 68)
        left = hours * values.billing * values.collection / 10**4
        self.assertEqual(left, D("40.8"))
        self.assertEqual(300 * left / 100, D("122.4"))

    def test_effective_rate(self):
        self.assertEqual(metrics.effective_rate(10000, 80), 125)

    def test_undefined(self):
        """Without a denominator there is no figure, not a zero."""
        self.assertIsNone(metrics.utilisation(10, 0))
        self.assertIsNone(metrics.effective_rate(10, 0))
        nothing = metrics.realisation(0, 0, 0, 0)
        self.assertEqual(set(vars(nothing).values()), {None})

    @given(positive, positive, positive, amounts)
    def test_realisation_multiplies(self, standard, agreed, billed, collected):
        """Each step is taken from the one before."""
        result = metrics.realisation(standard, agreed, billed, collected)
        chain = result.rate * result.billing_of_agreed * result.collection / 10**4
        self.assertAlmostEqual(chain / (result.overall or 1), 1 if collected else 0, places=12)


class TestLockup(unittest.TestCase):
    """Days of fees not yet billed and not yet paid."""

    def test_averages(self):
        """Lawganised, which prints 123 + 45 = 168 days; closing balances alone make 170."""
        fees = 5500750
        wip, debtors = (1750875 + 1950345) / D(2), (733815 + 615875) / D(2)
        result = metrics.lockup(wip, debtors, fees)
        self.assertEqual(
            (round(result.wip_days, 1), round(result.debtor_days, 1), round(result.total, 1)),
            (D("122.8"), D("44.8"), D("167.6")),
        )
        closing = metrics.lockup(1950345, 615875, fees)
        self.assertEqual(round(closing.wip_days, 1), D("129.4"))
        self.assertEqual(round(closing.debtor_days, 1), D("40.9"))

    def test_published(self):
        """72 and 46 days (linkacademy); 150 days of 10 million, rounded (Law Gazette)."""
        result = metrics.lockup(D("312285.48"), 200000, D("1577379.08"))
        self.assertEqual((round(result.wip_days), round(result.debtor_days)), (72, 46))
        self.assertEqual(metrics.lockup(4100000, 0, 10000000).total, D("149.65"))

    def test_without_fees(self):
        self.assertIsNone(metrics.lockup(100, 100, 0))

    def test_part_of_a_year(self):
        self.assertEqual(metrics.lockup(100, 50, 300, days=90).total, 45)


class TestReceivables(unittest.TestCase):
    """How long customers take."""

    def test_6_35_dso(self):
        """15,000 of which 4,000 not due, on 10,000 in 30 days: 45, 12 and 33 (creditguru)."""
        self.assertEqual(metrics.dso(15000, 10000, 30), 45)
        self.assertEqual(metrics.best_possible_dso(4000, 10000, 30), 12)
        self.assertEqual(metrics.average_days_delinquent(15000, 4000, 10000, 30), 33)

    def test_add(self):
        """50 days less 12 (Quadient)."""
        self.assertEqual(metrics.average_days_delinquent(500, 120, 300, 30), 38)

    def test_6_35_count_back(self):
        """73.71 days (Benji Pays) and 76.71."""
        months = [(100000, 30), (80000, 30), (70000, 30)]
        result = metrics.dso_countback(212000, months)
        self.assertEqual((round(result.days, 2), result.complete), (D("73.71"), True))
        months = [(900000, 31), (800000, 28), (700000, 31)]
        self.assertEqual(round(metrics.dso_countback(2100000, months).days, 2), D("76.71"))

    def test_count_back_on_edges(self):
        months = [(100, 31), (0, 28), (50, 31)]
        self.assertEqual(metrics.dso_countback(0, months), CountBack(D(0), True))
        self.assertEqual(metrics.dso_countback(-5, months), CountBack(D(0), True))
        self.assertEqual(metrics.dso_countback(100, months), CountBack(D(31), True))
        self.assertEqual(metrics.dso_countback(125, months), CountBack(D("74.5"), True))
        self.assertEqual(metrics.dso_countback(150, months), CountBack(D(90), True))
        self.assertEqual(metrics.dso_countback(151, months), CountBack(D(90), False))
        self.assertEqual(metrics.dso_countback(1, []), CountBack(D(0), False))

    def test_true_dso(self):
        """40 days old, 1,000 of a month's 10,000: 4 days (Oracle)."""
        self.assertEqual(metrics.true_dso([(40, 1000, 10000)]), 4)
        self.assertEqual(metrics.true_dso([(40, 1000, 10000), (10, 500, 1000)]), 9)
        self.assertIsNone(metrics.true_dso([(40, 1000, 0)]))

    def test_6_35_cei(self):
        """98 % of a year's sales (Gaviti, 98.04); 55.9 % by an average month (creditguru)."""
        self.assertEqual(round(metrics.cei(100000, 1000000, 120000, 100000)), 98)
        monthly = metrics.cei(6200, 10890, 6340, 3590, months=3)
        self.assertEqual(round(monthly, 1), D("55.9"))
        self.assertEqual(monthly, D(349000) / 6240)

    def test_days_to_pay(self):
        """600 after 20 days, 400 after 50: 32."""
        self.assertEqual(metrics.days_to_pay([(600, 20), (400, 50)]), 32)

    def test_undefined(self):
        self.assertIsNone(metrics.dso(100, 0, 30))
        self.assertIsNone(metrics.best_possible_dso(100, 0, 30))
        self.assertIsNone(metrics.average_days_delinquent(100, 50, 0, 30))
        self.assertIsNone(metrics.cei(0, 100, 100, 100))
        self.assertIsNone(metrics.days_to_pay([]))

    @given(amounts, positive, st.integers(1, 31))
    def test_one_period_is_the_simple_dso(self, receivables, sales, days):
        """As long as receivables are of the last period, both ways agree."""
        result = metrics.dso_countback(receivables, [(sales, days)])
        if receivables <= sales:
            self.assertAlmostEqual(result.days, metrics.dso(receivables, sales, days), places=15)
        else:
            self.assertEqual(result, CountBack(D(days), False))

    @given(amounts, amounts, st.lists(st.tuples(amounts, st.integers(28, 31)), max_size=6))
    def test_more_receivables_reach_further_back(self, receivables, more, periods):
        one = metrics.dso_countback(receivables, periods)
        two = metrics.dso_countback(receivables + more, periods)
        self.assertLessEqual(one.days, two.days)
        self.assertGreaterEqual(one.complete, two.complete)

    @given(amounts, amounts, positive)
    def test_parts_of_the_dso(self, current, late, sales):
        parts = metrics.best_possible_dso(current, sales, 30) + metrics.average_days_delinquent(
            current + late, current, sales, 30
        )
        self.assertAlmostEqual(parts, metrics.dso(current + late, sales, 30), places=12)


class TestPromiseKeptRate(unittest.TestCase):
    """How many promises are kept."""

    def test_superseded_is_left_out(self):
        """12 kept, 3 broken, 1 superseded: 80 %."""
        rows = [("kept", 100, 100)] * 12 + [("broken", 100, 0)] * 3 + [("superseded", 100, 0)]
        self.assertEqual(metrics.promise_kept_rate(rows), KeptRate(80, 80))

    def test_by_amount(self):
        """What was paid too much on one does not make up for another."""
        rows = [("kept", 100, 300), ("broken", 300, 60), ("pending", 500, 0)]
        self.assertEqual(metrics.promise_kept_rate(rows), KeptRate(50, 40))

    def test_none_matured(self):
        self.assertEqual(metrics.promise_kept_rate([("pending", 1, 1)]), KeptRate(None, None))
