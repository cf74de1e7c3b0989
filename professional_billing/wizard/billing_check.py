from odoo import api, fields, models
from odoo.fields import Command


class BillingCheck(models.TransientModel):
    """What stands in the way of billing an engagement, and what is worth a look, each with its place."""

    _name = "billing.check"
    _description = "Contract check"

    order_id = fields.Many2one("sale.order", required=True, readonly=True)
    line_ids = fields.One2many("billing.check.line", "check_id", readonly=True)

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        order = self.env["sale.order"].browse(values.get("order_id"))
        if order:
            values["line_ids"] = [Command.create(vals) for vals in order._get_billing_findings()]
        return values


class BillingCheckLine(models.TransientModel):
    _name = "billing.check.line"
    _description = "Finding of a contract check"
    _order = "severity, id"

    check_id = fields.Many2one("billing.check", required=True, ondelete="cascade")
    severity = fields.Selection(
        [("1_blocker", "Must be fixed"), ("2_warning", "Worth a look")], required=True
    )
    message = fields.Char(required=True)
    res_model = fields.Char(required=True)
    res_id = fields.Many2oneReference(model_field="res_model", required=True)

    def action_fix(self):
        """Open where it can be mended."""
        self.ensure_one()
        record = self.env[self.res_model].browse(self.res_id)
        if self.res_model == "sale.order.line":
            return record.action_billing_terms()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
            "views": [(False, "form")],
        }
