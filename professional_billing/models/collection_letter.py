import logging
from collections import defaultdict

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .collection_run_line import TOLD_ALONG
from .field_unchecked import Many2oneUnchecked

_logger = logging.getLogger(__name__)

# How many reminders are written in one transaction.
CHUNK = 100

# The address is at fault, so another attempt at the same level makes sense.
ADDRESS_FAILURES = (
    "mail_bounce",
    "mail_email_invalid",
    "mail_email_missing",
    "mail_bl",
    "mail_optout",
)


class CollectionLetter(models.Model):
    """One reminder to one customer: an e-mail, a letter, a call to make or a to-do.

    A follow-up run writes them by the thousand with the events they carry; each is written and
    handed to the mail queue afterwards, when what it asks for is looked at once more.
    """

    _name = "collection.letter"
    _description = "Reminder"
    _inherit = ["collection.log", "collection.bulk"]
    _order = "date desc, id desc"
    _rec_name = "level_name"
    _log_links = ("run_id",)
    _log_progress = (
        "state",
        "error",
        "mail_message_id",
        "posted_date",
        "send_after",
        "write_uid",
        "write_date",
    )

    run_id = fields.Many2one(
        "collection.run", string="Follow-up run", readonly=True, ondelete="set null", index=True
    )
    case_id = fields.Many2one(
        "collection.case",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    # The case has the key that keeps a company with letters from being deleted.
    company_id = Many2oneUnchecked("res.company", required=True, readonly=True, index=True)
    date = fields.Date(required=True, readonly=True)
    early = fields.Boolean(
        string="Before the due date",
        readonly=True,
        help="What is not late yet is never written about together with what is.",
    )
    level_ref = fields.Integer(string="Level ID", required=True, readonly=True, aggregator=None)
    level_name = fields.Char(string="Level", required=True, readonly=True)
    channel = fields.Selection(
        selection=lambda self: self.env["collection.level"]._fields["channel"].selection,
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("queued", "Waiting"),
            ("to_print", "To print"),
            ("printed", "Printed"),
            ("done", "Done"),
            ("cancelled", "Nothing left to ask for"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        index=True,
    )
    error = fields.Char(string="What went wrong", readonly=True)
    recipient = fields.Char(readonly=True)
    subject = fields.Char(readonly=True)
    body = fields.Html(string="Text", readonly=True, sanitize=False)
    mail_message_id = fields.Many2one(
        "mail.message",
        string="Message",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    posted_date = fields.Date(string="Posted on", readonly=True)
    event_ids = fields.One2many("collection.event", "letter_id", string="Instalments")

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_print(self):
        """Print the letters; whether they were posted is said separately."""
        letters = self.filtered(lambda letter: letter.state in ("to_print", "printed", "done"))
        letters = letters.filtered(lambda letter: letter.channel == "letter")
        if not letters:
            raise UserError(self.env._("There is no letter to print among these reminders."))
        letters.filtered(lambda letter: letter.state == "to_print").sudo().state = "printed"
        return self.env.ref("professional_billing.action_report_collection_letter").report_action(
            letters
        )

    def action_confirm_posted(self):
        """Note that printed letters went to the post today."""
        for company, letters in self.grouped("company_id").items():
            printed = letters.filtered(lambda letter: letter.state == "printed")
            if printed != letters:
                raise UserError(
                    self.env._("Print the letters first; only printed ones can be posted.")
                )
            printed.sudo().write({"state": "done", "posted_date": company._billing_today()})

    def action_retry_mail(self):
        """Put mails that the mail server refused into the queue again: the same ones."""
        mails = (
            self.env["mail.mail"]
            .sudo()
            .search(
                [
                    ("mail_message_id", "in", self.sudo().mail_message_id.ids),
                    ("state", "=", "exception"),
                ]
            )
        )
        if not mails:
            raise UserError(self.env._("No mail of these reminders is stuck in the mail queue."))
        mails.notification_ids.filtered(
            lambda notification: notification.notification_status == "exception"
        ).write({"notification_status": "ready", "failure_type": False, "failure_reason": False})
        mails.mark_outgoing()
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_release(self):
        """Write the reminders that wait, a hundred in each transaction."""
        waiting = Domain("state", "=", "queued") & (
            Domain("send_after", "=", False) | Domain("send_after", "<=", fields.Datetime.now())
        )
        self.env["ir.cron"]._commit_progress(remaining=self.search_count(waiting))
        while letters := self.search(waiting, limit=CHUNK, order="id"):
            letters = letters.try_lock_for_update(allow_referencing=True)
            if not letters:
                return
            letters._release()
            # The queue is emptied hourly; a reminder should leave now.
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
            if not self.env["ir.cron"]._commit_progress(len(letters)):
                return

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _insert_letters(self, run):
        """Write the reminders of a run, one for each customer and currency."""
        self._insert_select(
            {
                "run_id": SQL("%s", run.id),
                "case_id": SQL("message.case_id"),
                "company_id": SQL("%s", run.company_id.id),
                "date": SQL("%s::date", run.date),
                "early": SQL("message.early"),
                "level_ref": SQL("message.level_id"),
                "level_name": _translated(self.env, SQL("message.name")),
                "channel": SQL("message.channel"),
                "state": SQL("'queued'"),
            },
            self.env["collection.run.line"]._get_messages(run),
        )

    def _get_delivery_states(self):
        """Return how far each reminder came, in the words of `collection.event.state`."""
        statuses = defaultdict(set)
        for notification in (
            self.env["mail.notification"]
            .sudo()
            .search_fetch(
                [
                    ("mail_message_id", "in", self.sudo().mail_message_id.ids),
                    ("notification_type", "=", "email"),
                ],
                ["mail_message_id", "notification_status", "failure_type"],
            )
        ):
            statuses[notification.mail_message_id.id].add(_delivery(notification))
        return {letter: letter._get_delivery_state(statuses) for letter in self}

    def _get_delivery_state(self, statuses):
        own = {
            "queued": "queued",
            "to_print": "queued",
            "printed": "queued",
            "cancelled": "cancelled",
            "failed": "failed",
        }
        if self.state in own:
            return own[self.state]
        if self.channel not in ("email", "letter"):
            return "assigned"
        found = statuses[self.sudo().mail_message_id.id]
        best_first = ("sent", "queued", "stuck", "failed")
        # Without notifications nothing speaks against the delivery: do not send again.
        return next((state for state in best_first if state in found), "sent")

    def _cancel_mails(self):
        """Take back the mails that wait in the queue; their level is open again."""
        mails = (
            self.env["mail.mail"]
            .sudo()
            .search(
                [
                    ("mail_message_id", "in", self.sudo().mail_message_id.ids),
                    ("state", "=", "outgoing"),
                ]
            )
        )
        mails.notification_ids.notification_status = "canceled"
        mails.cancel()

    def _release(self):
        """Write each of these reminders, if it still has something to ask for."""
        for (company, on), letters in self.grouped(
            lambda letter: (letter.company_id, letter.date)
        ).items():
            lines = letters.case_id._get_instalments()
            moves = self.env["account.move.line"].union(*lines.values()).move_id
            moves._collection_ensure_links()
            decisions = self.env["collection.decision"]._decide(moves._collection_instalments(), on)
            reminded = self.env["collection.event"]._get_last_by_line(
                moves._collection_instalments()
            )
            for letter in letters:
                own = {line: decisions[line] for line in lines[letter.case_id]}
                letter._release_one(own, reminded)
            company.env.flush_all()

    def _release_one(self, decisions, reminded):
        """Write one reminder; what goes wrong stays with it."""
        try:
            with self.env.cr.savepoint():
                self._write_now(decisions, reminded)
        except OperationalError:
            # The database asks to start over (deadlock, serialization): Odoo does that.
            raise
        except UserError as error:
            self._fail(str(error))
        except Exception:  # one customer must not stop the others
            _logger.exception("%s failed", self)
            self._fail(
                self.env._("Unexpected error; your administrator finds it in the server's log.")
            )

    def _fail(self, error):
        self.write({"state": "failed", "error": error})
        self.event_ids.run_line_id._skip("error", error)

    def _write_now(self, decisions, reminded):
        own = {line: event for line, event in reminded.items() if event.letter_id == self}
        asked = [
            line
            for line in own
            if decisions.get(line) and _is_open(decisions[line]) and not self._is_too_late(line)
        ]
        gone = self.event_ids - self.env["collection.event"].union(*(own[line] for line in asked))
        for event in gone:
            line = next((line for line, found in own.items() if found == event), None)
            reason = (decisions[line].reason or "changed") if line in decisions else "paid"
            event._withdraw(reason)
            event.run_line_id._skip(reason)
        if asked and self._is_covered(decisions, asked):
            (self.event_ids - gone)._withdraw("credit_covers")
            (self.event_ids - gone).run_line_id._skip("credit_covers")
            asked = []
        if not asked:
            self.state = "cancelled"
            return
        told = [
            line
            for line, decision in decisions.items()
            if line in asked or (not self.early and decision.reason in TOLD_ALONG)
        ]
        lines = self.env["account.move.line"].union(*told)
        self._perform(lines, {line.id: decisions[line].asked for line in lines})

    def _is_too_late(self, line):
        """Tell whether this speaks of what is due soon, and waited until it was late."""
        today = self.company_id._billing_today()
        return self.early and self.send_after and line._collection_late_on(today)

    def _is_covered(self, decisions, asked):
        overdue, credit = decisions[asked[0]].overdue, decisions[asked[0]].credit
        early = sum(decisions[line].asked for line in asked) if self.early else 0
        return credit and credit >= overdue + early

    def _perform(self, lines, amounts):
        # In the name of whoever sent the run.
        letter = self.with_user(self.create_uid).with_context(
            collection_amounts=amounts,
            collection_date=self.date,
            collection_early=self.early,
            allowed_company_ids=self.company_id.ids,
        )
        level = letter.env["collection.level"].browse(self.level_ref).exists()
        case = letter.case_id
        if not level:
            raise UserError(
                self.env._(
                    "The level “%(level)s” was deleted before its reminder was written.",
                    level=self.level_name,
                )
            )
        if self.channel in ("email", "letter"):
            self._write_text(case, level, lines)
        else:
            case._assign_level(level, lines)
            self.state = "done"
        if level.add_activity and self.channel in ("email", "letter"):
            case._assign_level(level, lines)
        if level.credit_hold:
            case.sudo().credit_hold = True

    def _write_text(self, case, level, lines):
        recipients = case._get_recipients()
        if self.channel == "email" and not recipients:
            raise UserError(self.env._("The customer has no e-mail address any more."))
        subject, body = case._render_text(level.mail_template_id, recipients)
        # What was said to whom is part of the log, whatever becomes of the message.
        values = {"subject": subject, "body": body}
        if self.channel == "letter":
            self._fill({**values, "recipient": case.partner_id.contact_address})
            self.state = "to_print"
            return
        message = case._post_reminder(subject, body, recipients, level, lines)
        self._fill(
            {
                **values,
                "recipient": ", ".join(recipients.mapped("email_formatted")),
            }
        )
        self.write({"state": "done", "mail_message_id": message.id})


def _translated(env, column):
    return SQL("COALESCE(%s ->> %s, %s ->> 'en_US')", column, env.lang or "en_US", column)


def _is_open(decision):
    """Tell whether a reminder may still speak of an instalment it was made for."""
    return decision.level_id is not None or decision.reason in (
        *TOLD_ALONG,
        "below_minimum",
        "credit_covers",
        "no_policy",
        "not_overdue",
    )


def _delivery(notification):
    """Return the state of one mail.notification in the words of the log."""
    if notification.notification_status in ("ready", "process"):
        return "queued"
    if notification.notification_status in ("sent", "pending"):
        return "sent"
    if notification.notification_status == "exception":
        return "failed" if notification.failure_type in ADDRESS_FAILURES else "stuck"
    return "failed"
