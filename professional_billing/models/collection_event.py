from collections import Counter, defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..rules import followup
from ..rules.rounding import decimal

# Links to records that may go away. Everything else in an event stays as it was written.
FADING_LINKS = ("move_id", "move_line_id", "level_id", "mail_message_id", "run_id")

# The address is at fault, so another attempt at the same level makes sense.
ADDRESS_FAILURES = (
    "mail_bounce",
    "mail_email_invalid",
    "mail_email_missing",
    "mail_bl",
    "mail_optout",
)


class CollectionEvent(models.Model):
    """What was done to collect one receivable instalment, written once and never changed.

    Accounting recycles and deletes the journal items of an invoice that is corrected, so the
    event keeps its own picture of the instalment and of the level. `move_ref` and `level_ref` are
    the ids of the invoice and level; unlike the links they stay when those are deleted.
    """

    _name = "collection.event"
    _description = "Collection Event"
    _order = "date desc, id desc"
    _rec_name = "move_name"

    case_id = fields.Many2one(
        "collection.case", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="restrict")
    run_id = fields.Many2one(
        "collection.run", string="Follow-up run", readonly=True, ondelete="set null", index=True
    )
    date = fields.Date(required=True, readonly=True)
    user_id = fields.Many2one(
        "res.users", string="By", required=True, readonly=True, ondelete="restrict"
    )
    # -- the instalment, as it was
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Journal item",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Invoice record",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    move_ref = fields.Integer(string="Invoice ID", required=True, readonly=True, aggregator=None)
    move_name = fields.Char(string="Invoice", required=True, readonly=True)
    partner_name = fields.Char(string="Customer", required=True, readonly=True)
    due_date = fields.Date(string="Due date", required=True, readonly=True)
    amount = fields.Monetary(
        string="Instalment",
        required=True,
        readonly=True,
        help="Original amount of the instalment, in the invoice's currency.",
    )
    residual = fields.Monetary(
        string="Open then",
        required=True,
        readonly=True,
        help="What was open on the instalment when the event was written.",
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    # -- the level, as it was
    level_id = fields.Many2one(
        "collection.level",
        string="Level record",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    level_ref = fields.Integer(string="Level ID", required=True, readonly=True, aggregator=None)
    level_name = fields.Char(string="Level", required=True, readonly=True)
    level_sequence = fields.Integer(required=True, readonly=True, aggregator=None)
    cycle = fields.Integer(
        required=True,
        readonly=True,
        default=1,
        aggregator=None,
        help="Counts how often the follow-up of this instalment has started from the beginning.",
    )
    attempt = fields.Integer(
        required=True,
        readonly=True,
        default=1,
        aggregator=None,
        help="A level is tried again only when the reminder before reached nobody.",
    )
    channel = fields.Selection(
        selection=lambda self: self.env["collection.level"]._fields["channel"].selection,
        required=True,
        readonly=True,
    )
    recipient = fields.Char(readonly=True)
    mail_message_id = fields.Many2one(
        "mail.message",
        string="Message",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    state = fields.Selection(
        [
            ("queued", "In the mail queue"),
            ("sent", "Sent"),
            ("stuck", "Stuck in the mail queue"),
            ("failed", "Not delivered"),
            ("assigned", "With the collector"),
        ],
        string="Delivery",
        compute="_compute_state",
        help="Read from the mail system at this moment; it is not part of the log.",
    )

    # Carries invariant "nobody is sent the same level twice", whatever runs at the same time.
    # No customer in it: merging contacts deletes rows that would break a unique constraint.
    _once_per_level = models.UniqueIndex(
        "(move_ref, due_date, amount, currency_id, cycle, level_ref, attempt)",
        "This level has already been sent for this instalment.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    # No dependency on the notifications: each mail Odoo sends would pay for it.
    @api.depends("channel")
    def _compute_state(self):
        states = self._get_delivery_states()
        for event in self:
            event.state = states[event]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def init(self):
        """Make the database itself refuse to change or delete events.

        Links may be emptied, as foreign keys do when their target is deleted, and columns that
        hold nothing may be filled, as an upgrade does with a new column. Nothing else.
        """
        links = SQL("ARRAY[%s]::text[]", SQL(", ").join(SQL("%s", name) for name in FADING_LINKS))
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION collection_event_append_only() RETURNS trigger
                LANGUAGE plpgsql AS $$
                DECLARE
                    links CONSTANT text[] := %(links)s;
                    before jsonb;
                    after jsonb;
                BEGIN
                    IF TG_OP = 'UPDATE' THEN
                        before := jsonb_strip_nulls(to_jsonb(OLD));
                        after := jsonb_strip_nulls(to_jsonb(NEW));
                        IF after @> (before - links)
                            AND before @> (SELECT COALESCE(jsonb_object_agg(key, value), '{}')
                                             FROM jsonb_each(after) WHERE key = ANY(links))
                        THEN
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'The collection log is append-only.';
                END $$;
                DROP TRIGGER IF EXISTS collection_event_append_only ON collection_event;
                CREATE TRIGGER collection_event_append_only
                    BEFORE UPDATE OR DELETE ON collection_event
                    FOR EACH ROW EXECUTE FUNCTION collection_event_append_only();
                DROP TRIGGER IF EXISTS collection_event_no_truncate ON collection_event;
                CREATE TRIGGER collection_event_no_truncate
                    BEFORE TRUNCATE ON collection_event
                    FOR EACH STATEMENT EXECUTE FUNCTION collection_event_append_only();
                """,
                links=links,
            )
        )

    def write(self, vals):
        # OVERRIDE base: events are written once
        if self and vals:
            raise UserError(self._append_only_message())
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if self:
            raise UserError(self._append_only_message())

    def _append_only_message(self):
        return self.env._(
            "The collection log cannot be changed or deleted: it is the proof of what was sent. "
            "Write a note on the collection case instead."
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_open_invoice(self):
        self.ensure_one()
        if not self.move_id:
            raise UserError(
                self.env._(
                    "Invoice %(name)s has been deleted; this event is all that is left of it.",
                    name=self.move_name,
                )
            )
        return self.move_id._get_records_action()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_delivery_states(self):
        """Return the delivery state of each event, by event."""
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
        best_first = ("sent", "queued", "stuck", "failed")
        states = {}
        for event in self:
            found = statuses[event.sudo().mail_message_id.id]
            # Without notifications nothing speaks against the delivery: do not send again.
            state = next((state for state in best_first if state in found), "sent")
            states[event] = state if event.channel == "email" else "assigned"
        return states

    @api.model
    def _get_histories(self, lines):
        """Return (reminders, day of a reminder that matches no instalment) by journal item."""
        events = self.search_fetch(
            [("move_ref", "in", lines.move_id.ids)],
            [
                "move_ref",
                "due_date",
                "amount",
                "level_ref",
                "level_sequence",
                "level_name",
                "date",
                "channel",
                "mail_message_id",
            ],
            order="id",
        )
        states = events._get_delivery_states()
        reminders = defaultdict(list)
        for event in events:
            reminders[event.move_ref].append(event._to_reminder(states[event]))
        histories = {}
        for move, instalments in lines._collection_instalments().items():
            keys = [line._collection_key() for line in instalments]
            shares, left = followup.share_history(keys, reminders[move.id])
            last_contact = max((reminder.on for reminder in left), default=None)
            histories.update(
                (line, (share, last_contact))
                for line, share in zip(instalments, shares, strict=True)
            )
        return histories

    @api.model
    def _count_attempts(self, lines):
        """Return how often each level was tried, by (invoice id, due date, amount, level id)."""
        tried = Counter()
        for event in self.search([("move_ref", "in", lines.move_id.ids)]):
            amount = decimal(event.currency_id.round(event.amount))
            tried[event.move_ref, event.due_date, amount, event.level_ref] += 1
        return tried

    def _to_reminder(self, state):
        rule_states = {"failed": followup.FAILED, "stuck": followup.STUCK}
        return followup.Reminder(
            level_id=self.level_ref,
            sequence=self.level_sequence,
            name=self.level_name,
            on=self.date,
            state=rule_states.get(state, followup.SENT),
            due_date=self.due_date,
            amount=decimal(self.currency_id.round(self.amount)),
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
