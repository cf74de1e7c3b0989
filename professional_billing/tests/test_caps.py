import datetime

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from .common import BillingCommon

DAY = datetime.date(2026, 3, 16)


@tagged("post_install", "-at_install")
class TestCaps(BillingCommon):
    """Not-to-exceed limits: what is billed, what is given up, what waits, who is told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_engagement(
            [{"product_id": cls.hours.id, "price_unit": 100}],
            date_order=datetime.datetime(2025, 12, 1),
        )
        cls.line = cls.order.order_line

    def _cap(self, amount=0, policy="write_down", hours=0, period="total", record=None):
        (record or self.order).write(
            {
                "billing_cap_amount": amount,
                "billing_cap_hours": hours,
                "billing_cap_policy": policy,
                "billing_cap_period": period,
            }
        )

    def _value(self, hours, days=0, **vals):
        date = DAY + datetime.timedelta(days=days)
        return self._log_time(self.line, hours, date, **vals).billing_item_ids

    def test_6_1_written_down_to_the_cent(self):
        """Limit 6,000, billed 5,000, new 1,500: bill 1,000, write off 500."""
        self._cap(6000)
        self._value(50)
        self._bill(self.order, post=True)
        item = self._value(15, 1)
        prebill = self._prebill(self.order)
        self.assertRecordValues(
            prebill, [{"amount_open": 1500.0, "amount_over_cap": 500.0, "amount_bill": 1000.0}]
        )
        move = prebill.action_invoice()
        move.action_post()
        self.assertEqual(move.amount_untaxed, 1000.0)
        self.assertItem(
            item,
            billed_amount=1000.0,
            billed_quantity=15.0,
            written_off_amount=500.0,
            is_open=False,
        )
        self.assertIn("15.00 h", self._product_lines(move).name)
        self.assertEqual(
            item.allocation_ids.filtered(lambda row: row.kind == "write_off").cause, "cap"
        )
        self.assertEqual(self.line.qty_invoiced, 65)
        self.assertLedger(self.order)

    def test_6_1_parked_waits_for_a_higher_limit(self):
        self._cap(6000, "park")
        self._value(50)
        self._bill(self.order, post=True)
        item = self._value(15, 1)
        later = self._value(2, 2)
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 1000.0)
        self.assertItem(item, billed_amount=1000.0, billed_quantity=10.0, open_amount=500.0)
        self.assertItem(later, open_amount=200.0, blocked_reason="over_cap")
        self.assertFalse(self._prebill(self.order))
        self.assertItem(item, blocked_reason="over_cap")
        self.assertLedger(self.order)
        self.order.billing_cap_amount = 6600
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 600.0)
        self.assertItem(later, billed_amount=100.0, billed_quantity=1.0, open_quantity=1.0)
        self.assertLedger(self.order)

    def test_beyond_the_limit_nothing_shows_on_the_bill(self):
        self._cap(300)
        self._value(3)
        gone = self._value(2, 1)
        move = self._bill(self.order, post=True)
        self.assertEqual(self._product_lines(move).mapped("quantity"), [3.0])
        self.assertItem(gone, written_off_amount=200.0, written_off_quantity=2.0, is_open=False)
        self.assertLedger(self.order)

    def test_nothing_left_of_the_limit(self):
        self._cap(300)
        self._value(3)
        self._bill(self.order, post=True)
        gone = self._value(2, 1)
        prebill = self._prebill(self.order)
        self.assertEqual(prebill.amount_bill, 0)
        self.assertFalse(prebill.action_invoice())
        self.assertItem(gone, written_off_amount=200.0, is_open=False)
        self.assertLedger(self.order)

    def test_work_date_order_whatever_the_order_of_entry(self):
        self._cap(300, "park")
        later, earlier = self._value(2, 5), self._value(2, 1)
        self._bill(self.order, post=True)
        self.assertItem(earlier, billed_amount=200.0)
        self.assertItem(later, billed_amount=100.0)
        self.assertLedger(self.order)

    def test_notify_bills_everything_and_tells_once(self):
        self._cap(1000, "notify")
        self._value(8)
        self.env["billing.item"]._cron_accrue()
        told = self._activities()
        self.assertEqual(told.user_id, self.salesperson | self.reviewer)
        self.assertEqual(len(told), 2)
        self.assertIn("75 % of the limit", told[0].summary)
        self.env["billing.item"]._cron_accrue()
        self.assertEqual(self._activities(), told)
        self._value(4, 1)
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 1200.0)
        self.assertEqual(len(self._activities()), 4)
        self.assertIn("100 % of the limit", self._activities().sorted("id")[-1].summary)

    def test_a_raised_limit_warns_again(self):
        self._cap(1000, "notify")
        self._value(8)
        self.env["billing.item"]._cron_accrue()
        self._cap(2000, "notify")
        self._value(8, 1)
        self.env["billing.item"]._cron_accrue()
        told = self._activities().sorted("id").mapped("summary")
        self.assertEqual(len(told), 4)
        self.assertIn("75 % of the limit of $\xa02,000.00", told[-1])

    def test_warnings_cost_the_same_for_any_number_of_limits(self):
        orders = self.order
        counts = []
        for _size in (1, 4):
            while len(orders) < _size:
                orders += self._create_engagement([self.hours])
            orders.billing_cap_amount = 1000
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            orders._tell_cap_thresholds()
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1)

    def _purchase_order(self, amount, **vals):
        return self.env["billing.client.po"].create(
            {
                "name": "PO-4711",
                "partner_id": self.customer.id,
                "billing_cap_amount": amount,
                **vals,
            }
        )

    def test_one_purchase_order_for_several_engagements(self):
        """1,000.00 for both: 700.00 on the first leave 300.00 for the second, until it is raised."""
        other = self._create_engagement([self.hours])
        (self.order | other).client_po_id = self._purchase_order(1000, billing_cap_policy="park")
        self._log_time(self.order.order_line[0], 7)
        self._log_time(other.order_line, 5)
        self.assertEqual(self._bill(self.order, post=True).amount_untaxed, 700)
        self.assertEqual(self._bill(other, post=True).amount_untaxed, 300)
        purchase = self.order.client_po_id
        self.assertRecordValues(purchase, [{"billed_amount": 1000, "left_amount": 0}])
        purchase.billing_cap_amount = 1100
        self.assertEqual(self._bill(other, post=True).amount_untaxed, 100)
        self.assertLedger(self.order | other)

    def test_both_gathered_together(self):
        other = self._create_engagement([self.hours])
        (self.order | other).client_po_id = self._purchase_order(1000)
        self._log_time(self.order.order_line[0], 7)
        self._log_time(other.order_line, 5)
        prebills = self._prebill(self.order | other)
        self.assertEqual(sum(prebills.mapped("amount_bill")), 1000)
        moves = prebills.action_invoice()
        self.assertEqual(sum(moves.mapped("amount_untaxed")), 1000)

    def test_purchase_order_of_another_client_or_currency(self):
        with self.assertRaisesRegex(ValidationError, "is of"):
            self.order.client_po_id = self._purchase_order(10, partner_id=self.partner_b.id)
        euro = self.env.ref("base.EUR")
        euro.active = True
        with self.assertRaisesRegex(ValidationError, "is in"):
            self.order.client_po_id = self._purchase_order(10, currency_id=euro.id)

    def test_purchase_order_is_told_and_said(self):
        self.order.client_po_id = self._purchase_order(1000)
        self.assertIn("Purchase order PO-4711, for all its engagements", self.order.billing_summary)
        self._log_time(self.order.order_line[0], 8)
        self.env["billing.item"]._cron_accrue()
        self.assertIn("Purchase order PO-4711: 75 %", self._activities()[:1].summary)
        with Form(self.order.with_user(self.salesperson)) as form:
            self.assertEqual(form.client_po_id.name, "PO-4711")

    def _activities(self):
        return self.order.activity_ids.filtered(
            lambda activity: "limit" in (activity.summary or "")
        )

    def test_credit_gives_room_back(self):
        self._cap(300, "park")
        self._value(3)
        move = self._bill(self.order, post=True)
        waiting = self._value(1, 1)
        self.assertFalse(self._prebill(self.order))
        self._credit(move, {self._product_lines(move): 1})
        self._log_time(self.line, 0.5, DAY)
        self._bill(self.order, post=True)
        self.assertItem(waiting, billed_amount=0.0)
        self.assertEqual(self.order.billing_billed_amount, 300.0)
        self.assertLedger(self.order)

    def test_full_credit_of_a_cut_entry_frees_all_its_hours(self):
        for share in (1, 0.5):
            self._cap(1000)
            item = self._value(15)
            move = self._bill(self.order, post=True)
            credit = self._credit(move, {self._product_lines(move): share})
            self.assertEqual(credit.amount_untaxed, 1000.0 * share)
            self.assertItem(
                item,
                billed_amount=1000.0 * (1 - share),
                billed_quantity=15.0 * (1 - share),
                open_amount=1000.0 * share,
                open_quantity=15.0 * share,
            )
            self.assertLedger(self.order)
            move = self._bill(self.order, post=True)
            self.assertEqual(move.amount_untaxed, 1000.0 * share)
            self.assertLedger(self.order)
            self.order = self._create_engagement([{"product_id": self.hours.id, "price_unit": 100}])
            self.line = self.order.order_line

    def test_review_moves_the_limit_to_other_work(self):
        self._cap(300)
        first, second = self._value(2), self._value(2, 1)
        prebill = self._prebill(self.order)
        lines = prebill.line_ids.sorted("date")
        self.assertEqual(lines.mapped("amount"), [200.0, 100.0])
        lines[0].with_user(self.officer).decision = "postpone"
        self.assertEqual(lines.mapped("amount"), [200.0, 200.0])
        self.assertEqual(prebill.amount_bill, 200.0)
        prebill.action_invoice()
        self.assertItem(first, open_amount=200.0)
        self.assertItem(second, billed_amount=200.0)
        self.assertLedger(self.order)

    def test_odd_minutes_do_not_round_beyond_the_limit(self):
        """Three times 20 minutes are an hour; cut at 90 they are 90, not 0.91 h."""
        for limit, policy in ((90, "park"), (99.99, "write_down"), (100, "park")):
            self._cap(limit, policy)
            for number in range(3):
                self._value(1 / 3, number)
            move = self._bill(self.order, post=True)
            self.assertAlmostEqual(move.amount_untaxed, min(limit, 99.99), 2)
            self.assertLedger(self.order)
            self.order = self._create_engagement([{"product_id": self.hours.id, "price_unit": 100}])
            self.line = self.order.order_line

    def test_line_and_order_limit_together(self):
        other = self.env["sale.order.line"].create(
            {"order_id": self.order.id, "product_id": self.hours.id, "price_unit": 50}
        )
        self._cap(500)
        self._cap(400, record=self.line)
        self._value(5)
        self._log_time(other, 4, DAY + datetime.timedelta(days=1))
        move = self._bill(self.order, post=True)
        self.assertEqual(sorted(self._product_lines(move).mapped("price_subtotal")), [100.0, 400.0])
        self.assertLedger(self.order)

    def test_limit_of_hours(self):
        self._cap(hours=10, policy="park")
        self._value(8)
        item = self._value(4, 1)
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 1000.0)
        self.assertItem(item, billed_quantity=2.0, billed_amount=200.0, open_quantity=2.0)
        self.assertLedger(self.order)

    def test_limit_of_each_month(self):
        self._cap(300, period="month")
        march, april = self._value(5), self._value(2, 30)
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 500.0)
        self.assertItem(march, billed_amount=300.0, written_off_amount=200.0)
        self.assertItem(april, billed_amount=200.0)
        self.assertLedger(self.order)

    def test_limit_lowered_after_approval_is_refused(self):
        self._cap(1000)
        self._value(8)
        prebill = self._prebill(self.order)
        prebill.action_approve()
        self.order.billing_cap_amount = 500
        with self.assertRefused("limit of the engagement"):
            prebill.action_invoice()
        prebill.action_reopen()
        prebill.action_refresh()
        self.assertEqual(prebill.action_invoice().amount_untaxed, 500.0)

    def test_limit_below_what_is_billed(self):
        self._value(8)
        self._bill(self.order, post=True)
        self._cap(500)
        item = self._value(1, 1)
        prebill = self._prebill(self.order)
        self.assertEqual(prebill.amount_bill, 0)
        self.assertEqual(prebill.amount_over_cap, 100.0)
        self.assertTrue(item.is_open)

    def test_purchase_order_number(self):
        self.order.client_po_required = True
        item = self._value(1)
        self.assertItem(item, blocked_reason="missing_po")
        self.order.client_po_number = "PO-4711"
        self.assertItem(item, blocked_reason=False)
        self.assertEqual(self._bill(self.order).ref, "PO-4711")

    def test_written_off_rate_is_not_billed_again_after_a_credit(self):
        """What a review gave up stays given up: the bill after a credit note is what is open."""
        item = self._value(10)
        prebill = self._prebill(self.order)
        prebill.line_ids.with_user(self.officer).write({"rate": 80, "reason_id": self.reason.id})
        move = prebill.action_invoice()
        move.action_post()
        self._credit(move.with_env(self.env))
        self.assertItem(item, open_amount=800.0, open_quantity=10.0)
        move = self._bill(self.order, post=True)
        self.assertEqual(move.amount_untaxed, 800.0)
        self.assertItem(item, billed_amount=800.0, written_off_amount=200.0, is_open=False)
        self.assertLedger(self.order)
