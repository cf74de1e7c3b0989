from datetime import timedelta

from odoo import api, fields, models

from .field_groups import CONTRACT_STAFF

REVIEW = "professional_billing.mail_activity_type_review"
STALE = "professional_billing.mail_activity_type_stale_wip"


class BillingPrebillReminder(models.Model):
    """Who is asked to approve a pre-bill, by an activity each."""

    _inherit = "billing.prebill"

    def action_submit(self):
        result = super().action_submit()
        for prebill in self.sudo():
            for approver in prebill._get_approvers():
                prebill.activity_schedule(
                    REVIEW,
                    summary=self.env._("Review pre-bill %(name)s", name=prebill.name),
                    user_id=approver.id,
                )
        return result

    def action_approve(self):
        result = super().action_approve()
        self.sudo().activity_feedback([REVIEW])
        return result

    def action_reopen(self):
        result = super().action_reopen()
        self.sudo().activity_unlink([REVIEW])
        return result

    def action_cancel(self):
        result = super().action_cancel()
        self.sudo().activity_unlink([REVIEW])
        return result

    def _get_approvers(self):
        """Return the project managers; billing managers where only they can approve."""
        self.ensure_one()
        approvers = self.reviewer_ids - self.submitted_by_id
        if not approvers or self.amount_written_off > self._get_write_off_limit():
            managers = self.company_id._get_people("professional_billing.group_billing_manager")
            approvers |= managers - self.submitted_by_id
        return approvers


class SaleOrderReminder(models.Model):
    _inherit = "sale.order"

    stale_wip_told = fields.Boolean(
        copy=False,
        groups=CONTRACT_STAFF,
        help="The project manager was reminded of old work, and it is not dealt with yet.",
    )


class BillingItemReminder(models.Model):
    _inherit = "billing.item"

    @api.model
    def _cron_remind_stale(self):
        """Remind project managers of work that waits for its bill, once until it is dealt with."""
        stale = {}
        for company in self.env["res.company"].search([("billing_stale_wip_days", ">", 0)]):
            stale.update(self._get_stale(company))
        Order = self.env["sale.order"]
        told = Order.search([("stale_wip_told", "=", True)])
        self._forget_stale(told.filtered(lambda order: order not in stale))
        for order in Order.union(*stale) - told:
            self._remind_stale(order, *stale[order])

    @api.model
    def _get_stale(self, company):
        """Return {engagement: (open value, first day of work)} of work older than the company's days."""
        last = company._billing_today() - timedelta(days=company.billing_stale_wip_days)
        groups = self._read_group(
            [
                ("company_id", "=", company.id),
                ("is_open", "=", True),
                ("blocked_reason", "=", False),
                ("date", "<", last),
            ],
            ["order_id"],
            ["open_amount:sum", "date:min"],
        )
        return {order: (amount, date) for order, amount, date in groups}

    @api.model
    def _remind_stale(self, order, amount, first_day):
        project = order.project_ids.filtered("user_id")[:1]
        record, user = (project, project.user_id) if project else (order, order.user_id)
        if not user:
            return
        record.activity_schedule(
            STALE if project else "mail.mail_activity_data_todo",
            summary=self.env._(
                "%(order)s, %(client)s: %(amount)s of old work is not billed",
                order=order.name,
                client=order.partner_id.name,
                amount=order.currency_id.format(amount),
            ),
            note=self.env._(
                "The oldest is of %(date)s. Bill it, write it off, or leave it and mark this as done.",
                date=first_day,
            ),
            user_id=user.id,
        )
        order.stale_wip_told = True

    @api.model
    def _forget_stale(self, orders):
        """Take reminders back of engagements whose old work is dealt with."""
        for order in orders:
            order.project_ids.activity_ids.filtered(
                lambda activity, order=order: (
                    activity.activity_type_id == self.env.ref(STALE)
                    and activity.summary.startswith(f"{order.name},")
                )
            ).unlink()
        orders.stale_wip_told = False
