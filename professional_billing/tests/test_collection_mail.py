from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server, MailDeliveryException

from .test_collection_common import CollectionCommon, day

REPLY = """From: Late Payers <accounts@late.example.com>
To: {to}
Subject: Re: Reminder
Message-Id: <{number}@late.example.com>
In-Reply-To: {parent}
References: {parent}
{headers}Content-Type: text/plain; charset=utf-8

We will look into it.
"""

BOUNCE = """From: MAILER-DAEMON@late.example.com
To: {bounce}
Subject: Undelivered Mail Returned to Sender
Message-Id: <bounce@late.example.com>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

The mail could not be delivered.

--part
Content-Type: message/delivery-status

Reporting-MTA: dns; late.example.com

Final-Recipient: rfc822; accounts@late.example.com
Original-Recipient: rfc822;accounts@late.example.com
Action: failed
Status: 5.1.1

--part
Content-Type: text/rfc822-headers

From: us@example.com
To: accounts@late.example.com
Subject: Reminder
Message-Id: {parent}

--part--
"""


@tagged("post_install", "-at_install")
class TestCollectionMail(CollectionCommon):
    """What comes back after a reminder: replies, automatic answers, bounces, a server that refuses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        domain = cls.env["mail.alias.domain"].create({"name": "firm.example.com"})
        cls.company.alias_domain_id = domain
        cls.domain = domain

    def _send_first(self):
        self._invoice()
        run = self._send(day(7))
        return run, run.letter_ids.case_id

    def _receive(self, text):
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            self.env["mail.thread"].message_process(None, text)

    def _reply(self, message, number=1, headers=""):
        self._receive(
            REPLY.format(
                to=self.domain.catchall_email or "catchall@firm.example.com",
                parent=message.message_id,
                number=number,
                headers=headers,
            )
        )

    def test_reply_pauses(self):
        """Edge case 51."""
        run, case = self._send_first()
        case.user_id = self.agent
        self._reply(run.letter_ids.sudo().mail_message_id)
        self.assertIn("We will look into it", case.message_ids[0].body)
        hold = case.hold_ids
        self.assertEqual((hold.kind, hold.state), ("reply", "active"))
        self.assertIn("accounts@late.example.com", hold.reason)
        self.assertEqual(case.activity_ids.user_id, self.agent)
        self.assertEqual(case.todo, "reply")
        self._reply(run.letter_ids.sudo().mail_message_id, number=2)
        self.assertEqual(len(case.hold_ids), 1)

    def test_automatic_answer_does_not(self):
        """Edge case 50."""
        run, case = self._send_first()
        self._reply(run.letter_ids.sudo().mail_message_id, headers="Auto-Submitted: auto-replied\n")
        self.assertFalse(case.hold_ids)

    def test_bounce(self):
        """Odoo's gateway notes the bounce; the level is open again, the work list says so."""
        run, case = self._send_first()
        message = run.letter_ids.sudo().mail_message_id
        self._receive(BOUNCE.format(bounce=self.domain.bounce_email, parent=message.message_id))
        self.assertEqual(message.notification_ids.notification_status, "bounce")
        event = run.letter_ids.event_ids
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "failed")
        case._refresh_work()
        self.assertEqual(case.todo, "bounced")
        again = self._send(day(8)).line_ids.event_id
        self.assertEqual((again.level_id, again.attempt), (self.first, 2))

    def test_server_that_refuses(self):
        """The same event waits, and the same mail is sent again. Edge case 76."""
        run, _case = self._send_first()

        def refuse(*args, **kwargs):
            raise MailDeliveryException("Connection refused")

        with (
            patch.object(IrMail_Server, "_connect__", refuse),
            mute_logger("odoo.addons.mail.models.mail_mail"),
        ):
            self._mails(run).send()
        event = run.letter_ids.event_ids
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "stuck")
        self.assertEqual(self._propose(day(30)).line_ids.skip_reason, "stuck")
        run.letter_ids.with_user(self.agent).action_retry_mail()
        self.assertEqual(self._mails(run).state, "outgoing")
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "queued")
        self.assertEqual(self.env["collection.event"].search_count([]), 1)

    def test_paid_before_it_was_written(self):
        """The reminder is cancelled, its event withdrawn, the level open again."""
        paid = self._invoice(100)
        run = self._propose(day(7))
        run.action_approve()
        run.action_send()
        self._register_payment(paid)
        self._release(run)
        self.assertEqual(run.letter_ids.state, "cancelled")
        self.assertEqual(run.letter_ids.event_ids.state, "cancelled")
        self.assertFalse(self._mails(run))
        self.assertEqual(self._results(run), [(100, False, "paid")])

    def test_letter(self):
        """Printed, then posted; until then it is on the work list."""
        self.first.channel = "letter"
        self._invoice()
        run = self._send(day(7))
        letter = run.letter_ids.with_user(self.agent)
        self.assertEqual(letter.state, "to_print")
        letter.case_id._refresh_work()
        self.assertEqual(letter.case_id.todo, "letter")
        letter.action_print()
        letter.action_confirm_posted()
        self.assertEqual(
            (letter.state, letter.posted_date), ("done", self.company._billing_today())
        )
        self.assertIn("100.00", letter.body)
        self.assertFalse(self._mails(run))
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "professional_billing.report_collection_letter", letter.ids
        )
        self.assertIn(b"Late Payers Ltd", html)
