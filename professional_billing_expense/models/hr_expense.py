from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.professional_billing.models.field_groups import BILLING_STAFF


class HrExpense(models.Model):
    _inherit = "hr.expense"

    billing_item_ids = fields.One2many(
        "billing.item", "expense_line_id", string="Work in progress", groups=BILLING_STAFF
    )

    def _compute_sale_order_id(self):
        # EXTENDS sale_expense: a category that is no longer re-invoiced takes nothing back that is.
        billed = self.filtered(lambda expense: expense.sale_order_line_id.billing_rule)
        return super(HrExpense, self - billed)._compute_sale_order_id()

    def _sale_expense_reset_sol_quantities(self):
        # EXTENDS sale_expense: it empties the order line, and open work goes with it.
        self._check_not_billed()
        return super()._sale_expense_reset_sol_quantities()

    def _check_not_billed(self):
        for expense in self.sudo():
            items = expense.billing_item_ids.filtered(lambda item: item._is_billed())
            if items:
                invoices = items.allocation_ids.move_id
                raise UserError(
                    self.env._(
                        "“%(expense)s” has been billed to %(client)s on %(invoices)s. Credit it there "
                        "(or delete the draft) before you take the expense back.",
                        expense=expense.name,
                        client=items[0].partner_id.display_name,
                        invoices=", ".join(invoices.mapped("display_name")),
                    )
                )

    # -- receipts -------------------------------------------------------------------------------

    def _get_receipt_domain(self):
        return Domain("res_model", "=", self._name) & Domain("res_id", "in", self.ids)

    def _get_receipts(self):
        return self.env["ir.attachment"].search(self._get_receipt_domain(), order="id")

    def _count_receipts(self):
        """Return {expense id: number of receipts}."""
        groups = self.env["ir.attachment"]._read_group(
            self._get_receipt_domain(), ["res_id"], ["__count"]
        )
        return dict(groups)
