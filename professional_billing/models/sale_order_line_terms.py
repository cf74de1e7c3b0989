from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.sql import column_exists, create_column

from .billing_line_terms_mixin import DEFAULTED_COLUMNS
from .field_groups import CONTRACT_STAFF

# When its periods begin cannot change once one of them is billed.
RHYTHM_FIELDS = {
    "recurring_unit",
    "recurring_interval",
    "recurring_start",
    "recurring_anchor_day",
}
TERMS_FIELDS = {
    *RHYTHM_FIELDS,
    "recurring_end",
    "recurring_timing",
    "recurring_proration",
    "unit_minimum",
    "tier_mode",
    "success_percentage",
}


class SaleOrderLineTerms(models.Model):
    """The terms of the billing rules progress, recurring fee, price per unit and success fee."""

    _inherit = "sale.order.line"

    billing_template_line_id = fields.Many2one(
        "sale.order.template.line",
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The template whose terms this line took over.",
    )
    qty_delivered_method = fields.Selection(selection_add=[("billing", "Billing rule")])
    billing_progress_ids = fields.One2many(
        "billing.progress",
        "order_line_id",
        string="Progress claims",
        copy=False,
        groups=CONTRACT_STAFF,
    )
    billing_usage_ids = fields.One2many(
        "billing.usage", "order_line_id", string="Usage", copy=False, groups=CONTRACT_STAFF
    )

    recurring_start = fields.Date(string="First day", copy=False)
    recurring_end = fields.Date(
        string="Last day",
        copy=False,
        help="The last day that is served. Empty: until further notice.",
    )
    tier_ids = fields.One2many(
        "billing.tier",
        "order_line_id",
        string="Prices by volume",
        copy=True,
        help="Instead of one price: up to which quantity (or outcome) which price (or percentage) "
        "counts. The line's discount comes off these too.",
        groups=CONTRACT_STAFF,
    )

    def _auto_init(self):
        # Existing lines have none of these rules: spare a big table the ORM's computation.
        if not column_exists(self.env.cr, self._table, "recurring_unit"):
            for name, column_type in DEFAULTED_COLUMNS.items():
                create_column(self.env.cr, self._table, name, column_type)
        return super()._auto_init()

    def _prepare_qty_delivered(self):
        # EXTENDS sale: by these rules, what is earned is delivered.
        earned = self.filtered(lambda line: line.qty_delivered_method == "billing")
        quantities = super(SaleOrderLineTerms, self - earned)._prepare_qty_delivered()
        totals = earned._get_earned()
        for line in earned:
            total = totals.get(line._origin.id)
            quantities[line] = (
                line._get_billing_method()._get_billed_order_quantity(line, total) if total else 0.0
            )
        return quantities

    def _get_earned(self):
        """Return {line id: {"quantity", "amount"}} agreed and due, whatever became of it."""
        if not self.ids:
            return {}
        totals = {}
        groups = (
            self.env["billing.item"]
            .sudo()
            ._read_group(
                [("order_line_id", "in", self.ids), ("blocked_reason", "=", False)],
                ["order_line_id", "uom_id"],
                ["quantity:sum", "amount:sum"],
            )
        )
        for line, uom, quantity, amount in groups:
            self._add_to_ledger(
                totals.setdefault(line.id, {}), "earned", line, uom, quantity, amount
            )
        return {line_id: total["earned"] for line_id, total in totals.items()}

    def _deliver_earned(self):
        """Have Odoo's delivered quantity follow what these lines have earned.

        No dependency does this: it would cost lines of time a query with each entry.
        """
        earned = self.filtered(lambda line: line.qty_delivered_method == "billing")
        self.env.add_to_compute(self._fields["qty_delivered"], earned)

    @api.depends("recurring_start", "recurring_end")
    def _compute_invoice_status(self):
        return super()._compute_invoice_status()

    @api.constrains("billing_rule", *sorted(TERMS_FIELDS))
    def _check_billing_terms(self):
        for line in self.filtered("billing_rule"):
            if error := line._get_billing_method()._get_terms_error(line):
                raise ValidationError(error)

    @api.model_create_multi
    def create(self, vals_list):
        templates = self.env["sale.order.template.line"].browse(
            vals.get("billing_template_line_id") for vals in vals_list
        )
        terms = {line.id: line._get_line_terms() for line in templates.sudo().filtered("id")}
        return super().create(
            [{**terms.get(vals.get("billing_template_line_id"), {}), **vals} for vals in vals_list]
        )

    def write(self, vals):
        self._check_rhythm(vals)
        result = super().write(vals)
        if TERMS_FIELDS & set(vals):
            self.filtered("billing_rule")._accrue_billing()
        return result

    def _check_rhythm(self, vals):
        """Periods that are billed stay where they are: what begins otherwise is a new line."""
        for line in self.filtered("billing_rule") if vals.keys() & RHYTHM_FIELDS else ():
            cleared = "recurring_start" in vals and not vals["recurring_start"]
            if cleared and line.recurring_start and line.state == "sale":
                raise UserError(
                    self.env._(
                        "%(line)s is confirmed and needs a first day from which the fee is billed.",
                        line=line._billing_label(),
                    )
                )
            periods = line.sudo().billing_item_ids.filtered("period_start")
            if line._has_other_rhythm(vals) and periods._is_settled():
                raise UserError(
                    self.env._(
                        "%(line)s: periods of this fee have been billed, so when its periods begin "
                        "cannot change any more. Set its last day and add a new line from the day "
                        "after.",
                        line=line._billing_label(),
                    )
                )

    def _has_other_rhythm(self, vals):
        for name in RHYTHM_FIELDS & vals.keys():
            field = self._fields[name]
            value = field.convert_to_record(field.convert_to_cache(vals[name], self), self)
            if value != self[name]:
                return True
        return False
