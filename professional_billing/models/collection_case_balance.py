from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain

from ..rules import ageing
from ..rules.rounding import decimal


class CollectionCaseBalance(models.Model):
    """What a customer owes, read from the journal items when it is looked at."""

    _inherit = "collection.case"

    due_amount = fields.Monetary(string="Open", compute="_compute_amounts")
    overdue_amount = fields.Monetary(
        string="Overdue", compute="_compute_amounts", search="_search_overdue_amount"
    )
    credit_amount = fields.Monetary(
        string="Unallocated credit",
        compute="_compute_amounts",
        help="Payments and credit notes that are not matched with an invoice yet.",
    )
    oldest_due_date = fields.Date(string="Oldest due date", compute="_compute_amounts")
    days_late = fields.Integer(string="Days late", compute="_compute_amounts", aggregator=None)
    age_not_due = fields.Monetary(string="Not due", compute="_compute_ageing")
    age_30 = fields.Monetary(string="1 to 30 days", compute="_compute_ageing")
    age_60 = fields.Monetary(string="31 to 60 days", compute="_compute_ageing")
    age_90 = fields.Monetary(string="61 to 90 days", compute="_compute_ageing")
    age_more = fields.Monetary(string="Over 90 days", compute="_compute_ageing")
    wip_amount = fields.Monetary(
        string="Work not billed",
        compute="_compute_exposure",
        help="Open work in progress, before tax.",
    )
    retainer_amount = fields.Monetary(
        string="Retainers not billed",
        compute="_compute_exposure",
        help="Fees of retainers and other periods that are not billed yet, before tax.",
    )
    exposure_amount = fields.Monetary(
        string="Total exposure",
        compute="_compute_exposure",
        help="Open invoices less unallocated credit, and what is not billed yet.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_amounts(self):
        today = {company: company._billing_today() for company in self.company_id}
        lines = self._get_receivables()
        for case in self:
            owed = lines[case].filtered(lambda line: line.amount_residual_currency > 0)
            late = owed.filtered(
                lambda line, case=case: line._collection_late_on(today[case.company_id]) > 0
            )
            case.due_amount = sum(owed.mapped("amount_residual_currency"))
            case.overdue_amount = sum(late.mapped("amount_residual_currency"))
            case.credit_amount = abs(sum((lines[case] - owed).mapped("amount_residual_currency")))
            case.oldest_due_date = min(
                (line._collection_due_date() for line in owed), default=False
            )
            case.days_late = max(
                (line._collection_late_on(today[case.company_id]) for line in late), default=0
            )

    def _search_overdue_amount(self, operator, value):
        if operator not in (">", ">=") or not isinstance(value, int | float):
            return NotImplemented
        cases = Domain.FALSE
        Line = self.env["account.move.line"]
        for company in self.env.companies:
            late = Line._collection_domain(company, company._billing_today())
            customers = defaultdict(list)
            for partner, currency in Line._read_group(
                late,
                ["partner_id", "currency_id"],
                having=[("amount_residual_currency:sum", operator, value)],
            ):
                customers[currency].append(partner.commercial_partner_id.id)
            for currency, partner_ids in customers.items():
                cases |= (
                    Domain("company_id", "=", company.id)
                    & Domain("currency_id", "=", currency.id)
                    & Domain("partner_id", "in", partner_ids)
                )
        return cases

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_ageing(self):
        receivables = self._get_receivables()
        for case in self:
            today = case.company_id._billing_today()
            aged = ageing.receivables(
                [
                    (line._collection_due_date(), decimal(line.amount_residual_currency))
                    for line in receivables[case]
                ],
                today,
                bounds=(30, 60, 90),
            )
            case.age_not_due = float(aged.not_due)
            case.age_30, case.age_60, case.age_90, case.age_more = (
                float(bucket.amount) for bucket in aged.buckets
            )

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_exposure(self):
        # Collectors need not see the work itself, only what it comes to.
        amounts = defaultdict(float)
        for company, partner, currency, kind, amount in (
            self.env["billing.item"]
            .sudo()
            ._read_group(
                Domain("company_id", "in", self.company_id.ids)
                & Domain("partner_id", "child_of", self.partner_id.ids)
                & Domain("is_open", "=", True),
                ["company_id", "partner_id", "currency_id", "kind"],
                ["open_amount:sum"],
            )
        ):
            key = (company.id, partner.commercial_partner_id.id, currency.id, kind == "period")
            amounts[key] += amount
        for case in self:
            key = (case.company_id.id, case.partner_id.id, case.currency_id.id)
            case.wip_amount = amounts[(*key, False)]
            case.retainer_amount = amounts[(*key, True)]
            case.exposure_amount = (
                case.due_amount - case.credit_amount + case.wip_amount + case.retainer_amount
            )

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_instalments(self):
        """Return the open instalments of customer invoices by case."""
        receivables = self._get_receivables()
        return {
            case: lines & lines.move_id._collection_instalments()
            for case, lines in receivables.items()
        }

    def _get_receivables(self):
        """Return the open receivable journal items by case: instalments, payments, credit notes."""
        lines = self.env["account.move.line"].search_fetch(
            Domain("company_id", "in", self.company_id.ids)
            & Domain("partner_id", "child_of", self.partner_id.ids)
            & Domain("parent_state", "=", "posted")
            & Domain("account_type", "=", "asset_receivable")
            & Domain("reconciled", "=", False)
            & Domain("amount_residual_currency", "!=", 0),
            [
                "company_id",
                "partner_id",
                "currency_id",
                "date",
                "date_maturity",
                "amount_residual_currency",
                "move_id",
            ],
        )
        groups = lines.grouped(
            lambda line: (
                line.company_id,
                line.partner_id.commercial_partner_id,
                line.currency_id,
            )
        )
        return {case: groups.get(case._get_key(), lines.browse()) for case in self}
