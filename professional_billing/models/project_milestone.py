from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

ACCRUED_FIELDS = {
    "name",
    "is_reached",
    "deadline",
    "sale_line_id",
    "quantity_percentage",
    "product_uom_qty",
    "billing_amount",
    "accepted_date",
}


class ProjectMilestone(models.Model):
    _inherit = "project.milestone"

    billing_amount = fields.Monetary(
        string="Own amount",
        currency_field="billing_currency_id",
        help="What this milestone bills. Leave at zero to bill its share of the order line.",
    )
    billing_currency_id = fields.Many2one(related="sale_line_id.currency_id")
    billing_rule = fields.Selection(related="sale_line_id.billing_rule")
    needs_acceptance = fields.Boolean(related="sale_line_id.order_id.milestone_acceptance")
    accepted_by = fields.Many2one("res.partner", string="Accepted by", copy=False)
    accepted_date = fields.Date(string="Accepted on", copy=False)

    @api.constrains("sale_line_id", "project_id")
    def _check_sale_line_customer(self):
        for milestone in self.sudo().filtered("sale_line_id.billing_rule"):
            order = milestone.sale_line_id.order_id
            partner = milestone.project_id.partner_id.commercial_partner_id
            if partner and partner != order.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Milestone “%(milestone)s” of %(project)s cannot bill %(order)s: that order is for "
                        "%(customer)s. Choose a line of the project's own customer.",
                        milestone=milestone.name,
                        project=milestone.project_id.name,
                        order=order.name,
                        customer=order.partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        milestones = super().create(vals_list)
        milestones._accrue_billing()
        return milestones

    def write(self, vals):
        if not ACCRUED_FIELDS & set(vals):
            return super().write(vals)
        lines = self._get_billing_lines()
        self._check_amount_unbilled(vals)
        result = super().write(vals)
        (lines | self._get_billing_lines())._accrue_billing()
        return result

    def unlink(self):
        lines = self._get_billing_lines()
        result = super().unlink()
        lines._accrue_billing()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billed(self):
        self._check_amount_unbilled({"sale_line_id": False})

    def action_accept(self):
        """Record that the client accepts these milestones today."""
        for milestone in self:
            if not milestone.is_reached:
                raise UserError(
                    self.env._(
                        "Milestone “%(name)s” is not reached yet. Mark it as reached first.",
                        name=milestone.name,
                    )
                )
            milestone.write(
                {
                    "accepted_by": milestone.sale_line_id.sudo().order_id.partner_id.id,
                    "accepted_date": (
                        milestone.project_id.company_id or self.env.company
                    )._billing_today(),
                }
            )
        return True

    def _get_billing_lines(self):
        return self.sudo().sale_line_id.filtered("billing_rule")

    def _accrue_billing(self):
        self._get_billing_lines()._accrue_billing()

    def _check_amount_unbilled(self, vals):
        if not {"sale_line_id", "quantity_percentage", "product_uom_qty", "billing_amount"} & set(
            vals
        ):
            return
        billed = self.filtered(lambda milestone: milestone.sudo().sale_line_id.billing_rule)
        if not billed:
            return
        items = self.env["billing.item"].sudo().search([("milestone_id", "in", billed.ids)])
        for item in items:
            if item._is_settled():
                raise UserError(
                    self.env._(
                        "Milestone “%(name)s” of %(order)s has been billed and is frozen. Credit its "
                        "invoice first.",
                        name=item.description,
                        order=item.order_id.name,
                    )
                )
