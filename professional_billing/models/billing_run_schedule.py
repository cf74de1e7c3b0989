from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from .billing_terms_mixin import FREQUENCIES

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
    started_at = fields.Datetime(readonly=True, copy=False)
    remaining_text = fields.Char(compute="_compute_remaining_text", string="Time left")

    @api.depends("state", "started_at", "line_ids.state")
    def _compute_remaining_text(self):
        now = fields.Datetime.now()
        for run in self:
            included = run.line_ids.filtered(lambda line: line.include and line.amount)
            pending = len(run._get_pending())
            dealt_with = len(included) - pending
            run.remaining_text = False
            if run.state == "running" and run.started_at and dealt_with > 0:
                seconds = (now - run.started_at).total_seconds() * pending / dealt_with
                run.remaining_text = self.env._(
                    "about %(minutes)s min", minutes=max(round(seconds / 60), 1)
                )

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

    # -- start and stop -------------------------------------------------------------------------

    def _process_or_queue(self):
        self.started_at = fields.Datetime.now()
        return super()._process_or_queue()

    def action_stop(self):
        """Stop after the engagements that are being billed right now; the rest can go on later."""
        for run in self:
            if run.state != "running":
                raise UserError(self.env._("Billing run %(name)s is not running.", name=run.name))
        self.state = "stopped"
        return True

    def _close(self):
        result = super()._close()
        for run in self.filtered(lambda run: run.state in ("running", "done")):
            run.line_ids.filtered(
                lambda line: line.state in ("done", "waiting")
            ).order_id.sudo()._plan_next_billing(run.cutoff_date)
        return result

    # -- by itself ------------------------------------------------------------------------------

    @api.model
    def _cron_schedule(self):
        """Start a run for each company and billing date that has come, up to the day before it."""
        orders = self.env["sale.order"].search(
            Domain("billing_frequency", "in", list(STEPS))
            & Domain("next_billing_date", "<=", fields.Date.context_today(self))
            & Domain("state", "=", "sale")
            & Domain("is_engagement", "=", True)
        )
        groups = orders.grouped(lambda order: (order.company_id, order.next_billing_date))
        for (company, date), mine in sorted(
            groups.items(), key=lambda group: (group[0][1], group[0][0].id)
        ):
            run = self.with_company(company).create(
                {
                    "company_id": company.id,
                    "cutoff_date": date - relativedelta(days=1),
                    "order_ids": [Command.set(mine.ids)],
                    "mode": company.billing_schedule_mode or "prebill",
                    "is_scheduled": True,
                }
            )
            run.action_preview()
            # What has nothing to bill comes again at its next date, not every day.
            mine._plan_next_billing(run.cutoff_date)
            if run._get_pending():
                run.action_start()
            else:
                run.unlink()


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
