import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..rules import compensation, interest, reference_rates
from ..rules.rounding import decimal

# Rates of terms without reference rates: what the terms add is all.
NOTHING = [(datetime.date(1900, 1, 1), 0)]


class CollectionChargeTerms(models.Model):
    """What late payment costs: interest and the fixed compensation, by a law or a contract.

    Chosen on a follow-up policy, so that the invoice, engagement, customer, tag or company decides.
    """

    _name = "collection.charge.terms"
    _description = "Late-payment Terms"
    _order = "sequence, id"
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", index=True, help="Leave empty to share the terms among companies."
    )
    note = fields.Text(string="Basis", translate=True, help="The law or clause, and what to check.")
    business_only = fields.Boolean(
        string="Between businesses only",
        default=True,
        help="Customers marked as consumers are charged nothing by these terms.",
    )
    # -- interest
    table_id = fields.Many2one(
        "collection.rate.table",
        string="Reference rates",
        ondelete="restrict",
        help="The interest follows them. Empty: the percentage is all of it.",
    )
    margin = fields.Float(
        string="Percent a year",
        digits=(8, 4),
        help="Percentage points a year on top of the reference rate, or the whole rate where there "
        "is none. A rate of the month counts twelve times: contracts must state the yearly one.",
    )
    fixing = fields.Selection(
        [
            (reference_rates.FLOATING, "Each day at its own rate"),
            (reference_rates.HALF_YEAR, "Each half-year at the rate of its first day"),
            (reference_rates.AT_DEFAULT, "All days at the rate of the first one"),
        ],
        string="Changes of the rate",
        required=True,
        default=reference_rates.HALF_YEAR,
    )
    day_count = fields.Selection(
        [
            ("act/365", "Days / 365"),
            ("act/act", "Days / 365 or 366 by year"),
            ("act/360", "Days / 360"),
            ("30e/360", "Months of 30 days / 360"),
        ],
        required=True,
        default="act/365",
    )
    compounding = fields.Selection(
        [
            ("none", "Never"),
            ("yearly", "Once a year"),
            ("monthly", "Once a month"),
        ],
        string="Interest joins the debt",
        required=True,
        default="none",
    )
    rounding = fields.Selection(
        [
            (interest.TOTAL, "The total"),
            (interest.SEGMENT, "Each line of the calculation"),
            (interest.DAY, "The interest of one day"),
        ],
        string="Rounded is",
        required=True,
        default=interest.TOTAL,
    )
    count_payment_day = fields.Boolean(string="Day of payment bears interest", default=True)
    credits_from = fields.Selection(
        [
            (interest.FROM_DUE_DATE, "From the due date: it was never owed"),
            (interest.FROM_ITS_DATE, "From the day of the credit note"),
        ],
        string="Credit notes count",
        required=True,
        default=interest.FROM_DUE_DATE,
    )
    due_on_working_day = fields.Boolean(
        string="Due on a working day",
        help="A due date on a weekend or holiday counts as the next working day.",
    )
    grace_days = fields.Integer(
        string="Days of grace", help="Days after the due date that cost nothing."
    )
    minimum_amount = fields.Monetary(
        string="Least interest", help="Less than this is left to add up until it is more."
    )
    # -- fixed compensation
    compensation = fields.Selection(
        [
            ("none", "None"),
            ("eu", "European Union: 40"),
            ("uk", "United Kingdom: 40, 70 or 100 by the debt"),
            ("nl_wik", "Netherlands: percentages of the debt, 40 to 6,775"),
            ("amount", "An amount"),
        ],
        string="Fixed compensation",
        required=True,
        default="none",
    )
    compensation_amount = fields.Monetary(string="Amount")
    compensation_per = fields.Selection(
        [("instalment", "Each late instalment"), ("invoice", "Each invoice")],
        string="Charged for",
        required=True,
        default="invoice",
    )
    deducts_fees = fields.Boolean(
        string="Less reminder fees",
        help="Fees of reminders that were charged before are taken off the compensation.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        help="Currency of the amounts here. Invoices in another one are charged at the day's rate.",
    )

    _amounts_not_negative = models.Constraint(
        "CHECK(margin >= 0 AND grace_days >= 0 AND COALESCE(minimum_amount, 0) >= 0"
        " AND COALESCE(compensation_amount, 0) >= 0)",
        "Percentages, days and amounts must be zero or more.",
    )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.constrains("compensation", "compensation_amount")
    def _check_compensation(self):
        for terms in self:
            if terms.compensation == "amount" and not terms.compensation_amount:
                raise ValidationError(
                    self.env._("Say how much the compensation of “%(terms)s” is.", terms=terms.name)
                )

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_interest(self, debt, until, decimals):
        """Return the `interest.Interest` on a Debt up to and including the day `until`.

        :raise UserError: when the reference rates say nothing of a day that costs interest
        """
        self.ensure_one()
        rates = self.table_id._get_rates() if self.table_id else NOTHING
        try:
            return interest.late_interest(
                debt.principal,
                debt.due,
                until,
                rates,
                debt.payments,
                debt.credits,
                margin=decimal(self.margin),
                fixing=self.fixing,
                day_count=self.day_count,
                count_payment_day=self.count_payment_day,
                rounding=self.rounding,
                compounding=self.compounding,
                decimals=decimals,
                grace_days=self.grace_days,
                credits_from=self.credits_from,
                stale_after=self.table_id._get_stale_after(rates),
            )
        except reference_rates.RateMissing as error:
            raise UserError(self.table_id._describe_missing(error.day)) from error

    def _get_compensation(self, principal, charged):
        """Return the fixed sum for `principal` paid late, all in the currency of the terms.

        :param charged: reminder fees charged before
        """
        if self.compensation == "none":
            return decimal(0)
        scale = self.compensation
        if scale == "amount":
            scale = compensation.Steps(((0, decimal(self.compensation_amount)),))
        return compensation.compensation(
            scale,
            principal,
            charged if self.deducts_fees else 0,
            self.currency_id.decimal_places,
        )
