from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from .field_unchecked import Many2oneUnchecked

# An overdue instalment is named in a message that goes out anyway, though no level of its own is
# due, when the reason is only that it has been or will be reminded separately.
TOLD_ALONG = ("not_yet", "gap", "all_sent", "stuck")

# A collector may remind all the same.
EARLIER = ("not_yet", "gap")

# Reasons found when sending; before that they say how the proposal saw it.
SKIP_REASONS = [
    ("not_yet", "Next level not due yet"),
    ("gap", "Too soon after the last reminder"),
    ("below_minimum", "Less is overdue than the level asks for"),
    ("credit_covers", "Unallocated payments or credit notes cover it"),
    ("no_followup", "Excluded from follow-up on the invoice"),
    ("blocked", "The invoice is blocked"),
    ("in_payment", "A payment is in process"),
    ("payment_pending", "An online payment is pending"),
    ("dispute", "The customer disputes it"),
    ("promise", "The customer promised to pay"),
    ("plan", "A payment plan is kept"),
    ("manual", "On hold"),
    ("reply", "The customer has replied"),
    ("legal", "Handed over to a lawyer or agency"),
    ("insolvency", "The customer is insolvent"),
    ("discount", "The early-payment discount was taken a little late"),
    ("all_sent", "All levels have been sent"),
    ("no_policy", "No follow-up policy with levels applies"),
    ("stuck", "The last reminder is stuck in the mail queue"),
    ("not_overdue", "Not overdue"),
    ("not_posted", "The invoice is not posted any more"),
    ("paid", "Paid"),
    ("deleted", "The instalment does not exist any more"),
    ("changed", "Another level is due than was proposed"),
    ("dropped", "Dropped by the collector"),
    ("locked", "Someone is working on the invoice"),
    ("no_email", "The customer has no e-mail address"),
    ("error", "Not sent because of an error"),
]


class CollectionRunLine(models.Model):
    """One instalment in a follow-up run: the level proposed, or why there is none."""

    _name = "collection.run.line"
    _description = "Follow-up Run Line"
    _inherit = ["collection.bulk"]
    _order = "run_id, id"
    # Who made the proposal is said by the run.
    _log_access = False

    # Runs delete their lines themselves.
    run_id = Many2oneUnchecked("collection.run", required=True, readonly=True, index=True)
    company_id = fields.Many2one(related="run_id.company_id")
    state = fields.Selection(related="run_id.state", string="Run state")
    # Nobody may delete cases.
    case_id = Many2oneUnchecked("collection.case", string="Customer", required=True, readonly=True)
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Journal item",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    move_id = fields.Many2one(related="move_line_id.move_id", string="Invoice")
    due_date = fields.Date(string="Due date", required=True, readonly=True)
    days_late = fields.Integer(string="Days late", compute="_compute_days_late", aggregator=None)
    currency_id = fields.Many2one(related="case_id.currency_id")
    amount_residual = fields.Monetary(
        string="Open", readonly=True, help="What is open and not in dispute."
    )
    amount_company = fields.Monetary(
        string="Open in company currency", readonly=True, currency_field="company_currency_id"
    )
    company_currency_id = fields.Many2one(related="run_id.currency_id", string="Company currency")
    # Levels empty these two when they are deleted.
    level_id = Many2oneUnchecked("collection.level", readonly=True)
    include = fields.Boolean(help="Take the tick away to leave this instalment out of the run.")
    manual = fields.Boolean(string="Sent before its time", readonly=True)
    skip_reason = fields.Selection(SKIP_REASONS, string="Left out because", readonly=True)
    skip_date = fields.Date(readonly=True)
    next_level_id = Many2oneUnchecked("collection.level", readonly=True)
    error = fields.Char(readonly=True)
    skip_note = fields.Char(string="Details", compute="_compute_skip_note")
    event_ids = fields.One2many("collection.event", "run_line_id", string="All events")
    event_id = fields.Many2one("collection.event", compute="_compute_event_id")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("due_date", "run_id.date")
    def _compute_days_late(self):
        for line in self:
            late = line.run_id.date and line.due_date and (line.run_id.date - line.due_date).days
            line.days_late = max(late or 0, 0)

    @api.depends("case_id", "move_line_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.move_id.name or line.case_id.display_name

    @api.depends("event_ids.withdrawal_ids", "event_ids.letter_id.state")
    def _compute_event_id(self):
        for line in self:
            line.event_id = line.event_ids.filtered(
                lambda event: not event.withdrawal_ids and event.letter_id.state != "failed"
            )[:1]

    @api.depends("error", "skip_reason", "skip_date", "next_level_id")
    def _compute_skip_note(self):
        for line in self:
            line.skip_note = line.error or line._describe_date()

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        # EXTENDS base: the collector's choice ends with the approval
        if "include" in vals:
            for line in self:
                line._check_choice(vals["include"])
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        self.run_id._unlink_except_done()

    def _check_choice(self, include):
        if self.run_id.state != "proposed":
            raise UserError(
                self.env._(
                    "%(run)s is approved. Reopen it to change what it includes.",
                    run=self.run_id.display_name,
                )
            )
        if include and not self.level_id:
            raise UserError(
                self.env._(
                    "%(line)s cannot be included: no level is due for it (%(reason)s).",
                    line=self.display_name,
                    reason=self._get_skip_sentence(),
                )
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_remind_now(self):
        """Include an instalment with its next level, though that is not due yet.

        :raise UserError: when there is another reason not to remind
        """
        for line in self:
            if line.run_id.state != "proposed" or line.skip_reason not in EARLIER:
                raise UserError(
                    self.env._(
                        "%(line)s cannot be reminded now. That is for instalments of a proposal "
                        "whose next level is only not due yet.",
                        line=line.display_name,
                    )
                )
            line.write(
                {
                    "level_id": line.next_level_id.id,
                    "manual": True,
                    "skip_reason": False,
                    "skip_date": False,
                    "next_level_id": False,
                }
            )
            line.include = True

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_skip_sentence(self):
        reasons = dict(self._fields["skip_reason"]._description_selection(self.env))
        return reasons.get(self.skip_reason, "")

    def _describe_date(self):
        if not self.skip_date or not self.skip_reason:
            return False
        day = format_date(self.env, self.skip_date)
        if self.next_level_id:
            return self.env._("%(level)s from %(date)s", level=self.next_level_id.name, date=day)
        return self.env._("until %(date)s", date=day)

    def _skip(self, reason, error=False):
        self.write({"skip_reason": reason, "error": error})

    # -- many at once

    @api.model
    def _insert_decisions(self, run):
        """Write the proposal of a run that has no lines yet."""
        self._insert_select(
            {
                "run_id": SQL("%s", run.id),
                "case_id": SQL("kase.id"),
                "move_line_id": SQL("decision.line_id"),
                "due_date": SQL("decision.due_date"),
                "amount_residual": SQL("decision.asked"),
                "amount_company": SQL("decision.asked_company"),
                "level_id": SQL("decision.level_id"),
                "include": SQL("decision.level_id IS NOT NULL"),
                "skip_reason": SQL("NULLIF(decision.reason, 'due')"),
                "skip_date": SQL("CASE WHEN decision.level_id IS NULL THEN decision.date END"),
                "next_level_id": SQL(
                    "CASE WHEN decision.level_id IS NULL THEN decision.upcoming_id END"
                ),
            },
            SQL(
                """
                (%(decisions)s
                  SELECT * FROM decision
                   WHERE decision.due_date < %(on)s OR decision.level_id IS NOT NULL
                ) decision
                JOIN collection_case kase
                  ON kase.company_id = %(company)s AND kase.active
                 AND kase.partner_id = decision.partner_id
                 AND kase.currency_id = decision.currency_id
            ORDER BY kase.id, decision.due_date, decision.line_id
                """,
                decisions=self.env["collection.decision"]._with_decisions(run.company_id, run.date),
                on=run.date,
                company=run.company_id.id,
            ),
        )

    @api.model
    def _lock_items(self, run):
        """Keep accounting from changing the included instalments; skip what it is changing."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH locked AS MATERIALIZED (
                    SELECT item.id
                      FROM account_move_line item
                     WHERE item.id IN (SELECT move_line_id FROM collection_run_line
                                        WHERE run_id = %(run)s AND include)
                       FOR NO KEY UPDATE SKIP LOCKED
                )
                UPDATE collection_run_line line
                   SET skip_reason = CASE WHEN line.move_line_id IS NULL THEN 'deleted'
                                          ELSE 'locked' END
                 WHERE line.run_id = %(run)s AND line.include
                   AND NOT EXISTS (SELECT FROM locked WHERE locked.id = line.move_line_id)
                """,
                run=run.id,
            )
        )
        self.env.invalidate_all()

    @api.model
    def _recheck(self, run):
        """Decide again about what is included, and note on each line what has changed."""
        self.env.cr.execute(
            SQL(
                """
                %(decisions)s
                UPDATE collection_run_line line
                   SET skip_reason = found.reason, skip_date = found.date,
                       next_level_id = found.upcoming_id, amount_residual = found.asked
                  FROM (SELECT line.id, decision.date, decision.upcoming_id,
                               COALESCE(decision.asked, line.amount_residual) AS asked,
                               CASE WHEN decision.line_id IS NULL AND item.parent_state = 'posted'
                                    THEN 'paid'
                                    WHEN decision.line_id IS NULL THEN 'not_posted'
                                    WHEN line.manual AND decision.reason IN %(earlier)s
                                     AND decision.upcoming_id = line.level_id THEN NULL
                                    WHEN decision.level_id IS NULL THEN decision.reason
                                    WHEN decision.level_id <> line.level_id THEN 'changed'
                                END AS reason
                          FROM collection_run_line line
                          JOIN account_move_line item ON item.id = line.move_line_id
                     LEFT JOIN decision ON decision.line_id = line.move_line_id
                         WHERE line.run_id = %(run)s AND line.include
                           AND line.skip_reason IS NULL
                           AND (decision.level_id IS DISTINCT FROM line.level_id
                                OR decision.asked <> line.amount_residual)) found
                 WHERE line.id = found.id
                """,
                decisions=self.env["collection.decision"]._with_decisions(run.company_id, run.date),
                run=run.id,
                earlier=EARLIER,
            )
        )
        self.env.invalidate_all()

    @api.model
    def _skip_unreachable(self, run):
        """Leave out customers without an address where the message is an e-mail."""
        rows = self.env.execute_query(
            SQL(
                """
                WITH unreachable AS MATERIALIZED (
                    SELECT message.case_id, message.early
                      FROM %(messages)s
                     WHERE message.channel = 'email'
                       AND NOT EXISTS (
                           SELECT FROM res_partner addressee
                            WHERE addressee.email <> '' AND addressee.active
                              AND %(reachable)s
                              AND (addressee.id = message.partner_id
                                   OR addressee.parent_id = message.partner_id
                                      AND addressee.type = 'invoice'))
                       AND NOT EXISTS (
                           SELECT FROM collection_case_res_partner_rel contact
                             JOIN res_partner addressee ON addressee.id = contact.res_partner_id
                            WHERE contact.collection_case_id = message.case_id
                              AND addressee.email <> '' AND addressee.active
                              AND %(reachable)s)
                )
                UPDATE collection_run_line line
                   SET skip_reason = 'no_email'
                  FROM unreachable
                 WHERE line.run_id = %(run)s AND line.case_id = unreachable.case_id
                   AND line.include AND line.skip_reason IS NULL
                   AND (line.due_date >= %(on)s) = unreachable.early
             RETURNING line.case_id
                """,
                messages=self._get_messages(run),
                run=run.id,
                on=run.date,
                reachable=SQL(
                    "NOT EXISTS (SELECT FROM mail_blacklist WHERE mail_blacklist.active"
                    " AND mail_blacklist.email = addressee.email_normalized)"
                ),
            )
        )
        self.env.invalidate_all()
        cases = self.env["collection.case"].browse({row[0] for row in rows})
        cases.with_user(self.env.user).sudo(False)._assign_missing_email()

    @api.model
    def _get_messages(self, run):
        """Return SQL with a row for each message: its case, and the highest level in it."""
        return SQL(
            """
            (SELECT highest.case_id, highest.early, kase.partner_id,
                    level.id AS level_id, level.name, level.channel
               FROM (SELECT line.case_id, line.due_date >= %(on)s AS early,
                            max(ARRAY[level.sequence, level.id]) AS place
                       FROM collection_run_line line
                       JOIN collection_level level ON level.id = line.level_id
                      WHERE line.run_id = %(run)s AND line.include AND line.skip_reason IS NULL
                   GROUP BY line.case_id, line.due_date >= %(on)s) highest
               JOIN collection_level level ON level.id = highest.place[2]
               JOIN collection_case kase ON kase.id = highest.case_id
            ) message
            """,
            run=run.id,
            on=run.date,
        )
