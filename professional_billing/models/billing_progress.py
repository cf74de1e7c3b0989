from itertools import pairwise

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class BillingProgress(models.Model):
    """How much of an order line is complete on a date; it bills what was not claimed before.

    The percentage is cumulative. What is billed is frozen, whatever becomes of the order line: the
    next claim makes up the difference, so that 100 % bills the line to the cent.
    """

    _name = "billing.progress"
    _inherit = "billing.source"
    _description = "Progress claim"
    _billing_rules = ("progress",)
    _frozen_fields = frozenset({"order_line_id", "date", "percentage"})

    order_line_id = fields.Many2one(
        domain="[('billing_rule', '=', 'progress'), ('state', '=', 'sale')]"
    )
    name = fields.Char(
        string="Description", required=True, default=lambda self: self.env._("Progress claim")
    )
    percentage = fields.Float(
        string="% complete",
        digits=(16, 4),
        aggregator=None,
        help="How much of the whole line is complete on this date, 0 to 100, what was claimed "
        "before included.",
    )
    amount = fields.Monetary(
        string="This claim",
        compute="_compute_amount",
        store=True,
        help="The percentage of the line's amount, less the claims before this one.",
    )
    decrease_confirmed = fields.Boolean(
        string="Decrease agreed",
        help="Less is complete than was claimed before: the difference is taken off the next bill.",
    )
    item_ids = fields.One2many("billing.item", "progress_id", string="Work item")

    _percentage_range = models.Constraint(
        "CHECK(percentage >= 0 AND percentage <= 100)",
        "What is complete is between 0 and 100 percent.",
    )

    @api.depends(
        "percentage",
        "date",
        "order_line_id.price_unit",
        "order_line_id.product_uom_qty",
        "order_line_id.discount",
        "order_line_id.billing_progress_ids.percentage",
        "order_line_id.billing_progress_ids.date",
        "order_line_id.billing_progress_ids.item_ids.billed_amount",
        "order_line_id.billing_progress_ids.item_ids.written_off_amount",
    )
    def _compute_amount(self):
        method = self.env["billing.method"]._for_rule("progress")
        for line, mine in self.grouped("order_line_id").items():
            claims = (line.billing_progress_ids | mine)._in_order()
            amounts = method._get_amounts(line, claims)
            for claim, amount in zip(claims, amounts, strict=True):
                if claim in mine:
                    claim.amount = float(amount)

    @api.constrains("percentage", "date", "order_line_id", "decrease_confirmed")
    def _check_percentage(self):
        for line in self.sudo().order_line_id:
            claims = line.billing_progress_ids._in_order()
            for before, claim in pairwise(claims):
                if claim.percentage < before.percentage and not claim.decrease_confirmed:
                    raise ValidationError(
                        self.env._(
                            "“%(name)s” of %(date)s says %(percentage)s %% complete, less than the "
                            "%(before)s %% claimed before. Tick “Decrease agreed” to take the "
                            "difference off the next bill, or correct the percentage.",
                            name=claim.name,
                            date=claim.date,
                            percentage=f"{claim.percentage:g}",
                            before=f"{before.percentage:g}",
                        )
                    )

    @api.constrains("date", "percentage", "order_line_id")
    def _check_order(self):
        """A claim cannot slip in before one that is billed: it would bill the same part again."""
        for claim in self.sudo():
            claims = claim.order_line_id.billing_progress_ids._in_order()
            later = claims[list(claims).index(claim) + 1 :].filtered("is_billed")[:1]
            if later and not claim.is_billed:
                raise ValidationError(
                    self.env._(
                        "“%(name)s” is dated %(date)s, before “%(later)s” of %(later_date)s, which "
                        "has been billed. Date it later.",
                        name=claim.name,
                        date=claim.date,
                        later=later.name,
                        later_date=later.date,
                    )
                )
