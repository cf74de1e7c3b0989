import logging
from datetime import timedelta

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

_logger = logging.getLogger(__name__)

RUN_MODES = [
    ("manual", "By hand"),
    ("propose", "Every day, as a proposal"),
    ("send", "Every day, and sent"),
]


class ResCompany(models.Model):
    """Whether a company's follow-up runs by itself, and who hears of it when it does not."""

    _inherit = "res.company"

    collection_run_mode = fields.Selection(
        RUN_MODES,
        string="Follow-up runs",
        default="manual",
        help="A run that is sent leaves what asks for a manager's approval as a proposal, and is "
        "itself a proposal as long as bank transactions are not matched.",
    )
    collection_user_id = fields.Many2one(
        "res.users",
        string="Responsible for collection",
        domain="[('share', '=', False), ('company_ids', 'in', id)]",
        help="Daily runs are made in their name, and they get a to-do when one waits for somebody or "
        "failed. If empty, a collection manager.",
    )
    collection_run_date = fields.Date(
        string="Last daily follow-up run",
        compute="_compute_collection_run_date",
        store=True,
        readonly=True,
    )

    @api.depends("collection_run_mode")
    def _compute_collection_run_date(self):
        # Daily runs begin the day after they are switched on.
        for company in self:
            daily = company.collection_run_mode in ("propose", "send")
            company.collection_run_date = company._billing_today() if daily else False

    def _get_collection_responsible(self):
        return self.collection_user_id or self._get_collection_managers()[:1]

    def _tell_collection_responsible(self, summary, note):
        """Give the responsible a to-do, unless they have the same one already."""
        user = self._get_collection_responsible()
        values = {
            "user_id": user.id,
            "activity_type_id": self.env.ref("mail.mail_activity_data_todo").id,
            "summary": summary,
        }
        Activity = self.env["mail.activity"].sudo()
        if user and not Activity.search_count(
            [(name, "=", value) for name, value in values.items()], limit=1
        ):
            Activity.create({**values, "note": note, "date_deadline": self._billing_today()})

    def _watch_collection(self):
        """Tell the responsible when the daily run has not come to its end for two days."""
        for company in self.search([("collection_run_mode", "in", ("propose", "send"))]):
            last = company.collection_run_date
            if last and company._billing_today() - last > timedelta(days=1):
                company._tell_collection_responsible(
                    self.env._(
                        "%(company)s: no follow-up run since %(date)s",
                        company=company.name,
                        date=format_date(self.env, last),
                    ),
                    self.env._(
                        "Make one by hand, and ask your administrator to look at the scheduled "
                        "action of daily follow-up runs."
                    ),
                )


class CollectionRunSchedule(models.Model):
    """The follow-up run of every day."""

    _inherit = "collection.run"

    daily = fields.Boolean(string="Made by itself", readonly=True, copy=False)

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_run(self):
        """Make the day's run of each company that wants one."""
        companies = self.env["res.company"].search(
            [("collection_run_mode", "in", ("propose", "send"))]
        )
        self.env["ir.cron"]._commit_progress(remaining=len(companies))
        for company in companies:
            self._run_daily(company)
            if not self.env["ir.cron"]._commit_progress(1):
                return

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _run_daily(self, company):
        """Make the run of today once; what goes wrong is told to the responsible."""
        today = company._billing_today()
        if company.collection_run_date and company.collection_run_date >= today:
            return
        try:
            with self.env.cr.savepoint():
                user = company._get_collection_responsible()
                if not user:
                    raise UserError(self.env._("The company has no collection manager."))
                self.with_user(user).with_context(
                    allowed_company_ids=company.ids, lang=user.lang
                )._make_daily(company, today)
                company.collection_run_date = today
        except OperationalError:
            # The database asks to start over (deadlock, serialization): Odoo does that.
            raise
        except UserError as error:
            self._tell_failed(company, str(error))
        except Exception:  # one company must not stop the others
            _logger.exception("The follow-up run of %s failed", company)
            self._tell_failed(
                company,
                self.env._("Unexpected error; your administrator finds it in the server's log."),
            )

    def _tell_failed(self, company, error):
        company._tell_collection_responsible(
            self.env._("%(company)s: the daily follow-up run failed", company=company.name), error
        )

    def _make_daily(self, company, today):
        run = self._propose_daily(company, today)
        if company.collection_run_mode == "send" and not run.bank_warning:
            strict = run._get_included().filtered("level_id.approval")
            strict.include = False
            if run._get_included():
                run.action_approve()
                run.action_send()
                run = self._propose_daily(company, today) if strict else self.browse()
        if run and run._get_included():
            company._tell_collection_responsible(
                self.env._("%(company)s: a follow-up run waits for you", company=company.name),
                run.bank_warning
                or self.env._("Look through the proposal under Collection, approve and send it."),
            )
        else:
            run.unlink()

    def _propose_daily(self, company, today):
        """Propose today's run; the proposal of an earlier day that nobody took up becomes it."""
        run = self.search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "proposed"),
                ("daily", "=", True),
            ],
            limit=1,
        )
        run = run or self.create({"company_id": company.id, "daily": True})
        run.date = today
        run.action_propose()
        return run

    def _get_included(self):
        return self.env["collection.run.line"].search(
            [("run_id", "in", self.ids), ("include", "=", True)]
        )
