from odoo import api, models
from odoo.exceptions import UserError


class HrEmployee(models.Model):
    _inherit = "hr.employee"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_billing_item(self):
        item = self.env["billing.item"].sudo().search([("employee_id", "in", self.ids)], limit=1)
        if item:
            raise UserError(
                self.env._(
                    "%(name)s has work on %(order)s, billed or to bill, and cannot be deleted. "
                    "Archive them instead.",
                    name=item.employee_id.name,
                    order=item.order_id.name,
                )
            )
