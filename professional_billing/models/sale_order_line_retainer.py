from odoo import api, fields, models

from .sale_order_line_terms import TERMS_FIELDS

RETAINER_FIELDS = {
    "retainer_hours",
    "retainer_rollover",
    "retainer_rollover_cap",
    "overage_price",
    "overage_policy",
}


class SaleOrderLineRetainer(models.Model):
    """The terms of a retainer, besides its periods: hours included, and what lies beyond."""

    _inherit = "sale.order.line"

    retainer_hours = fields.Float(
        string="Hours included", help="Hours that the fee of each period includes."
    )
    retainer_rollover = fields.Selection(
        [
            ("none", "Are lost"),
            ("one_period", "Can be used in the next period"),
            ("capped", "Can be used in the next period, up to"),
        ],
        string="Unused hours",
        # Not required, like all terms. Empty: they are lost.
        help="Only a period's own hours are carried over, once: what was carried over and is not used "
        "is lost.",
    )
    retainer_rollover_cap = fields.Float(string="Carried at most", help="Hours.")
    overage_price = fields.Float(
        string="Price beyond, per hour",
        min_display_digits="Product Price",
        aggregator=None,
        help="Price of an hour that no allowance covers. With rate cards, for work they have no rate for.",
    )
    overage_policy = fields.Selection(
        [("bill", "Is billed"), ("ask", "Waits until somebody approves it")],
        string="Time beyond",
        help="Empty: it is billed.",
    )

    @api.constrains("billing_rule", *sorted(RETAINER_FIELDS))
    def _check_retainer_terms(self):
        self._check_billing_terms()

    def write(self, vals):
        result = super().write(vals)
        if (RETAINER_FIELDS | TERMS_FIELDS) & set(vals):
            lines = self.filtered(
                lambda line: line.billing_rule and line._get_billing_method()._shares_hours
            )
            lines._rerate_billing()
        return result
