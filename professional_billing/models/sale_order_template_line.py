from odoo import api, fields, models

from .product_template import BILLING_RULES


class SaleOrderTemplateLine(models.Model):
    _name = "sale.order.template.line"
    _inherit = ["sale.order.template.line", "billing.line.terms.mixin"]

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

    def action_billing_terms(self):
        """Open the terms that order lines take over."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Billing terms"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def _prepare_order_line_values(self):
        # EXTENDS sale_management
        vals = super()._prepare_order_line_values()
        if self.sale_order_template_id.is_engagement and self.billing_rule:
            # The screen only knows some of the terms: the order line takes them over when created.
            vals.update(billing_rule=self.billing_rule, billing_template_line_id=self.id)
        return vals
