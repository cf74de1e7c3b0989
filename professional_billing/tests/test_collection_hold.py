import datetime

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionHold(CollectionCommon):
    """Disputes, promises, plans and pauses keep instalments out of follow-up, and end."""

    def _case(self, move):
        line = move._collection_instalments()[:1]
        return self.env["collection.case"].with_user(self.agent)._for_lines(line)[line]

    def _hold(self, move, kind, on=0, **values):
        hold = self.env["collection.hold"].with_user(self.agent)
        return hold.create(
            {
                "case_id": self._case(move).id,
                "kind": kind,
                "date_from": day(on),
                "reason": "As told on the phone",
                **values,
            }
        )

    def _reason(self, on, move=None):
        lines = self._propose(day(on)).line_ids
        return lines.filtered(lambda line: not move or line.move_id == move).mapped("skip_reason")

    # -- promises -------------------------------------------------------------------------------

    def _promise(self, move, on, until, amount=100, **values):
        return self._hold(
            move,
            "promise",
            on,
            promise_amount=amount,
            promise_date=day(until),
            tolerance_days=2,
            **values,
        )

    def test_promise_kept(self):
        """Paid a day before by the books, though known three days later: kept. Edge case 63."""
        move = self._invoice(100)
        hold = self._promise(move, 8, 20)
        self.assertEqual(self._reason(19), ["promise"])
        self._register_payment(move, payment_date=day(19))
        self._propose(day(23))
        self.assertEqual(hold.state, "kept")
        self.assertEqual(hold.paid_amount, 100)

    def test_promise_of_almost_all(self):
        """99.5 % with a tolerance of 1 % is kept. Edge case 64."""
        move = self._invoice(1000)
        hold = self._promise(move, 8, 20, amount=1000)
        self._register_payment(move, amount=995, payment_date=day(20))
        self._propose(day(23))
        self.assertEqual(hold.state, "kept")

    def test_promise_broken_resumes_at_the_next_step(self):
        """The gap counts from the day it was broken; the step is the next, not the first. Edge case 65."""
        move = self._invoice(100)
        self._send(day(7))
        hold = self._promise(move, 10, 18)
        self.assertEqual(self._reason(20), ["promise"], "there are two days of grace")
        self.assertEqual(self._reason(21), ["gap"])
        self.assertEqual(hold.state, "broken")
        self.assertEqual(hold.resume_date, day(20))
        self.assertEqual(self._reason(29), ["gap"])
        self.assertEqual(self._send(day(30)).line_ids.event_id.level_id, self.second)

    def test_promise_paid_in_part_is_broken(self):
        move = self._invoice(100)
        hold = self._promise(move, 8, 20)
        self._register_payment(move, amount=40, payment_date=day(15))
        self._propose(day(24))
        self.assertEqual((hold.state, hold.paid_amount), ("broken", 40))

    def test_promise_for_one_invoice(self):
        """The other invoice goes on. Edge case 61."""
        promised, other = self._invoice(100), self._invoice(50)
        self._promise(promised, 1, 20, move_ids=[Command.set(promised.ids)])
        run = self._send(day(7))
        self.assertEqual(run.line_ids.event_id.move_id, other)
        self.assertEqual(self._results(run)[0], (100, False, "promise"))
        self.assertNotIn(promised.name, run.line_ids.event_id.mail_message_id.body)

    def test_new_promise_replaces_the_old_one(self):
        move = self._invoice(100)
        first, second = self._promise(move, 1, 10), self._promise(move, 9, 20)
        self.assertEqual((first.state, second.state), ("replaced", "active"))
        self.assertEqual(self._reason(15), ["promise"])

    def test_fourth_promise_stops_nothing(self):
        """After three broken ones reminders go on. Edge case 66."""
        move = self._invoice(100)
        for start in (1, 11, 21):
            self._promise(move, start, start + 2)
            self._propose(day(start + 8))
        fourth = self._promise(move, 31, 60)
        self.assertFalse(fourth.pauses)
        self.assertEqual(self._send(day(35)).line_ids.event_id.level_id, self.first)

    def test_promise_waits_for_the_bank(self):
        """Broken is said when the bank is matched through that day, not before."""
        move = self._invoice(100)
        hold = self._promise(move, 1, 10)
        bank = self.company_data["default_journal_bank"]
        self.env["account.bank.statement.line"].create(
            {"journal_id": bank.id, "date": day(9), "amount": 7, "payment_ref": "?"}
        )
        self.assertEqual(self._reason(20), ["promise"])
        run = self._propose(day(20))
        self.assertIn("not matched", run.bank_warning)
        self.assertEqual(hold.state, "active")

    def test_promise_needs_an_amount(self):
        with self.assertRaisesRegex(UserError, "how much was promised"):
            self._hold(self._invoice(), "promise")

    # -- disputes -------------------------------------------------------------------------------

    def test_dispute_of_a_part(self):
        """20 % disputed: 80 % are asked for. Edge case 67."""
        move = self._invoice(100)
        self._hold(move, "dispute", move_ids=[Command.set(move.ids)], disputed_amount=20)
        run = self._send(day(7))
        self.assertEqual(run.line_ids.amount_residual, 80)
        self.assertEqual(run.line_ids.event_id.residual, 80)
        self.assertIn("80.00", run.line_ids.event_id.mail_message_id.body)
        self.assertNotIn("100.00", run.line_ids.event_id.mail_message_id.body)

    def test_dispute_of_a_line(self):
        move = self._invoice(100)
        line = move.invoice_line_ids[:1]
        hold = self._hold(
            move, "dispute", move_ids=[Command.set(move.ids)], invoice_line_id=line.id
        )
        self.assertEqual(hold.disputed_amount, 100)
        self.assertEqual(self._reason(7), ["dispute"])

    def test_dispute_rejected(self):
        """It needs an outcome; then the next level follows, with its gap. Edge case 69."""
        move = self._invoice(100)
        self._send(day(7))
        hold = self._hold(move, "dispute", 8, move_ids=[Command.set(move.ids)])
        self.assertEqual(self._reason(30), ["dispute"])
        with self.assertRaisesRegex(UserError, "how the dispute ended"):
            hold.action_close()
        hold.outcome = "rejected"
        hold._end("closed", day(30))
        self.assertEqual(self._reason(39), ["gap"])
        self.assertEqual(self._send(day(40)).line_ids.event_id.level_id, self.second)

    def test_dispute_accepted_by_credit_note(self):
        """A credit note over what was disputed closes it. Edge case 70."""
        move = self._invoice(100)
        hold = self._hold(move, "dispute", move_ids=[Command.set(move.ids)], disputed_amount=30)
        reversal = self._reverse_invoice(move, date=day(3))
        reversal.invoice_line_ids.price_unit = 30
        reversal.action_post()
        self._propose(day(7))
        self.assertEqual((hold.state, hold.outcome), ("closed", "accepted"))

    def test_dispute_takes_the_mail_back(self):
        """What waits in the queue is cancelled, and the level is open again. Edge case 68."""
        move = self._invoice(100, self.company._billing_today() - datetime.timedelta(days=8))
        run = self._send(self.company._billing_today())
        mail = self._mails(run)
        self.assertEqual(mail.state, "outgoing")
        hold = self._hold(move, "dispute", move_ids=[Command.set(move.ids)], outcome="rejected")
        hold.date_from = self.company._billing_today()
        self.assertEqual(mail.state, "cancel")
        self.assertEqual(run.letter_ids.event_ids.state, "failed")
        hold.action_close()

    def test_amount_belongs_to_one_invoice(self):
        move = self._invoice(100)
        with self.assertRaisesRegex(UserError, "belongs to one invoice"):
            self._hold(move, "dispute", disputed_amount=20)

    def test_button_on_the_invoice(self):
        move = self._invoice(100)
        action = move.with_user(self.agent).action_collection_dispute()
        self.assertEqual(action["context"]["default_move_ids"], move.ids)
        self.assertEqual(action["context"]["default_kind"], "dispute")

    # -- plans and others -----------------------------------------------------------------------

    def test_plan(self):
        """Kept: quiet. An instalment missed: default, and the follow-up resumes. Edge cases 71, 72."""
        move = self._invoice(100)
        hold = self._hold(
            move,
            "plan",
            tolerance_days=0,
            move_ids=[Command.set(move.ids)],
            plan_line_ids=[
                Command.create({"date": day(10), "amount": 50}),
                Command.create({"date": day(40), "amount": 50}),
            ],
        )
        self.assertEqual(self._reason(10), ["plan"])
        self._register_payment(move, amount=50, payment_date=day(10))
        self.assertEqual(self._reason(39), ["plan"])
        new = self._invoice(70, day(30))
        self.assertEqual(self._send(day(40)).line_ids.event_id.move_id, new)
        self._propose(day(41))
        self.assertEqual((hold.state, hold.resume_date), ("broken", day(41)))
        self.assertEqual(hold.paid_amount, 50)
        self.assertEqual(self._reason(47, move), ["gap"])
        self.assertEqual(self._reason(48, move), [False])

    def test_pause_ends_by_itself(self):
        move = self._invoice(100)
        hold = self._hold(move, "manual", date_until=day(9))
        self.assertEqual(self._reason(9), ["manual"])
        self._propose(day(10))
        self.assertEqual(hold.state, "closed")

    def test_insolvency_is_everywhere(self):
        """It stops what is owed in other currencies, too. Edge case 59."""
        euro = self.setup_other_currency("EUR")
        move = self._invoice(100)
        self._invoice(50, currency_id=euro.id)
        self._hold(move, "insolvency")
        self.assertEqual(self._reason(7), ["insolvency", "insolvency"])

    # -- rights ---------------------------------------------------------------------------------

    def test_rights(self):
        hold = self._hold(self._invoice(100), "manual")
        with self.assertRaises(AccessError):
            hold.with_user(self.consultant).read(["kind"])
        with self.assertRaises(UserError):
            hold.with_user(self.manager).unlink()
        with self.assertRaisesRegex(UserError, "close them instead"):
            hold.sudo().unlink()
