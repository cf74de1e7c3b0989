import datetime

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common_methods import MethodCommon


def day(month, number):
    return datetime.date(2026, month, number)


@tagged("post_install", "-at_install")
class TestWip(MethodCommon):
    """Work kept off the bills until a date; work in progress as it was on a past day."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_engagement(
            [cls.hours], date_order=datetime.datetime(2025, 12, 1, 12)
        )

    def _value(self, hours, date):
        return self._log_time(self.order.order_line, hours, date).billing_item_ids

    def _hold(self, items, date, user=None, note="The client wants to see the report"):
        action = items.with_user(user or self.reviewer).action_hold()
        wizard = self.env[action["res_model"]].with_user(user or self.reviewer)
        wizard = wizard.with_context(**action["context"]).create({"date": date, "note": note})
        wizard.action_hold()

    # -- on hold --------------------------------------------------------------------------------

    def test_held_until_a_date(self):
        with self._on(2026, 1, 31):
            held, free = self._value(3, day(1, 10)), self._value(2, day(1, 11))
            prebill = self._prebill(self.order)
            self._hold(held, day(3, 1))
            self.assertRecordValues(
                held,
                [
                    {
                        "blocked_reason": "on_hold",
                        "hold_until": day(3, 1),
                        "hold_note": "The client wants to see the report",
                    }
                ],
            )
            self.assertEqual(prebill.line_ids.item_id, free)
            self.assertEqual(prebill.action_invoice().amount_untaxed, 200)
        with self._on(2026, 2, 28):
            self.assertFalse(self._prebill(self.order))
            # What is changed meanwhile stays on hold.
            held.timesheet_id.unit_amount = 4
            self.assertItem(held, amount=400.0, blocked_reason="on_hold")
        with self._on(2026, 3, 1):
            self.assertEqual(self._bill(self.order).amount_untaxed, 400)
            self.assertFalse(held.hold_until)
            self.assertLedger(self.order)

    def test_released_by_the_daily_job_and_by_hand(self):
        with self._on(2026, 1, 31):
            first, second = self._value(3, day(1, 10)), self._value(2, day(1, 11))
            self._hold(first | second, day(2, 15))
            second.with_user(self.officer).action_release_hold()
            self.assertItem(second, blocked_reason=False, hold_until=False, hold_note=False)
        with self._on(2026, 2, 15):
            self.env["billing.item"]._cron_accrue()
            self.assertItem(first, blocked_reason=False, hold_until=False)

    def test_other_reasons_come_first(self):
        with self._on(2026, 1, 31):
            item = self._value(3, day(1, 10))
            self._hold(item, day(2, 15))
            self.order.client_po_required = True
            self.assertItem(item, blocked_reason="missing_po")
            self.order.client_po_number = "4711"
            self.assertItem(item, blocked_reason="on_hold")

    def test_what_cannot_be_held(self):
        with self._on(2026, 1, 31):
            item = self._value(3, day(1, 10))
            with self.assertRefused("not in the future"):
                self._hold(item, day(1, 31))
            for user in (self.salesperson, self.consultant):
                with self.assertRaises(AccessError):
                    self._hold(item, day(2, 15), user)
            prebill = self._prebill(self.order)
            prebill.action_approve()
            with self.assertRefused("Reopen that first"):
                self._hold(item, day(2, 15))
            prebill.action_invoice()
            with self.assertRefused("Nothing of"):
                self._hold(item, day(2, 15))

    def test_postponed_until_a_date(self):
        """A line left in WIP until a date is not gathered before it."""
        with self._on(2026, 1, 31):
            self._value(3, day(1, 10))
            item = self._value(2, day(1, 11))
            prebill = self._prebill(self.order)
            line = prebill.line_ids.filtered(lambda line: line.item_id == item)
            line.with_user(self.reviewer).write({"decision": "postpone", "hold_until": day(2, 20)})
            self.assertEqual(prebill.action_invoice().amount_untaxed, 300)
            self.assertItem(item, blocked_reason="on_hold", hold_until=day(2, 20))
        with self._on(2026, 2, 19):
            self.assertFalse(self._prebill(self.order))
        with self._on(2026, 2, 20):
            self.assertEqual(self._bill(self.order).amount_untaxed, 200)

    # -- as of a date ---------------------------------------------------------------------------

    def _as_of(self, date, user=None):
        action = (
            self.env["billing.wip.date"]
            .with_user(user or self.officer)
            .create({"date": date})
            .action_show()
        )
        self.assertEqual(action["context"], {"billing_as_of": fields.Date.to_string(date)})
        wip = self.env[action["res_model"]].with_user(user or self.officer)
        groups = wip.with_context(**action["context"])._read_group(
            [("order_id", "=", self.order.id)], ["age"], ["open_amount:sum"]
        )
        return dict(groups)

    def test_each_month_end_stays_as_it_was(self):
        """Bills, credits and write-offs of later months do not change what was open before."""
        with self._on(2026, 1, 31):
            self._value(10, day(1, 10))
            january = {"1": 1000.0}
            self.assertEqual(self._as_of(day(1, 31)), january)
        with self._on(2026, 2, 28):
            move = self._bill(self.order, post=True)
            self._value(5, day(2, 20))
            february = {"1": 500.0}
            self.assertEqual(self._as_of(day(2, 28)), february)
        with self._on(2026, 3, 31):
            self._credit(move, {self._product_lines(move): 4})
            # 400.00 of January are open again, 80 days old.
            march = {"2": 500.0, "3": 400.0}
            self.assertEqual(self._as_of(day(3, 31)), march)
        with self._on(2026, 4, 30):
            prebill = self._prebill(self.order)
            line = prebill.line_ids.filtered(lambda line: line.date == day(2, 20))
            line.write({"decision": "write_off", "reason_id": self.reason.id})
            prebill.with_user(self.manager).action_approve()
            prebill.action_invoice()
            self.assertEqual(self._as_of(day(4, 30)), {})
            for date, figures in (
                (day(1, 31), january),
                (day(2, 28), february),
                (day(3, 31), march),
            ):
                self.assertEqual(self._as_of(date), figures)
        self.assertEqual(self._as_of(day(1, 9)), {})

    def test_as_of_for_project_managers(self):
        with self._on(2026, 1, 31):
            self._value(10, day(1, 10))
            self.assertEqual(self._as_of(day(1, 31), self.reviewer), {"1": 1000.0})
            self.order.project_ids.user_id = self.manager
            self.assertEqual(self._as_of(day(1, 31), self.reviewer), {})
            with self.assertRaises(AccessError):
                self._as_of(day(1, 31), self.salesperson)
