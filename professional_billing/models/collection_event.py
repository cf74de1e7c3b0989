from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..rules import followup
from ..rules.rounding import decimal
from .field_unchecked import Many2oneUnchecked


class CollectionEvent(models.Model):
    """What was done to collect one receivable instalment, written once and never changed.

    Accounting recycles and deletes the journal items of an invoice that is corrected, so the event
    has no link to them: it keeps its own picture of the instalment and of the level. `move_ref` and
    `level_ref` are the ids of the invoice and level, which stay when those are deleted.
    """

    _name = "collection.event"
    _description = "Collection Event"
    _inherit = ["collection.log", "collection.bulk"]
    _order = "date desc, id desc"
    _rec_name = "move_name"
    _log_links = ("run_line_id",)
    # Who wrote it and when is said by the reminder, once for all that it carries.
    _log_access = False

    # Letters, and the lines of a run that was sent, cannot be deleted.
    letter_id = Many2oneUnchecked(
        "collection.letter", string="Reminder", required=True, readonly=True, index=True
    )
    run_line_id = Many2oneUnchecked("collection.run.line", readonly=True, index="btree_not_null")
    case_id = fields.Many2one(related="letter_id.case_id", string="Case")
    company_id = fields.Many2one(related="letter_id.company_id")
    run_id = fields.Many2one(related="letter_id.run_id", string="Follow-up run")
    user_id = fields.Many2one(related="letter_id.create_uid", string="By")
    recipient = fields.Char(related="letter_id.recipient")
    mail_message_id = fields.Many2one(related="letter_id.mail_message_id")
    date = fields.Date(required=True, readonly=True)
    # -- the instalment, as it was
    move_ref = fields.Integer(string="Invoice ID", required=True, readonly=True, aggregator=None)
    move_id = fields.Many2one("account.move", string="Invoice record", compute="_compute_move_id")
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
        string="Asked then",
        required=True,
        readonly=True,
        help="What was open on the instalment and not in dispute when the event was written.",
    )
    currency_id = fields.Many2one(related="letter_id.case_id.currency_id")
    # -- the level, as it was
    level_ref = fields.Integer(string="Level ID", required=True, readonly=True, aggregator=None)
    level_id = fields.Many2one(
        "collection.level", string="Level record", compute="_compute_level_id"
    )
    level_name = fields.Char(string="Level", required=True, readonly=True)
    level_sequence = fields.Integer(required=True, readonly=True, aggregator=None)
    fee_amount = fields.Monetary(
        string="Fee claimed", readonly=True, currency_field="company_currency_id"
    )
    company_currency_id = fields.Many2one(
        related="letter_id.company_id.currency_id", string="Company currency"
    )
    charge_interest = fields.Boolean(string="Interest claimed", readonly=True)
    manual = fields.Boolean(
        string="Before its time",
        readonly=True,
        help="A collector chose to remind earlier than due.",
    )
    cycle = fields.Integer(
        required=True,
        readonly=True,
        aggregator=None,
        help="Counts how often the follow-up of this instalment has started from the beginning.",
    )
    attempt = fields.Integer(
        required=True,
        readonly=True,
        aggregator=None,
        help="A level is tried again only when the reminder before reached nobody.",
    )
    channel = fields.Selection(
        selection=lambda self: self.env["collection.level"]._fields["channel"].selection,
        required=True,
        readonly=True,
    )
    withdrawal_ids = fields.One2many("collection.withdrawal", "event_id")
    state = fields.Selection(
        [
            ("queued", "Waiting to be sent"),
            ("sent", "Sent"),
            ("stuck", "Stuck in the mail queue"),
            ("failed", "Not delivered"),
            ("assigned", "With the collector"),
            ("cancelled", "Withdrawn before it was sent"),
        ],
        string="Delivery",
        compute="_compute_state",
        help="Read from the mail system at this moment; it is not part of the log.",
    )

    # Carries invariant "nobody is sent the same level twice", whatever runs at the same time.
    # No customer in it: merging contacts deletes rows that would break a unique constraint.
    _once_per_level = models.UniqueIndex(
        "(move_ref, due_date, amount, cycle, level_ref, attempt)",
        "This level has already been sent for this instalment.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("move_ref")
    def _compute_move_id(self):
        for event in self:
            event.move_id = self.env["account.move"].browse(event.move_ref).exists()

    @api.depends("level_ref")
    def _compute_level_id(self):
        for event in self:
            event.level_id = self.env["collection.level"].browse(event.level_ref).exists()

    # No dependency on the notifications: each mail Odoo sends would pay for it.
    @api.depends("letter_id.state", "withdrawal_ids")
    def _compute_state(self):
        withdrawn = self.withdrawal_ids.event_id
        states = self.letter_id._get_delivery_states()
        for event in self:
            event.state = "cancelled" if event in withdrawn else states[event.letter_id]

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

    @api.model
    def _insert_events(self, run):
        """Write what a run reminds of, one row for each instalment."""
        lang = self.env.lang or "en_US"
        self._insert_select(
            {
                "letter_id": SQL("letter.id"),
                "run_line_id": SQL("line.id"),
                "date": SQL("letter.date"),
                "move_ref": SQL("item.move_id"),
                "move_name": SQL("move.name"),
                "partner_name": SQL("customer.complete_name"),
                "due_date": SQL("line.due_date"),
                "amount": SQL("item.amount_currency"),
                "residual": SQL("line.amount_residual"),
                "level_ref": SQL("level.id"),
                "level_name": SQL("COALESCE(level.name ->> %s, level.name ->> 'en_US')", lang),
                "level_sequence": SQL("level.sequence"),
                # It costs nothing to be late with late charges.
                "fee_amount": SQL(
                    "CASE WHEN move.is_late_charge IS NOT TRUE THEN level.fee_amount END"
                ),
                "charge_interest": SQL("level.charge_interest AND move.is_late_charge IS NOT TRUE"),
                "manual": SQL("line.manual"),
                "cycle": SQL("1"),
                "attempt": SQL("1 + COALESCE(tried.count, 0)"),
                "channel": SQL("letter.channel"),
            },
            SQL(
                """
                collection_run_line line
                JOIN collection_letter letter
                  ON letter.run_id = line.run_id AND letter.case_id = line.case_id
                 AND letter.early = (line.due_date >= letter.date)
                JOIN account_move_line item ON item.id = line.move_line_id
                JOIN account_move move ON move.id = item.move_id
                JOIN collection_case kase ON kase.id = line.case_id
                JOIN res_partner customer ON customer.id = kase.partner_id
                JOIN collection_level level ON level.id = line.level_id
           LEFT JOIN (SELECT move_ref, due_date, amount, level_ref, count(*) AS count
                        FROM collection_event
                    GROUP BY move_ref, due_date, amount, level_ref) tried
                  ON tried.move_ref = item.move_id AND tried.due_date = line.due_date
                 AND tried.amount = item.amount_currency AND tried.level_ref = level.id
               WHERE line.run_id = %s AND line.include AND line.skip_reason IS NULL
                """,
                run.id,
            ),
        )

    def _withdraw(self, reason):
        """Say that these were never sent, so that their level is open again."""
        self.env["collection.withdrawal"].sudo().create(
            [{"event_id": event.id, "reason": reason} for event in self]
        )

    @api.model
    def _share_odd_histories(self, company):
        """Say to which instalment an event belongs where the pair of due date and amount does not.

        That happens where an invoice was corrected after a reminder; for all others the database
        finds the instalment by itself.

        :return: (ids of such invoices, [(event id, journal item id or None)])
        """
        move_ids = self._find_odd_moves(company)
        events = self.search([("move_ref", "in", move_ids)], order="id").grouped("move_ref")
        pairs = []
        for move in self.env["account.move"].browse(move_ids):
            instalments = move._collection_instalments()
            reminders = {event._to_reminder(): event for event in events[move.id]}
            keys = [line._collection_key() for line in instalments]
            shares, left = followup.share_history(keys, list(reminders))
            for line, share in zip(instalments, shares, strict=True):
                pairs += [(reminders[reminder].id, line.id) for reminder in share]
            pairs += [(reminders[reminder].id, None) for reminder in left]
        return move_ids, pairs

    @api.model
    def _find_odd_moves(self, company):
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT told.move_ref
                  FROM (SELECT event.move_ref, event.due_date, event.amount
                          FROM collection_event event
                          JOIN account_move_line line ON line.move_id = event.move_ref
                         WHERE line.company_id = %(company)s AND line.reconciled IS NOT TRUE
                           AND line.display_type = 'payment_term'
                      GROUP BY event.move_ref, event.due_date, event.amount) told
             LEFT JOIN account_move_line line
                    ON line.move_id = told.move_ref AND line.display_type = 'payment_term'
                   AND line.amount_currency = told.amount
                   AND COALESCE(line.date_maturity, line.date) = told.due_date
              GROUP BY told.move_ref, told.due_date, told.amount
                HAVING count(line.id) <> 1
                """,
                company=company.id,
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _get_last_by_line(self, lines):
        """Return the last event that reached somebody of each instalment that has one."""
        by_move = defaultdict(self.browse)
        for event in self.search(Domain("move_ref", "in", lines.move_id.ids), order="id"):
            if event.state not in ("failed", "cancelled"):
                by_move[event.move_ref] |= event
        found = {}
        for move in lines.move_id.filtered(lambda move: move.id in by_move):
            instalments = move._collection_instalments()
            reminders = {event._to_reminder(): event for event in by_move[move.id]}
            keys = [line._collection_key() for line in instalments]
            shares, _left = followup.share_history(keys, list(reminders))
            found.update(
                (line, reminders[max(share, key=lambda reminder: reminder.on)])
                for line, share in zip(instalments, shares, strict=True)
                if share
            )
        return found

    def _to_reminder(self):
        """Return the event in the words of the rules, on its way whatever became of it."""
        return followup.Reminder(
            level_id=self.level_ref,
            sequence=self.level_sequence,
            name=f"{self.id}",
            on=self.date,
            due_date=self.due_date,
            amount=decimal(self.currency_id.round(self.amount)),
        )
