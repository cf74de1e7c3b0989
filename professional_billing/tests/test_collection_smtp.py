import email
import email.policy
import socket
from unittest.mock import patch

from aiosmtpd.controller import Controller

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .test_collection_common import CollectionCommon, day
from .test_collection_mail import BOUNCE


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
        """Two contacts, one address is dead: the other one has been reminded."""
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
