from odoo import api, fields, models
from odoo.tools import format_date


class BillingBlock(models.Model):
    """Hours or money that a client has paid ahead for, valid from a day on, perhaps to another."""

    _name = "billing.block"
    _inherit = "billing.source"
    _description = "Prepaid block"
    _billing_rules = ("prepaid",)
    _frozen_fields = frozenset({"order_line_id", "date", "quantity", "price"})

    order_line_id = fields.Many2one(
        domain="[('billing_rule', '=', 'prepaid'), ('state', '=', 'sale')]"
    )
    number = fields.Integer(readonly=True, copy=False)
    date = fields.Date(string="From", help="First day of work it covers, and when it is billed.")
    date_to = fields.Date(
        string="Valid to", help="Last day of work it covers. Empty: until it is used up."
    )
    quantity = fields.Float(
        string="Size",
        min_display_digits="Product Unit",
        help="Hours, or money in the order's currency, as the line says.",
    )
    price = fields.Monetary(
        compute="_compute_price",
        store=True,
        readonly=False,
        precompute=True,
        help="What is billed for it: at the line's price unless you agree otherwise.",
    )
    reason = fields.Char(readonly=True, copy=False)
    left = fields.Float(compute="_compute_left", compute_sudo=True, help="What the work leaves.")
    item_ids = fields.One2many("billing.item", "block_id", string="Work item")

    _positive = models.Constraint(
        "CHECK(quantity > 0 AND price >= 0)",
        "A prepaid block has a size, and a price of zero or more.",
    )
    _valid = models.Constraint(
        "CHECK(date_to IS NULL OR date_to >= date)",
        "The last day of a prepaid block cannot be before its first.",
    )
    # Two workers that find the same balance too low fill it up once.
    _unique_number = models.UniqueIndex(
        "(order_line_id, number)", "Somebody else has just added a block. Look at it and try again."
    )

    @api.depends("order_line_id", "quantity")
    def _compute_price(self):
        for block in self.filtered("order_line_id"):
            line = block.order_line_id
            block.price = line._get_billing_method()._get_block_price(line, block.quantity)

    @api.depends("quantity", "date", "date_to")
    def _compute_left(self):
        self.left = 0.0
        for line in self._origin.order_line_id:
            for block, left in line._get_billing_method()._get_left(line).items():
                mine = self.filtered(lambda record, block=block: record._origin == block)
                mine.left = float(left)

    @api.depends("date", "quantity")
    def _compute_display_name(self):
        for block in self:
            block.display_name = self.env._(
                "Block of %(date)s", date=format_date(self.env, block.date)
            )

    @api.model_create_multi
    def create(self, vals_list):
        last = dict(
            self.sudo()._read_group(
                [("order_line_id", "in", [vals.get("order_line_id") for vals in vals_list])],
                ["order_line_id"],
                ["number:max"],
            )
        )
        numbers = {line.id: number for line, number in last.items()}
        for vals in vals_list:
            line_id = vals.get("order_line_id")
            numbers[line_id] = vals["number"] = numbers.get(line_id, 0) + 1
        blocks = super().create(vals_list)
        blocks.order_line_id._rerate_billing(rerate=False)
        return blocks

    def write(self, vals):
        result = super().write(vals)
        if {"date", "date_to", "quantity"} & set(vals):
            self.order_line_id._rerate_billing(rerate=False)
        return result

    def unlink(self):
        lines = self.order_line_id
        result = super().unlink()
        lines.exists()._rerate_billing(rerate=False)
        return result
