from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, LockError, UserError
from odoo.tools import SQL, format_date

from .collection_bulk import planned_for_many


class CollectionRun(models.Model):
    """One follow-up of all customers of a company: propose, let the collector choose, send.

    Both steps are a handful of statements, however many instalments there are.
    """

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
    state = fields.Selection(
        [("proposed", "Proposed"), ("approved", "Approved"), ("done", "Done")],
        required=True,
        readonly=True,
        default="proposed",
        copy=False,
    )
    line_ids = fields.One2many("collection.run.line", "run_id", string="Instalments", copy=False)
    letter_ids = fields.One2many("collection.letter", "run_id", string="Reminders", copy=False)
    user_id = fields.Many2one("res.users", string="Sent by", readonly=True, copy=False)
    bank_warning = fields.Text(compute="_compute_bank_warning")

    customer_count = fields.Integer(
        string="Customers to remind", compute="_compute_totals", aggregator=None
    )
    line_count = fields.Integer(
        string="Instalments to remind", compute="_compute_totals", aggregator=None
    )
    amount = fields.Monetary(
        string="Amount to remind",
        compute="_compute_totals",
        help="What the included instalments ask for, in the company's currency.",
    )
    left_out_count = fields.Integer(string="Left out", compute="_compute_totals", aggregator=None)
    sent_customer_count = fields.Integer(
        string="Customers reminded", compute="_compute_totals", aggregator=None
    )
    sent_count = fields.Integer(
        string="Instalments reminded", compute="_compute_totals", aggregator=None
    )
    failed_count = fields.Integer(string="Failed", compute="_compute_totals", aggregator=None)
    waiting_count = fields.Integer(
        string="Reminders being written", compute="_compute_totals", aggregator=None
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("date", "company_id")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "Follow-up of %(date)s", date=format_date(self.env, run.date) if run.date else ""
            )

    @api.depends("company_id", "date")
    def _compute_bank_warning(self):
        for run in self:
            run.bank_warning = "\n".join(run.company_id._collection_bank_warnings(run.date))

    @api.depends("line_ids.include", "line_ids.event_ids", "line_ids.skip_reason")
    def _compute_totals(self):
        empty = (0, 0, 0.0, 0, 0, 0, 0)
        totals = {row[0]: row[1:] for row in self._query_totals()}
        waiting = dict(
            self.env["collection.letter"]._read_group(
                [("run_id", "in", self.ids), ("state", "=", "queued")], ["run_id"], ["__count"]
            )
        )
        for run in self:
            (
                run.customer_count,
                run.line_count,
                run.amount,
                run.left_out_count,
                run.sent_customer_count,
                run.sent_count,
                run.failed_count,
            ) = totals.get(run.id, empty)
            run.waiting_count = waiting.get(run, 0)

    def _query_totals(self):
        self.env.flush_all()
        with planned_for_many(self.env.cr):
            return self.env.execute_query(
                SQL(
                    """
                    SELECT line.run_id,
                           count(DISTINCT line.case_id) FILTER (WHERE line.include),
                           count(*) FILTER (WHERE line.include),
                           COALESCE(sum(line.amount_company) FILTER (WHERE line.include), 0)::float,
                           count(*) FILTER (WHERE line.include IS NOT TRUE),
                           count(DISTINCT line.case_id) FILTER (WHERE sent.id IS NOT NULL),
                           count(sent.id),
                           count(*) FILTER (WHERE line.skip_reason IN ('error', 'no_email'))
                      FROM collection_run_line line
                 LEFT JOIN (SELECT event.id, event.run_line_id
                              FROM collection_event event
                              JOIN collection_letter letter ON letter.id = event.letter_id
                         LEFT JOIN collection_withdrawal withdrawal
                                ON withdrawal.event_id = event.id
                             WHERE letter.run_id = ANY(%(runs)s)
                               AND withdrawal.id IS NULL AND letter.state <> 'failed') sent
                        ON sent.run_line_id = line.id
                     WHERE line.run_id = ANY(%(runs)s)
                  GROUP BY line.run_id
                    """,
                    runs=self.ids,
                )
            )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def unlink(self):
        # EXTENDS base: no key of the database does it
        self.line_ids.unlink()
        return super().unlink()

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
        """List every instalment a level is due for, and every overdue one that is left alone.

        :raise UserError: if the run is past the proposal, or no policy has levels
        """
        for run in self:
            run._check_state("proposed", self.env._("Only a proposal can be made again."))
            if not run._has_levels():
                raise UserError(
                    self.env._(
                        "No follow-up policy of %(company)s has levels. Add them in Billing > "
                        "Configuration > Follow-up policies.",
                        company=run.company_id.name,
                    )
                )
            run._propose()

    def action_approve(self):
        """Close the choice of instalments; nothing is sent yet.

        :raise UserError: if the run is not a proposal, nothing is included, or a level in it asks
            for the approval of a manager
        """
        for run in self:
            run._check_state("proposed", self.env._("It has been approved already."))
            run._check_included()
            run._check_approver()
            self.env["collection.run.line"].search(
                [
                    ("run_id", "=", run.id),
                    ("include", "=", False),
                    ("skip_reason", "=", False),
                ]
            ).skip_reason = "dropped"
            run.state = "approved"

    def action_reopen(self):
        """Go back from approved to proposed."""
        for run in self:
            run._check_state("approved", self.env._("Only an approved run can be reopened."))
            run.line_ids.filtered(lambda line: line.skip_reason == "dropped").skip_reason = False
            run.state = "proposed"

    def action_send(self):
        """Remind the customers of an approved run. A run that is done is left as it is.

        What it writes are the log and the reminders; those are worded and mailed right afterwards.

        :return: notification with the counts, which are on the run as well
        :raise UserError: if the run is not approved
        :raise LockError: while someone else is sending a run of the company
        """
        for run in self:
            run._lock_company()
            run.lock_for_update(allow_referencing=True)
            run.invalidate_recordset(["state"])
            if run.state != "done":
                run._check_state("approved", self.env._("Approve it first."))
                run._execute()
        return self._get_result_action()

    def action_view_letters(self):
        """Open the reminders of the run."""
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "professional_billing.action_collection_letter"
            ),
            "domain": [("run_id", "in", self.ids)],
            "context": {},
        }

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

    def _check_included(self):
        if not self.env["collection.run.line"].search_count(
            [("run_id", "=", self.id), ("include", "=", True)], limit=1
        ):
            raise UserError(
                self.env._(
                    "%(run)s includes no instalment. Press Propose, and include what is to "
                    "be reminded.",
                    run=self.display_name,
                )
            )

    def _check_approver(self):
        strict = self.env["collection.run.line"].search(
            [("run_id", "=", self.id), ("include", "=", True), ("level_id.approval", "=", True)],
            limit=1,
        )
        if strict and not self.env.user.has_group("professional_billing.group_collection_manager"):
            raise UserError(
                self.env._(
                    "“%(level)s” is due for %(customer)s, and only a collection manager can approve "
                    "that level. Ask one, or leave these instalments out.",
                    level=strict.level_id.name,
                    customer=strict.case_id.display_name,
                )
            )

    def _has_levels(self):
        return self.env["collection.level"].search_count(
            [
                ("policy_id.company_id", "in", [*self.company_id._get_family().ids, False]),
                ("policy_id.active", "=", True),
            ],
            limit=1,
        )

    def _lock_company(self):
        """Let one run of the company be sent at a time."""
        # The key of the lock: these letters in ASCII, and the company.
        [[locked]] = self.env.execute_query(
            SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", 0x636F6C6C, self.company_id.id)
        )
        if not locked:
            raise LockError(
                self.env._(
                    "Someone else is sending a follow-up run of %(company)s at this moment. Try "
                    "again in a minute.",
                    company=self.company_id.name,
                )
            )

    def _propose(self):
        """Write the lines: those a level is due for, and those that are overdue."""
        self.ensure_one()
        self.env["collection.hold"]._judge(self.company_id, self.date)
        self.line_ids.unlink()
        with planned_for_many(self.env.cr):
            self.env["collection.case"]._make_missing(self.company_id, self.date)
            self.env["collection.run.line"].sudo()._insert_decisions(self)

    def _execute(self):
        """Check every line again under lock, then write the log and the reminders."""
        self.ensure_one()
        self.env["collection.hold"]._judge(self.company_id, self.date)
        lines = self.env["collection.run.line"].sudo()
        with planned_for_many(self.env.cr):
            lines._lock_items(self)
            lines._recheck(self)
            lines._skip_unreachable(self)
            self.env["collection.letter"].sudo()._insert_letters(self)
            self._log_events()
        self.write({"state": "done", "user_id": self.env.uid})
        self.env.ref("professional_billing.cron_collection_release").sudo()._trigger()

    def _log_events(self):
        try:
            self.env["collection.event"].sudo()._insert_events(self)
        except UniqueViolation as error:
            # Another run logged the same while this one had begun: Odoo starts it over.
            raise ConcurrencyError("Another follow-up run was quicker.") from error

    def _get_result_action(self):
        failed = sum(self.mapped("failed_count"))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if failed else "success",
                "message": self.env._(
                    "Customers reminded: %(customers)s. Instalments reminded: %(lines)s, "
                    "could not be reminded: %(failed)s.",
                    customers=sum(self.mapped("sent_customer_count")),
                    lines=sum(self.mapped("sent_count")),
                    failed=failed,
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
