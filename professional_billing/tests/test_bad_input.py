from contextlib import contextmanager
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import BillingCommon


@tagged("post_install", "-at_install")
class TestBadInput(BillingCommon):
    """What cannot be billed says so in a sentence, and leaves nothing half done."""

    def setUp(self):
        super().setUp()
        self.order = self._create_engagement([self.hours])
        self.line = self.order.order_line

    @contextmanager
    def assertRefused(self, sentence, error=UserError):
        """What is done here is refused with this sentence, and undone."""
        with self.assertRaises(error) as caught:
            yield
        self.assertRegex(str(caught.exception), sentence)

    @contextmanager
    def assertRefusedByDatabase(self, model, sentence):
        """The same for what a constraint of the database refuses: Odoo makes it a sentence."""
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError) as caught:
            yield
            self.env.flush_all()
        self.assertRegex(self.env[model]._sql_error_to_message(caught.exception), sentence)

    def assertNothingBilled(self, order=None):
        order = order or self.order
        self.env.flush_all()
        self.assertFalse(order.invoice_ids)
        self.assertFalse(self._items(order).allocation_ids)
        self.assertFalse(order.prebill_ids.filtered(lambda prebill: prebill.state == "invoiced"))
        self.assertLedger(order)

    # -- time -----------------------------------------------------------------------------------

    def test_negative_hours(self):
        """Less than no time is refused, on a new entry and on an old one."""
        time = self._log_time(self.line, 2)
        with self.assertRefused("cannot be less than zero", ValidationError):
            self._log_time(self.line, -1)
        with self.assertRefused("cannot be less than zero", ValidationError):
            time.unit_amount = -0.5
        self.assertEqual(time.unit_amount, 2)
        self.assertItem(self._items(self.order), quantity=2, amount=200)

    def test_negative_hours_elsewhere(self):
        """On a line without a rule Odoo's own ways stay."""
        self.line.billing_rule = False
        self.assertEqual(self._log_time(self.line, -1).unit_amount, -1)

    def test_no_hours(self):
        """An entry not filled in yet is there, blocked, with its reason; filled in, it bills."""
        time = self._log_time(self.line, 0)
        item = self._items(self.order)
        self.assertItem(item, quantity=0, amount=0, blocked_reason="no_hours", is_open=False)
        with self.assertRefused("nothing to bill"):
            self.order.with_user(self.officer).action_make_prebill()
        self.assertNothingBilled()
        time.unit_amount = 1.5
        self.assertItem(item, quantity=1.5, blocked_reason=False)

    def test_cancelled_order(self):
        """Time on a cancelled order waits, with its reason, and comes back with the order."""
        self._log_time(self.line, 2)
        self.order._action_cancel()
        time = self._log_time(self.line, 3)
        self.assertEqual(self._items(self.order).mapped("blocked_reason"), ["order_cancelled"] * 2)
        self.assertFalse(self._prebill(self.order))
        with self.assertRefused("Order cancelled"):
            self.order.with_user(self.officer).action_make_prebill()
        self.assertNothingBilled()
        self.assertEqual(time.unit_amount, 3)
        self.order.action_draft()
        self.order.action_confirm()
        self.assertEqual(self._items(self.order).mapped("blocked_reason"), [False] * 2)

    def test_cancelled_after_gathering(self):
        """An order cancelled under review takes its work off the pre-bill."""
        self._log_time(self.line, 2)
        prebill = self._prebill(self.order)
        self.order._action_cancel()
        self.assertEqual(prebill.state, "cancelled")
        with self.assertRefused("is cancelled"):
            prebill.action_invoice()
        self.assertNothingBilled()

    def test_order_not_confirmed(self):
        """Time on a quotation waits for its confirmation."""
        quotation = self._create_engagement([self.hours], confirm=False)
        time = self._log_time(self.line, 2)
        time.so_line = quotation.order_line
        self.env.cr.precommit.run()
        self.assertItem(self._items(quotation), blocked_reason="not_confirmed")
        self.assertFalse(self._items(self.order))
        self.assertFalse(self._prebill(quotation))
        quotation.action_confirm()
        self.assertItem(self._items(quotation), blocked_reason=False)

    def test_archived_employee(self):
        """Somebody left: their work is billed."""
        self._log_time(self.line, 2)
        self.employee.active = False
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 200)
        self.assertLedger(self.order)

    def test_deleted_employee(self):
        """Somebody with work in progress cannot be deleted, and the sentence says what to do."""
        self._log_time(self.line, 2)
        with self.assertRefused("Anna Associate has work .* Archive them"):
            self.employee.unlink()
        self.assertTrue(self.employee.exists())
        self.assertItem(self._items(self.order), employee_id=self.employee.id)

    def test_deleted_reason(self):
        """A reason somebody gave stays; one nobody gave can go."""
        self._log_time(self.line, 2)
        prebill = self._prebill(self.order)
        prebill.line_ids.write({"decision": "write_off", "reason_id": self.reason.id})
        with self.assertRefused("“Courtesy” is the reason"):
            self.reason.unlink()
        prebill.action_invoice()
        with self.assertRefused("“Courtesy” is the reason"):
            self.reason.unlink()
        self.reason.copy({"name": "Unused"}).unlink()

    def test_deleted_employee_without_time(self):
        """Nobody stands in the way of deleting somebody who did nothing."""
        employee = self.env["hr.employee"].create({"name": "Nobody"})
        employee.unlink()
        self.assertFalse(employee.exists())

    # -- set-up of the order --------------------------------------------------------------------

    def _confirm_error(self, product, **vals):
        """Confirm an order for `product`; return the sentence that stops it."""
        installments = vals.pop("installments", [])
        order = self._create_engagement(
            [{"product_id": product.id, "installments": installments, **vals}], confirm=False
        )
        with self.assertRaises(UserError) as caught:
            order.action_confirm()
        self.assertEqual(order.state, "draft")
        self.assertFalse(self._items(order))
        self.assertFalse(order.project_ids, "a project of an order that was not confirmed")
        return str(caught.exception)

    def test_unit_is_not_time(self):
        """Time and materials by the kilogram is refused when the line is written."""
        with self.assertRefused("needs a unit of time", ValidationError):
            self._create_engagement(
                [
                    {
                        "product_id": self.hours.id,
                        "product_uom_id": self.env.ref("uom.product_uom_kgm").id,
                    }
                ],
                confirm=False,
            )
        with self.assertRefused("needs a unit of time", ValidationError):
            self.line.product_uom_id = self.uom_unit
        self.assertEqual(self.line.product_uom_id, self.uom_hour)

    def test_goods_have_no_rule(self):
        """A rule is for services."""
        with self.assertRefused("only a service", ValidationError):
            self._create_engagement(
                [{"product_id": self.product_a.id, "billing_rule": "time_materials"}],
                confirm=False,
            )

    def test_archived_product(self):
        """A service that is no longer sold stops the confirmation, by name."""
        order = self._create_engagement([self.hours], confirm=False)
        self.hours.active = False
        with self.assertRefused("“Advice by the hour” is archived"):
            order.action_confirm()
        self.assertEqual(order.state, "draft")

    def test_archived_product_of_a_confirmed_order(self):
        """Archived later, what was agreed is billed."""
        self._log_time(self.line, 2)
        self.hours.active = False
        self.assertEqual(self._bill(self.order).amount_untaxed, 200)

    def test_zero_price(self):
        """No price is an error with a name, never a bill of zero."""
        for product, message in (
            (self.hours, "needs a price per Hours"),
            (self.fee, "the fixed fee is zero"),
            (self.stages, "the fee is zero"),
        ):
            with self.subTest(product=product.name):
                self.assertIn(message, self._confirm_error(product, price_unit=0))

    def test_price_lost_later(self):
        """A price set to zero after confirmation blocks the time, with its reason."""
        self._log_time(self.line, 2)
        self.line.price_unit = 0
        self.assertItem(self._items(self.order), blocked_reason="no_price", amount=0)
        self.assertFalse(self._prebill(self.order))
        self.line.price_unit = 90
        self.assertItem(self._items(self.order), blocked_reason=False, amount=180)

    def test_instalments_do_not_add_up(self):
        """Too little and too much both stop the confirmation, with the sum that is missing."""
        for parts in ((50, 40), (60, 50)):
            with self.subTest(parts=parts):
                message = self._confirm_error(
                    self.fee, installments=[{"percentage": part} for part in parts]
                )
                self.assertIn("instalments add up to", message)
                self.assertIn("900.00", message)

    def test_instalments_broken_later(self):
        """Changed on a confirmed order, the open instalments wait until they add up again."""
        order = self._create_engagement(
            [
                {
                    "product_id": self.fee.id,
                    "installments": [{"percentage": 50}, {"percentage": 50}],
                }
            ]
        )
        order.billing_installment_ids[0].percentage = 40
        self.assertEqual(set(self._items(order).mapped("blocked_reason")), {"schedule_gap"})
        self.assertFalse(self._prebill(order))
        self.assertNothingBilled(order)
        order.billing_installment_ids[1].percentage = 60
        self.assertEqual(set(self._items(order).mapped("blocked_reason")), {False})

    def test_percentage_out_of_range(self):
        """An instalment is a part of the fee: 0 to 100 %."""
        order = self._create_engagement([self.fee], confirm=False)
        for percentage in (-1, 100.5):
            with (
                self.subTest(percentage=percentage),
                self.assertRefusedByDatabase("billing.installment", "between 0 and 100"),
            ):
                self._new_instalment(order, percentage=percentage)
        self.assertFalse(order.billing_installment_ids)

    def _new_instalment(self, order, **vals):
        return self.env["billing.installment"].create(
            {
                "order_id": order.id,
                "order_line_id": order.order_line[0].id,
                "name": "Instalment",
                "date": self.today,
                **vals,
            }
        )

    def test_instalment_before_the_order(self):
        """Nothing is due before it was agreed."""
        order = self._create_engagement([self.fee], confirm=False)
        with self.assertRefused("before the order", ValidationError):
            self._new_instalment(order, percentage=100, date=self._day(-40))
        self.assertFalse(order.billing_installment_ids)

    def test_instalment_of_another_rule(self):
        """Instalments are for fixed fees of the same order."""
        with self.assertRefused("needs a fixed-fee line", ValidationError):
            self._new_instalment(self.order, percentage=100)
        other = self._create_engagement([self.fee], confirm=False)
        with self.assertRefused("needs a fixed-fee line", ValidationError):
            self._new_instalment(other, order_id=self.order.id, percentage=100)

    def test_milestone_of_another_customer(self):
        """A milestone of one client's project cannot bill another client's order."""
        order = self._create_engagement([{"product_id": self.stages.id, "milestones": [50, 50]}])
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        theirs = self._create_engagement([self.stages], partner_id=stranger.id)
        milestone = order.order_line.billing_milestone_ids[0]
        with self.assertRefused("Choose a line of the project's own customer", ValidationError):
            milestone.sale_line_id = theirs.order_line
        self.assertEqual(milestone.sale_line_id, order.order_line)
        self.assertEqual(len(self._items(order)), 2)

    def test_milestones_over_the_fee(self):
        """Milestones that make more than the fee wait, with the reason."""
        order = self._create_engagement([{"product_id": self.stages.id, "milestones": [60, 60]}])
        order.order_line.billing_milestone_ids.is_reached = True
        self.assertEqual(set(self._items(order).mapped("blocked_reason")), {"schedule_gap"})
        self.assertFalse(self._prebill(order))

    # -- dates and currencies -------------------------------------------------------------------

    def test_closed_period(self):
        """An invoice date in a closed period: the sentence names the day up to which it is closed."""
        self._log_time(self.line, 2)
        locked = self._day(-10)
        self.company.fiscalyear_lock_date = locked
        prebill = self._prebill(self.order)
        prebill.invoice_date = self._day(-12)
        with self.assertRefused(f"closed up to .*{locked.year}"):
            prebill.action_invoice()
        self.assertNothingBilled()
        self.assertIn(prebill.state, ("draft", "approved"))
        if prebill.state == "approved":
            prebill.action_reopen()
        prebill.invoice_date = self._day(-9)
        move = prebill.action_invoice()
        move.action_post()
        self.assertEqual(move.date, self._day(-9))

    def _order_in_dollars(self, rate_date):
        """An engagement in a currency whose only rate starts on `rate_date`."""
        currency = self.env["res.currency"].create(
            {
                "name": "XDR",
                "symbol": "S",
                "rounding": 0.01,
                "rate_ids": [
                    Command.create({"name": rate_date, "rate": 2.0, "company_id": self.company.id})
                ]
                if rate_date
                else [],
            }
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": currency.id}
        )
        order = self._create_engagement(
            [{"product_id": self.hours.id, "price_unit": 50}], pricelist_id=pricelist.id
        )
        self.assertEqual(order.currency_id, currency)
        self._log_time(order.order_line, 2)
        return order

    def test_currency_without_rate(self):
        """No exchange rate is an error with the currency and the day, never a rate of one."""
        order = self._order_in_dollars(None)
        with self.assertRefused("no exchange rate for XDR"):
            self._prebill(order).action_invoice()
        self.assertNothingBilled(order)

    def test_currency_without_rate_on_the_day(self):
        """A rate that starts later does not help an earlier invoice date; on its day it does."""
        order = self._order_in_dollars(self._day(-5))
        prebill = self._prebill(order)
        prebill.invoice_date = self._day(-6)
        with self.assertRefused("no exchange rate for XDR"):
            prebill.action_invoice()
        self.assertNothingBilled(order)
        if prebill.state == "approved":
            prebill.action_reopen()
        prebill.invoice_date = self._day(-5)
        self.assertEqual(prebill.action_invoice().amount_untaxed, 100)

    # -- runs -----------------------------------------------------------------------------------

    def _run(self, **vals):
        run = (
            self.env["billing.run"]
            .with_user(self.officer)
            .create({"cutoff_date": self.today, "mode": "post", **vals})
        )
        run.action_start()
        return run

    def test_run_goes_on(self):
        """One engagement that fails is one line with its sentence; the others are billed."""
        broken = self._order_in_dollars(None)
        good = self._create_engagement([self.hours])
        for order in (self.order, good):
            self._log_time(order.order_line, 2)
        run = self._run()
        by_order = {line.order_id: line for line in run.line_ids.with_env(self.env)}
        self.assertEqual(by_order[broken].state, "failed")
        self.assertIn("no exchange rate for XDR", by_order[broken].error)
        for order in (self.order, good):
            self.assertRecordValues(by_order[order], [{"state": "done", "error": False}])
            self.assertEqual(order.invoice_ids.state, "posted")
        self.assertEqual(run.state, "done")
        self.assertEqual(run.failed_count, 1)
        self.assertNothingBilled(broken)
        self.assertLedger(self.order + good + broken)
        self.env["res.currency.rate"].create(
            {
                "currency_id": broken.currency_id.id,
                "name": self._day(-1),
                "rate": 2.0,
                "company_id": self.company.id,
            }
        )
        run.action_resume()
        self.assertEqual(by_order[broken].state, "done")
        self.assertEqual(len(broken.invoice_ids), 1)
        self.assertEqual(len(good.invoice_ids), 1)

    def test_run_goes_on_after_an_error_of_ours(self):
        """What nobody foresaw is told on its line and in the log, and stops nobody else's bill."""
        orders = self.order
        for _number in range(3):
            orders += self._create_engagement([self.hours])
        for order in orders:
            self._log_time(order.order_line, 2)
        broken, prepare = orders[2], type(orders)._prepare_invoice

        def fail(order):
            if order == broken:
                raise ZeroDivisionError("template of the footer")
            return prepare(order)

        logger = "odoo.addons.professional_billing.models.billing_run_line"
        with patch.object(type(orders), "_prepare_invoice", fail), mute_logger(logger):
            run = self._run()
        by_order = {line.order_id: line for line in run.line_ids.with_env(self.env)}
        self.assertEqual(by_order[broken].state, "failed")
        self.assertIn("template of the footer", by_order[broken].error)
        self.assertEqual((orders - broken).invoice_ids.mapped("state"), ["posted"] * 3)
        self.assertNothingBilled(broken)
        run.action_resume()
        self.assertEqual(broken.invoice_ids.state, "posted")
        self.assertLedger(orders)

    def test_run_in_a_closed_period(self):
        """Every line says it, nothing is billed."""
        self._log_time(self.line, 2)
        self.company.fiscalyear_lock_date = self._day(-10)
        run = self._run(invoice_date=self._day(-12))
        self.assertEqual(run.line_ids.state, "failed")
        self.assertIn("closed up to", run.line_ids.error)
        self.assertNothingBilled()

    def test_run_without_work(self):
        """Nothing to bill is a sentence, and what is held back is in the preview with its reason."""
        self.order.order_line.price_unit = 0
        self._log_time(self.line, 2)
        with self.assertRefused("nothing to bill"):
            self._run()
        self.assertNothingBilled()

    def test_run_started_twice(self):
        """A run is started once; again it says so."""
        self._log_time(self.line, 2)
        run = self._run()
        with self.assertRefused("started already"):
            run.action_start()
        with self.assertRefused("kept as a record"):
            run.unlink()
        self.assertEqual(len(self.order.invoice_ids), 1)

    def test_cutoff_before_the_work(self):
        """Work after the cut-off is not billed and shows why."""
        self._log_time(self.line, 2)
        run = self.env["billing.run"].create({"cutoff_date": self._day(-1)})
        run.action_preview()
        self.assertFalse(run.line_ids.amount)
        self.assertIn("After the cut-off date", run.line_ids.blocked_note)
        self.assertEqual(run.line_ids.state, "nothing")

    def test_future_work(self):
        """Work dated tomorrow waits for its day."""
        self._log_time(self.line, 2, 1)
        self.assertItem(self._items(self.order), blocked_reason="future")
        self.assertFalse(self._prebill(self.order, self._day(5)))
        self.assertEqual(self._items(self.order).date, fields.Date.to_date(self._day(1)))
