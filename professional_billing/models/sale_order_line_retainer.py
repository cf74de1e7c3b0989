from odoo import api, fields, models

from .field_groups import CONTRACT_STAFF
from .sale_order_line_terms import TERMS_FIELDS

RETAINER_FIELDS = {
    "retainer_measure",
    "retainer_hours",
    "retainer_rollover",
    "retainer_rollover_cap",
    "prepaid_minimum",
    "prepaid_target",
    "overage_price",
    "overage_policy",
}


class SaleOrderLineRetainer(models.Model):
    """The terms of retainers and prepaid blocks: what is paid ahead, and what lies beyond."""

    _inherit = "sale.order.line"

    retainer_measure = fields.Selection(
        [("hours", "Hours"), ("money", "Money")],
        string="Paid ahead",
        # Not required, like all terms. Empty: hours.
        help="Hours, whoever works them; or money, from which work is taken at its price. The fee of "
        "a retainer counted in money is a minimum.",
    )
    retainer_hours = fields.Float(
        string="Hours included", help="Hours that the fee of each period includes."
    )
    retainer_rollover = fields.Selection(
        [
            ("none", "Is lost"),
            ("one_period", "Can be used in the next period"),
            ("capped", "Can be used in the next period, up to"),
        ],
        string="What is unused",
        # Not required, like all terms. Empty: it is lost.
        help="Only a period's own allowance is carried over, once: what was carried over and is not "
        "used is lost.",
    )
    retainer_rollover_cap = fields.Float(
        string="Carried at most", help="Hours, or money in the order's currency."
    )
    billing_block_ids = fields.One2many(
        "billing.block",
        "order_line_id",
        string="Prepaid blocks",
        copy=False,
        groups=CONTRACT_STAFF,
    )
    prepaid_minimum = fields.Float(
        string="When less is left than",
        aggregator=None,
        help="Hours, or money in the order's currency. Empty: a new block is only sold by hand.",
    )
    prepaid_target = fields.Float(string="Fill up to", aggregator=None)
    overage_price = fields.Float(
        string="Price beyond, per hour",
        min_display_digits="Product Price",
        aggregator=None,
        help="Price of an hour that nothing paid ahead covers; where money is paid ahead, of every "
        "hour. With rate cards, for work they have no rate for.",
    )
    overage_policy = fields.Selection(
        [("bill", "Is billed"), ("ask", "Waits until somebody approves it")],
        string="Time beyond",
        help="Empty: it is billed.",
    )

    @api.constrains("billing_rule", *sorted(RETAINER_FIELDS))
    def _check_retainer_terms(self):
        self._check_billing_rule()
        self._check_billing_terms()

    def write(self, vals):
        result = super().write(vals)
        if (RETAINER_FIELDS | TERMS_FIELDS) & set(vals):
            lines = self.filtered(
                lambda line: line.billing_rule and line._get_billing_method()._shares_hours
            )
            lines._rerate_billing()
        return result
