import datetime
import json
from urllib.parse import urlencode

from odoo.tests import new_test_user, tagged

from ..models.collection_case_statement_file import REPORT
from .common_browser import BrowserCommon
from .test_collection_common import CollectionCommon


@tagged("post_install", "-at_install", "browser")
class TestCollectionPortalTour(CollectionCommon, BrowserCommon):
    """A statement sent by the collector, and a dispute by the customer, in a real browser."""

    def test_statement(self):
        """From a case to the statement in the customer's mail."""
        self.customer.name = "Statement Customer"
        due = self.company._billing_today() - datetime.timedelta(days=9)
        self._invoice(100, due)
        self.env["collection.case"].with_user(self.agent)._open_work_list()
        self._tour("/odoo/collection-cases", "professional_billing_statement", self.agent)
        statement = self.env["collection.statement"].search([])
        self.assertEqual((statement.state, statement.total), ("sent", 100))
        self.assertEqual(
            statement.sudo().mail_message_id.attachment_ids.mimetype, "application/pdf"
        )

    def test_picture_of_a_statement(self):
        """Its page, for the guide; the figures are tested where they are made."""
        self.customer.write({"name": "Statement Customer", "street": "Hafenstr. 4", "city": "Bern"})
        self.company.name = "Keller & Partners"
        today = self.company._billing_today()
        days = (76, 41, 9, -12)
        moves = [
            self._invoice(amount, today - datetime.timedelta(days=late), ref="PO 4711")
            for amount, late in zip((2940, 1840, 620.5, 2300), days, strict=True)
        ]
        self._register_payment(moves[0], payment_date=today - datetime.timedelta(days=30))
        self._register_payment(
            moves[1], amount=840, payment_date=today - datetime.timedelta(days=20)
        )
        case = self.customer._get_collection_cases()
        start = today - datetime.timedelta(days=60)
        options = json.dumps({"date_to": today.isoformat(), "date_from": start.isoformat()})
        url = f"/report/html/{REPORT}/{case.id}?{urlencode({'options': options})}"
        self._shoot(url, ".page table", self.agent, "statement.png")

    def test_portal_dispute(self):
        """The customer disputes an invoice and reads the answer."""
        contact = self.env["res.partner"].create(
            {"name": "Petra Kunz", "parent_id": self.customer.id, "email": "petra@late.example.com"}
        )
        petra = new_test_user(
            self.env,
            "petra",
            groups="base.group_portal",
            name="Petra Kunz",
            partner_id=contact.id,
            company_id=self.company.id,
            company_ids=self.company.ids,
        )
        self.company.name = "Keller & Partners"
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", True
        )
        today = self.company._billing_today()
        moves = [
            self._invoice(amount, today - datetime.timedelta(days=late), ref=ref)
            for amount, late, ref in ((1840, 41, "PO 4711"), (620.5, 9, "PO 4711"), (2300, -12, ""))
        ]
        case = self.customer._get_collection_cases()
        self.env["collection.hold"].with_user(self.agent).create(
            {
                "case_id": case.id,
                "kind": "dispute",
                "move_ids": moves[1].ids,
                "disputed_amount": 120.5,
                "reason": "Travel time",
                "answer": "The travel is part of our agreement of January; the hours are credited.",
            }
        )
        self._tour(
            "/my/balance", "professional_billing_portal_dispute", petra, "portal_balance.png"
        )
        hold = case.hold_ids.filtered("customer_text")
        self.assertEqual((hold.kind, hold.move_ids), ("dispute", moves[0]))
        self.assertEqual(hold.customer_text, "Only eight hours were agreed.")
        self.assertTrue(hold.user_id)
