import logging
from datetime import timedelta
from functools import partial

from dateutil.relativedelta import relativedelta
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .billing_terms_mixin import FREQUENCIES

_logger = logging.getLogger(__name__)

STEPS = {
    "weekly": relativedelta(weeks=1),
    "monthly": relativedelta(months=1),
    "quarterly": relativedelta(months=3),
}


class BillingRunSchedule(models.Model):
    """Which engagements a run bills, runs that start by themselves, and how to stop one."""

    _inherit = "billing.run"

    state = fields.Selection(
        selection_add=[("stopped", "Stopped"), ("done",)], ondelete={"stopped": "set default"}
    )
    frequency = fields.Selection(
        FREQUENCIES, string="Rhythm", help="Leave empty to bill engagements of every rhythm."
    )
    user_ids = fields.Many2many(
        "res.users", string="Salespeople", help="Leave empty to bill everybody's."
    )
    tag_ids = fields.Many2many(
        "crm.tag", string="Tags", help="Orders with any of these. Leave empty to bill all."
    )
    order_ids = fields.Many2many(
        "sale.order",
        "billing_run_order_rel",
        string="Engagements",
        domain=[("is_engagement", "=", True)],
        help="Leave empty to bill every one.",
    )
    minimum_amount = fields.Float(
        string="At least",
        help="Less than this, in the currency of the order, waits for the next run.",
    )
    is_scheduled = fields.Boolean(string="Started by itself", readonly=True, copy=False)
    error = fields.Char(string="What stopped it", readonly=True, copy=False)
    started_at = fields.Datetime(readonly=True, copy=False)
    started_progress = fields.Float(readonly=True, copy=False)
    remaining_text = fields.Char(compute="_compute_remaining_text", string="Time left")

    @api.depends("state", "started_at", "progress")
    def _compute_remaining_text(self):
        now = fields.Datetime.now()
        for run in self:
            run.remaining_text = False
            gained = run.progress - run.started_progress
            if run.state == "running" and run.started_at and gained > 0:
                left = (now - run.started_at) * (100 - run.progress) / gained
                run.remaining_text = run._describe_duration(left)

    def _describe_duration(self, duration):
        minutes = max(round(duration / timedelta(minutes=1)), 1)
        if minutes < 60:
            return self.env._("about %(minutes)s min", minutes=minutes)
        return self.env._("about %(hours)s h", hours=round(minutes / 60, 1))

    # -- choice ---------------------------------------------------------------------------------

    def _get_order_domain(self):
        domain = super()._get_order_domain()
        if self.frequency:
            domain &= Domain("billing_frequency", "=", self.frequency)
        if self.user_ids:
            domain &= Domain("user_id", "in", self.user_ids.ids)
        if self.tag_ids:
            domain &= Domain("tag_ids", "in", self.tag_ids.ids)
        if self.order_ids:
            domain &= Domain("id", "in", self.order_ids.ids)
        return domain

    def _plan_lines(self):
        lines = super()._plan_lines()
        for vals in lines:
            if 0 < vals["amount"] < self.minimum_amount:
                note = self.env._("Less than the least amount of this run")
                vals["blocked_note"] = "; ".join(filter(None, [note, vals["blocked_note"]]))
                vals.update(include=False, state="nothing")
        return lines

    # -- what is left to people -----------------------------------------------------------------

    def _has_tolerance(self):
        """Tell whether nobody has looked at what the run posts."""
        return self.is_scheduled and self.mode in ("post", "send")

    def _bills_all(self):
        return super()._bills_all() and not self._has_tolerance()

    # -- start and stop -------------------------------------------------------------------------

    def _process_or_queue(self):
        self.write({"started_at": fields.Datetime.now(), "started_progress": self.progress})
        return super()._process_or_queue()

    def action_preview(self):
        self.error = False
        return super().action_preview()

    def action_stop(self):
        """Stop after the engagements that are being billed right now; the rest can go on later."""
        for run in self:
            if run.state != "running":
                raise UserError(self.env._("Billing run %(name)s is not running.", name=run.name))
        self.state = "stopped"
        return True

    # -- by itself ------------------------------------------------------------------------------

    @api.model
    def _cron_schedule(self):
        """Start a run for each company and billing date that has come, up to the day before it.

        Each is committed by itself: what is wrong in one company does not stop the others.
        """
        groups = self._get_due_orders().grouped(
            lambda order: (order.next_billing_date, order.company_id)
        )
        left = len(groups)
        for (date, company), orders in sorted(
            groups.items(), key=lambda group: (group[0][0], group[0][1].id)
        ):
            self._retry(partial(self._schedule, company, date, orders))
            left -= 1
            self.env["ir.cron"]._commit_progress(1, remaining=left)

    @api.model
    def _schedule(self, company, date, orders):
        run = self._make_scheduled(company, date - relativedelta(days=1))
        try:
            with self.env.cr.savepoint():
                run._start_scheduled(orders)
        except OperationalError:
            raise  # a conflict with somebody else: all of it is tried again
        except Exception as error:
            _logger.exception("The scheduled billing run of %s cannot start", company.name)
            run._tell_stopped(error)

    @api.model
    def _get_due_orders(self):
        return self.env["sale.order"].search(
            Domain("billing_frequency", "in", list(STEPS))
            & Domain("next_billing_date", "<=", fields.Date.context_today(self))
            & Domain("state", "=", "sale")
            & Domain("is_engagement", "=", True)
        )

    @api.model
    def _make_scheduled(self, company, cutoff):
        """Return a new run; where one could not start on an earlier day, that one."""
        vals = {"company_id": company.id, "cutoff_date": cutoff, "is_scheduled": True}
        run = self.search(
            [*((name, "=", value) for name, value in vals.items()), ("error", "!=", False)], limit=1
        )
        run = run or self.with_company(company).create(vals)
        run.mode = company.billing_schedule_mode or "prebill"
        return run.with_company(company)

    def _start_scheduled(self, orders):
        self.order_ids = orders
        self.action_preview()
        # What has nothing to bill comes again at its next date, not every day.
        orders._plan_next_billing(self.cutoff_date)
        if self._get_pending():
            self.action_start()
        else:
            self.unlink()

    def _tell_stopped(self, error):
        self.invalidate_recordset()
        self.error = self.env._(
            "This run could not start: %(error)s. Mend the cause and press Preview, or leave it: it is "
            "tried again tomorrow.",
            error=error,
        )


class BillingRunLineSchedule(models.Model):
    """The next date of what is billed; what a run that starts by itself leaves to people."""

    _inherit = "billing.run.line"

    def _tell_billed(self, prebills, waiting, moves):
        result = super()._tell_billed(prebills, waiting, moves)
        billed = self.filtered(lambda line: line.state in ("done", "waiting"))
        billed.order_id.sudo()._plan_next_billing(self.run_id.cutoff_date)
        return result

    def _get_waiting(self, prebills):
        waiting = super()._get_waiting(prebills)
        if self.run_id._has_tolerance():
            last = prebills._get_last_bills()
            for prebill in prebills:
                question = prebill not in waiting and prebill._get_question(last.get(prebill))
                if question:
                    waiting[prebill] = self.env._(
                        "%(question)s Look at pre-bill %(name)s and invoice it.",
                        question=question,
                        name=prebill.name,
                    )
        return waiting


class SaleOrderSchedule(models.Model):
    _inherit = "sale.order"

    next_billing_date = fields.Date(
        copy=False,
        help="The day on which work up to the day before is billed by itself, in the rhythm agreed. "
        "Empty: only when somebody does.",
    )

    def _plan_next_billing(self, cutoff):
        """Move the next billing date of these orders on, past a bill of work up to `cutoff`."""
        for order in self:
            step, date = STEPS.get(order.billing_frequency), order.next_billing_date
            if not step or not date or date > cutoff + relativedelta(days=1):
                continue
            first, count = date, 0
            while date <= cutoff + relativedelta(days=1):
                count += 1
                # From the first one on, so that the end of a month does not drift.
                date = first + step * count
            order.next_billing_date = date
