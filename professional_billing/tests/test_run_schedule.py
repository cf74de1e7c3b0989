import datetime
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common_methods import MethodCommon

MODELS = "odoo.addons.professional_billing.models"


def day(month, number):
    return datetime.date(2026, month, number)


@tagged("post_install", "-at_install")
class TestRunSchedule(MethodCommon):
    """Which engagements a run takes, runs that start by themselves, and how one is stopped."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders = cls.env["sale.order"]
        for hours in (1, 2, 3):
            order = cls._create_engagement(
                [cls.hours], date_order=datetime.datetime(2025, 12, 1, 12)
            )
            cls._log_time(order.order_line, hours, day(1, 10))
            cls.orders |= order

    def _preview(self, **vals):
        """Return the engagements of the test that a run would bill."""
        run = (
            self.env["billing.run"]
            .with_user(self.officer)
            .create({"cutoff_date": day(1, 31), **vals})
        )
        run.action_preview()
        return run, run.line_ids.filtered("include").order_id.with_env(self.env) & self.orders

    def _schedule(self):
        self._trigger("cron_billing_schedule")

    def test_choice(self):
        first, second, third = self.orders
        first.billing_frequency = "monthly"
        second.tag_ids = self.env["crm.tag"].create({"name": "Public sector"})
        third.user_id = self.manager
        for vals, chosen in (
            ({"frequency": "monthly"}, first),
            ({"tag_ids": second.tag_ids.ids}, second),
            ({"user_ids": self.manager.ids}, third),
            ({"order_ids": (first | third).ids}, first | third),
            ({"minimum_amount": 200}, second | third),
        ):
            with self.subTest(vals):
                run, orders = self._preview(**vals)
                self.assertEqual(orders, chosen)
        line = run.line_ids.filtered(lambda line: line.order_id == first)
        self.assertIn("Less than the least amount", line.blocked_note)

    def test_by_itself_each_month(self):
        """Billed on the first for the month before, and the next date moves on."""
        self.company.billing_schedule_mode = "draft"
        first, second, third = self.orders
        first.write({"billing_frequency": "monthly", "next_billing_date": day(2, 1)})
        second.write({"billing_frequency": "quarterly", "next_billing_date": day(4, 1)})
        with self._on(2026, 1, 31):
            self._schedule()
            self.assertFalse(self.orders.invoice_ids)
        with self._on(2026, 2, 1):
            self._log_time(first.order_line, 5, day(2, 1))
            self._schedule()
            self.assertEqual(first.invoice_ids.amount_untaxed, 100)
            self.assertEqual(first.next_billing_date, day(3, 1))
            run = self.env["billing.run"].search([("order_ids", "in", first.ids)])
            self.assertRecordValues(
                run, [{"is_scheduled": True, "state": "done", "cutoff_date": day(1, 31)}]
            )
            self._schedule()
            self.assertEqual(len(first.invoice_ids), 1)
        with self._on(2026, 4, 1):
            self._schedule()
            self.assertEqual(sum(first.invoice_ids.mapped("amount_untaxed")), 600)
            self.assertEqual(second.invoice_ids.amount_untaxed, 200)
            self.assertEqual(second.next_billing_date, day(7, 1))
            self.assertFalse(third.invoice_ids)
        self.assertLedger(self.orders)

    # -- what is posted without anybody looking at it ----------------------------------------------

    def _schedule_month(self, month, hours, order=None):
        """Log `hours` in the month and let it be billed on the first of the next one."""
        order = order or self.orders[0]
        self._log_time(order.order_line, hours, day(month, 15))
        order.write({"billing_frequency": "monthly", "next_billing_date": day(month + 1, 1)})
        with self._on(2026, month + 1, 1):
            self._schedule()

    def _newest_line(self, order):
        return self.env["billing.run.line"].search(
            [("order_id", "=", order.id)], order="id desc", limit=1
        )

    def test_without_an_amount_nothing_is_posted_by_itself(self):
        order = self.orders[0]
        self.company.billing_schedule_mode = "post"
        self._schedule_month(1, 4)
        line = self._newest_line(order)
        self.assertEqual(line.state, "waiting")
        self.assertIn("no amount up to which", line.error)
        self.assertFalse(order.invoice_ids)

    def test_posted_up_to_an_amount(self):
        """Above the manager's amount a bill stays a pre-bill that says so, and can be billed."""
        order = self.orders[0]
        self.company.write({"billing_schedule_mode": "post", "billing_schedule_max_amount": 1000.0})
        self._schedule_month(1, 9)  # and the hour there is already: 1,000.00
        self.assertEqual(self._newest_line(order).state, "done")
        self.assertRecordValues(order.invoice_ids, [{"state": "posted", "amount_untaxed": 1000.0}])
        self._schedule_month(2, 10.01, order)
        line = self._newest_line(order)
        self.assertEqual(line.state, "waiting")
        self.assertIn("1,001.00", line.error)
        self.assertIn("1,000.00", line.error)
        self.assertEqual(line.prebill_ids.state, "draft")
        self.assertIn(line.prebill_ids.name, line.error)
        self.assertEqual(len(order.invoice_ids), 1)
        # Nobody else gathers what waits, and the next run takes it up again.
        self.assertEqual(line.prebill_ids.line_ids.item_id.prebill_id, line.prebill_ids)
        line.prebill_ids.with_user(self.officer).action_invoice()
        self.assertEqual(sum(order.invoice_ids.mapped("amount_untaxed")), 2001.0)
        self.assertLedger(order)

    def test_amount_in_the_companys_currency(self):
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        pricelist = self.env["product.pricelist"].create({"name": "EUR", "currency_id": euro.id})
        order = self._create_engagement(
            [{"product_id": self.hours.id, "price_unit": 100.0}],
            date_order=datetime.datetime(2025, 12, 1, 12),
            pricelist_id=pricelist.id,
        )
        # One of ours is two euros: 500.00 are 250.00 to the manager.
        self.company.write({"billing_schedule_mode": "post", "billing_schedule_max_amount": 250})
        self._schedule_month(1, 5, order)
        self.assertEqual(self._newest_line(order).state, "done")
        self._schedule_month(2, 5.5, order)
        self.assertEqual(self._newest_line(order).state, "waiting")

    def test_compared_with_the_last_bill(self):
        order = self.orders[0]
        self.company.write(
            {
                "billing_schedule_mode": "post",
                "billing_schedule_max_amount": 10000.0,
                "billing_schedule_max_deviation": 10.0,
            }
        )
        self._schedule_month(1, 9)
        line = self._newest_line(order)
        self.assertIn("first bill", line.error)
        line.prebill_ids.action_invoice().action_post()
        for month, hours, state in ((2, 11, "done"), (3, 9.8, "waiting")):
            self._schedule_month(month, hours)
            self.assertEqual(self._newest_line(order).state, state, hours)
        line = self._newest_line(order)
        self.assertIn("10 %", line.error)
        self.assertIn("1,100.00", line.error)

    def test_a_person_posts_whatever_it_comes_to(self):
        """Somebody has looked at the preview of a run that did not start by itself."""
        run, orders = self._preview(mode="post")
        run.action_start()
        self.assertEqual(set(run.line_ids.mapped("state")), {"done"})
        self.assertEqual(set(orders.invoice_ids.mapped("state")), {"posted"})

    def test_one_company_does_not_stop_the_others(self):
        """What is wrong in one company is told there, tried again, and the others are billed."""
        first, second, _third = self.orders
        self.company.billing_schedule_mode = "draft"
        for order in (first, second):
            order.write({"billing_frequency": "monthly", "next_billing_date": day(2, 1)})
        first.next_billing_date = day(1, 30)
        Run = type(self.env["billing.run"])
        start = Run._start_scheduled

        def fail(run, orders):
            start(run, orders)
            if first in orders:
                raise ValueError("The books are being moved")

        with self._on(2026, 2, 1):
            with (
                patch.object(Run, "_start_scheduled", fail),
                self.assertLogs(f"{MODELS}.billing_run_schedule", "ERROR"),
            ):
                self._schedule()
            self.assertFalse(first.invoice_ids)
            self.assertEqual(second.invoice_ids.amount_untaxed, 200)
            run = self.env["billing.run"].search([("error", "!=", False)])
            self.assertIn("The books are being moved", run.error)
            self.assertRecordValues(run, [{"state": "draft", "company_id": self.company.id}])
            self.assertEqual(first.next_billing_date, day(1, 30))
            self._schedule()
            self.assertEqual(first.invoice_ids.amount_untaxed, 100)
            self.assertRecordValues(run, [{"state": "done", "error": False}])

    def test_nothing_to_bill_leaves_no_run(self):
        order = self._create_engagement([self.hours])
        order.write({"billing_frequency": "monthly", "next_billing_date": day(1, 31)})
        with self._on(2026, 1, 31):
            self._schedule()
            self.assertFalse(self.env["billing.run"].search([("order_ids", "in", order.ids)]))
            # The end of the month does not drift.
            self.assertEqual(order.next_billing_date, day(2, 28))

    def test_billed_by_hand_moves_the_date_on(self):
        first = self.orders[0]
        first.write({"billing_frequency": "monthly", "next_billing_date": day(2, 1)})
        run, _orders = self._preview(order_ids=[Command.set(first.ids)], mode="draft")
        run.action_start()
        self.assertEqual(first.next_billing_date, day(3, 1))

    def test_stop_and_go_on(self):
        run, orders = self._preview(mode="draft")
        run.sudo().state = "running"
        run.line_ids.filtered(lambda line: line.order_id == orders[0])._process()
        run.action_stop()
        self.assertEqual(run.state, "stopped")
        self._trigger("cron_billing_run")
        self.assertEqual(len(orders.invoice_ids), 1)
        with self.assertRefused("is not running"):
            run.action_stop()
        with self.assertRefused("started already"):
            run.action_start()
        run.action_resume()
        self.assertEqual(run.state, "done")
        self.assertEqual(len(orders.invoice_ids), 3)
        with self.assertRaises(AccessError):
            run.with_user(self.consultant).action_stop()
