import base64
import email
import email.policy
import socket
from unittest.mock import patch

from aiosmtpd.controller import Controller

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .test_collection_common import CollectionCommon, day
from .test_collection_mail import BOUNCE, REPLY


class Mailbox:
    """What the server received: (sender, recipients, message) each; some addresses it refuses."""

    def __init__(self):
        self.received, self.refused = [], set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.received.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        return "250 OK"


@tagged("post_install", "-at_install")
class TestCollectionSmtp(CollectionCommon):
    """Reminders that a real mail server on this machine receives, and what it sends back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mailbox = Mailbox()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Controller(cls.mailbox, hostname="127.0.0.1", port=port)
        controller.start()
        cls.addClassCleanup(controller.stop)
        cls.domain = cls.env["mail.alias.domain"].create({"name": "firm.example.com"})
        cls.company.alias_domain_id = cls.domain
        cls.env["ir.mail_server"].sudo().search([]).active = False
        cls.env["ir.mail_server"].sudo().create(
            {
                "name": "Here",
                "smtp_host": "127.0.0.1",
                "smtp_port": port,
            }
        )

    def setUp(self):
        super().setUp()
        self.mailbox.received.clear()
        self.mailbox.refused.clear()
        # Odoo sends nothing in tests, and connects to nothing.
        self.startPatcher(patch.object(IrMail_Server, "_disable_send", return_value=False))

    def _send_first(self):
        self._invoice()
        run = self._send(day(7))
        self._mails(run).send()
        self.env.invalidate_all()
        return run

    def test_received(self):
        """From us to the customer, answers come to us, and it says that a machine wrote it."""
        run = self._send_first()
        [(sender, recipients, message)] = self.mailbox.received
        self.assertEqual(recipients, ["accounts@late.example.com"])
        self.assertEqual(sender, self.domain.bounce_email)
        self.assertIn(self.company.name, message["Subject"])
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        self.assertIn("firm.example.com", message["Reply-To"])
        text = message.get_body(("html",)).get_content()
        self.assertIn("100.00", text)
        self.assertIn("/my/balance/", text)
        self.assertEqual(run.letter_ids.event_ids.state, "sent")

    def test_bounce(self):
        """Odoo's gateway reads the bounce to the mail received; the level is open again."""
        run = self._send_first()
        [(sender, _recipients, message)] = self.mailbox.received
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            self.env["mail.thread"].message_process(
                None, BOUNCE.format(bounce=sender, parent=message["Message-Id"])
            )
        event = run.letter_ids.event_ids
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "failed")
        again = self._send(day(8))
        self.assertEqual(
            (again.line_ids.event_id.level_id, again.line_ids.event_id.attempt), (self.first, 2)
        )

    def test_refused(self):
        """The server refuses the address at once: nothing is lost, nothing is sent twice."""
        self.mailbox.refused.add("accounts@late.example.com")
        with mute_logger("odoo.addons.mail.models.mail_mail"):
            run = self._send_first()
        self.assertFalse(self.mailbox.received)
        self.assertEqual(run.letter_ids.event_ids.state, "stuck")
        self.mailbox.refused.clear()
        run.letter_ids.with_user(self.agent).action_retry_mail()
        self._mails(run).send()
        self.assertEqual(len(self.mailbox.received), 1)
        self._mails(run).send()
        self.assertEqual(len(self.mailbox.received), 1)

    def test_one_of_two_bounces(self):
        """Two contacts, one address is dead: the other one has been reminded. Edge case 48."""
        contacts = self.env["res.partner"].create(
            [
                {"name": name, "email": f"{name}@late.example.com", "parent_id": self.customer.id}
                for name in ("ann", "ben")
            ]
        )
        self._invoice()
        case = self.customer._get_collection_cases()
        case.contact_ids = contacts
        run = self._send(day(7))
        self._mails(run).send()
        self.assertEqual(
            sorted(recipients for _from, recipients, _text in self.mailbox.received),
            [["ann@late.example.com"], ["ben@late.example.com"]],
        )
        bounce = BOUNCE.replace("accounts@", "ben@")
        sender, _recipients, message = self.mailbox.received[0]
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            self.env["mail.thread"].message_process(
                None, bounce.format(bounce=sender, parent=message["Message-Id"])
            )
        event = run.letter_ids.event_ids
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "sent")

    def test_statement(self):
        """The statement arrives with its PDF, in a file that names the customer."""
        self._invoice()
        case = self.customer._get_collection_cases().with_user(self.agent)
        values = case._send_statement(day(7))
        message = self.env["mail.message"].sudo().browse(values["mail_message_id"])
        message.mail_ids.send()
        [(_sender, recipients, received)] = self.mailbox.received
        self.assertEqual(recipients, ["accounts@late.example.com"])
        [attached] = received.iter_attachments()
        self.assertIn("Late Payers Ltd", attached.get_filename())

    def test_invalid_address(self):
        """Odoo finds it wrong before it sends: the level is open again, on the work list too. Edge case 46."""
        self.customer.email = "accounts at late"
        run = self._send_first()
        self.assertFalse(self.mailbox.received)
        self.assertEqual(run.letter_ids.event_ids.state, "failed")
        case = run.letter_ids.case_id
        case._refresh_work()
        self.assertEqual(case.todo, "bounced")
        self.customer.email = "right@late.example.com"
        again = self._send(day(8)).line_ids.event_id
        self.assertEqual((again.level_id, again.attempt), (self.first, 2))

    def test_mail_from_the_address_does_not_undo_the_bounce(self):
        """Odoo forgets a bounce when the address writes to us; the log does not. Edge case 47."""
        run = self._send_first()
        [(sender, _recipients, message)] = self.mailbox.received
        incoming = (
            "From: accounts@late.example.com\nTo: catchall@firm.example.com\nSubject: Hello\n"
            f"Message-Id: <hello@late.example.com>\nIn-Reply-To: {message['Message-Id']}\n\nHello"
        )
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            for text in (BOUNCE.format(bounce=sender, parent=message["Message-Id"]), incoming):
                self.env["mail.thread"].message_process(None, text)
        self.assertFalse(self.customer.message_bounce)
        event = run.letter_ids.event_ids
        event.invalidate_recordset(["state"])
        self.assertEqual(event.state, "failed")

    def test_blacklisted(self):
        """Whoever does not want mail is left to a person: no mail, a to-do, the level is open. Edge case 49."""
        self.env["mail.blacklist"].sudo()._add("accounts@late.example.com")
        self._invoice()
        case = self.customer._get_collection_cases()
        case.user_id = self.agent
        run = self._send(day(7))
        self.assertFalse(run.letter_ids)
        self.assertEqual(run.line_ids.skip_reason, "no_email")
        self.assertEqual(case.activity_ids.user_id, self.agent)
        with self.assertRaisesRegex(UserError, "has no e-mail address"):
            case._send_statement(day(7))

    def test_contact_archived_meanwhile(self):
        """The contact is gone when the reminder is written: the customer's own address gets it. Edge case 53."""
        contact = self.env["res.partner"].create(
            {"name": "Gone", "email": "gone@late.example.com", "parent_id": self.customer.id}
        )
        self._invoice()
        self.customer._get_collection_cases().contact_ids = contact
        run = self._propose(day(7))
        run.action_approve()
        run.action_send()
        contact.active = False
        self._release(run)
        self._mails(run).send()
        [(_sender, recipients, _message)] = self.mailbox.received
        self.assertEqual(recipients, ["accounts@late.example.com"])

    def test_reply_from_another_address(self):
        """It is on the case, the reminders pause, and the hold says from whom it came. Edge case 52."""
        run = self._send_first()
        [(_sender, _recipients, message)] = self.mailbox.received
        text = REPLY.replace("accounts@", "somebody@").format(
            to="catchall@firm.example.com", parent=message["Message-Id"], number=1, headers=""
        )
        with mute_logger("odoo.addons.mail.models.mail_thread"):
            self.env["mail.thread"].message_process(None, text)
        hold = run.letter_ids.case_id.hold_ids
        self.assertEqual(hold.kind, "reply")
        self.assertIn("somebody@late.example.com", hold.reason)

    def test_many_invoices_are_not_attached(self):
        """Up to twenty files go with a reminder; with more, the links in the table must do."""
        self.first.attach_invoices = True
        for count in (20, 21):
            customer = self.customer.copy({"email": f"many{count}@late.example.com"})
            moves = self.env["account.move"]
            for _number in range(count):
                moves += self._invoice(10, partner=customer, post=False)
            moves.action_post()
            for move in moves:
                move.invoice_pdf_report_file = base64.b64encode(b"%PDF")
            moves.invalidate_recordset(["invoice_pdf_report_id"])
        run = self._send(day(7))
        counts = {mail.recipient_ids.email: len(mail.attachment_ids) for mail in self._mails(run)}
        self.assertEqual(counts, {"many20@late.example.com": 20, "many21@late.example.com": 0})
