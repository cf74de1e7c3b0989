from odoo import models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    # EXTENDS account
    def unlink(self):
        paid = self.debit_move_id.filtered(
            lambda line: line.reconciled and line.move_type in ("out_invoice", "out_receipt")
        )
        result = super().unlink()
        # A payment that comes back: reminders keep their gap to the day it did.
        for company, lines in paid.exists().grouped("company_id").items():
            lines.sudo()._collection_note_reopened(company._billing_today())
        return result
