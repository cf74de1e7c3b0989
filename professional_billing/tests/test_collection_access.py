import re
from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.sql_db import Cursor
from odoo.tests import Form, freeze_time, tagged

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionAccess(CollectionCommon):
    """Who sees and does what, and in which company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_data = cls.setup_other_company()
        cls.other = cls.other_data["company"]
        cls.foreigner = cls._new_user(
            "foreigner", "professional_billing.group_collection_manager", cls.other
        )
        cls.both = cls._new_user(
            "both", "professional_billing.group_collection_agent", cls.company + cls.other
        )

    def _invoice_in(self, company, amount):
        journal = self.other_data["default_journal_sale"]
        return self._invoice(amount, company_id=company.id, journal_id=journal.id)

    def test_consultant_sees_nothing(self):
        self._invoice()
        run = self._send(day(7))
        for record in (run, run.line_ids, run.line_ids.case_id, run.line_ids.event_id, self.policy):
            with self.assertRaises(AccessError):
                record.with_user(self.consultant).read(["display_name"])
        with self.assertRaises(AccessError):
            self.env["collection.run"].with_user(self.consultant).create({})

    def test_agent_uses_policies_and_manager_writes_them(self):
        self.assertEqual(self.policy.with_user(self.agent).name, "Standard follow-up")
        with self.assertRaises(AccessError):
            self.policy.with_user(self.agent).name = "Mine"
        with self.assertRaises(AccessError):
            self.first.with_user(self.agent).delay_days = 1
        self.policy.with_user(self.manager).name = "Ours"
        self.first.with_user(self.manager).delay_days = 5

    def test_agent_changes_no_invoice(self):
        move = self._invoice().with_user(self.agent)
        self.assertTrue(move.read(["name"]))
        with self.assertRaises(AccessError):
            move.ref = "x"

    def test_companies_are_apart(self):
        """The same customer owes both companies: two cases, two messages, two gaps."""
        self._invoice(100)
        self._invoice_in(self.other, 200)
        own = self._send(day(7))
        self.assertEqual(own.line_ids.mapped("amount_residual"), [100])
        theirs = self._send(day(7), self.foreigner)
        self.assertEqual(theirs.company_id, self.other)
        self.assertEqual(theirs.line_ids.mapped("amount_residual"), [200])
        self.assertNotEqual(own.line_ids.case_id, theirs.line_ids.case_id)
        self.assertEqual(own.line_ids.case_id.due_amount, 100)
        records = (own, own.line_ids, own.line_ids.case_id, own.line_ids.event_id)
        for record in records:
            with self.assertRaises(AccessError):
                record.with_user(self.foreigner).read(["company_id"])
        Case = self.env["collection.case"].with_user(self.foreigner)
        self.assertEqual(Case.search([]).mapped("company_id"), self.other)

    def test_two_companies_at_once(self):
        """Edge case 80."""
        self._invoice(100)
        self._invoice_in(self.other, 200)
        companies = (self.company + self.other).ids
        env = self.env(user=self.both, context={"allowed_company_ids": companies})
        for company in self.company + self.other:
            run = env["collection.run"].create({"company_id": company.id, "date": day(7)})
            run.action_propose()
            self.assertEqual(run.line_ids.move_line_id.company_id, company)
        with freeze_time(day(9)):
            cases = env["collection.case"].search([("overdue_amount", ">", 0)])
            self.assertEqual(sorted(cases.mapped("overdue_amount")), [100, 200])
            self.assertEqual(
                env["collection.case"].search([("overdue_amount", ">", 150)]), cases[1]
            )

    def test_case_page(self):
        late, future = self._invoice(100), self._invoice(70, day(60))
        event = self._send(day(7)).line_ids.event_id
        case = event.case_id.with_user(self.agent)
        self._invoice(30, move_type="out_refund")
        with freeze_time(day(9)):
            self.env.invalidate_all()
            self.assertRecordValues(
                case,
                [
                    {
                        "overdue_amount": 100,
                        "due_amount": 170,
                        "credit_amount": 30,
                        "oldest_due_date": day(0),
                        "days_late": 9,
                        "level_name": "Friendly reminder",
                        "next_action": "Second reminder on 03/23/2026",
                        "invoice_count": 2,
                        "event_count": 1,
                    }
                ],
            )
            self.assertEqual(case.open_line_ids.move_id, late + future)
            self.assertRecordValues(
                case.open_line_ids,
                [
                    {
                        "collection_days_late": 9,
                        "collection_level": "Friendly reminder",
                        "collection_last_date": day(7),
                        "collection_next": "Second reminder on 03/23/2026",
                    },
                    {
                        "collection_days_late": 0,
                        "collection_level": False,
                        "collection_last_date": False,
                        "collection_next": "Not overdue",
                    },
                ],
            )
        with freeze_time(day(30)):
            self.env.invalidate_all()
            self.assertEqual(case.next_action, "Second reminder is due")
        Form(case)

    def test_buttons(self):
        move = self._invoice()
        partner = self.customer.with_user(self.agent)
        self.assertEqual(partner.collection_case_count, 0)
        action = move.with_user(self.agent).action_view_collection_case()
        case = self.env["collection.case"].browse(action["res_id"])
        self.assertEqual(case.partner_id, self.customer)
        partner.invalidate_recordset()
        self.assertEqual(partner.collection_case_count, 1)
        self.assertEqual(partner.action_view_collection_cases()["res_id"], case.id)
        with self.assertRaises(AccessError):
            self.customer.with_user(self.consultant).read(["collection_case_count"])
        with self.assertRaises(AccessError):
            move.with_user(self.consultant).action_view_collection_case()

    @contextmanager
    def _recorded_queries(self):
        queries, execute = [], Cursor.execute

        def spy(cursor, query, *args, **kwargs):
            queries.append(str(query))
            return execute(cursor, query, *args, **kwargs)

        with patch.object(Cursor, "execute", spy):
            yield queries
            self.env.flush_all()

    def test_nothing_of_ours_is_asked_of_others(self):
        """Reading an invoice or a customer as stock does costs no query of ours."""
        move = self._invoice()
        with self._recorded_queries() as queries:
            move.read()
            move.partner_id.with_user(self.consultant).read(["name", "email"])
            move.button_draft()
            move.action_post()
        self.assertFalse(
            [query for query in queries if re.search(r'(FROM|JOIN) "?collection_', query)]
        )
