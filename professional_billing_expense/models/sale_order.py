from odoo import api, fields, models

from odoo.addons.professional_billing.models.field_groups import CONTRACT_STAFF


class SaleOrder(models.Model):
    _inherit = "sale.order"

    expense_term_ids = fields.One2many(
        "billing.expense.term",
        "order_id",
        string="Expense terms",
        copy=True,
        groups=CONTRACT_STAFF,
        help="Mark-up and limit by category. Expenses without terms are billed as their category says.",
    )
    expense_receipts = fields.Boolean(
        string="Send receipts",
        help="Propose the receipts of billed expenses as attachments when the invoice is sent. They "
        "are kept with the invoice in any case.",
    )
    billing_cap_expenses = fields.Boolean(
        string="Limit includes expenses",
        help="Expenses count towards the limit of the engagement. Otherwise they come on top of it.",
    )

    # -- terms ----------------------------------------------------------------------------------

    def _get_expense_term(self, product):
        """Return the terms for a category: its own, else those for all others, else none."""
        terms = self.expense_term_ids
        own = terms.filtered(lambda term: term.product_id == product)
        return own or terms.filtered(lambda term: not term.product_id)

    def _revalue_expenses(self):
        """Value the expenses that are not billed again, by the terms as they are now."""
        self.sudo().order_line.filtered(
            lambda line: line.billing_rule == "expense"
        )._revalue_expenses()

    def _get_cap_kinds_left_out(self):
        # EXTENDS professional_billing
        kinds = super()._get_cap_kinds_left_out()
        return kinds if self.billing_cap_expenses else (*kinds, "expense")

    def _get_copiable_order_lines(self):
        # EXTENDS sale: an expense is billed once, where it was made.
        lines = super()._get_copiable_order_lines()
        return lines.filtered(lambda line: line.billing_rule != "expense")

    # -- words ----------------------------------------------------------------------------------

    @api.depends(
        "billing_cap_expenses",
        "expense_term_ids.product_id",
        "expense_term_ids.pricing",
        "expense_term_ids.markup",
        "expense_term_ids.billing_cap_amount",
        "expense_term_ids.billing_cap_period",
        "expense_term_ids.billing_cap_policy",
    )
    def _compute_billing_summary(self):
        return super()._compute_billing_summary()

    def _get_billing_sentences(self):
        # EXTENDS professional_billing: the terms are told once, not with each expense.
        sentences = [sentence for sentence in super()._get_billing_sentences() if sentence]
        return sentences + [term._describe() for term in self.expense_term_ids]

    def _describe_cap(self):
        # EXTENDS professional_billing
        text = super()._describe_cap()
        if self.billing_cap_expenses:
            return self.env._("%(limit)s Expenses count towards it.", limit=text)
        if self.expense_term_ids:
            return self.env._("%(limit)s Expenses come on top.", limit=text)
        return text
