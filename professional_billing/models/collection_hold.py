import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from ..rules import metrics, plans, promises
from ..rules.rounding import decimal

# After so many broken promises another one is noted, but reminders go on.
BROKEN_PROMISES = 3


class CollectionHold(models.Model):
    """Something that keeps instalments out of follow-up, and how it ended.

    Without invoices it holds for all of its case. A dispute may be about a part of one invoice;
    the rest is asked for as ever.
    """

    _name = "collection.hold"
    _description = "Collection Hold"
    _inherit = ["mail.thread"]
    _order = "state, date_from desc, id desc"
    _check_company_auto = True

    case_id = fields.Many2one(
        "collection.case",
        string="Customer",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    company_id = fields.Many2one(related="case_id.company_id")
    currency_id = fields.Many2one(related="case_id.currency_id")
    kind = fields.Selection(
        [
            ("dispute", "Dispute"),
            ("promise", "Promise to pay"),
            ("plan", "Payment plan"),
            ("manual", "Pause"),
            ("reply", "Reply to be read"),
            ("legal", "With a lawyer or agency"),
            ("insolvency", "Insolvency"),
        ],
        required=True,
        default="manual",
        tracking=True,
    )
    everywhere = fields.Boolean(
        string="All currencies",
        compute="_compute_everywhere",
        store=True,
        readonly=False,
        precompute=True,
        help="Holds for what the customer owes in other currencies, too.",
    )
    move_ids = fields.Many2many(
        "account.move",
        string="Invoices",
        domain="[('company_id', '=', company_id), ('commercial_partner_id', '=', partner_id),"
        " ('move_type', 'in', ('out_invoice', 'out_receipt')), ('state', '=', 'posted')]",
        help="Leave empty to hold all that the customer owes in this currency.",
    )
    partner_id = fields.Many2one(related="case_id.partner_id", string="Owed by")
    reason = fields.Char(tracking=True)
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        default=lambda self: self.env.user,
        domain=[("share", "=", False)],
        tracking=True,
        help="Who has to settle it.",
    )
    date_from = fields.Date(string="From", required=True, default=lambda self: self._default_day())
    date_until = fields.Date(
        string="Until",
        compute="_compute_date_until",
        store=True,
        readonly=False,
        precompute=True,
        tracking=True,
        help="Last day of the hold. Empty: until somebody closes it.",
    )
    deadline = fields.Date(string="To be settled by", tracking=True)
    state = fields.Selection(
        [
            ("active", "Active"),
            ("kept", "Kept"),
            ("broken", "Broken"),
            ("replaced", "Replaced by a newer one"),
            ("closed", "Closed"),
        ],
        required=True,
        readonly=True,
        default="active",
        copy=False,
        tracking=True,
    )
    outcome = fields.Selection(
        [
            ("accepted", "The customer was right"),
            ("partly", "The customer was right in part"),
            ("rejected", "The customer was not right"),
        ],
        tracking=True,
    )
    # A reminder after it keeps the gap to this day. The database reads it to decide what is due.
    resume_date = fields.Date(string="Follow-up resumed", readonly=True, copy=False)
    # -- dispute
    invoice_line_id = fields.Many2one(
        "account.move.line",
        string="Invoice line",
        domain="[('move_id', 'in', move_ids), ('display_type', '=', 'product')]",
        help="The line in dispute, if it is one.",
    )
    disputed_amount = fields.Monetary(
        string="Amount in dispute",
        compute="_compute_disputed_amount",
        store=True,
        readonly=False,
        precompute=True,
        help="The rest of the invoice is asked for as ever. Zero: all of it is in dispute.",
    )
    # -- promise
    promise_amount = fields.Monetary(string="Promised")
    promise_date = fields.Date(string="To be paid by")
    tolerance_days = fields.Integer(
        string="Days of grace", default=2, help="So many days later it still counts as kept."
    )
    tolerance_percent = fields.Float(
        string="May be less by", digits=(5, 2), default=1.0, help="Percentage of the promise."
    )
    paid_amount = fields.Monetary(string="Paid of it", readonly=True, copy=False)
    pauses = fields.Boolean(
        readonly=True,
        default=True,
        help="After three broken promises another one is noted, but reminders go on.",
    )
    # -- plan
    plan_line_ids = fields.One2many("collection.plan.line", "hold_id", string="Instalments of plan")

    _disputed_amount_not_negative = models.Constraint(
        "CHECK(disputed_amount >= 0)", "The amount in dispute must be zero or more."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _default_day(self):
        return self.env.company._billing_today()

    @api.depends("kind")
    def _compute_everywhere(self):
        for hold in self:
            hold.everywhere = hold.kind in ("legal", "insolvency")

    @api.depends("kind", "promise_date", "tolerance_days", "company_id")
    def _compute_date_until(self):
        for hold in self:
            if hold.kind == "promise" and hold.promise_date:
                hold.date_until = hold._get_promise().last_day

    @api.depends("invoice_line_id")
    def _compute_disputed_amount(self):
        for hold in self:
            if hold.invoice_line_id:
                hold.disputed_amount = hold.invoice_line_id.price_total

    @api.depends("kind", "case_id", "promise_date", "date_until")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for hold in self:
            name = f"{kinds.get(hold.kind, '')}: {hold.case_id.display_name or ''}"
            if until := hold.promise_date or hold.date_until:
                name = f"{name}, {format_date(self.env, until)}"
            hold.display_name = name

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.constrains("kind", "disputed_amount", "move_ids")
    def _check_dispute(self):
        for hold in self:
            if hold.disputed_amount and (hold.kind != "dispute" or len(hold.move_ids) != 1):
                raise ValidationError(
                    self.env._(
                        "An amount in dispute belongs to one invoice: choose it, or leave the amount "
                        "empty to put all of it in dispute."
                    )
                )

    @api.constrains("kind", "promise_amount", "promise_date")
    def _check_promise(self):
        for hold in self:
            if hold.kind == "promise" and not (hold.promise_amount > 0 and hold.promise_date):
                raise ValidationError(
                    self.env._("Say how much was promised, and by which day it is to be paid.")
                )

    @api.constrains("kind", "plan_line_ids")
    def _check_plan(self):
        for hold in self:
            if hold.kind == "plan" and not hold.plan_line_ids:
                raise ValidationError(
                    self.env._("A payment plan needs instalments: say what is to be paid when.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS mail
        holds = super().create(vals_list)
        for hold in holds:
            if hold.kind == "promise":
                hold._replace_promises()
        holds._cancel_waiting_mails()
        holds.case_id._refresh_work()
        return holds

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if self:
            raise UserError(
                self.env._("Holds are part of the history of a case: close them instead.")
            )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_close(self):
        """End the hold by hand; the follow-up goes on with the next step.

        :raise UserError: for a dispute that does not say how it ended
        """
        for hold in self:
            if hold.kind == "dispute" and not hold.outcome:
                raise UserError(
                    self.env._("Say how the dispute ended before you close it: choose its outcome.")
                )
        disputes = self.filtered(lambda hold: hold.kind == "dispute")
        disputes._end("closed", self._default_day())
        (self - disputes)._end("closed", False)

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_judge(self):
        """Look at promises, plans and disputes of all companies, and at what to do next."""
        for company in self.env["collection.case"].search([("active", "=", True)]).company_id:
            self._judge(company, company._billing_today())
            self.env["collection.case"].search([("company_id", "=", company.id)])._refresh_work()
        self.env["res.company"]._watch_collection()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _judge(self, company, on):
        """End the holds of `company` that have come to their end by the day `on`."""
        holds = self.search(
            Domain("state", "=", "active")
            & Domain("case_id.company_id", "=", company.id)
            & Domain("date_from", "<=", on)
        )
        known = company._collection_bank_known_until(on)
        for hold in holds:
            if hold.kind == "promise":
                hold._judge_promise(on, known)
            elif hold.kind == "plan":
                hold._judge_plan(on)
            elif hold.kind == "dispute" and hold._is_credited():
                hold.outcome = hold.outcome or "accepted"
                hold._end("closed", on)
            elif hold.date_until and hold.date_until < on:
                hold._end("closed", False)

    def _judge_promise(self, on, known):
        promise = self._get_promise()
        verdict = promises.judge(promise, self._get_payments(), on, known)
        self.paid_amount = float(verdict.paid)
        if verdict.state == metrics.KEPT:
            self._end("kept", False)
        elif verdict.state == metrics.BROKEN:
            self._end("broken", promise.last_day)

    def _get_promise(self):
        """Return the promise in the words of the rules; banks do not pay on a holiday."""
        company = self.company_id or self.env.company
        return promises.Promise(
            amount=decimal(self.promise_amount),
            made=self.date_from,
            date=company._collection_working_day(self.promise_date),
            tolerance_days=self.tolerance_days,
            tolerance=decimal(self.promise_amount) * decimal(self.tolerance_percent) / 100,
        )

    def _judge_plan(self, on):
        standing = plans.standing(
            [(line.date, decimal(line.amount)) for line in self.plan_line_ids],
            self._get_payments(),
            on,
            grace_days=self.tolerance_days,
        )
        self.paid_amount = sum(self.plan_line_ids.mapped("amount")) - float(standing.left)
        if standing.state == plans.COMPLETED:
            self._end("kept", False)
        elif standing.state == plans.DEFAULTED:
            self._end("broken", standing.defaulted_on)

    def _is_credited(self):
        """Tell whether credit notes made since the dispute reach what was in dispute."""
        if not self.move_ids:
            return False
        notes = self.move_ids.reversal_move_ids.filtered(
            lambda note: note.state == "posted" and note.date >= self.date_from
        )
        asked = self.disputed_amount or sum(self.move_ids.mapped("amount_total"))
        return bool(notes) and sum(notes.mapped("amount_total")) >= asked

    def _get_payments(self):
        """Return (accounting date, amount) of payments since, allocated to it or to nothing."""
        lines = self.env["account.move.line"].search(
            Domain("company_id", "=", self.company_id.id)
            & Domain("partner_id", "child_of", self.partner_id.id)
            & Domain("currency_id", "=", self.currency_id.id)
            & Domain("parent_state", "=", "posted")
            & Domain("account_type", "=", "asset_receivable")
            & Domain("date", ">=", self.date_from)
            & (Domain("payment_id", "!=", False) | Domain("statement_line_id", "!=", False))
        )
        if not self.move_ids:
            return [(line.date, decimal(-line.amount_currency)) for line in lines]
        return [(line.date, line._collection_paid_on(self.move_ids)) for line in lines]

    def _end(self, state, resume_date):
        self.write({"state": state, "resume_date": resume_date})
        self.case_id._refresh_work()

    def _replace_promises(self):
        """End the promises before this one, which speaks of the same."""
        others = self.search(
            [("case_id", "=", self.case_id.id), ("kind", "=", "promise"), ("id", "!=", self.id)]
        )
        active = others.filtered(lambda hold: hold.state == "active")
        active.filtered(lambda hold: hold.move_ids == self.move_ids).state = "replaced"
        broken = others.filtered(lambda hold: hold.state == "broken")
        self.pauses = len(broken) < BROKEN_PROMISES

    def _cancel_waiting_mails(self):
        """Take back what the mail queue has not sent yet about what is now on hold."""
        letters = self.env["collection.letter"].search(
            [
                ("case_id", "in", self.filtered("pauses").case_id.ids),
                ("channel", "=", "email"),
                ("state", "=", "done"),
                ("date", ">=", fields.Date.today() - datetime.timedelta(days=7)),
            ]
        )
        letters._cancel_mails()


class CollectionPlanLine(models.Model):
    """What is to be paid when, by a payment plan. The invoices' due dates stay as they are."""

    _name = "collection.plan.line"
    _description = "Instalment of a Payment Plan"
    _order = "hold_id, date, id"

    hold_id = fields.Many2one("collection.hold", required=True, ondelete="cascade", index=True)
    date = fields.Date(required=True)
    amount = fields.Monetary(required=True)
    currency_id = fields.Many2one(related="hold_id.currency_id")

    _amount_positive = models.Constraint(
        "CHECK(amount > 0)", "Each instalment of a payment plan must be above zero."
    )
