from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ..rules.rounding import decimal
from .field_groups import COLLECTORS

CUSTOMER_INVOICES = ("out_invoice", "out_receipt")


class AccountMoveLine(models.Model):
    """What the collector sees of a receivable instalment."""

    _inherit = "account.move.line"

    # Read by the database when it decides what is due.
    collection_reopened_date = fields.Date(
        string="Payment came back", readonly=True, copy=False, groups=COLLECTORS
    )
    collection_posted_date = fields.Date(
        string="Posted when late", readonly=True, copy=False, groups=COLLECTORS
    )
    collection_days_late = fields.Integer(
        string="Days late", compute="_compute_collection", aggregator=None, groups=COLLECTORS
    )
    collection_level = fields.Char(
        string="Level reached", compute="_compute_collection", groups=COLLECTORS
    )
    collection_last_date = fields.Date(
        string="Last reminder", compute="_compute_collection", groups=COLLECTORS
    )
    collection_next = fields.Char(
        string="Next step", compute="_compute_collection", groups=COLLECTORS
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_collection(self):
        self.collection_days_late = 0
        self.collection_level = self.collection_next = self.collection_last_date = False
        for company, lines in self.filtered("id").grouped("company_id").items():
            lines._compute_collection_in(company)

    def _compute_collection_in(self, company):
        today = company._billing_today()
        decisions = self.env["collection.decision"]._decide(self, today)
        last = self.env["collection.event"]._get_last_by_line(self)
        for line in self:
            line.collection_days_late = line._collection_late_on(today)
            line.collection_next = line._collection_next_text(decisions[line])
            if line in last:
                line.collection_level = last[line].level_name
                line.collection_last_date = last[line].date

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _collection_due_date(self):
        return self.date_maturity or self.date

    def _collection_key(self):
        """Return what stays the same about an instalment: due date and original amount."""
        return (
            self._collection_due_date(),
            decimal(self.currency_id.round(self.amount_currency)),
        )

    def _collection_late_on(self, day):
        return max((day - self._collection_due_date()).days, 0)

    def _collection_note_reopened(self, day):
        """Note that these are open again though they were paid."""
        self.collection_reopened_date = day

    def _collection_paid_on(self, moves):
        """Return what this payment paid on `moves`, and what of it is not allocated."""
        matched = sum(
            partial.credit_amount_currency
            for partial in self.matched_debit_ids
            if partial.debit_move_id.move_id in moves
        )
        return decimal(self.currency_id.round(matched - min(self.amount_residual_currency, 0)))

    def _collection_domain(self, company, on):
        """Return the open customer instalments of `company` overdue on the day `on`."""
        return (
            Domain("company_id", "=", company.id)
            & Domain("parent_state", "=", "posted")
            & Domain("display_type", "=", "payment_term")
            & Domain("account_type", "=", "asset_receivable")
            & Domain("move_type", "in", CUSTOMER_INVOICES)
            & Domain("reconciled", "=", False)
            & Domain("amount_residual_currency", ">", 0)
            & Domain("date_maturity", "<", on)
            & Domain("partner_id", "!=", False)
        )

    def _collection_next_text(self, decision):
        """Return the next step on an instalment as a short text."""
        level = self.env["collection.level"].browse(decision.level_id or decision.upcoming_id or ())
        if decision.level_id:
            return self.env._("%(level)s is due", level=level.name)
        if decision.reason == "not_overdue":
            return self.env._("Not overdue")
        if level and decision.date and decision.reason in ("not_yet", "gap"):
            return self.env._(
                "%(level)s on %(date)s",
                level=level.name,
                date=format_date(self.env, decision.date),
            )
        reasons = dict(
            self.env["collection.run.line"]._fields["skip_reason"]._description_selection(self.env)
        )
        text = reasons.get(decision.reason, decision.reason)
        if decision.date:
            day = format_date(self.env, decision.date)
            return self.env._("%(reason)s, until %(date)s", reason=text, date=day)
        return text
