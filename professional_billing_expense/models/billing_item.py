from odoo import api, fields, models


class BillingItem(models.Model):
    _inherit = "billing.item"

    # The ledger outlives this add-on: a billed expense stays a quantity at a price.
    kind = fields.Selection(
        selection_add=[("expense", "Expense")], ondelete={"expense": "set unit"}
    )
    expense_line_id = fields.Many2one("hr.expense", string="Expense", ondelete="set null")
    expense_term_id = fields.Many2one(
        "billing.expense.term",
        string="Expense terms",
        index="btree_not_null",
        ondelete="set null",
    )
    receipt_count = fields.Integer(
        string="Receipts", compute="_compute_receipt_count", compute_sudo=True
    )

    _unique_expense = models.UniqueIndex(
        "(expense_line_id) WHERE expense_line_id IS NOT NULL", "This expense is already in WIP."
    )

    @api.depends("expense_line_id")
    def _compute_receipt_count(self):
        counts = self.expense_line_id._count_receipts()
        for item in self:
            item.receipt_count = counts.get(item.expense_line_id.id, 0)

    @api.model
    def _get_source_fields(self):
        # EXTENDS professional_billing
        return (*super()._get_source_fields(), "expense_line_id")

    def action_view_receipts(self):
        """Show the receipts, to those who may read the expense."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Receipts"),
            "res_model": "ir.attachment",
            "view_mode": "kanban,form",
            "domain": self.sudo().expense_line_id._get_receipt_domain(),
            "context": {"create": False},
        }
