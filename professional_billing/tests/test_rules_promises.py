import datetime
import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ..rules import metrics, promises
from ..rules.promises import Promise

D = Decimal
MADE = datetime.date(2026, 3, 2)


def day(offset):
    return MADE + datetime.timedelta(days=offset)


def promise(**values):
    return Promise(**{"amount": D(1000), "made": MADE, "date": day(10), **values})


class TestJudge(unittest.TestCase):
    """Was it kept?"""

    def check(self, state, payments, on, known=None, ratio=None, **values):
        verdict = promises.judge(
            promise(**values),
            [(day(offset), amount) for offset, amount in payments],
            day(on),
            None if known is None else day(known),
        )
        self.assertEqual(verdict.state, state, verdict)
        if ratio is not None:
            self.assertEqual(verdict.kept_ratio, D(ratio))

    def test_over_time(self):
        self.check("pending", [], 10)
        self.check("broken", [], 11, ratio=0)
        self.check("kept", [(10, 1000)], 11, ratio=100)
        self.check("kept", [(0, 600), (4, 400)], 4)
        self.check("pending", [(0, 600), (4, 400)], 3, ratio=60)

    def test_paid_in_part(self):
        """Not kept, and by how much not."""
        self.check("broken", [(3, 250)], 30, ratio=25)
        self.check("kept", [(3, 1500)], 30, ratio=100)

    def test_too_early_or_too_late(self):
        """Money that came before the promise was not promised, later money breaks it."""
        self.check("broken", [(-1, 1000)], 30)
        self.check("broken", [(11, 1000)], 30)

    def test_days_of_tolerance(self):
        self.check("pending", [], 12, tolerance_days=2)
        self.check("kept", [(12, 1000)], 30, tolerance_days=2)
        self.check("broken", [(13, 1000)], 30, tolerance_days=2)

    def test_edge_64_nearly_all(self):
        """995 of 1,000 with a tolerance of 1 % is kept."""
        self.check("kept", [(3, 995)], 30, tolerance=10, ratio="99.5")
        self.check("broken", [(3, D("989.99"))], 30, tolerance=10)

    def test_edge_63_bank_statement_comes_later(self):
        """Paid a day before, imported three days after: the accounting date counts."""
        self.check("pending_late", [], 12, known=9)
        self.check("kept", [(9, 1000)], 13, known=13)
        self.check("broken", [], 13, known=10)
        self.check("pending_late", [], 13, known=10, tolerance_days=1)

    def test_returned_payment(self):
        self.check("broken", [(3, 1000), (6, -1000)], 30, ratio=0)

    def test_refused(self):
        with self.assertRaises(ValueError):
            promises.judge(promise(amount=D(0)), [], MADE)

    payments = st.lists(
        st.tuples(st.integers(-5, 40).map(day), st.decimals(min_value=0, max_value=1500, places=2)),
        max_size=5,
    )

    @given(payments, st.integers(0, 40), st.integers(0, 40))
    def test_a_verdict_is_final(self, payments, one, two):
        """Once kept or broken, a promise stays so."""
        one, two = sorted((one, two))
        early = promises.judge(promise(), payments, day(one))
        late = promises.judge(promise(), payments, day(two))
        if early.state != promises.PENDING:
            self.assertEqual(early.state, late.state)
        self.assertLessEqual(early.kept_ratio, late.kept_ratio)
        self.assertNotEqual(promises.judge(promise(), payments, day(41)).state, promises.PENDING)

    @given(payments)
    def test_counted(self, payments):
        """The states are those that the rate of kept promises counts."""
        verdict = promises.judge(promise(), payments, day(41))
        rate = metrics.promise_kept_rate([(verdict.state, 1000, verdict.paid)])
        self.assertEqual(rate.by_count, 100 if verdict.state == "kept" else 0)
        self.assertEqual(rate.by_amount, verdict.kept_ratio)
