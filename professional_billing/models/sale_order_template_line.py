from odoo import api, fields, models

from .product_template import BILLING_RULES


class SaleOrderTemplateLine(models.Model):
    _inherit = "sale.order.template.line"

    billing_rule = fields.Selection(
        BILLING_RULES,
        compute="_compute_billing_rule",
        store=True,
        readonly=False,
        precompute=True,
    )

    @api.depends("product_id")
    def _compute_billing_rule(self):
        for line in self:
            line.billing_rule = line.product_id.billing_rule

    def _prepare_order_line_values(self):
        # EXTENDS sale_management
        vals = super()._prepare_order_line_values()
        if self.sale_order_template_id.is_engagement and self.billing_rule:
            vals["billing_rule"] = self.billing_rule
        return vals
