import datetime

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from .common_methods import MethodCommon


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
            self.env["billing.run"]._cron_schedule()
            self.assertFalse(self.orders.invoice_ids)
        with self._on(2026, 2, 1):
            self._log_time(first.order_line, 5, day(2, 1))
            self.env["billing.run"]._cron_schedule()
            self.assertEqual(first.invoice_ids.amount_untaxed, 100)
            self.assertEqual(first.next_billing_date, day(3, 1))
            run = self.env["billing.run"].search([("order_ids", "in", first.ids)])
            self.assertRecordValues(
                run, [{"is_scheduled": True, "state": "done", "cutoff_date": day(1, 31)}]
            )
            self.env["billing.run"]._cron_schedule()
            self.assertEqual(len(first.invoice_ids), 1)
        with self._on(2026, 4, 1):
            self.env["billing.run"]._cron_schedule()
            self.assertEqual(sum(first.invoice_ids.mapped("amount_untaxed")), 600)
            self.assertEqual(second.invoice_ids.amount_untaxed, 200)
            self.assertEqual(second.next_billing_date, day(7, 1))
            self.assertFalse(third.invoice_ids)
        self.assertLedger(self.orders)

    def test_nothing_to_bill_leaves_no_run(self):
        order = self._create_engagement([self.hours])
        order.write({"billing_frequency": "monthly", "next_billing_date": day(1, 31)})
        with self._on(2026, 1, 31):
            self.env["billing.run"]._cron_schedule()
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
        self.env.ref("professional_billing.cron_billing_run").method_direct_trigger()
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
