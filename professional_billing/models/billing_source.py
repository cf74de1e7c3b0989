from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class BillingSource(models.AbstractModel):
    """What somebody records on an order line to be billed once: a claim of progress, a usage.

    A model made of it names the rules it belongs to and has `item_ids`, its work in progress. What
    is billed is frozen.
    """

    _name = "billing.source"
    _description = "Record to be billed"
    _order = "order_line_id, date, id"
    _billing_rules = ()
    _frozen_fields = frozenset({"order_line_id", "date"})

    order_line_id = fields.Many2one(
        "sale.order.line", string="Order line", required=True, index=True, ondelete="cascade"
    )
    order_id = fields.Many2one(
        related="order_line_id.order_id",
        string="Engagement",
        store=True,
        precompute=True,
        index=True,
    )
    company_id = fields.Many2one(related="order_line_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="order_line_id.currency_id")
    partner_id = fields.Many2one(related="order_id.partner_id", string="Customer")
    date = fields.Date(required=True, default=fields.Date.context_today)
    is_billed = fields.Boolean(compute="_compute_state", compute_sudo=True)
    state = fields.Selection(
        [("planned", "Planned"), ("due", "To bill"), ("billed", "Billed")],
        compute="_compute_state",
        compute_sudo=True,
    )

    @api.depends(
        "date", "item_ids.billed_amount", "item_ids.written_off_amount", "item_ids.open_amount"
    )
    def _compute_state(self):
        for record in self:
            item = record.item_ids[:1]
            record.is_billed = bool(item.billed_amount or item.written_off_amount)
            if record.is_billed and not item.open_amount:
                record.state = "billed"
            else:
                today = (record.company_id or self.env.company)._billing_today()
                due = record.date and record.date <= today
                record.state = "due" if due else "planned"

    @api.constrains("order_line_id")
    def _check_order_line(self):
        rules = dict(
            self.env["sale.order.line"]._fields["billing_rule"]._description_selection(self.env)
        )
        for record in self.sudo():
            line = record.order_line_id
            if line.billing_rule not in self._billing_rules:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” needs an order line with the billing rule %(rules)s, not "
                        "“%(line)s”.",
                        name=record.display_name,
                        rules=", ".join(f"“{rules[rule]}”" for rule in self._billing_rules),
                        line=line._billing_label(),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records.order_line_id._accrue_billing()
        return records

    def write(self, vals):
        self.check_access("write")
        if self._frozen_fields & set(vals):
            self._check_frozen()
        lines = self.order_line_id
        result = super().write(vals)
        (lines | self.order_line_id)._accrue_billing()
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
                    "“%(name)s” of %(date)s on %(order)s has been billed or written off and is "
                    "frozen. Credit its invoice first, or record a new one.",
                    name=billed.display_name,
                    date=billed.date,
                    order=billed.sudo().order_id.name,
                )
            )

    def _in_order(self):
        """Return these in the order in which they count: by date, then as they were recorded."""
        last = float("inf")
        return self.sorted(
            lambda record: (record.date or fields.Date.today(), record._origin.id or last)
        )
