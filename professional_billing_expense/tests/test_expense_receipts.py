from odoo.tests import tagged

from .common import ExpenseCommon


@tagged("post_install", "-at_install")
class TestExpenseReceipts(ExpenseCommon):
    """Receipts stay with the bill, and are seen by those who decide on it."""

    def setUp(self):
        super().setUp()
        self.order = self._create_engagement([self.hours])
        expenses = self._spend(self.order, self.hotel, 120, receipt="hotel.pdf")
        expenses |= self._spend(self.order, self.meals, 40, receipt="dinner.pdf")
        self._post(expenses)
        self.items = self._items(self.order)

    def _receipts(self, user):
        """Return what the button on the item shows to `user`."""
        action = self.items.with_user(user).action_view_receipts()
        found = self.env["ir.attachment"].with_user(user).search(action["domain"])
        return sorted(found.mapped("name"))

    def test_who_sees_them(self):
        self.assertEqual(self.items.mapped("receipt_count"), [1, 1])
        for user in (self.officer, self.reviewer):
            self.assertEqual(self._receipts(user), ["dinner.pdf", "hotel.pdf"])
            self.assertTrue(self.items.with_user(user).expense_line_id.has_access("read"))
        self.assertEqual(self._receipts(self.salesperson), [])

    def test_nobody_sees_more(self):
        private = self._spend(self.env["sale.order"], self.hotel, 99, receipt="own.pdf")
        for user in (self.officer, self.reviewer):
            self.assertFalse(private.with_user(user).has_access("read"))
        other = self._create_engagement([self.hours])
        other.project_ids.user_id = self.manager
        billed = self._expense(other, self.hotel, 99).expense_line_id
        self.assertFalse(billed.with_user(self.reviewer).has_access("read"))

    def test_kept_with_the_invoice(self):
        invoice = self._bill(self.order)
        self.assertEqual(invoice.billing_receipt_ids.mapped("name"), ["hotel.pdf", "dinner.pdf"])
        self.assertRecordValues(
            invoice.billing_receipt_ids, [{"res_model": "account.move", "res_id": invoice.id}] * 2
        )
        self.assertEqual(
            invoice.billing_receipt_ids[0].with_user(self.officer).raw, b"%PDF-1.4 hotel.pdf"
        )
        self.items.expense_line_id._get_receipts().unlink()
        self.assertEqual(len(invoice.billing_receipt_ids.exists()), 2)

    def test_sent_where_agreed(self):
        invoice = self._bill(self.order, post=True)
        self.assertNotIn("hotel.pdf", self._get_sent_names(invoice))
        self.order.expense_receipts = True
        self.assertIn("hotel.pdf", self._get_sent_names(invoice))

    def _get_sent_names(self, invoice):
        wizard = (
            self.env["account.move.send.wizard"]
            .with_user(self.officer)
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({})
        )
        return [attachment["name"] for attachment in wizard.mail_attachments_widget]

    def test_only_what_is_billed(self):
        prebill = self._prebill(self.order)
        hotel = prebill.line_ids.filtered(lambda line: line.item_id == self.items[0])
        hotel.decision = "postpone"
        invoice = prebill.action_invoice().with_env(self.env)
        self.assertEqual(invoice.billing_receipt_ids.mapped("name"), ["dinner.pdf"])
        self.assertEqual(self._bill(self.order).billing_receipt_ids.mapped("name"), ["hotel.pdf"])

    def test_gone_with_a_deleted_draft(self):
        invoice = self._bill(self.order)
        copies = invoice.billing_receipt_ids
        invoice.unlink()
        self.assertFalse(copies.exists())
        self.assertEqual(len(self._bill(self.order).billing_receipt_ids), 2)
