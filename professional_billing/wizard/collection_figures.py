from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_date, formatLang

from ..models.collection_account_move_line import CUSTOMER_INVOICES
from ..rules import metrics
from ..rules.rounding import decimal

SALES = (*CUSTOMER_INVOICES, "out_refund")
# Sales are counted back this far; receivables of more than that are said to be more days.
MONTHS_BACK = 36
CREDIT, NOT_DUE, OVER_90 = "0", "1", ("5", "6")


class CollectionFigures(models.TransientModel):
    """How well a company collects what it is owed, in a period: each figure with its working."""

    _name = "collection.figures"
    _description = "Key figures of collection"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        domain=[("parent_id", "=", False)],
        help="Figures of this customer alone. Empty: of all.",
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(day=1, months=-3),
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(day=1, days=-1),
        help="Receivables are those at the end of this day.",
    )
    line_ids = fields.One2many(
        "collection.figures.line",
        "figures_id",
        string="Figures",
        compute="_compute_line_ids",
        store=True,
        readonly=True,
    )

    @api.depends("date_to")
    def _compute_display_name(self):
        self.display_name = self.env._("Key figures")

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for figures in self:
            if figures.date_from > figures.date_to:
                raise UserError(
                    self.env._("The period ends before it begins: choose a later last day.")
                )

    @api.depends("company_id", "partner_id", "date_from", "date_to")
    def _compute_line_ids(self):
        for figures in self:
            ready = figures.company_id and figures.date_from and figures.date_to
            rows = figures._get_rows() if ready and figures.date_from <= figures.date_to else []
            figures.line_ids = [Command.clear(), *map(Command.create, rows)]

    # -- actions --------------------------------------------------------------------------------

    def action_view_ageing(self):
        """Open what was owed at the end of the period."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_collection_ageing"
        )
        domain = [("company_id", "=", self.company_id.id)]
        if self.partner_id:
            domain.append(("partner_id", "=", self.partner_id.id))
        name = self.env._("Ageing as of %(day)s", day=format_date(self.env, self.date_to))
        return {
            **action,
            "name": name,
            "display_name": name,
            "context": {"collection_as_of": fields.Date.to_string(self.date_to)},
            "domain": domain,
        }

    # -- what the figures are made of -----------------------------------------------------------

    def _get_scope(self):
        scope = Domain("company_id", "=", self.company_id.id)
        if self.partner_id:
            scope &= Domain("partner_id", "child_of", self.partner_id.id)
        return scope

    def _get_ageing(self, day):
        """Return {age: amount in company currency} of what was owed at the end of `day`."""
        Ageing = self.env["collection.ageing"].with_context(
            collection_as_of=fields.Date.to_string(day)
        )
        groups = Ageing._read_group(self._get_scope(), ["age"], ["open_amount_company:sum"])
        return {age: self._exact(amount) for age, amount in groups}

    def _get_sales(self, first, last):
        """Return {first day of month: what was invoiced from `first` to `last` in that month}.

        Tax included, less credit notes.
        """
        groups = (
            self.env["account.move"]
            .sudo()
            ._read_group(
                self._get_scope()
                & Domain("state", "=", "posted")
                & Domain("move_type", "in", SALES)
                & Domain("date", ">=", first)
                & Domain("date", "<=", last),
                ["date:month"],
                ["amount_total_signed:sum"],
            )
        )
        return {month: self._exact(amount) for month, amount in groups}

    def _get_months(self):
        """Return [(sales, days)] of the months up to the last day, newest first."""
        first = self.date_to + relativedelta(day=1)
        sales = self._get_sales(first - relativedelta(months=MONTHS_BACK), self.date_to)
        months, last = [], self.date_to
        for number in range(MONTHS_BACK):
            month = first - relativedelta(months=number)
            months.append((sales.get(month, 0), (last - month).days + 1))
            last = month - relativedelta(days=1)
        return months

    def _get_payments(self):
        """Return [(amount, days from the invoice)] of what was paid on invoices in the period."""
        self.env["account.partial.reconcile"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT SUM(partial.amount), partial.max_date - invoice.invoice_date
                  FROM account_partial_reconcile partial
                  JOIN account_move_line owed ON owed.id = partial.debit_move_id
                  JOIN account_move invoice ON invoice.id = owed.move_id
                  JOIN account_account account ON account.id = owed.account_id
                  JOIN account_move_line paid ON paid.id = partial.credit_move_id
                  JOIN res_partner contact ON contact.id = owed.partner_id
                 WHERE partial.company_id = %(company)s AND invoice.move_type IN %(types)s
                   AND account.account_type = 'asset_receivable'
                   AND (paid.payment_id IS NOT NULL OR paid.statement_line_id IS NOT NULL)
                   AND partial.max_date BETWEEN %(first)s AND %(last)s
                   AND (%(partner)s IS NULL OR contact.commercial_partner_id = %(partner)s)
              GROUP BY partial.max_date - invoice.invoice_date
                """,
                company=self.company_id.id,
                types=CUSTOMER_INVOICES,
                first=self.date_from,
                last=self.date_to,
                partner=self.partner_id.commercial_partner_id.id or None,
            )
        )
        return [(self._exact(amount), days) for amount, days in rows]

    def _get_promises(self):
        """Return [(state, promised, paid)] of promises that fell due in the period."""
        scope = Domain("case_id.company_id", "=", self.company_id.id)
        if self.partner_id:
            scope &= Domain("case_id.partner_id", "=", self.partner_id.commercial_partner_id.id)
        holds = self.env["collection.hold"].search(
            scope
            & Domain("kind", "=", "promise")
            & Domain("promise_date", ">=", self.date_from)
            & Domain("promise_date", "<=", self.date_to)
        )
        return [
            (
                hold.state,
                decimal(hold.currency_id.round(hold.promise_amount)),
                decimal(hold.currency_id.round(hold.paid_amount)),
            )
            for hold in holds
        ]

    def _exact(self, amount):
        return decimal(self.company_id.currency_id.round(amount))

    # -- rows -----------------------------------------------------------------------------------

    def _get_rows(self):
        """Return the values of the figures, in their order."""
        closing = self._get_ageing(self.date_to)
        facts = {
            "days": (self.date_to - self.date_from).days + 1,
            "opening": sum(self._get_ageing(self.date_from - relativedelta(days=1)).values()),
            "sales": sum(self._get_sales(self.date_from, self.date_to).values()),
            "owed": sum(closing.values()),
            "not_due": closing.get(NOT_DUE, 0),
            "credit": closing.get(CREDIT, 0),
            "very_late": sum(closing.get(age, 0) for age in OVER_90),
        }
        payments = self._get_payments()
        texts = {
            name: amount if name == "days" else self._money(amount)
            for name, amount in facts.items()
        }
        return [
            *self._get_amount_rows(facts, payments),
            *self._get_dso_rows(facts, texts),
            *self._get_success_rows(facts, texts, payments),
            *self._get_promise_rows(),
            *self._get_charge_rows(),
        ]

    def _get_amount_rows(self, facts, payments):
        env, row = self.env, self._row
        late = facts["owed"] - facts["not_due"] - facts["credit"]
        paid = sum(amount for amount, _days in payments)
        return [
            row(env._("Owed at the beginning"), facts["opening"], "money"),
            row(env._("Invoiced in the period"), facts["sales"], "money"),
            row(env._("Paid on invoices in the period"), paid, "money"),
            row(
                env._("Owed at the end"),
                facts["owed"],
                "money",
                env._("Less credits that are not allocated yet"),
            ),
            row(env._("Of it not due"), facts["not_due"], "money"),
            row(env._("Of it late"), late, "money"),
            row(env._("Credits not allocated"), facts["credit"], "money"),
        ]

    def _get_dso_rows(self, facts, texts):
        env, row = self.env, self._row
        owed, not_due, sales, days = (facts[name] for name in ("owed", "not_due", "sales", "days"))
        counted = metrics.dso_countback(owed, self._get_months())
        back = (
            env._("Months of invoices, newest first, that make up the %(owed)s owed", **texts)
            if counted.complete
            else env._("More than that: the invoices of three years do not make up what is owed")
        )
        return [
            row(
                env._("Days sales outstanding (DSO)"),
                metrics.dso(owed, sales, days),
                "days",
                env._("%(owed)s owed / %(sales)s invoiced x %(days)s days", **texts),
            ),
            row(env._("DSO counted back"), counted.days, "days", back),
            row(
                env._("Best possible DSO"),
                metrics.best_possible_dso(not_due, sales, days),
                "days",
                env._("%(not_due)s not due / %(sales)s invoiced x %(days)s days", **texts),
            ),
            row(
                env._("Average days delinquent"),
                metrics.average_days_delinquent(owed, not_due, sales, days),
                "days",
                env._("DSO less the best possible DSO"),
            ),
        ]

    def _get_success_rows(self, facts, texts, payments):
        env, row = self.env, self._row
        opening, owed, not_due, sales = (
            facts[name] for name in ("opening", "owed", "not_due", "sales")
        )
        return [
            row(
                env._("Collection effectiveness index (CEI)"),
                metrics.cei(opening, sales, owed, not_due),
                "percent",
                env._(
                    "(%(opening)s + %(sales)s - %(owed)s) / (%(opening)s + %(sales)s - "
                    "%(not_due)s not due)",
                    **texts,
                ),
            ),
            row(
                env._("Days to pay"),
                metrics.days_to_pay(payments),
                "days",
                env._("From invoice to payment, weighted by what was paid"),
            ),
            row(
                env._("More than 90 days late"),
                100 * facts["very_late"] / owed if owed else None,
                "percent",
                env._("%(very_late)s of %(owed)s", **texts),
            ),
        ]

    def _get_promise_rows(self):
        env, row = self.env, self._row
        kept = metrics.promise_kept_rate(self._get_promises())
        return [
            row(
                env._("Promises kept"),
                kept.by_count,
                "percent",
                env._("Of the promises that fell due in the period"),
            ),
            row(
                env._("Promised money paid"),
                kept.by_amount,
                "percent",
                env._("Of the money promised for days in the period"),
            ),
        ]

    def _get_charge_rows(self):
        env, row = self.env, self._row
        scope = Domain("case_id.company_id", "=", self.company_id.id)
        if self.partner_id:
            scope &= Domain("case_id.partner_id", "=", self.partner_id.commercial_partner_id.id)
        charges = env["collection.charge"].search(
            scope
            & Domain("invoice_id.invoice_date", ">=", self.date_from)
            & Domain("invoice_id.invoice_date", "<=", self.date_to)
        )
        groups = charges.grouped(
            lambda charge: (charge.currency_id, charge.invoice_id.sudo().invoice_date)
        )
        billed, waived, collected = (
            sum(
                self._exact(
                    currency._convert(
                        sum(those.mapped(name)), self.currency_id, self.company_id, date
                    )
                )
                for (currency, date), those in groups.items()
            )
            for name in ("billed_amount", "waived_amount", "collected_amount")
        )
        return [
            row(
                env._("Late charges billed"),
                billed,
                "money",
                env._("Interest, compensation and fees on invoices of the period"),
            ),
            row(env._("Of them waived"), waived, "money"),
            row(env._("Of them collected"), collected, "money"),
        ]

    def _money(self, amount):
        return formatLang(self.env, float(amount), currency_obj=self.company_id.currency_id)

    @api.model
    def _row(self, name, value, unit, working=""):
        return {
            "name": name,
            "value": float(value or 0),
            "is_known": value is not None,
            "unit": unit,
            "working": working,
        }
