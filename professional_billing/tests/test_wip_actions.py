from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import BillingCommon

REQUESTED = "write_off_requested"


@tagged("post_install", "-at_install")
class TestWipActions(BillingCommon):
    """Write off and bill what is selected in work in progress, by whom it is for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_write_off_limit = 300
        cls.order = cls._create_engagement([cls.hours])

    def _work(self, *hours, **vals):
        for number, worked in enumerate(hours):
            self._log_time(self.order.order_line, worked, number - len(hours), **vals)
        return self._items(self.order).filtered("is_open")

    def _write_off(self, items, user):
        action = items.with_user(user).action_write_off()
        wizard = self.env[action["res_model"]].with_user(user).with_context(**action["context"])
        return wizard.create({"reason_id": self.reason.id, "note": "Too slow"}).action_apply()

    def _asked(self):
        kind = self.env.ref("professional_billing.mail_activity_type_write_off")
        activities = self.order.activity_ids.filtered(lambda a: a.activity_type_id == kind)
        return activities.user_id

    def test_up_to_the_limit(self):
        """A project manager writes two hours off: at once, with the reason, off the pre-bill."""
        items = self._work(2, 5)
        prebill = self._prebill(self.order)
        self._write_off(items[0], self.reviewer)
        self.assertRecordValues(
            items,
            [
                {"is_open": False, "blocked_reason": False},
                {"is_open": True, "blocked_reason": False},
            ],
        )
        self.assertEqual(prebill.amount_bill, 500)
        row = items[0].allocation_ids
        self.assertRecordValues(
            row, [{"cause": "wip", "reason_id": self.reason.id, "note": "Too slow"}]
        )
        self.assertEqual(row.user_id, self.reviewer)
        self.assertLedger(self.order)

    def test_above_it_a_manager_approves(self):
        """It leaves the bill, which goes out; it stays in WIP until a manager approves."""
        items = self._work(4, 5)
        self._prebill(self.order)
        self._write_off(items[0], self.reviewer)
        self.assertRecordValues(items[0], [{"open_amount": 400, "blocked_reason": REQUESTED}])
        self.assertIn(self.manager, self._asked())
        self.assertNotIn(self.officer, self._asked())
        self.assertEqual(self._bill(self.order, post=True).amount_untaxed, 500)
        items[0].timesheet_id.name = "Said better"
        self.assertEqual(items[0].blocked_reason, REQUESTED)
        for user in (self.reviewer, self.officer):
            with self.assertRaises(AccessError):
                items[0].with_user(user).action_approve_write_off()
        items[0].with_user(self.manager).action_approve_write_off()
        self.assertFalse(items[0].is_open)
        self.assertFalse(self._asked())
        self.assertLedger(self.order)

    def test_in_parts(self):
        """The limit is one of a month: many small write-offs do not go round it."""
        items = self._work(2, 2)
        self._write_off(items[0], self.officer)
        self.assertFalse(items[0].is_open)
        self._write_off(items[1], self.officer)
        self.assertEqual(items[1].blocked_reason, REQUESTED)

    def test_never_ones_own(self):
        items = self._work(1, employee=self.partner_employee)
        self._write_off(items, self.reviewer)
        self.assertEqual(items.blocked_reason, REQUESTED)
        mine = self.env["hr.employee"].create({"name": "M", "user_id": self.manager.id})
        own = self._log_time(self.order.order_line, 1, employee=mine)
        item = self._items(self.order).filtered(lambda item: item.timesheet_id == own)
        self._write_off(item, self.officer)
        self.assertFalse(item.is_open)  # somebody else's time, within the limit
        own = self._log_time(self.order.order_line, 1, employee=mine)
        item = self._items(self.order).filtered(lambda item: item.timesheet_id == own)
        self._write_off(item, self.manager)
        self.assertEqual(item.blocked_reason, REQUESTED)
        with self.assertRefused("Somebody else"):
            item.with_user(self.manager).action_approve_write_off()

    def test_declined(self):
        items = self._work(4)
        self._write_off(items, self.reviewer)
        items.with_user(self.manager).action_decline_write_off()
        self.assertRecordValues(
            items, [{"is_open": True, "blocked_reason": False, "write_off_user_id": False}]
        )
        self.assertFalse(self._asked())
        self.assertEqual(self._bill(self.order).amount_untaxed, 400)

    def test_other_project_managers(self):
        items = self._work(1)
        stranger = self._new_user(
            "stranger",
            "project.group_project_user,professional_billing.group_billing_reviewer",
        )
        with self.assertRaises(AccessError):
            items.with_user(stranger).action_write_off()

    def test_bill_now(self):
        """Only what is selected is invoiced."""
        items = self._work(1, 2, 4)
        action = (items[0] | items[2]).with_user(self.officer).action_bill_now()
        move = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(move.amount_untaxed, 500)
        self.assertEqual(items.mapped("is_open"), [False, True, False])
        self._prebill(self.order)
        with self.assertRefused("already has the pre-bill"):
            items[1].with_user(self.officer).action_bill_now()
        self.assertLedger(self.order)
