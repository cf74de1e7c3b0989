import logging

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

_logger = logging.getLogger(__name__)


class CollectionRun(models.Model):
    """One follow-up of all customers of a company: propose, let the collector choose, send."""

    _name = "collection.run"
    _description = "Follow-up Run"
    _order = "date desc, id desc"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    date = fields.Date(
        required=True,
        default=lambda self: self.env.company._billing_today(),
        help="Lateness is counted up to this day, and the reminders are recorded on it.",
    )
    policy_id = fields.Many2one(
        "collection.policy",
        required=True,
        compute="_compute_policy_id",
        store=True,
        readonly=False,
        precompute=True,
        check_company=True,
        ondelete="restrict",
        index=True,
    )
    state = fields.Selection(
        [("proposed", "Proposed"), ("approved", "Approved"), ("done", "Done")],
        required=True,
        readonly=True,
        default="proposed",
        copy=False,
    )
    line_ids = fields.One2many("collection.run.line", "run_id", string="Instalments", copy=False)
    user_id = fields.Many2one("res.users", string="Sent by", readonly=True, copy=False)

    customer_count = fields.Integer(
        string="Customers to remind", compute="_compute_totals", aggregator=None
    )
    line_count = fields.Integer(
        string="Instalments to remind", compute="_compute_totals", aggregator=None
    )
    amount = fields.Monetary(
        string="Amount to remind",
        compute="_compute_totals",
        help="Open amount of the included instalments, in the company's currency.",
    )
    left_out_count = fields.Integer(string="Left out", compute="_compute_totals", aggregator=None)
    sent_customer_count = fields.Integer(
        string="Customers reminded", compute="_compute_totals", aggregator=None
    )
    sent_count = fields.Integer(
        string="Instalments reminded", compute="_compute_totals", aggregator=None
    )
    failed_count = fields.Integer(string="Failed", compute="_compute_totals", aggregator=None)

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("date", "company_id")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "Follow-up of %(date)s", date=format_date(self.env, run.date) if run.date else ""
            )

    @api.depends("company_id")
    def _compute_policy_id(self):
        for run in self:
            run.policy_id = self.env["collection.policy"]._get_default(run.company_id)

    @api.depends("line_ids.include", "line_ids.event_id", "line_ids.skip_reason")
    def _compute_totals(self):
        for run in self:
            included = run.line_ids.filtered("include")
            sent = run.line_ids.filtered("event_id")
            run.customer_count = len(included.case_id)
            run.line_count = len(included)
            run.amount = sum(included.mapped("amount_company"))
            run.left_out_count = len(run.line_ids) - len(included)
            run.sent_customer_count = len(sent.case_id)
            run.sent_count = len(sent)
            run.failed_count = len(
                run.line_ids.filtered(lambda line: line.skip_reason in ("error", "no_email"))
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        for run in self:
            if run.state == "done":
                raise UserError(
                    self.env._(
                        "%(run)s has been sent and stays as a record of it.", run=run.display_name
                    )
                )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_propose(self):
        """List every overdue instalment with the level due for it, or why it is left alone.

        :raise UserError: if the run is past the proposal or its policy has no levels
        """
        for run in self:
            run._check_state("proposed", self.env._("Only a proposal can be made again."))
            if not run.policy_id.level_ids:
                raise UserError(
                    self.env._(
                        "The policy “%(policy)s” has no levels. Add them in Billing > "
                        "Configuration > Follow-up policies.",
                        policy=run.policy_id.name,
                    )
                )
            run.line_ids.unlink()
            run._propose()

    def action_approve(self):
        """Close the choice of instalments; nothing is sent yet.

        :raise UserError: if the run is not a proposal, or nothing is included
        """
        for run in self:
            run._check_state("proposed", self.env._("It has been approved already."))
            included = run.line_ids.filtered("include")
            if not included:
                raise UserError(
                    self.env._(
                        "%(run)s includes no instalment. Press Propose, and include what is to "
                        "be reminded.",
                        run=run.display_name,
                    )
                )
            dropped = (run.line_ids - included).filtered(lambda line: not line.skip_reason)
            dropped.skip_reason = "dropped"
            run.state = "approved"

    def action_reopen(self):
        """Go back from approved to proposed."""
        for run in self:
            run._check_state("approved", self.env._("Only an approved run can be reopened."))
            run.line_ids.filtered(lambda line: line.skip_reason == "dropped").skip_reason = False
            run.state = "proposed"

    def action_send(self):
        """Remind the customers of an approved run. A run that is done is left as it is.

        :return: notification with the counts, which are on the run as well
        :raise UserError: if the run is not approved
        :raise LockError: while someone else is sending the same run
        """
        for run in self:
            run.lock_for_update(allow_referencing=True)
            run.invalidate_recordset(["state"])
            if run.state != "done":
                run._check_state("approved", self.env._("Approve it first."))
                run._send()
        return self._get_result_action()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _check_state(self, state, sentence):
        if self.state != state:
            raise UserError(
                self.env._(
                    "%(run)s is in state “%(state)s”. %(sentence)s",
                    run=self.display_name,
                    state=dict(self._fields["state"]._description_selection(self.env))[self.state],
                    sentence=sentence,
                )
            )

    def _propose(self):
        """Write one line per overdue instalment; the number of queries does not depend on them."""
        self.ensure_one()
        Line = self.env["account.move.line"]
        lines = Line.search(
            Line._collection_domain(self.company_id, self.date), order="partner_id, date_maturity"
        )
        decisions = self.policy_id._plan(lines, self.date)
        cases = self.env["collection.case"]._for_lines(lines)
        self.env["collection.run.line"].create(
            [self._prepare_line(line, cases[line], decisions[line]) for line in lines]
        )

    def _prepare_line(self, line, case, decision):
        return {
            "run_id": self.id,
            "case_id": case.id,
            "move_line_id": line.id,
            "move_id": line.move_id.id,
            "due_date": line._collection_due_date(),
            "currency_id": line.currency_id.id,
            "amount_residual": line.amount_residual_currency,
            "amount_company": line.amount_residual,
            "level_id": decision.level.id if decision.level else False,
            "include": bool(decision.level),
            "skip_reason": False if decision.level else decision.reason,
            "skip_note": self._describe_date(decision),
        }

    def _describe_date(self, decision):
        if decision.level or not decision.date:
            return False
        name = {level.id: level.name for level in self.policy_id.level_ids}
        if decision.upcoming:
            return self.env._(
                "%(level)s from %(date)s",
                level=name[decision.upcoming.id],
                date=format_date(self.env, decision.date),
            )
        return self.env._("until %(date)s", date=format_date(self.env, decision.date))

    def _send(self):
        """Check every line again under lock, then remind customer by customer."""
        self.ensure_one()
        decisions = self.line_ids._recheck()
        attempts = self.env["collection.event"]._count_attempts(self.line_ids.move_line_id)
        self.line_ids.move_line_id.move_id._collection_ensure_links()
        for lines in self.line_ids.grouped("case_id").values():
            ready = lines.filtered(lambda line: line.include and not line.skip_reason)
            if ready:
                told = ready | lines.filtered(lambda line: line._is_told(decisions))
                self._send_case(ready, told, attempts)
        self.write({"state": "done", "user_id": self.env.uid})
        # The queue is emptied hourly; a reminder should leave now.
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    def _send_case(self, lines, told, attempts):
        """Remind one customer; what goes wrong stays with that customer's lines."""
        try:
            with self.env.cr.savepoint():
                self._remind_case(lines, told, attempts)
        except OperationalError:
            # The database asks to start over (deadlock, serialization): Odoo does that.
            raise
        except UserError as error:
            lines._skip("error", str(error))
        except Exception:  # one customer must not stop the others
            _logger.exception("Follow-up of %s failed", lines.case_id)
            lines._skip(
                "error",
                self.env._("Unexpected error; your administrator finds it in the server's log."),
            )

    def _remind_case(self, lines, told, attempts):
        """Send one message for `lines` naming `told`, at the highest level, and log it."""
        case = lines.case_id
        level = max(lines.level_id, key=lambda level: (level.sequence, level.id))
        if level.channel == "email" and not case._get_recipient():
            case._assign_missing_email()
            lines._skip("no_email")
            return
        message, recipient = case._remind(level, told.move_line_id, self.date)
        lines._log_events(level.channel, message, recipient, attempts)

    def _get_result_action(self):
        done = sum(self.mapped("sent_customer_count"))
        failed = sum(self.mapped("failed_count"))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if failed else "success",
                "message": self.env._(
                    "Customers reminded: %(customers)s. Instalments reminded: %(lines)s, "
                    "could not be reminded: %(failed)s.",
                    customers=done,
                    lines=sum(self.mapped("sent_count")),
                    failed=failed,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
