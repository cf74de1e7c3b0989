from odoo import models
from odoo.exceptions import UserError


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        # EXTENDS account: "Reverse and create invoice" bills the credited work again.
        bills = (
            self.move_ids._get_professional_bills("out_invoice")
            if is_modify
            else self.move_ids.browse()
        )
        if bills and self.date > bills.company_id[:1]._billing_today():
            raise UserError(
                self.env._(
                    "%(bills)s: a credit note dated in the future frees the work only on that day. "
                    "Choose today or an earlier date to credit and bill again.",
                    bills=", ".join(bills.mapped("name")),
                )
            )
        action = super().reverse_moves(is_modify)
        if bills:
            self.new_move_ids.sudo()._rebill_replaced()
        return action
