import datetime

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionEvent(CollectionCommon):
    """The log is append-only and outlives what it speaks of."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.term = cls.env["account.payment.term"].create(
            {
                "name": "30/70",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 30, "nb_days": 30}),
                    Command.create({"value": "percent", "value_amount": 70, "nb_days": 33}),
                ],
            }
        )

    def _refused(self, query):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(Exception, "append-only"),
            self.cr.savepoint(),
        ):
            self.cr.execute(query)

    def test_nobody_changes_or_deletes(self):
        self._invoice()
        event = self._send(day(7)).line_ids.event_id
        for user in (self.agent, self.manager):
            # An AccessError is a UserError.
            with self.assertRaises(UserError):
                event.with_user(user).residual = 1
            with self.assertRaises(UserError):
                event.with_user(user).unlink()
            with self.assertRaises(AccessError):
                event.with_user(user).copy()
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            event.sudo().write({"residual": 1})
        with self.assertRaisesRegex(UserError, "cannot be changed"):
            event.sudo().unlink()

    def test_the_database_refuses_too(self):
        self._invoice()
        event = self._send(day(7)).line_ids.event_id
        self._refused(f"UPDATE collection_event SET residual = 1 WHERE id = {event.id}")
        self._refused(f"UPDATE collection_event SET move_name = NULL WHERE id = {event.id}")
        self._refused(f"DELETE FROM collection_event WHERE id = {event.id}")
        self._refused("TRUNCATE collection_event CASCADE")
        self._invoice()
        other = self._propose(day(8)).line_ids[:1]
        self._refused(f"UPDATE collection_event SET run_line_id = {other.id} WHERE id = {event.id}")
        self.cr.execute(f"UPDATE collection_event SET run_line_id = NULL WHERE id = {event.id}")
        letter = event.letter_id
        self._refused(f"UPDATE collection_letter SET body = 'x' WHERE id = {letter.id}")
        self._refused(f"UPDATE collection_letter SET recipient = NULL WHERE id = {letter.id}")
        self._refused(f"DELETE FROM collection_letter WHERE id = {letter.id}")
        self._refused("TRUNCATE collection_letter CASCADE")

    def test_empty_recordsets(self):
        Event = self.env["collection.event"]
        self.assertTrue(Event.browse().write({"residual": 1}))
        self.assertTrue(Event.browse().unlink())
        self.assertFalse(Event.create([]))

    def test_survives_a_corrected_invoice(self):
        """Terms changed in draft: journal items deleted and renumbered, history kept.

        1. Remind both instalments of a 30/70 invoice.
        2. Back to draft, due all at once on another day, posted again.
        3. The two events still say what was sent; the new instalment respects the gap. Edge case 33.
        """
        move = self._invoice(1000, invoice_payment_term_id=self.term.id)
        events = self._send(day(10)).line_ids.event_id
        self.assertEqual(events.mapped("amount"), [300, 700])
        move.button_draft()
        move.write({"invoice_payment_term_id": False, "invoice_date_due": day(1)})
        move.action_post()
        self.assertEqual(
            events.mapped(lambda event: (event.move_name, event.amount, event.due_date)),
            [(move.name, 300, day(0)), (move.name, 700, day(3))],
        )
        self.assertEqual(len(move._collection_instalments()), 1)
        line = self._send(day(16)).line_ids
        self.assertEqual(line.amount_residual, 1000)
        self.assertEqual(line.skip_reason, "gap")
        self.assertEqual(self._send(day(17)).line_ids.event_id.level_id, self.first)

    def test_same_terms_again_keep_their_levels(self):
        move = self._invoice(1000, invoice_payment_term_id=self.term.id)
        self._send(day(10))
        move.button_draft()
        move.narration = "Corrected"
        move.action_post()
        self.assertEqual(
            self._send(day(24)).line_ids.event_id.level_id.mapped("name"), ["Second reminder"]
        )

    def test_due_date_moved_on_the_posted_instalment(self):
        move = self._invoice()
        self._send(day(7))
        line = move.line_ids.filtered("date_maturity")
        line.date_maturity = day(20)
        self.assertEqual(self._propose(day(30)).line_ids.skip_reason, "not_yet")
        self.assertEqual(self._send(day(41)).line_ids.event_id.level_id, self.second)

    def test_survives_the_deletion_of_the_invoice_and_the_level(self):
        move = self._invoice()
        number = move.name
        event = self._send(day(7)).line_ids.event_id
        move.button_draft()
        move.unlink()
        self.first.unlink()
        self.assertTrue(event.exists())
        self.assertFalse(event.move_id)
        self.assertEqual(event.move_name, number)
        self.assertEqual(event.level_name, "Friendly reminder")
        with self.assertRaisesRegex(UserError, "has been deleted"):
            event.action_open_invoice()

    def test_level_deleted_or_inserted_under_way(self):
        """Edge case 42."""
        self._invoice()
        self._send(day(7))
        self.first.unlink()
        self.env["collection.level"].create(
            {
                "policy_id": self.policy.id,
                "name": "Very early",
                "sequence": 5,
                "delay_days": 1,
                "channel": "activity",
            }
        )
        self.assertEqual(self._send(day(21)).line_ids.event_id.level_id, self.second)

    def test_merged_contacts_lose_nothing(self):
        """Both had a case: one case goes on, with the history and activities of both. Edge case 54."""
        twin = self.env["res.partner"].create(
            {"name": "Late Payers Limited", "is_company": True, "email": "twin@late.example.com"}
        )
        self._invoice(10)
        self._invoice(20, partner=twin)
        run = self._send(day(7))
        events, cases = run.line_ids.event_id, run.line_ids.case_id
        self.assertEqual(len(cases), 2)
        retired = cases.filtered(lambda case: case.partner_id == twin)
        retired.activity_schedule("mail.mail_activity_data_todo", user_id=self.agent.id)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer + twin).ids, self.customer)
        self.env.invalidate_all()
        case = self.env["collection.case"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(len(case), 1)
        self.assertEqual(case.event_ids, events)
        self.assertEqual(events.exists(), events)
        self.assertEqual(len(case.activity_ids), 1)
        run = self._send(day(21))
        self.assertEqual(run.line_ids.event_id.case_id, case)
        self.assertEqual(run.line_ids.event_id.mapped("level_name"), ["Second reminder"] * 2)

    def test_date_is_the_companys(self):
        """Half past midnight in Auckland is yesterday in London."""
        self.company.partner_id.tz = "Pacific/Auckland"
        with freeze_time("2026-03-08 12:30:00"):
            run = self.env["collection.run"].with_user(self.agent).create({})
            self.assertEqual(run.date, datetime.date(2026, 3, 9))
            self.assertEqual(fields.Date.today(), datetime.date(2026, 3, 8))
