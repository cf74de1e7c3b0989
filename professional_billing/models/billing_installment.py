from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class BillingInstallment(models.Model):
    """A part of a fixed fee, billable from its date.

    The part is a percentage of the fee or an amount. What is billed is frozen; the last open
    percentage takes the rounding, so that the instalments add up to the fee.
    """

    _name = "billing.installment"
    _description = "Instalment of a fixed fee"
    _order = "order_id, order_line_id, date, id"
    _check_company_auto = True

    order_line_id = fields.Many2one(
        "sale.order.line",
        string="Order line",
        required=True,
        index=True,
        ondelete="cascade",
        domain="[('order_id', '=', order_id), ('billing_rule', '=', 'fixed_fee')]",
    )
    order_id = fields.Many2one(
        "sale.order",
        string="Engagement",
        compute="_compute_order_id",
        store=True,
        readonly=False,
        precompute=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="order_line_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="order_line_id.currency_id")
    name = fields.Char(string="Description", required=True)
    date = fields.Date(string="Bill from", required=True, default=fields.Date.context_today)
    percentage = fields.Float(
        string="% of fee",
        digits=(16, 4),
        help="Share of the fee, 0 to 100. Leave at zero to enter an amount instead.",
    )
    amount = fields.Monetary(compute="_compute_amount", store=True, readonly=False, precompute=True)
    item_ids = fields.One2many("billing.item", "installment_id", string="Work item")
    is_billed = fields.Boolean(compute="_compute_state", compute_sudo=True)
    state = fields.Selection(
        [("planned", "Planned"), ("due", "To bill"), ("billed", "Billed")],
        compute="_compute_state",
        compute_sudo=True,
    )

    _percentage_range = models.Constraint(
        "CHECK(percentage >= 0 AND percentage <= 100)",
        "The percentage of an instalment is between 0 and 100.",
    )

    @api.model
    def default_get(self, fields):
        """Take the order's fixed-fee line when it has just one."""
        values = super().default_get(fields)
        order_id = self.env.context.get("default_order_id")
        if "order_line_id" in fields and order_id and not values.get("order_line_id"):
            order = self.env["sale.order"].browse(order_id)
            lines = order.order_line.filtered(lambda line: line.billing_rule == "fixed_fee")
            if len(lines) == 1:
                values["order_line_id"] = lines.id
        return values

    @api.depends("order_line_id")
    def _compute_order_id(self):
        for installment in self.filtered("order_line_id"):
            installment.order_id = installment.order_line_id.order_id

    @api.depends(
        "percentage",
        "date",
        "order_line_id.price_unit",
        "order_line_id.product_uom_qty",
        "order_line_id.discount",
        "order_line_id.billing_installment_ids.percentage",
        "order_line_id.billing_installment_ids.date",
    )
    def _compute_amount(self):
        method = self.env["billing.method"]._for_rule("fixed_fee")
        for line, installments in self.filtered("order_line_id").grouped("order_line_id").items():
            siblings = (line.billing_installment_ids | installments).sorted(
                lambda entry: entry.date or fields.Date.today()
            )
            amounts = method._get_amounts(line, siblings)
            for installment, amount in zip(siblings, amounts, strict=True):
                if installment.percentage and not installment.is_billed:
                    installment.amount = float(amount)

    @api.depends("date", "item_ids.billed_amount", "item_ids.written_off_amount")
    def _compute_state(self):
        for installment in self:
            item = installment.item_ids[:1]
            installment.is_billed = bool(item.billed_amount or item.written_off_amount)
            if installment.is_billed and not item.open_amount:
                installment.state = "billed"
            else:
                today = (installment.company_id or self.env.company)._billing_today()
                due = installment.date and installment.date <= today
                installment.state = "due" if due else "planned"

    @api.constrains("date", "order_line_id")
    def _check_date(self):
        for installment in self:
            ordered = installment.order_id.date_order
            if ordered and installment.date < fields.Date.context_today(self, ordered):
                raise ValidationError(
                    self.env._(
                        "Instalment “%(name)s” of %(order)s is dated %(date)s, before the order. "
                        "Choose the order's date or later.",
                        name=installment.name,
                        order=installment.order_id.display_name,
                        date=installment.date,
                    )
                )

    @api.constrains("order_id", "order_line_id")
    def _check_order_line(self):
        for installment in self:
            line = installment.order_line_id
            if line.order_id != installment.order_id or line.billing_rule != "fixed_fee":
                raise ValidationError(
                    self.env._(
                        "Instalment “%(name)s” needs a fixed-fee line of the same order, not “%(line)s”.",
                        name=installment.name,
                        line=line.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        installments = super().create(vals_list)
        installments.order_line_id._accrue_billing()
        return installments

    def write(self, vals):
        if {"date", "percentage", "amount", "order_line_id"} & set(vals):
            self._check_frozen()
        result = super().write(vals)
        self.order_line_id._accrue_billing()
        return result

    def unlink(self):
        lines = self.order_line_id
        result = super().unlink()
        lines.exists()._accrue_billing()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._check_frozen()

    def _check_frozen(self):
        if billed := self.filtered("is_billed")[:1]:
            raise UserError(
                self.env._(
                    "Instalment “%(name)s” of %(order)s has been billed and is frozen. "
                    "Credit its invoice first, or change the other instalments.",
                    name=billed.name,
                    order=billed.order_id.display_name,
                )
            )

    def _has_own_amount(self):
        """Tell whether the amount stands on its own: typed in, or frozen by a bill."""
        self.ensure_one()
        return self.is_billed or not self.percentage
