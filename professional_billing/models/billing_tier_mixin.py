from odoo import api, fields, models


class BillingTierMixin(models.AbstractModel):
    """A row of what depends on volume: it holds up to a limit, the last one without."""

    _name = "billing.tier.mixin"
    _description = "Row by volume"
    _rec_name = "up_to"

    up_to = fields.Float(
        min_display_digits="Product Unit",
        aggregator=None,
        help="The largest volume for which this row holds. 0: no limit, for the last row.",
    )
    is_last = fields.Boolean(compute="_compute_is_last", store=True, precompute=True)

    _limit_not_negative = models.Constraint(
        "CHECK(up_to >= 0)", "A limit of volume cannot be less than zero."
    )

    @api.depends("up_to")
    def _compute_is_last(self):
        for tier in self:
            tier.is_last = not tier.up_to

    def _get_row_label(self, currency):
        return (
            self.env._("up to %(limit)s", limit=currency.format(self.up_to))
            if self.up_to
            else self.env._("beyond")
        )
