from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

BILLING_FIELDS = {"unit_amount", "employee_id", "project_id", "task_id", "so_line", "date"}
ACCRUED_FIELDS = BILLING_FIELDS | {"name", "product_uom_id"}


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"

    billing_item_ids = fields.One2many("billing.item", "timesheet_id", copy=False)

    @api.constrains("unit_amount")
    def _check_billed_hours(self):
        for line in self:
            if line.unit_amount < 0 and line.project_id and line.sudo().so_line.billing_rule:
                raise ValidationError(
                    self.env._(
                        "Time on %(order)s cannot be less than zero: “%(name)s” has %(hours)s hours. "
                        "Correct the entry that was wrong instead.",
                        order=line.sudo().so_line.order_id.name,
                        name=line.name,
                        hours=f"{line.unit_amount:g}",
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._accrue_billing(items=self.env["billing.item"])
        return lines

    def write(self, vals):
        followed = self.browse()
        if ACCRUED_FIELDS & set(vals):
            followed = self._get_engagement_time()
        result = super().write(vals)
        if ACCRUED_FIELDS & set(vals):
            (followed | self._get_engagement_time())._accrue_billing(followed)
        return result

    def unlink(self):
        items = self.env["billing.item"]._get_items_of(self._get_engagement_time())
        result = super().unlink()
        items._close_lost()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed_item(self):
        self._get_engagement_time()._check_unsettled(self.env._("deleted"))

    def _check_can_write(self, values):
        # EXTENDS hr_timesheet
        if BILLING_FIELDS & set(values):
            self._get_engagement_time()._check_unsettled(self.env._("changed"))
        return super()._check_can_write(values)

    def _compute_so_line(self):
        # EXTENDS sale_timesheet: entries that come to an engagement by its task or project.
        result = super()._compute_so_line()
        moved = self.filtered(lambda line: line._origin and line.sudo().so_line.billing_rule)
        if moved:
            self.env["billing.item"]._accrue_later(moved)
        return result

    def _get_engagement_time(self):
        """Return the time entries among these that stand on an order line with a billing rule."""
        # Read as superuser first: as somebody else it would cost Odoo's access rules a query.
        return self.filtered(
            lambda line: line.sudo().so_line.billing_rule and line.sudo().project_id
        )

    def _accrue_billing(self, former=(), items=None):
        """Bring the work in progress of these entries up to date.

        :param former: entries that stood on an engagement before the change
        :param items: the items these entries have, when the caller knows
        """
        timesheets = self._get_engagement_time() | self.browse([line.id for line in former])
        if timesheets:
            timesheets.sudo().so_line._accrue_billing(timesheets, items)

    def _check_unsettled(self, what):
        if not self:
            return
        settled = (
            self.env["billing.item"]
            .sudo()
            .search(
                [
                    ("timesheet_id", "in", self.ids),
                    "|",
                    "|",
                    "|",
                    ("billed_quantity", "!=", 0),
                    ("billed_amount", "!=", 0),
                    ("written_off_quantity", "!=", 0),
                    ("written_off_amount", "!=", 0),
                ],
                limit=1,
            )
        )
        if settled:
            raise UserError(
                self.env._(
                    "“%(name)s” of %(date)s on %(order)s is on a bill or written off and cannot be "
                    "%(what)s. Credit it first.",
                    name=settled.description,
                    date=settled.date,
                    order=settled.order_id.name,
                    what=what,
                )
            )
