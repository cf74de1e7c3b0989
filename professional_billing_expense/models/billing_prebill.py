from odoo import models


class BillingPrebill(models.Model):
    _inherit = "billing.prebill"

    def _has_limits(self):
        # EXTENDS professional_billing
        return super()._has_limits() or any(
            term.billing_cap_amount and not term._get_limit_of_each()
            for term in self.order_ids.expense_term_ids
        )

    def _get_cap_records(self, line):
        # EXTENDS professional_billing: what holds for all expenses of a category together. The limit
        # of each expense is part of its agreed value.
        terms = line.item_id.expense_term_id
        return super()._get_cap_records(line) + [
            term for term in terms if not term._get_limit_of_each()
        ]

    def _finish(self, moves):
        # EXTENDS professional_billing
        result = super()._finish(moves)
        moves.filtered("is_professional_bill")._attach_receipts()
        return result
