import io

import openpyxl

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionHandOver(CollectionCommon):
    """Cases handed over to an agency: what it gets, and that our reminders stop."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agency = cls.env["res.partner"].create({"name": "Fair Collect", "is_company": True})

    def _hand_over(self, cases, user=None):
        """Return the rows of each sheet, without their headings."""
        user = user or self.manager
        wizard = self.env["collection.hand.over"].with_user(user)
        wizard = wizard.with_context(active_model="collection.case", active_ids=cases.ids)
        wizard = wizard.create({"agency_id": self.agency.id})
        self.assertEqual(wizard.case_ids, cases)
        url = wizard.action_hand_over()["url"]
        attachment = self.env["ir.attachment"].browse(int(url.split("/")[3].split("?")[0]))
        book = openpyxl.load_workbook(io.BytesIO(attachment.raw))
        return {
            sheet.title: list(sheet.iter_rows(min_row=2, values_only=True))
            for sheet in book.worksheets
        }

    def _late_case(self):
        self.customer.write({"city": "Leeds", "vat": False, "name": "=Late Payers Ltd"})
        self.env["res.partner"].create(
            {
                "name": "Ann Payable",
                "email": "ann@late.example.com",
                "parent_id": self.customer.id,
                "type": "invoice",
            }
        )
        one, two = self._invoice(100), self._invoice(50, ref="PO 7")
        self._invoice(70, day(90))
        run = self._send(day(7))
        case = run.line_ids.case_id
        self.env["collection.hold"].create(
            {
                "case_id": case.id,
                "kind": "dispute",
                "reason": "Hours",
                "move_ids": [Command.set(two.ids)],
                "disputed_amount": 20,
                "date_from": day(8),
            }
        )
        case._message_log(body="A bad debtor")
        return case, one, two

    def test_workbook(self):
        case, one, two = self._late_case()
        with freeze_time(day(40)):
            sheets = self._hand_over(case)
        self.assertEqual(list(sheets), ["Customers", "Contacts", "Open items", "Reminders"])
        [customer] = sheets["Customers"]
        self.assertEqual(customer[0], "=Late Payers Ltd")
        self.assertEqual((customer[4], customer[10], customer[11]), ("Leeds", "USD", 150))
        self.assertEqual(
            sheets["Contacts"],
            [("=Late Payers Ltd", "Ann Payable", "ann@late.example.com", None)],
        )
        self.assertEqual(
            [(row[1], row[2], row[5], row[8], row[9]) for row in sheets["Open items"]],
            [(one.name, None, 40, 100, 0), (two.name, "PO 7", 40, 50, 20)],
        )
        self.assertEqual(
            {(row[1].date(), row[2], row[3], row[6]) for row in sheets["Reminders"]},
            {(day(7), move.name, "Friendly reminder", move.amount_total) for move in one | two},
        )
        self.assertNotIn("bad debtor", str(sheets))

    def test_reminders_stop(self):
        case, _one, _two = self._late_case()
        with freeze_time(day(40)):
            self._hand_over(case)
            self._hand_over(case)
        hold = case.hold_ids.filtered(lambda hold: hold.kind == "legal")
        self.assertRecordValues(
            hold, [{"state": "active", "reason": "Handed over to Fair Collect"}]
        )
        self.assertIn("Fair Collect", case.message_ids[0].body)
        self.assertEqual(set(self._propose(day(60)).line_ids.mapped("skip_reason")), {"legal"})

    def test_nothing_overdue(self):
        case, one, two = self._late_case()
        self._register_payment(one, payment_date=day(8))
        self._register_payment(two, payment_date=day(8))
        with freeze_time(day(40)), self.assertRaisesRegex(UserError, "has nothing overdue"):
            self._hand_over(case)

    def test_managers_only(self):
        case, _one, _two = self._late_case()
        with freeze_time(day(40)), self.assertRaises(AccessError):
            self._hand_over(case, self.agent)
