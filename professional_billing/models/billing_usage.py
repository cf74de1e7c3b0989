from odoo import api, fields, models


class BillingUsage(models.Model):
    """What was used, delivered or reached on a date: tests, pages, returns; or an outcome in money.

    One record is billed on its own: a minimum and prices by volume count for each.
    """

    _name = "billing.usage"
    _inherit = "billing.source"
    _description = "Usage or outcome"
    _billing_rules = ("unit", "success_fee")
    _frozen_fields = frozenset({"order_line_id", "date", "quantity"})

    order_line_id = fields.Many2one(
        domain="[('billing_rule', 'in', ('unit', 'success_fee')), ('state', '=', 'sale')]"
    )
    name = fields.Char(
        string="Description",
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        help="What the client reads on the invoice.",
    )
    quantity = fields.Float(
        default=1.0,
        min_display_digits="Product Unit",
        help="What was used, in the unit of the order line. For a success fee: the outcome, in the "
        "order's currency.",
    )
    amount = fields.Monetary(
        string="Fee",
        compute="_compute_amount",
        compute_sudo=True,
        help="What it bills, once the order is confirmed.",
    )
    item_ids = fields.One2many("billing.item", "usage_id", string="Work item")

    _quantity_not_negative = models.Constraint(
        "CHECK(quantity >= 0)",
        "Usage cannot be less than zero. Credit the invoice of what was billed too much.",
    )

    @api.depends("order_line_id")
    def _compute_name(self):
        for usage in self.filtered(lambda usage: not usage.name):
            outcome = usage.order_line_id.billing_rule == "success_fee"
            usage.name = self.env._("Outcome") if outcome else self.env._("Usage")

    @api.depends("item_ids.amount")
    def _compute_amount(self):
        for usage in self:
            usage.amount = usage.item_ids[:1].amount
