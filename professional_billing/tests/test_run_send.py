import os

from odoo.tests import tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from .common import BillingCommon

LONG = bool(os.environ.get("PROFESSIONAL_BILLING_LONG"))


@tagged("post_install", "-at_install")
class TestRunSend(BillingCommon, CronMixinCase):
    """Runs that send what they post, and what becomes of customers who cannot be billed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.env.ref("account.email_template_edi_invoice")

    def _create_orders(self, count):
        """Return orders with an hour of work each, all of customers of their own."""
        customers = self.env["res.partner"].create(
            [
                {"name": f"Client {number}", "email": f"client{number}@example.com"}
                for number in range(count)
            ]
        )
        orders = self.env["sale.order"]
        for customer in customers:
            orders += self._create_engagement([self.hours], partner_id=customer.id)
        for order in orders:
            self._log_time(order.order_line, 1)
        return orders

    def _run(self, orders, mode="send"):
        run = self.env["billing.run"].with_user(self.officer)
        run = run.create({"cutoff_date": self.today, "mode": mode, "order_ids": orders.ids})
        run.action_preview()
        run.action_start()
        return run

    def test_sent_in_the_background(self):
        """Posted now, handed to Odoo's job that sends, under the name of who started the run."""
        orders = self._create_orders(2)
        cron = self.env.ref("account.ir_cron_account_move_send")
        with self.capture_triggers(cron.id) as captured:
            run = self._run(orders)
        self.assertTrue(captured.records)
        self.assertEqual(run.line_ids.mapped("state"), ["done"] * 2)
        self.assertEqual(run.line_ids.mapped("sending"), ["sending"] * 2)
        for move in orders.invoice_ids:
            self.assertEqual(move.state, "posted")
            self.assertEqual(move.sending_data["author_user_id"], self.officer.id)
        with self.allow_pdf_render():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(run.line_ids.mapped("sending"), ["sent"] * 2)
        for order in orders:
            self.assertIn(order.partner_id, order.invoice_ids.message_ids.partner_ids)

    def test_by_post(self):
        """Who gets invoices another way than by mail needs no address."""
        order = self._create_orders(1)
        order.partner_id.write({"email": False, "invoice_sending_method": "manual"})
        self.assertEqual(self._run(order).line_ids.state, "done")

    def test_sending_switched_off(self):
        order = self._create_orders(1)
        self.env.ref("account.ir_cron_account_move_send").active = False
        with self.assertRefused("switched off"):
            self._run(order)

    def test_missing_address_is_mended(self):
        order = self._create_orders(1)
        order.partner_id.email = False
        run = self._run(order)
        self.assertIn("no e-mail address", run.line_ids.error)
        self.assertFalse(order.invoice_ids)
        order.partner_id.email = "client@example.com"
        run.action_resume()
        self.assertRecordValues(run.line_ids, [{"state": "done", "error": False}])

    def test_five_bad_customers(self):
        """Five of many cannot be billed, each for a reason of its own that it says."""
        orders = self._create_orders(200 if LONG else 24)
        bad = orders[3::5][:5]
        position = self.env["account.fiscal.position"].create({"name": "Abroad"})
        receivable = self.company_data["default_account_receivable"].copy()
        bad[0].partner_id.property_account_receivable_id = receivable
        receivable.active = False
        bad[1].fiscal_position_id = position
        position.active = False
        closed = self._prebill(bad[2])
        closed.invoice_date = self._day(-60)
        self.company.fiscalyear_lock_date = self._day(-30)
        bad[3].partner_id.email = False
        condition = f"object.partner_id.name == '{bad[4].partner_id.name}'"
        self.template.body_html = f'<t t-if="{condition}" t-out="object.nothing"/>Your invoice'
        run = self._run(orders)
        self._trigger("cron_billing_run")
        failed = run.line_ids.filtered(lambda line: line.state == "failed")
        self.assertEqual(failed.order_id.sorted(), bad)
        self.assertEqual(set((run.line_ids - failed).mapped("state")), {"done"})
        words = (
            "account receivable",
            "fiscal position Abroad",
            "books are closed",
            "e-mail address",
            "template",
        )
        for line, word in zip(failed.sorted(lambda line: line.order_id.id), words, strict=True):
            self.assertIn(word, line.error)
            self.assertIn("try again", line.error) if word != "books are closed" else None
            self.assertNotIn("Traceback", line.error)
            self.assertLess(len(line.error), 300)
        self.assertEqual((orders - bad).invoice_ids.mapped("state"), ["posted"] * (len(orders) - 5))
        self.assertFalse(bad.invoice_ids)
        self.assertFalse(orders.invoice_ids.filtered("made_sequence_gap"))
        # Each is mended, and the rest is billed.
        receivable.active = position.active = True
        closed.invoice_date = self.today
        bad[3].partner_id.email = "mended@example.com"
        self.template.body_html = "Your invoice"
        run.action_resume()
        self.assertEqual(run.state, "done")
        self.assertEqual(set(run.line_ids.mapped("state")), {"done"})
        self.assertLedger(bad)
