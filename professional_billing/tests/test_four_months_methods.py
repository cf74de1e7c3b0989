import datetime

from odoo.tests import tagged

from .common_methods import MethodCommon


def day(month, number):
    return datetime.date(2026, month, number)


@tagged("post_install", "-at_install")
class TestFourMonthsOfMethods(MethodCommon):
    """One whole contract for each rule: set up, billed month by month, changed, credited, closed.

    The totals are reckoned by hand in the comments.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.retained = cls._new_service("Retained advice", "retainer", 2000.0, uom=cls.uom_unit)

    def assertBilled(self, line, total):
        """Posted invoices less credit notes make `total`, and the ledger says so too."""
        moves = line.order_id.invoice_ids
        self.assertEqual(set(moves.mapped("state")), {"posted"})
        self.assertAlmostEqual(sum(moves.mapped("amount_untaxed_signed")), total)
        self.assertAlmostEqual(sum(self._items(line.order_id).mapped("billed_amount")), total)
        self.assertLedger(line.order_id)

    def _change(self, line, **vals):
        line.with_user(self.salesperson).write(vals)

    def test_progress(self):
        with self._on(2026, 1, 31):
            line = self._sell(self.building, price_unit=20000)
            self._record("billing.progress", line, percentage=25)
            self.assertEqual(self._post(line), 5000)
        with self._on(2026, 2, 28):
            # Scope added: half of 24,000.00 less 5,000.00.
            self._change(line, price_unit=24000)
            self._record("billing.progress", line, percentage=50)
            self.assertEqual(self._post(line), 7000)
            self._credit(self.last_move)
        with self._on(2026, 3, 31):
            # 80 % are 19,200.00: the 7,000.00 credited, and 7,200.00 more.
            self._record("billing.progress", line, percentage=80)
            self.assertEqual(self._post(line), 14200)
        with self._on(2026, 4, 30):
            self._record("billing.progress", line, percentage=100)
            self.assertEqual(self._post(line), 4800)
            self.assertEqual(self._post(line), 0)
            self.assertBilled(line, 24000)
            self.assertEqual(line.order_id.invoice_status, "invoiced")

    def test_recurring(self):
        with self._on(2026, 1, 1):
            line = self._sell(self.support, {"recurring_start": day(1, 1)})
            self.assertEqual(self._post(line), 2400)
        with self._on(2026, 2, 1):
            self.assertEqual(self._post(line), 2400)
        with self._on(2026, 3, 1):
            self._change(line, price_unit=2600)
            self.assertEqual(self._post(line), 2600)
            self._credit(self.last_move)
            self.assertEqual(self._post(line), 2600)
        with self._on(2026, 4, 1):
            # Ended on the 15th: 15 of 30 days.
            self._change(line, recurring_end=day(4, 15))
            self.assertEqual(self._post(line), 1300)
        with self._on(2026, 5, 1):
            self.assertEqual(self._post(line), 0)
            self.assertBilled(line, 8700)
            self.assertEqual(line.order_id.invoice_status, "invoiced")

    def test_retainer(self):
        terms = {
            "recurring_start": day(1, 1),
            "recurring_timing": "arrears",
            "retainer_hours": 10,
            "retainer_rollover": "one_period",
            "overage_price": 150,
        }
        with self._on(2026, 1, 31):
            line = self._sell(self.retained, terms)
            self._log_time(line, 6, day(1, 20))
            self.assertEqual(self._post(line), 2000)
        with self._on(2026, 2, 28):
            # 16 h less 10 and 4 carried over: 2 h at 150.00.
            self._log_time(line, 16, day(2, 10))
            self.assertEqual(self._post(line), 2300)
        with self._on(2026, 3, 31):
            # 2 h beyond at the new price, one of them credited.
            self._change(line, overage_price=180)
            self._log_time(line, 12, day(3, 10))
            self.assertEqual(self._post(line), 2360)
            time = self._product_lines(self.last_move).filtered(
                lambda line: line.product_uom_id == self.uom_hour
            )
            self._credit(self.last_move, {time: 1})
        with self._on(2026, 4, 30):
            self._change(line, recurring_end=day(4, 30))
            self._log_time(line, 10, day(4, 10))
            self.assertEqual(self._post(line), 2180)
            self.assertEqual(self._post(line), 0)
            self.assertBilled(line, 8660)

    def test_price_per_unit(self):
        with self._on(2026, 1, 31):
            line = self._sell(self.returns, {"unit_minimum": 100})
            self._record("billing.usage", line, quantity=80)
            self.assertEqual(self._post(line), 250)
        with self._on(2026, 2, 28):
            self._record("billing.usage", line, quantity=120)
            self.assertEqual(self._post(line), 300)
            self._credit(self.last_move, {self._product_lines(self.last_move): 20})
        with self._on(2026, 3, 31):
            # 100 at the new price, and the 20 credited at theirs.
            self._change(line, price_unit=3)
            self._record("billing.usage", line, quantity=100)
            self.assertEqual(self._post(line), 350)
        with self._on(2026, 4, 30):
            self._record("billing.usage", line, quantity=200)
            self.assertEqual(self._post(line), 600)
            self.assertBilled(line, 1450)

    def test_success_fee(self):
        with self._on(2026, 1, 31):
            line = self._sell(self.sale, {"success_percentage": 5})
            self._record("billing.usage", line, quantity=10000)
            self.assertEqual(self._post(line), 500)
        with self._on(2026, 2, 28):
            self.assertEqual(self._post(line), 0)
        with self._on(2026, 3, 31):
            self._change(line, success_percentage=6)
            self._record("billing.usage", line, quantity=20000)
            self.assertEqual(self._post(line), 1200)
            self._credit(self.last_move)
            self.assertEqual(self._post(line), 1200)
        with self._on(2026, 4, 30):
            self._record("billing.usage", line, quantity=5000)
            self.assertEqual(self._post(line), 300)
            self.assertBilled(line, 2000)
