import datetime

from odoo.tests import HttpCase, new_test_user, tagged

from . import test_tours
from .test_collection_common import CollectionCommon


@tagged("post_install", "-at_install", "browser")
class TestCollectionTour(CollectionCommon, HttpCase):
    """The collector makes a follow-up run with her own hands."""

    _pictured = test_tours.TestTours._pictured

    def test_follow_up_run(self):
        self.customer.name = "Tour Customer"
        due = self.company._billing_today() - datetime.timedelta(days=9)
        kept, dropped = self._invoice(100, due), self._invoice(50, due)
        self.start_tour("/odoo", "professional_billing_collection", login="collector")
        run = self.env["collection.run"].search([])
        self.assertEqual(run.state, "done")
        self.assertEqual(run.line_ids.event_id.move_id, kept)
        left_out = run.line_ids.filtered(lambda line: line.move_id == dropped)
        self.assertEqual(left_out.skip_reason, "dropped")

    def test_collectors_morning(self):
        """From the work list to a case, a call, and a promise."""
        self.customer.name = "Morning Customer"
        due = self.company._billing_today() - datetime.timedelta(days=9)
        self._invoice(100, due)
        self.env["collection.case"].with_user(self.agent)._open_work_list()
        self.start_tour(
            "/odoo/collection-cases", "professional_billing_collector_morning", login="collector"
        )
        hold = self.env["collection.hold"].search([])
        self.assertEqual(
            (hold.kind, hold.promise_amount, hold.user_id), ("promise", 100, self.agent)
        )
        self.assertEqual(hold.case_id.todo, "wait")

    def test_statement(self):
        """From a case to the statement in the customer's mail."""
        self.customer.name = "Statement Customer"
        due = self.company._billing_today() - datetime.timedelta(days=9)
        self._invoice(100, due)
        self.env["collection.case"].with_user(self.agent)._open_work_list()
        self.start_tour(
            "/odoo/collection-cases", "professional_billing_statement", login="collector"
        )
        statement = self.env["collection.statement"].search([])
        self.assertEqual((statement.state, statement.total), ("sent", 100))
        self.assertEqual(
            statement.sudo().mail_message_id.attachment_ids.mimetype, "application/pdf"
        )

    def test_portal_dispute(self):
        """The customer disputes an invoice and reads the answer."""
        contact = self.env["res.partner"].create(
            {"name": "Petra Kunz", "parent_id": self.customer.id, "email": "petra@late.example.com"}
        )
        new_test_user(
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
        with self._pictured("portal_balance.png"):
            self.start_tour("/my/balance", "professional_billing_portal_dispute", login="petra")
        hold = case.hold_ids.filtered("customer_text")
        self.assertEqual((hold.kind, hold.move_ids), ("dispute", moves[0]))
        self.assertEqual(hold.customer_text, "Only eight hours were agreed.")
        self.assertTrue(hold.user_id)
