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

    billing_block_ids = fields.One2many(
        "billing.block",
        "order_line_id",
        string="Prepaid blocks",
        copy=False,
        groups=CONTRACT_STAFF,
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
