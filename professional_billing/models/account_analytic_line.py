from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from .field_groups import CONTRACT_STAFF

# What a bill takes from a time entry by decision of a reviewer or officer, not of its author.
DECIDED_FIELDS = {"billing_treatment", "billing_hours", "billing_rate_override"}
BILLING_FIELDS = {
    "unit_amount",
    "employee_id",
    "project_id",
    "task_id",
    "so_line",
    "date",
    "billing_time_type_id",
    *DECIDED_FIELDS,
}
ACCRUED_FIELDS = BILLING_FIELDS | {"name", "product_uom_id"}
# Changes after which the rate of an entry is looked up again.
PRICE_FIELDS = {"billing_time_type_id", "billing_treatment", "billing_rate_override"}


class AccountAnalyticLine(models.Model):
    _inherit = "account.analytic.line"

    billing_item_ids = fields.One2many(
        "billing.item", "timesheet_id", copy=False, groups=CONTRACT_STAFF
    )
    billing_time_type_id = fields.Many2one(
        "billing.time.type",
        string="Kind of time",
        index="btree_not_null",
        ondelete="restrict",
        check_company=True,
        help="Overtime, night or travel, where the contract has a price for it.",
    )
    billing_treatment = fields.Selection(
        [("complimentary", "Complimentary"), ("non_billable", "Not billable")],
        copy=False,
        help="Complimentary time shows on the bill at zero; time that is not billable does not show. "
        "Empty: billed.",
    )
    billing_hours = fields.Float(
        string="Hours to bill",
        copy=False,
        help="Hours the client is charged for, when they are not those worked. Zero: those worked.",
    )
    billing_rate_override = fields.Float(
        string="Own rate",
        digits="Product Price",
        copy=False,
        aggregator=None,
        groups="professional_billing.group_billing_reviewer,professional_billing.group_billing_officer",
        help="Price of an hour agreed for this entry alone, in the contract's currency.",
    )

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

    @api.constrains("billing_hours", "billing_rate_override")
    def _check_billing_decision(self):
        # Their author may change an entry without being allowed to see its rate.
        for line in self.sudo():
            if line.billing_hours < 0 or line.billing_rate_override < 0:
                raise ValidationError(
                    self.env._(
                        "“%(name)s”: hours to bill and rate cannot be less than zero.",
                        name=line.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_billing_decider(name for name, value in vals.items() if value)
        lines = super().create(vals_list)
        lines._accrue_billing(items=self.env["billing.item"])
        return lines

    def write(self, vals):
        self._check_billing_decider(vals)
        self._reset_approval(vals)
        followed = days = self.browse()
        if ACCRUED_FIELDS & set(vals):
            followed = self._get_engagement_time()
            days = self._get_same_day(followed)
        result = super().write(vals)
        if ACCRUED_FIELDS & set(vals):
            if PRICE_FIELDS & set(vals):
                self = self.with_context(billing_price_changed=True)
            (followed | self._get_engagement_time())._accrue_billing(followed | days)
        return result

    def unlink(self):
        followed = self._get_engagement_time()
        items = self.env["billing.item"]._get_items_of(followed)
        days = self._get_same_day(followed) - self
        result = super().unlink()
        items._close_lost()
        days._accrue_billing()
        return result

    @api.model
    def _get_same_day(self, lines):
        """Return entries rounded by the day together with these, where the contract does that."""
        return self.env["billing.item"].sudo()._with_same_day(lines.sudo()).sudo(self.env.su)

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

    def _check_billing_decider(self, names):
        if self.env.su or not DECIDED_FIELDS & set(names):
            return
        user = self.env.user
        if not (
            user.has_group("professional_billing.group_billing_reviewer")
            or user.has_group("professional_billing.group_billing_officer")
        ):
            raise AccessError(
                self.env._(
                    "What the client is charged for an entry is decided by its project manager or a "
                    "billing officer. Ask one of them."
                )
            )

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
