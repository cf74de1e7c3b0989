from odoo import api, fields, models
from odoo.exceptions import UserError

# An overdue instalment is named in a message that goes out anyway, though no level of its own is
# due, when the reason is only that it has been or will be reminded separately.
TOLD_ALONG = ("not_yet", "gap", "all_sent", "stuck")

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
    ("all_sent", "All levels have been sent"),
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
    """One overdue instalment in a follow-up run: the level proposed, or why there is none."""

    _name = "collection.run.line"
    _description = "Follow-up Run Line"
    _order = "run_id, id"

    run_id = fields.Many2one(
        "collection.run", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="run_id.company_id")
    state = fields.Selection(related="run_id.state", string="Run state")
    case_id = fields.Many2one(
        "collection.case",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Journal item",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", readonly=True, ondelete="set null", index="btree_not_null"
    )
    due_date = fields.Date(string="Due date", required=True, readonly=True)
    days_late = fields.Integer(string="Days late", compute="_compute_days_late", aggregator=None)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount_residual = fields.Monetary(string="Open", readonly=True)
    amount_company = fields.Monetary(
        string="Open in company currency", readonly=True, currency_field="company_currency_id"
    )
    company_currency_id = fields.Many2one(related="run_id.currency_id", string="Company currency")
    level_id = fields.Many2one(
        "collection.level", readonly=True, ondelete="set null", index="btree_not_null"
    )
    include = fields.Boolean(help="Take the tick away to leave this instalment out of the run.")
    skip_reason = fields.Selection(SKIP_REASONS, string="Left out because", readonly=True)
    skip_note = fields.Char(string="Details", readonly=True)
    event_id = fields.Many2one(
        "collection.event", readonly=True, ondelete="restrict", index="btree_not_null"
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("due_date", "run_id.date")
    def _compute_days_late(self):
        for line in self:
            late = line.run_id.date and line.due_date and (line.run_id.date - line.due_date).days
            line.days_late = late or 0

    @api.depends("case_id", "move_id")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.move_id.name or line.case_id.display_name

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        # EXTENDS base: the collector's choice ends with the approval
        if "include" in vals:
            for line in self:
                line._check_choice(vals["include"])
        return super().write(vals)

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
    # BUSINESS
    # ------------------------------------------------------------

    def _get_skip_sentence(self):
        reasons = dict(self._fields["skip_reason"]._description_selection(self.env))
        return reasons.get(self.skip_reason, "")

    def _skip(self, reason, note=False):
        self.write({"skip_reason": reason, "skip_note": note})

    def _is_told(self, decisions):
        """Tell whether a message to the customer names this instalment, reminded or not."""
        decision = decisions.get(self.move_line_id)
        return bool(
            self.move_line_id
            and self.skip_reason in TOLD_ALONG
            and decision
            and decision.reason in TOLD_ALONG
        )

    def _recheck(self):
        """Lock the instalments and decide again; note on each line what has changed.

        :return: dict of followup.Decision by journal item, for those that could be locked
        """
        run = self.run_id
        items = self.move_line_id.exists()
        locked = items.try_lock_for_update(allow_referencing=True)
        locked.invalidate_recordset()
        locked.move_id.invalidate_recordset()
        decisions = run.policy_id._plan(locked, run.date) if run else {}
        for line in self.filtered("include"):
            if not line.move_line_id or line.move_line_id not in items:
                line._skip("deleted")
            elif line.move_line_id not in locked:
                line._skip("locked")
            else:
                line._compare(decisions[line.move_line_id])
        return decisions

    def _compare(self, decision):
        if not decision.level:
            self._skip(decision.reason, self.run_id._describe_date(decision))
        elif decision.level.id != self.level_id.id:
            self._skip("changed", self.env["collection.level"].browse(decision.level.id).name)

    def _log_events(self, channel, message, recipient, attempts):
        """Write the events of lines just reminded and link them."""
        # Nobody may create events directly, or the log would prove nothing.
        events = (
            self.env["collection.event"]
            .sudo()
            .create([line._prepare_event(channel, message, recipient, attempts) for line in self])
        )
        for line, event in zip(self, events, strict=True):
            line.event_id = event.sudo(False)

    def _prepare_event(self, channel, message, recipient, attempts):
        item, level = self.move_line_id, self.level_id
        due_date, amount = item._collection_key()
        return {
            "case_id": self.case_id.id,
            "company_id": self.company_id.id,
            "run_id": self.run_id.id,
            "date": self.run_id.date,
            "user_id": self.env.uid,
            "move_line_id": item.id,
            "move_id": item.move_id.id,
            "move_ref": item.move_id.id,
            "move_name": item.move_id.name,
            "partner_name": self.case_id.partner_id.display_name,
            "due_date": due_date,
            "amount": float(amount),
            "residual": item.amount_residual_currency,
            "currency_id": item.currency_id.id,
            "level_id": level.id,
            "level_ref": level.id,
            "level_name": level.name,
            "level_sequence": level.sequence,
            "attempt": 1 + attempts[item.move_id.id, due_date, amount, level.id],
            "channel": channel,
            "recipient": recipient.email_formatted or False,
            "mail_message_id": message.id,
        }
