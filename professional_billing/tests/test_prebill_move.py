from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from .common_review import ReviewCommon


@tagged("post_install", "-at_install")
class TestReviewMove(ReviewCommon):
    """Work logged on the wrong engagement moves to the right one and is rated there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.target = cls._create_engagement([{"product_id": cls.hours.id, "price_unit": 150}])

    def _move(self, records, user=None, line=None):
        wizard = self.env["billing.item.move"].with_user(user or self.reviewer)
        wizard = wizard.with_context(active_model=records._name, active_ids=records.ids)
        values = {"order_line_id": (line or self.target.order_line).id, "note": "Wrong task"}
        return wizard.create(values).action_move()

    def test_move(self):
        prebill = self._work(2, 3)
        moved = prebill.line_ids.sorted("date")[1]
        item = moved.item_id
        self._move(moved)
        self.assertEqual(prebill.amount_bill, 200)
        self.assertItem(item, order_id=self.target.id, rate=150, amount=450, prebill_id=False)
        self.assertEqual(item.timesheet_id.so_line, self.target.order_line)
        self.assertEqual(self._prebill(self.target).amount_bill, 450)
        self._save()
        self.assertIn("taken off", self._notes(prebill)[0])
        for order in (self.order, self.target):
            texts = [html2plaintext(message.body) for message in order.message_ids]
            self.assertTrue([text for text in texts if "Wrong task" in text and "3.00 h" in text])
        self._bill(self.order | self.target)
        self.assertLedger(self.order | self.target)

    def test_from_wip(self):
        """Work that is on no pre-bill moves from the list of work in progress, by an officer."""
        self._log_time(self.line, 4)
        item = self._items(self.order)
        self._move(item, user=self.officer)
        self.assertItem(item, order_id=self.target.id, amount=600)
        item.timesheet_id.with_user(self.consultant).unit_amount = 5
        self.assertItem(item, order_id=self.target.id, amount=750)

    def test_refused(self):
        """Billed work, fees, approved pre-bills, closed periods, the same line."""
        self._work(2).with_user(self.officer).action_invoice()
        with self.assertRefused("is on a bill or written off"):
            self._move(self._items(self.order))
        prebill = self._work(3)
        prebill.with_user(self.officer).action_approve()
        with self.assertRefused("is decided"):
            self._move(prebill.line_ids)
        with self.assertRefused("Reopen it first"):
            self._move(prebill.line_ids.item_id)
        prebill.with_user(self.officer).action_reopen()
        with self.assertRefused("on this line already"):
            self._move(prebill.line_ids, line=self.line)
        self.company.billing_time_lock_date = self.today
        with self.assertRefused("closed up to"):
            self._move(prebill.line_ids)
        fee = self._create_engagement(
            [{"product_id": self.fee.id, "installments": [{"percentage": 100}]}]
        )
        with self.assertRefused("is not time"):
            self._move(self._items(fee), user=self.officer)
        self.assertLedger(self.order)

    def test_rights(self):
        """A project manager of one side only, a salesperson, a consultant: no."""
        prebill = self._work(2)
        self.target.project_ids.user_id = self.manager
        with self.assertRaisesRegex(AccessError, "manages both"):
            self._move(prebill.line_ids)
        for user in (self.salesperson, self.consultant, self.other_officer):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                self._move(prebill.line_ids.item_id, user=user)
        self._move(prebill.line_ids, user=self.officer)

    def test_other_company(self):
        prebill = self._work(2)
        self.target.company_id = self.company
        line = self.target.order_line
        other = self.env["res.company"].create({"name": "Third Ltd"})
        self.env.cr.execute(
            "UPDATE sale_order_line SET company_id = %s WHERE id = %s", [other.id, line.id]
        )
        line.invalidate_recordset()
        with self.assertRaises(UserError):
            self._move(prebill.line_ids, user=self.officer)
