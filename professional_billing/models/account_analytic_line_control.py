from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

# What an approval speaks of: afterwards, somebody has to look again.
APPROVED_FIELDS = {
    "unit_amount",
    "employee_id",
    "project_id",
    "task_id",
    "so_line",
    "date",
    "billing_time_type_id",
}
LOCKED_FIELDS = APPROVED_FIELDS | {"name"}


class AccountAnalyticLineControl(models.Model):
    """Approval of time by line, and the closing of a period for it."""

    _inherit = "account.analytic.line"

    billing_approved_by_id = fields.Many2one(
        "res.users", string="Time approved by", copy=False, readonly=True
    )

    def action_approve_billing_time(self):
        """Approve these entries for billing.

        :raise UserError: an entry of one's own, or of a project led by somebody else
        """
        waiting = self.filtered(lambda line: not line.sudo().billing_approved_by_id)
        for line in waiting.sudo():
            line._check_time_approver(self.env.user)
        waiting.sudo().write({"billing_approved_by_id": self.env.uid})
        waiting.sudo()._accrue_billing()
        return True

    def _check_time_approver(self, user):
        manager = user.has_group("professional_billing.group_billing_manager")
        if self.user_id == user or self.employee_id.user_id == user:
            raise UserError(
                self.env._(
                    "“%(name)s” of %(date)s is your own time: somebody else approves it.",
                    name=self.name,
                    date=self.date,
                )
            )
        if not manager and self.project_id.user_id != user:
            raise AccessError(
                self.env._(
                    "Time on %(project)s is approved by its project manager (%(manager)s) or a billing "
                    "manager.",
                    project=self.project_id.name,
                    manager=self.project_id.user_id.name or "–",
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if not self.env.su:
                vals.pop("billing_approved_by_id", None)
        lines = super().create(vals_list)
        lines._check_time_lock()
        return lines

    def write(self, vals):
        if "billing_approved_by_id" in vals and not self.env.su:
            raise AccessError(self.env._("Approve time with the button, not by writing the field."))
        if LOCKED_FIELDS & set(vals):
            self._check_time_lock()
        result = super().write(vals)
        if LOCKED_FIELDS & set(vals):
            self._check_time_lock()
        return result

    @api.model
    def _may_change_closed_time(self):
        return self.env.user.has_group("professional_billing.group_billing_time_unlock")

    def _reset_approval(self, vals):
        """Take the approval back when `vals` change what was approved."""
        if APPROVED_FIELDS & set(vals):
            approved = self._get_engagement_time().sudo().filtered("billing_approved_by_id")
            if approved:
                approved.billing_approved_by_id = False

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self._check_time_lock()

    def _check_time_lock(self):
        """Refuse entries of engagements in a closed period, but for people who may open it."""
        if self.env.su:
            return
        for line in self._get_engagement_time():
            locked = line.company_id.sudo().billing_time_lock_date
            if locked and line.date <= locked and not self._may_change_closed_time():
                raise UserError(
                    self.env._(
                        "Time on engagements is closed up to %(locked)s: “%(name)s” is dated %(date)s. "
                        "Use a later date, or ask somebody who may change closed periods.",
                        locked=locked,
                        name=line.name,
                        date=line.date,
                    )
                )
