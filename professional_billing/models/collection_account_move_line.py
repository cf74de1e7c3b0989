from collections import defaultdict

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ..rules import followup
from ..rules.rounding import decimal
from .field_groups import COLLECTORS

CUSTOMER_INVOICES = ("out_invoice", "out_receipt")

# Payment states of an invoice that end or suspend its follow-up, with the reason we show.
SETTLING_STATES = {
    "blocked": "blocked",
    "in_payment": "in_payment",
    "paid": "in_payment",
    "reversed": "in_payment",
    "invoicing_legacy": "in_payment",
}


class AccountMoveLine(models.Model):
    """What the collector sees of a receivable instalment. Nothing here is stored."""

    _inherit = "account.move.line"

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
        policy = self.env["collection.policy"]._get_default(company)
        histories = self.env["collection.event"]._get_histories(self)
        decisions = policy._plan(self, today, histories) if policy else {}
        names = {level.id: level.name for level in policy.level_ids}
        for line in self:
            last = max(histories[line][0], key=lambda reminder: reminder.on, default=None)
            line.collection_days_late = line._collection_late_on(today)
            line.collection_level = last.name if last else False
            line.collection_last_date = last.on if last else False
            if line in decisions:
                line.collection_next = line._collection_next_text(decisions[line], names)

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

    def _collection_instalments(self):
        """Return all instalments of the invoices of `self`, by invoice, `self` among them."""
        moves = self.move_id
        moves.line_ids.fetch(["move_id", "display_type", "date_maturity", "amount_currency"])
        others = (moves._collection_instalments() | self).grouped("move_id")
        return {move: others[move] for move in moves}

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

    def _collection_balances(self, on):
        """Return what the customers of `self` owe and are owed, by (customer, currency).

        Each value is (overdue, overdue in the company's currency, unallocated credit). What is
        on hold is not asked for, so it counts neither as overdue nor against the minimum.
        """
        company, partners = self.company_id, self.partner_id
        overdue = self._read_group(
            self._collection_domain(company, on)
            & Domain("partner_id", "in", partners.ids)
            & Domain("no_followup", "=", False)
            & Domain("move_id.payment_state", "not in", list(SETTLING_STATES)),
            ["partner_id", "currency_id"],
            ["amount_residual_currency:sum", "amount_residual:sum"],
        )
        credit = self._read_group(
            Domain("company_id", "=", company.id)
            & Domain("partner_id", "in", partners.ids)
            & Domain("parent_state", "=", "posted")
            & Domain("account_type", "=", "asset_receivable")
            & Domain("reconciled", "=", False)
            & Domain("amount_residual_currency", "<", 0),
            ["partner_id", "currency_id"],
            ["amount_residual_currency:sum"],
        )
        balances = defaultdict(lambda: (0.0, 0.0, 0.0))
        for partner, currency, amount, company_amount in overdue:
            balances[partner, currency] = (currency.round(amount), company_amount, 0.0)
        for partner, currency, amount in credit:
            open_amount, company_amount, _none = balances[partner, currency]
            balances[partner, currency] = (open_amount, company_amount, currency.round(-amount))
        return balances

    def _collection_holds(self):
        """Return the list of followup.Hold of each line, by line."""
        paying = self._collection_paying_moves()
        holds = defaultdict(list)
        for line in self:
            reasons = [
                line.parent_state != "posted" and "not_posted",
                (line.no_followup or line.move_type not in CUSTOMER_INVOICES) and "no_followup",
                SETTLING_STATES.get(line.move_id.payment_state),
                line.move_id in paying and "payment_pending",
            ]
            holds[line] = [followup.Hold(reason) for reason in reasons if reason]
        return holds

    def _collection_paying_moves(self):
        """Return the invoices of `self` with an online payment under way."""
        # Collectors may read invoices but not payment transactions.
        transactions = (
            self.env["payment.transaction"]
            .sudo()
            .search(
                [
                    ("invoice_ids", "in", self.move_id.ids),
                    ("state", "in", ["pending", "authorized"]),
                ]
            )
        )
        return transactions.invoice_ids.sudo(False)

    def _collection_level_reached(self, histories):
        """Return the name of the highest level sent for any of `self`, or nothing."""
        sent = [reminder for line in self for reminder in histories[line][0]]
        return max(sent, key=lambda reminder: reminder.sequence).name if sent else False

    def _collection_next_text(self, decision, level_names):
        """Return the next step on an instalment as a short text."""
        reasons = dict(
            self.env["collection.run.line"]._fields["skip_reason"]._description_selection(self.env)
        )
        if decision.level:
            return self.env._("%(level)s is due", level=level_names[decision.level.id])
        if decision.reason == "not_overdue":
            return self.env._("Not overdue")
        if decision.upcoming and decision.date:
            return self.env._(
                "%(level)s on %(date)s",
                level=level_names[decision.upcoming.id],
                date=format_date(self.env, decision.date),
            )
        return reasons.get(decision.reason, decision.reason)
