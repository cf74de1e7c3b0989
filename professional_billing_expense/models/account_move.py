from odoo import fields, models
from odoo.fields import Command
from odoo.tools import SQL

from odoo.addons.professional_billing.models.field_groups import BILLING_STAFF


class AccountMove(models.Model):
    _inherit = "account.move"

    billing_receipt_ids = fields.Many2many(
        "ir.attachment",
        "account_move_billing_receipt_rel",
        string="Receipts",
        copy=False,
        groups=BILLING_STAFF,
        help="Copies of the receipts of the expenses that this invoice bills.",
    )

    def _attach_receipts(self):
        """Keep the receipts of the expenses these invoices bill with the invoices.

        They are copies: who may read the invoice need not be allowed to read people's expenses,
        and a receipt that is taken off the expense later stays with the bill.
        """
        moves = self.sudo()
        receipts = moves._get_billed_expenses()._get_receipts().grouped("res_id")
        plan = [
            (move, receipt)
            for move in (moves if receipts else ())
            for expense in move._get_billed_expenses()
            for receipt in receipts.get(expense.id, ())
        ]
        copies = self.env["ir.attachment"].sudo()
        copies = copies.create(
            [
                receipt.copy_data({"res_model": move._name, "res_id": move.id})[0]
                for move, receipt in plan
            ]
        )
        for (move, _receipt), copy in zip(plan, copies, strict=True):
            move.billing_receipt_ids = [Command.link(copy.id)]

    def _get_billed_expenses(self):
        """Return the expenses these invoices bill, in the order of their lines."""
        self.env["billing.allocation"].flush_model()
        self.env["billing.item"].flush_model(["expense_line_id"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.expense_line_id
                  FROM billing_allocation allocation
                  JOIN billing_item item ON item.id = allocation.item_id
                 WHERE allocation.move_line_id = ANY(%s) AND item.expense_line_id IS NOT NULL
              ORDER BY array_position(%s, allocation.move_line_id), allocation.id
                """,
                self.invoice_line_ids.ids,
                self.invoice_line_ids.ids,
            )
        )
        return self.env["hr.expense"].browse(dict.fromkeys(row[0] for row in rows))

    def _get_receipts_to_send(self):
        """Return the receipts that go to the client with this invoice."""
        bill = self.filtered("is_professional_bill").sudo()
        if not any(bill.invoice_line_ids.sale_line_ids.order_id.mapped("expense_receipts")):
            return self.env["ir.attachment"]
        return bill.billing_receipt_ids.sudo(self.env.su)
