from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.professional_billing.models.collection_case_reminder import (
    CollectionCaseReminder,
)

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionRun(CollectionCommon):
    """A follow-up run proposes per instalment, sends through the mail queue and logs."""

    def test_work_list_has_every_late_customer(self):
        """Opening the cases makes those that are missing, before any follow-up run."""
        self._invoice()
        Case = self.env["collection.case"].with_user(self.agent)
        self.assertFalse(Case.search([("company_id", "=", self.company.id)]))
        action = Case._open_work_list()
        self.assertEqual(action["res_model"], "collection.case")
        self.assertEqual(Case.search([("overdue_amount", ">", 0)]).partner_id, self.customer)
        Case._open_work_list()
        self.assertEqual(len(Case.search([("company_id", "=", self.company.id)])), 1)

    def test_levels_over_time(self):
        """One reminder per level, on its day, and none in between however often one runs."""
        self._invoice()
        self.assertFalse(self._send(day(0)).line_ids, "due today is not overdue")
        outcome = {}
        for offset in range(1, 60):
            run = self._send(day(offset))
            if event := run.line_ids.event_id:
                outcome[offset] = event.level_name
        self.assertEqual(
            outcome, {7: "Friendly reminder", 21: "Second reminder", 35: "Final notice"}
        )
        self.assertEqual(run.line_ids.skip_reason, "all_sent")

    def test_progressive_after_a_long_pause(self):
        self._invoice()
        self.assertEqual(self._send(day(50)).line_ids.event_id.level_id, self.first)
        self.assertEqual(self._send(day(59)).line_ids.skip_reason, "gap")
        self.assertEqual(self._send(day(60)).line_ids.event_id.level_id, self.second)

    def test_one_message_per_customer_at_the_highest_level(self):
        old, new, young = self._invoice(300), self._invoice(50, day(14)), self._invoice(20, day(20))
        self._send(day(7))
        run = self._send(day(21))
        self.assertEqual(
            self._results(run),
            [
                (300, "Second reminder", False),
                (50, "Friendly reminder", False),
                (20, False, "not_yet"),
            ],
        )
        message = run.line_ids.event_id.mail_message_id
        self.assertEqual(len(message), 1)
        self.assertIn("Second reminder", message.subject)
        for move in old + new + young:
            self.assertIn(move.name, message.body, "every overdue instalment is named")
        self.assertIn("370.00", message.body)
        self.assertEqual(run.sent_customer_count, 1)
        self.assertEqual(run.sent_count, 2)

    def test_instalments(self):
        """30 % now, 70 % later: only the part that is late is chased."""
        term = self.env["account.payment.term"].create(
            {
                "name": "30/70",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 30, "nb_days": 30}),
                    Command.create({"value": "percent", "value_amount": 70, "nb_days": 60}),
                ],
            }
        )
        move = self._invoice(1000, invoice_payment_term_id=term.id)
        self.assertGreater(move.invoice_date_due, day(7), "Odoo calls the invoice not yet due")
        run = self._send(day(7))
        self.assertEqual(self._results(run), [(300, "Friendly reminder", False)])
        self.assertNotIn("700", run.line_ids.event_id.mail_message_id.body)

    def test_part_payment(self):
        """The second reminder asks for what is left; the log of the first stays."""
        move = self._invoice(100)
        first = self._send(day(7)).line_ids.event_id
        self._register_payment(move, amount=40, payment_date=day(8))
        second = self._send(day(21)).line_ids.event_id
        self.assertEqual([first.residual, second.residual], [100, 60])
        self.assertEqual([first.amount, second.amount], [100, 100])
        self.assertIn("60.00", second.mail_message_id.body)

    def test_credit_note_covers(self):
        self._invoice(100)
        credit = self._invoice(100, move_type="out_refund")
        self.assertEqual(self._propose(day(7)).line_ids.skip_reason, "credit_covers")
        credit.button_draft()
        credit.invoice_line_ids.price_unit = 60
        credit.action_post()
        self.assertTrue(self._propose(day(7)).line_ids.include)

    def test_reconciled_credit_note_closes(self):
        move = self._invoice(100)
        self._reverse_invoice(move, post=True, date=day(1))
        self.assertFalse(self._propose(day(7)).line_ids)

    def test_blocked_and_excluded(self):
        blocked, excluded = self._invoice(100), self._invoice(50)
        blocked.action_toggle_block_payment()
        excluded.no_followup = True
        run = self._propose(day(7))
        self.assertEqual(run.line_ids.mapped("skip_reason"), ["blocked", "no_followup"])
        with self.assertRaisesRegex(UserError, "no level is due"):
            run.line_ids[0].include = True
        with self.assertRaisesRegex(UserError, "includes no instalment"):
            run.action_approve()

    def test_online_payment_pending(self):
        """Edge case 15."""
        move = self._invoice(100)
        provider = self.env["payment.provider"].create({"name": "Provider", "code": "none"})
        method = self.env["payment.method"].create({"name": "Card", "code": "card_collection"})
        transaction = self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": method.id,
                "reference": "collection-1",
                "amount": 100,
                "currency_id": move.currency_id.id,
                "partner_id": self.customer.id,
                "invoice_ids": [Command.link(move.id)],
                "state": "pending",
            }
        )
        self.assertEqual(self._propose(day(7)).line_ids.skip_reason, "payment_pending")
        transaction.state = "cancel"
        self.assertTrue(self._propose(day(7)).line_ids.include)

    def test_minimum_amount(self):
        """Edge case 2."""
        self.first.min_amount = 120
        self._invoice(100)
        self.assertEqual(self._propose(day(7)).line_ids.skip_reason, "below_minimum")
        self._invoice(20)
        self.assertEqual(self._propose(day(7)).line_ids.mapped("include"), [True, True])

    def test_dropped_line(self):
        """What the collector leaves out is neither reminded nor named, and proposed again."""
        keep, drop = self._invoice(100), self._invoice(50)
        run = self._propose(day(7))
        run.line_ids.filtered(lambda line: line.move_id == drop).include = False
        self.assertEqual([run.customer_count, run.line_count, run.amount], [1, 1, 100])
        run.action_approve()
        with self.assertRaisesRegex(UserError, "Reopen"):
            run.line_ids.include = True
        run.action_send()
        self._release(run)
        self.assertEqual(
            self._results(run), [(100, "Friendly reminder", False), (50, False, "dropped")]
        )
        body = run.line_ids.event_id.mail_message_id.body
        self.assertIn(keep.name, body)
        self.assertNotIn(drop.name, body)
        again = self._propose(day(8))
        self.assertEqual(again.line_ids.filtered("include").move_id, drop)

    def test_reopen(self):
        self._invoice(100)
        self._invoice(50)
        run = self._propose(day(7))
        run.line_ids[0].include = False
        run.action_approve()
        run.action_reopen()
        run.line_ids[0].include = True
        run.action_approve()
        run.action_send()
        self.assertEqual(run.sent_count, 2)

    def test_paid_between_proposal_and_sending(self):
        paid, open_ = self._invoice(100), self._invoice(50)
        run = self._propose(day(7))
        run.action_approve()
        self._register_payment(paid)
        run.action_send()
        self._release(run)
        self.assertEqual(
            self._results(run), [(100, False, "paid"), (50, "Friendly reminder", False)]
        )
        self.assertNotIn(paid.name, run.line_ids.event_id.mail_message_id.body)
        self.assertIn(open_.name, run.line_ids.event_id.mail_message_id.body)

    def test_changed_between_proposal_and_sending(self):
        """Gone, blocked, back to draft or reminded by another run meanwhile: not sent."""
        gone, blocked, draft, other = (self._invoice(amount) for amount in (1, 2, 3, 4))
        run, rival = self._propose(day(7)), self._propose(day(7))
        rival.line_ids.filtered(lambda line: line.move_id != other).include = False
        run.action_approve()
        rival.action_approve()
        rival.action_send()
        gone.button_draft()
        gone.unlink()
        blocked.action_toggle_block_payment()
        draft.button_draft()
        run.action_send()
        self.assertEqual(
            run.line_ids.sorted("amount_residual").mapped("skip_reason"),
            ["deleted", "blocked", "not_posted", "not_yet"],
        )
        self.assertEqual(run.sent_count, 0)

    def test_sending_again_sends_nothing(self):
        self._invoice()
        run = self._send(day(7))
        mails = self._mails(run)
        run.action_send()
        again = self._send(day(7))
        self.assertFalse(again.line_ids.event_id)
        self.assertEqual(self._mails(run), mails)
        self.assertEqual(self.env["collection.event"].search_count([]), 1)
        self.assertEqual(run.state, "done")
        with self.assertRaisesRegex(UserError, "has been sent"):
            run.unlink()

    def test_database_refuses_a_second_event(self):
        """Whatever two transactions believe, the same level is not logged twice."""
        self._invoice()
        event = self._send(day(7)).line_ids.event_id
        values = event.sudo().copy_data()[0]
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(UniqueViolation),
            self.cr.savepoint(),
        ):
            self.env["collection.event"].sudo().create(values)

    def test_states_are_respected(self):
        self._invoice()
        run = self._propose(day(7))
        with self.assertRaisesRegex(UserError, "Approve it first"):
            run.action_send()
        run.action_approve()
        with self.assertRaisesRegex(UserError, "proposal"):
            run.action_propose()
        run.action_send()
        with self.assertRaises(UserError):
            run.action_reopen()

    def test_no_email(self):
        """The collector gets one to-do; the level is still open when the address is known. Edge case 45."""
        self.customer.email = False
        self._invoice()
        run = self._send(day(7))
        self.assertEqual(self._results(run), [(100, False, "no_email")])
        self.assertEqual(run.failed_count, 1)
        self._send(day(8))
        case = run.line_ids.case_id
        self.assertEqual(len(case.activity_ids), 1)
        self.assertEqual(case.activity_ids.user_id, self.agent)
        self.assertIn("e-mail", case.activity_ids.summary)
        self.customer.email = "found@late.example.com"
        self.assertEqual(self._send(day(9)).line_ids.event_id.level_id, self.first)

    def test_invoice_contact_gets_the_mail(self):
        contact = self.env["res.partner"].create(
            {
                "name": "Accounts payable",
                "parent_id": self.customer.id,
                "type": "invoice",
                "email": "payable@late.example.com",
            }
        )
        self._invoice()
        event = self._send(day(7)).line_ids.event_id
        self.assertEqual(event.mail_message_id.sudo().notification_ids.res_partner_id, contact)
        self.assertIn("payable@late.example.com", event.recipient)

    def test_contacts_of_one_company_are_one_customer(self):
        """Edge case 55."""
        contact = self.env["res.partner"].create({"name": "Ann", "parent_id": self.customer.id})
        self._invoice(10)
        self._invoice(20, partner=contact)
        run = self._send(day(7))
        self.assertEqual(run.sent_count, 2)
        self.assertEqual(run.line_ids.case_id.partner_id, self.customer)

    def test_mail_waits_in_the_queue(self):
        self._invoice()
        run = self._send(day(7))
        mail = self._mails(run)
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(mail.recipient_ids, self.customer)
        event = run.line_ids.event_id
        self.assertEqual(event.state, "queued")
        self.assertEqual(event.mail_message_id.model, "collection.case")
        self.assertEqual(event.mail_message_id.res_id, event.case_id.id)
        self.assertEqual(event.mail_message_id.author_id, self.agent.partner_id)
        event.mail_message_id.sudo().notification_ids.notification_status = "sent"
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "sent")

    def test_bounced_mail_opens_the_level_again(self):
        self._invoice()
        event = self._send(day(7)).line_ids.event_id
        notification = event.mail_message_id.sudo().notification_ids
        notification.write({"notification_status": "exception", "failure_type": "mail_smtp"})
        self.assertEqual(self._propose(day(30)).line_ids.skip_reason, "stuck")
        notification.write({"notification_status": "bounce", "failure_type": "mail_bounce"})
        again = self._send(day(8)).line_ids.event_id
        self.assertEqual(again.level_id, self.first)
        self.assertEqual(again.attempt, 2)
        self.assertEqual(self._send(day(9)).line_ids.skip_reason, "not_yet")

    def test_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        template = self.first.mail_template_id
        template.with_context(lang="fr_FR").subject = "Rappel amical"
        template.with_context(
            lang="fr_FR"
        ).body_html = "<p>Bonjour</p><t t-out='object._render_reminder_table()'/>"
        self.customer.lang = "fr_FR"
        self._invoice(1234.5)
        run = self._send(day(7))
        mail = self._mails(run)
        self.assertEqual(mail.subject, "Rappel amical")
        self.assertIn("Bonjour", mail.body_html)
        self.assertRegex(mail.body_html, r"1\S{1,6}234,50", "amounts as the French write them")
        self.assertIn("02/03/2026", mail.body_html)

    def test_link_to_pay(self):
        move = self._invoice()
        body = self._send(day(7)).line_ids.event_id.mail_message_id.body
        self.assertIn(f"/my/invoices/{move.id}?access_token=", body)

    def test_call_level(self):
        """A call is an activity for the customer's collector; no mail, but it is logged. Edge case 87."""
        self.first.write({"channel": "call", "mail_template_id": False})
        self._invoice()
        run = self._propose(day(7))
        case = run.line_ids.case_id
        case.user_id = self.manager
        run.action_approve()
        run.action_send()
        self._release(run)
        self.assertEqual(case.activity_ids.user_id, self.manager)
        self.assertEqual(case.activity_ids.summary, "Friendly reminder")
        event = run.line_ids.event_id
        self.assertEqual((event.channel, event.state), ("call", "assigned"))
        self.assertFalse(event.mail_message_id)

    def test_email_level_needs_a_template(self):
        with self.assertRaisesRegex(UserError, "choose its text"):
            self.first.mail_template_id = False

    def test_one_failure_does_not_stop_the_others(self):
        """Edge case 75."""
        fragile = self.env["res.partner"].create({"name": "Fragile", "email": "f@example.com"})
        self._invoice(1)
        self._invoice(2, partner=fragile)
        self._invoice(3, partner=self.partner_a)
        self.partner_a.email = "a@example.com"
        send = CollectionCaseReminder._post_reminder

        def fail(case, *args):
            if case.partner_id == fragile:
                send(case, *args)
                raise UserError(case.env._("The printer is on fire."))
            return send(case, *args)

        with patch.object(CollectionCaseReminder, "_post_reminder", fail):
            run = self._send(day(7))
        self.assertEqual(run.sent_count, 2)
        line = run.line_ids.filtered(lambda line: line.skip_reason)
        self.assertEqual((line.skip_reason, line.skip_note), ("error", "The printer is on fire."))
        self.assertFalse(line.case_id.message_ids.filtered("subject"), "rolled back")
        self.assertEqual(self._send(day(8)).line_ids.event_id.case_id, line.case_id)

    @mute_logger("odoo.addons.mail.models.mail_render_mixin")
    def test_broken_template_is_a_sentence(self):
        self.first.mail_template_id.body_html = "<t t-out='object.no_such_field'/>"
        self._invoice()
        line = self._send(day(7)).line_ids
        self.assertEqual(line.skip_reason, "error")
        self.assertIn("Follow-up: friendly reminder", line.skip_note)
        self.assertNotIn("Traceback", line.skip_note)

    def test_two_currencies(self):
        """A message, a case and a total for each currency. Edge case 17."""
        euro = self.setup_other_currency("EUR")
        self._invoice(100)
        self._invoice(200, currency_id=euro.id)
        run = self._send(day(7))
        self.assertEqual(len(run.line_ids.case_id), 2)
        self.assertEqual(len(run.line_ids.event_id.mail_message_id), 2)
        self.assertEqual(run.line_ids.event_id.mapped("amount"), [100, 200])
        self.assertEqual(run.amount, 200, "in the company's currency, at 2 euro each")

    def test_credit_in_another_currency_does_not_cover(self):
        euro = self.setup_other_currency("EUR")
        self._invoice(100)
        self._invoice(500, currency_id=euro.id, move_type="out_refund")
        self.assertTrue(self._propose(day(7)).line_ids.include)

    def test_default_policy(self):
        """A company's own policy goes before the shared one."""
        own = self.policy.with_user(self.manager).copy(
            {"name": "Own", "company_id": self.company.id}
        )
        self.assertEqual(len(own.level_ids), 3)
        self._invoice()
        run = self._propose(day(7))
        self.assertEqual(run.line_ids.level_id, own.level_ids[0])

    def test_policy_without_levels(self):
        self.policy.level_ids.unlink()
        with self.assertRaisesRegex(UserError, "has levels. Add them"):
            self._propose(day(7))

    def test_sending_costs_per_message_not_per_invoice(self):
        def send(count):
            partner = self.env["res.partner"].create({"name": "P", "email": "p@example.com"})
            for _number in range(count):
                self._invoice(10, partner=partner)
            run = self._propose(day(7))
            run.action_approve()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            run.action_send()
            self.env.flush_all()
            return self.cr.sql_log_count - before

        send(1)  # fills the caches
        self.assertLessEqual(send(8), send(2) + 4)

    def test_queries_do_not_grow_with_the_instalments(self):
        """Proposing 200 instalments of 20 customers costs as many queries as 20 of 2. Edge case 89."""
        term = self.env["account.payment.term"].create(
            {
                "name": "Ten weeks",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 10, "nb_days": 7 * week})
                    for week in range(10)
                ],
            }
        )

        def propose(customers):
            partners = self.env["res.partner"].create(
                [{"name": f"Customer {number}"} for number in range(customers)]
            )
            moves = self.env["account.move"].union(
                *(
                    self._invoice(100, partner=partner, invoice_payment_term_id=term.id, post=False)
                    for partner in partners
                )
            )
            moves.action_post()
            run = self.env["collection.run"].with_user(self.agent).create({"date": day(60)})
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            run.action_propose()
            self.env.flush_all()
            queries = self.cr.sql_log_count - before
            lines = run.line_ids.filtered(lambda line: line.case_id.partner_id in partners)
            self.assertEqual(len(lines.filtered("include")), 10 * customers)
            return queries

        few, many = propose(2), propose(20)
        self.assertLessEqual(many, few + 4, "a few more batches of inserts at most")
        self.assertLess(many, 80)

    def test_deleted_with_its_lines(self):
        """Levels may go, and proposals with their lines; what was sent stays with its lines."""
        self._invoice(100)
        sent, proposal = self._send(day(7)), self._propose(day(9))
        line = proposal.line_ids
        self.assertEqual(line.next_level_id, self.second)
        self.second.unlink()
        self.assertFalse(line.next_level_id)
        self.first.policy_id.copy().unlink()
        proposal.unlink()
        self.assertFalse(line.exists())
        with self.assertRaisesRegex(UserError, "stays as a record"):
            sent.line_ids.unlink()
        self.first.with_user(self.manager).unlink()
        self.assertFalse(sent.line_ids.level_id)
        self.assertEqual(sent.line_ids.event_id.level_name, "Friendly reminder")
