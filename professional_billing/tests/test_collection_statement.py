import datetime
import io
from decimal import Decimal
from unittest.mock import patch

import openpyxl
import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from .test_collection_common import DUE, CollectionCommon, day

MARCH = (datetime.date(2026, 3, 1), datetime.date(2026, 3, 31))


@tagged("post_install", "-at_install")
class TestCollectionStatement(CollectionCommon):
    """What a customer is told of their account, as of any day."""

    def _case(self, move=None):
        lines = (move or self.moves[0])._collection_instalments()[:1]
        return self.env["collection.case"].with_user(self.agent)._for_lines(lines)[lines]

    def _pay(self, move, amount, date):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({"amount": amount, "payment_date": date})._create_payments()

    def _pay_on_account(self, amount, date, **values):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": amount,
                "date": date,
                **values,
            }
        )
        payment.action_post()
        return payment

    def _credit(self, move, date):
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard = wizard.create({"journal_id": move.journal_id.id, "date": date, "reason": "x"})
        wizard.reverse_moves()
        wizard.new_move_ids.action_post()
        return wizard.new_move_ids

    def _open(self, case, on):
        return [float(item.open) for item in case._get_statement(on).items]

    def _assert_adds_up(self, case):
        """On any day the closing balance is the sum of the open items, and today's residuals."""
        for offset in (-60, -30, -1, 0, 5, 10, 30, 200):
            found = case._get_statement(day(offset), day(offset - 20))
            self.assertEqual(found.activity.closing, found.total)
            self.assertEqual(found.total, sum(item.open for item in found.items))
        residual = sum(case._get_receivables()[case].mapped("amount_residual_currency"))
        self.assertEqual(found.total, Decimal(str(case.currency_id.round(residual))))

    # -- figures --------------------------------------------------------------------------------

    def test_as_of_a_past_day(self):
        """What was paid later was open then; what was billed later was not there yet."""
        self.moves = self._invoice(100), self._invoice(50, day(40))
        self._pay(self.moves[0], 30, day(5))
        self._pay(self.moves[0], 70, day(20))
        case = self._case()
        self.assertEqual(self._open(case, day(4)), [100])
        self.assertEqual(self._open(case, day(5)), [70])
        self.assertEqual(self._open(case, day(19)), [70, 50])
        self.assertEqual(self._open(case, day(20)), [50])
        item = case._get_statement(day(5)).items[0]
        self.assertEqual((item.amount, item.due, item.days_late), (100, DUE, 5))
        self._assert_adds_up(case)

    def test_activity(self):
        self.moves = self._invoice(100), self._invoice(50, day(40))
        self._pay(self.moves[0], 30, day(5))
        found = self._case()._get_statement(MARCH[1], MARCH[0]).activity
        self.assertEqual(found.opening, 100)
        self.assertEqual(
            [(row.date, row.kind, row.amount, row.balance) for row in found.entries],
            [(day(5), "payment", -30, 70), (day(10), "invoice", 50, 120)],
        )
        self.assertEqual(found.closing, 120)

    def test_payment_on_account_is_shown(self):
        """A payment that is not allocated is an open item below zero, and apart in the ageing."""
        self.moves = (self._invoice(100),)
        self._pay_on_account(40, day(3))
        found = self._case()._get_statement(day(3))
        self.assertEqual([item.open for item in found.items], [100, -40])
        self.assertEqual(found.items[1].days_late, 0)
        self.assertEqual((found.ageing.late, found.ageing.credits, found.total), (100, -40, 60))
        self._assert_adds_up(self._case())

    def test_credit_note(self):
        self.moves = (self._invoice(100),)
        self._credit(self.moves[0], day(8))
        case = self._case()
        self.assertEqual(self._open(case, day(7)), [100])
        self.assertEqual(self._open(case, day(8)), [])
        kinds = [row.kind for row in case._get_statement(day(8), day(-40)).activity.entries]
        self.assertEqual(kinds, ["invoice", "credit_note"])
        self._assert_adds_up(case)

    def test_instalments(self):
        """Each instalment is an open item; the document is one entry."""
        term = self.env["account.payment.term"].create(
            {
                "name": "30/70",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 30, "nb_days": 10}),
                    Command.create({"value": "percent", "value_amount": 70, "nb_days": 60}),
                ],
            }
        )
        self.moves = (self._invoice(100, invoice_payment_term_id=term.id),)
        found = self._case()._get_statement(DUE, day(-40))
        self.assertEqual([item.open for item in found.items], [30, 70])
        self.assertEqual([item.days_late for item in found.items], [20, 0])
        self.assertEqual([entry.amount for entry in found.activity.entries], [100])

    def test_currencies_are_apart(self):
        """Each currency has a statement of its own, with its own amounts only."""
        other = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        self.moves = self._invoice(100), self._invoice(30, currency_id=other.id)
        mine, foreign = self._case(), self._case(self.moves[1])
        self.assertEqual(self._open(mine, DUE), [100])
        self.assertEqual(self._open(foreign, DUE), [30])
        self._assert_adds_up(mine)
        self._assert_adds_up(foreign)

    def test_paid_in_another_currency(self):
        """What was settled from the other account is in both activities, so both add up."""
        other = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        self.moves = (self._invoice(100),)
        payment = self._pay_on_account(200, day(3), currency_id=other.id)
        lines = (self.moves[0] + payment.move_id).line_ids
        lines.filtered(lambda line: line.account_type == "asset_receivable").reconcile()
        case = self._case()
        self.assertEqual(self._open(case, day(2)), [100])
        self.assertEqual(self._open(case, day(3)), [])
        entries = case._get_statement(day(3), day(0)).activity.entries
        self.assertEqual([(row.kind, row.amount) for row in entries], [("other", -100)])
        self.assertIn(payment.move_id.name, entries[0].name)
        self._assert_adds_up(case)
        [foreign] = self.customer.with_user(self.agent)._get_collection_cases() - case
        self._assert_adds_up(foreign)

    def test_contacts_of_one_customer(self):
        """Invoices to any contact of the company are on its statement, those of others are not."""
        contact = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": self.customer.id, "type": "invoice"}
        )
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        self.moves = self._invoice(100), self._invoice(20, partner=contact)
        self._invoice(7, partner=stranger)
        self.assertEqual(sorted(self._open(self._case(), DUE)), [20, 100])

    def test_drafts_and_cancelled_are_not_in_it(self):
        self.moves = (self._invoice(100),)
        self._invoice(5, post=False)
        gone = self._invoice(6)
        gone.button_draft()
        gone.button_cancel()
        self.assertEqual(self._open(self._case(), DUE), [100])

    def test_opening_balance_entry(self):
        """An entry of another journal is a document like others."""
        account = self.company_data["default_account_receivable"]
        move = self.env["account.move"].create(
            {
                "date": day(-40),
                "line_ids": [
                    Command.create(
                        {"account_id": account.id, "partner_id": self.customer.id, "debit": 15}
                    ),
                    Command.create(
                        {
                            "account_id": self.company_data["default_account_revenue"].id,
                            "credit": 15,
                        }
                    ),
                ],
            }
        )
        move.action_post()
        [case] = self.customer.with_user(self.agent)._get_collection_cases()
        found = case._get_statement(DUE, day(-50))
        self.assertEqual([row.kind for row in found.activity.entries], ["other"])
        self.assertEqual(found.total, 15)

    def test_ageing(self):
        """Up to 30 days late, up to 60, up to 90, more; what is due that day is not late."""
        self.moves = [self._invoice(10 + n, day(-offset)) for n, offset in enumerate((0, 30, 31))]
        aged = self._case()._get_statement(DUE).ageing
        self.assertEqual(aged.not_due, 10)
        self.assertEqual([bucket.amount for bucket in aged.buckets], [11, 12, 0, 0])

    # -- files ----------------------------------------------------------------------------------

    def test_workbook(self):
        """Dates and amounts are real ones; each customer has a sheet."""
        self.moves = (self._invoice(100, ref="PO 7"),)
        self._pay_on_account(40, day(3))
        name, content = self._case()._get_statement_file("xlsx", MARCH[1], MARCH[0])
        self.assertTrue(name.endswith("Late Payers Ltd 2026-03-31.xlsx"), name)
        [sheet] = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        rows = [row for row in sheet.iter_rows(values_only=True) if any(row)]
        self.assertEqual(rows[0][:3], (self.company.name, "Late Payers Ltd", "USD"))
        self.assertEqual(rows[2][1::3], ("Opening balance", 100))
        self.assertEqual(rows[4][1::3], ("Closing balance", 60))
        self.assertEqual((rows[6][2], rows[6][3].date(), rows[6][6]), ("PO 7", DUE, 100))
        self.assertEqual(rows[-1][:7], (0, 100, 0, 0, 0, -40, 60))

    def test_many_open_invoices(self):
        """However many invoices are open, the figures cost the same few queries. Edge case 57."""
        self.moves = self._invoice(1)
        moves = self.moves
        for _number in range(39):
            moves += moves[0].copy({"invoice_date": moves[0].invoice_date})
        (moves - moves[0]).action_post()
        case = self._case()
        case._get_statement(day(60))
        with self.assertQueryCount(10):
            found = case._get_statement(day(60), day(-60))
        self.assertEqual(len(found.items), 40)
        html = self._html(case, day(60), None)
        self.assertEqual(html.count("INV/"), 40)

    def _html(self, case, date_to, date_from):
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "professional_billing.report_collection_statement",
            case.ids,
            data={"date_to": date_to, "date_from": date_from},
        )
        return content.decode()

    def test_language_of_the_customer(self):
        """Dates are the customer's; without a language of their own they are the company's."""
        self.moves = (self._invoice(100),)
        case = self._case()
        self.assertIn("03/31/2026", self._html(case, *MARCH[::-1]))
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        self.assertIn("31.03.2026", self._html(case, *MARCH[::-1]))
        self.customer.lang = False
        self.assertEqual(case._get_statement_lang(), "en_US")

    # -- by hand --------------------------------------------------------------------------------

    def test_send_from_the_list_of_customers(self):
        self.moves = (self._invoice(100),)
        action = self.customer.with_user(self.agent).action_statement()
        form = Form(
            self.env["collection.statement.wizard"]
            .with_user(self.agent)
            .with_context(**action["context"])
        )
        form.kind = "activity"
        form.date_from, form.date_to = MARCH
        wizard = form.save()
        self.assertIn("download=true", wizard.action_xlsx()["url"])
        self.assertTrue(wizard.content)
        wizard.action_send()
        sent = self.env["collection.statement"].with_user(self.agent).search([])
        self.assertEqual((sent.state, sent.total, sent.scheduled), ("sent", 100, False))
        self.assertIn("accounts@late.example.com", sent.recipient)
        mail = self.env["mail.mail"].search(
            [("mail_message_id", "=", sent.sudo().mail_message_id.id)]
        )
        self.assertEqual(mail.state, "outgoing")
        self.assertIn("100.00", mail.body_html)
        self.assertIn("Statement Late Payers Ltd", mail.attachment_ids.name)
        self.assertEqual(mail.mail_message_id.author_id, self.agent.partner_id)

    def test_written_by_hand(self):
        """The mail opens with text, recipients and PDF; what is sent then is noted as a statement."""
        self.moves = (self._invoice(100),)
        Wizard = self.env["collection.statement.wizard"].with_user(self.agent)
        wizard = Wizard.create({"case_ids": self._case().ids, "date_to": DUE})
        action = wizard.action_edit()
        Composer = self.env["mail.compose.message"].with_user(self.agent)
        form = Form(Composer.with_context(**action["context"]))
        self.assertIn("100.00", form.body)
        self.assertEqual(form.attachment_ids[:].mapped("mimetype"), ["application/pdf"])
        form.body = "<p>As we said on the phone.</p>"
        form.save().action_send_mail()
        sent = self.env["collection.statement"].with_user(self.agent).search([])
        self.assertEqual((sent.state, sent.total, sent.date_to), ("sent", 100, DUE))
        self.assertIn("accounts@late.example.com", sent.recipient)
        message = sent.sudo().mail_message_id
        self.assertIn("on the phone", message.body)
        self.assertIn("Statement Late Payers Ltd", message.attachment_ids.name)
        self.assertEqual(message.author_id, self.agent.partner_id)
        two = Wizard.create({"case_ids": (self._case() + self._euro_case()).ids, "date_to": DUE})
        with self.assertRaisesRegex(UserError, "one customer"):
            two.action_edit()

    def _euro_case(self):
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        move = self._invoice(30, currency_id=euro.id)
        return self.env["collection.case"].browse(move.action_view_collection_case()["res_id"])

    def test_wizard_refuses(self):
        self.moves = (self._invoice(100),)
        case = self._case()
        Wizard = self.env["collection.statement.wizard"].with_user(self.agent)
        with self.assertRaisesRegex(ValidationError, "must not end before"):
            Wizard.create(
                {"case_ids": case.ids, "kind": "activity", "date_from": day(1), "date_to": DUE}
            )
        self.customer.email = False
        wizard = Wizard.create({"case_ids": case.ids, "date_to": DUE})
        with self.assertRaisesRegex(UserError, "no e-mail address: Late Payers Ltd"):
            wizard.action_send()
        nobody = self.env["res.partner"].create({"name": "Nobody"})
        with self.assertRaisesRegex(UserError, "Nothing was ever billed"):
            nobody.with_user(self.agent).action_statement()

    def test_rights(self):
        """A consultant sees no statement; a collector of another company neither."""
        self.moves = (self._invoice(100),)
        case = self._case()
        foreign = self.setup_other_company()["company"]
        stranger = self._new_user(
            "stranger", "professional_billing.group_collection_manager", foreign
        )
        sent = self.env["collection.statement"].sudo().create({"case_id": case.id, "date_to": DUE})
        for user in (self.consultant, stranger):
            with self.assertRaises(AccessError):
                case.with_user(user)._get_statement(DUE)
            with self.assertRaises(AccessError):
                sent.with_user(user).read(["total"])
        with self.assertRaises(AccessError):
            sent.with_user(self.agent).write({"total": 1})
        self.assertTrue(sent.with_user(self.agent).read(["total"]))

    # -- by schedule ----------------------------------------------------------------------------

    def _run_cron(self, on):
        with freeze_time(on), self.enter_registry_test_mode():
            self.env.ref("professional_billing.cron_collection_statement").method_direct_trigger()
        self.env.invalidate_all()
        return self.env["collection.statement"].search([], order="id")

    def test_monthly_once(self):
        """After the end of the month, once, and only to those who owe something."""
        self.company.collection_statement_frequency = "monthly"
        paid = self.env["res.partner"].create({"name": "Paid", "email": "paid@example.com"})
        self._pay(self._invoice(10, partner=paid), 10, day(1))
        self._invoice(100)
        self.assertFalse(self._run_cron("2026-03-31 12:00:00").filtered("case_id.active")[1:])
        sent = self._run_cron("2026-04-01 12:00:00").filtered(
            lambda statement: statement.date_to == MARCH[1]
        )
        self.assertEqual(sent.case_id.partner_id, self.customer)
        self.assertEqual((sent.date_from, sent.state, sent.total), (MARCH[0], "sent", 100))
        before = len(self._run_cron("2026-04-02 12:00:00"))
        self.assertEqual(len(self._run_cron("2026-04-03 12:00:00")), before)

    def test_not_late(self):
        """After a long outage, or when it is switched on later, an old statement is not sent."""
        self.company.collection_statement_frequency = "monthly"
        self._invoice(100)
        self.assertFalse(self._run_cron("2026-04-12 12:00:00"))

    def test_customer_wants_it_otherwise(self):
        """Quarterly, or never, though the company does it monthly; and the other way round."""
        self.company.collection_statement_frequency = "monthly"
        never = self.env["res.partner"].create({"name": "Never", "email": "never@example.com"})
        never.collection_statement_frequency = "none"
        self.customer.collection_statement_frequency = "quarterly"
        self._invoice(100)
        self._invoice(5, partner=never)
        self.assertFalse(self._run_cron("2026-03-02 12:00:00"))
        self.company.collection_statement_frequency = "none"
        sent = self._run_cron("2026-04-02 12:00:00")
        self.assertEqual(sent.case_id.partner_id, self.customer)
        self.assertEqual(sent.date_from, datetime.date(2026, 1, 1))

    def test_insolvent_customer_gets_none(self):
        """Insolvency stops all that goes out by itself, statements too."""
        self.company.collection_statement_frequency = "monthly"
        self.moves = (self._invoice(100),)
        self.env["collection.hold"].create(
            {"case_id": self._case().id, "kind": "insolvency", "date_from": day(1)}
        )
        self.assertFalse(self._run_cron("2026-04-01 12:00:00"))

    def test_no_email(self):
        """Whoever cannot be reached is listed with the reason, and gets it once they can be."""
        self.company.collection_statement_frequency = "monthly"
        self.customer.email = False
        self._invoice(100)
        failed = self._run_cron("2026-04-01 12:00:00")
        self.assertEqual(failed.state, "failed")
        self.assertIn("has no e-mail address", failed.error)
        self.customer.email = "found@example.com"
        self.assertEqual(self._run_cron("2026-04-02 12:00:00"), failed)
        self.assertEqual((failed.state, failed.error), ("sent", False))
        with self.assertRaisesRegex(UserError, "have been sent"):
            failed.with_user(self.agent).action_retry()

    def test_one_bad_customer(self):
        """An error in one statement does not stop the others; nothing half-made is left of it."""
        self.company.collection_statement_frequency = "monthly"
        bad = self.env["res.partner"].create({"name": "Bad", "email": "bad@example.com"})
        self._invoice(100)
        self._invoice(5, partner=bad)
        Case = self.env.registry["collection.case"]
        render = Case._render_statement_pdf

        def fail(case, *args):
            if case.partner_id == bad:
                raise ValueError("Broken")
            return render(case, *args)

        with (
            patch.object(Case, "_render_statement_pdf", fail),
            mute_logger("odoo.addons.professional_billing.models.collection_statement"),
        ):
            found = self._run_cron("2026-04-01 12:00:00")
        states = {statement.case_id.partner_id.name: statement.state for statement in found}
        self.assertEqual(states, {"Late Payers Ltd": "sent", "Bad": "failed"})
        self.assertFalse(found.filtered(lambda one: one.state == "failed").mail_message_id)
        found.filtered(lambda one: one.state == "failed").with_user(self.agent).action_retry()
        self.assertEqual(set(found.mapped("state")), {"sent"})

    @mute_logger("odoo.sql_db")
    def test_never_twice(self):
        """The database refuses a second statement of the same period."""
        self.moves = (self._invoice(100),)
        values = {"case_id": self._case().id, "date_to": DUE, "scheduled": True}
        self.env["collection.statement"].sudo().create(values)
        with self.assertRaises(psycopg2.errors.UniqueViolation), self.env.cr.savepoint():
            self.env["collection.statement"].sudo().create(values)
            self.env.flush_all()

    def test_companies_are_apart(self):
        """The same customer gets a statement of each company, with its own figures."""
        other = self.setup_other_company()
        companies = self.company + other["company"]
        companies.collection_statement_frequency = "monthly"
        self._invoice(100)
        self._invoice(
            30, company_id=other["company"].id, journal_id=other["default_journal_sale"].id
        )
        found = self._run_cron("2026-04-01 12:00:00")
        self.assertEqual(
            {(one.company_id, one.total) for one in found},
            {(self.company, 100), (other["company"], 30)},
        )

    def test_quarter_ends(self):
        Statement = self.env["collection.statement"]
        to_date = fields.Date.to_date
        self.assertEqual(
            Statement._get_period("quarterly", to_date("2026-05-15")),
            (to_date("2026-01-01"), to_date("2026-03-31")),
        )
        self.assertEqual(
            Statement._get_period("quarterly", to_date("2026-01-01")),
            (to_date("2025-10-01"), to_date("2025-12-31")),
        )
        self.assertEqual(
            Statement._get_period("monthly", to_date("2028-03-01")),
            (to_date("2028-02-01"), to_date("2028-02-29")),
        )
