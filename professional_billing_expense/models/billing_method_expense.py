from dataclasses import dataclass
from decimal import Decimal

from odoo import api, models
from odoo.tools import format_date

from odoo.addons.professional_billing.models.billing_rater import NoCurrencyRate, Rater
from odoo.addons.professional_billing.rules import expenses, rounding, settlement


@dataclass
class Valuation:
    """What an expense is worth to the bill, and why."""

    expense: models.Model
    term: models.Model
    charge: expenses.Charge
    blocked_reason: str
    steps: list


class BillingMethodExpense(models.AbstractModel):
    """An employee's expense, at cost or at the sales price, by the terms of its category.

    Its order line is made by `sale_expense` when the expense is posted, one for each.
    """

    _name = "billing.method.expense"
    _inherit = "billing.method.unit"
    _description = "Expense"
    _item_kind = "expense"

    # -- set-up ---------------------------------------------------------------------------------

    def _get_line_error(self, line):
        # OVERRIDES professional_billing: the category of an expense may be a good.
        if line.is_expense and line.sudo().expense_ids:
            return None
        return self.env._(
            "%(line)s: the billing rule “Expense” is for the lines of employees' expenses. Post an "
            "expense for this engagement; its line comes by itself.",
            line=line._billing_label(),
        )

    def _get_terms_error(self, line):
        return None

    def _get_setup_errors(self, line):
        return ()

    def _get_price_error(self, line):
        return None

    def _prepare_confirmation(self, lines):
        lines.env.add_to_compute(lines._fields["price_unit"], lines)

    def _describe(self, line):
        return ""

    # -- earning --------------------------------------------------------------------------------

    def _plan_items(self, lines):
        return [self._prepare_item(line, valuation) for line, valuation in self._value(lines)]

    def _get_prices(self, lines):
        """Return {line: price of a unit} of the lines that are not billed and have a value."""
        open_lines = lines.filtered(lambda line: not line.billing_item_ids._is_settled())
        return {
            line: float(valuation.charge.amount) / (valuation.expense.quantity or 1)
            for line, valuation in self._value(open_lines)
            if valuation.charge
        }

    def _prepare_item(self, line, valuation):
        expense, charge = valuation.expense, valuation.charge
        amount = float(self._get_amount(line, charge)) if charge else 0.0
        billable = valuation.blocked_reason != "non_billable"
        quantity = expense.quantity or 1.0
        return {
            "kind": self._item_kind,
            "expense_line_id": expense.id,
            "expense_term_id": valuation.term.id,
            "order_line_id": line.id,
            "project_id": self._get_project(line, expense).id,
            "employee_id": expense.employee_id.id,
            "date": self._get_date(line, expense),
            "description": expense.name,
            "uom_id": line.product_uom_id.id,
            "worked_quantity": expense.quantity,
            "quantity": quantity if billable else 0.0,
            "standard_rate": float(charge.base) / quantity if charge else 0.0,
            "rate": amount / quantity,
            "standard_amount": float(charge.base) if charge else 0.0,
            "amount": amount,
            "blocked_reason": valuation.blocked_reason,
            "explanation": "\n".join(valuation.steps),
        }

    def _get_amount(self, line, charge):
        """Return what is billed, less the discount that somebody gave on the order line."""
        decimals = line.currency_id.decimal_places
        return settlement.line_amount(1, charge.amount, line.discount, decimals)

    def _get_date(self, line, expense):
        return expense.date or line.company_id._billing_today()

    def _get_project(self, line, expense):
        """Return the project of the engagement whose account the expense is on, else its first."""
        projects = line.order_id.project_id | line.order_id.order_line.project_id
        accounts = self.env["analytic.mixin"]._get_analytic_account_ids_from_distributions(
            expense.analytic_distribution
        )
        own = projects.filtered(lambda project: project.account_id.id in accounts)
        return (own or projects)[:1]

    # -- value ----------------------------------------------------------------------------------

    def _value(self, lines):
        """Yield each line of `lines` with the `Valuation` of each of its expenses."""
        # What knows the exchange rates, each read once for all expenses.
        rater = Rater(self.env["account.analytic.line"])
        for line in lines.sudo():
            for expense in line.expense_ids:
                yield line, self._value_expense(line, expense, rater)

    def _value_expense(self, line, expense, rater):
        term = line.order_id._get_expense_term(expense.product_id)
        pricing = term.pricing or expense.product_id.expense_policy
        try:
            if pricing == "sales_price":
                base, steps = self._get_sales_value(line, expense, rater)
            else:
                base, steps = self._get_cost(line, expense, rater)
        except NoCurrencyRate as missing:
            return Valuation(expense, term, None, "no_currency_rate", [str(missing)])
        if pricing == "sales_price" and not base:
            return Valuation(expense, term, None, "no_price", [self._explain_no_price(expense)])
        if pricing == "none":
            charge = expenses.Charge(base, Decimal(0), Decimal(0), Decimal(0))
            steps.append(self._explain_not_billed(line, expense))
            return Valuation(expense, term, charge, "non_billable", steps)
        charge = expenses.charge(
            base, term.markup, term._get_limit_of_each(), line.currency_id.decimal_places
        )
        steps += self._explain_charge(line, term, charge)
        return Valuation(expense, term, charge, False, steps)

    def _get_sales_value(self, line, expense, rater):
        """Return (quantity x sales price of the category, sentences), as Odoo re-invoices it."""
        order, product, uom = line.order_id, expense.product_id, expense.product_uom_id
        price = rater.remember(
            ("sales price", order.id, product.id, uom.id),
            lambda: order.pricelist_id._get_product_price(
                product, 1.0, currency=order.currency_id, uom=uom, date=order.date_order
            ),
        )
        quantity = rounding.decimal(expense.quantity)
        value = rounding.money(quantity * rounding.decimal(price), line.currency_id.decimal_places)
        step = self.env._(
            "%(quantity)s × %(price)s = %(amount)s (sales price)",
            quantity=self._format_quantity(quantity),
            price=self._format_price(line, rounding.decimal(price)),
            amount=line.currency_id.format(float(value)),
        )
        return value, [step]

    def _get_cost(self, line, expense, rater):
        """Return (what the expense cost in the order's currency, less deductible tax, sentences).

        What was paid in the order's currency is that amount, whatever it came to in the books. Else
        it is the amount in the books, converted on the day of the expense.

        :raise NoCurrencyRate: when one of the two exchange rates is missing on that day
        """
        company, own, other = (
            expense.company_id,
            expense.company_currency_id,
            line.currency_id,
        )
        if expense.currency_id == other:
            paid, tax = expense.total_amount_currency, expense.tax_amount_currency
            cost = rounding.decimal(paid) - rounding.decimal(tax)
            cost = rounding.money(cost, other.decimal_places)
            return cost, [self._explain_cost(other, paid, tax, cost)]
        date = self._get_date(line, expense)
        if expense.currency_id != own and expense.total_amount == expense.total_amount_currency:
            # Odoo takes 1 for a missing rate: was it meant?
            rater._get_exchange_rate(expense.currency_id, company, date)
        paid, tax = expense.total_amount, expense.tax_amount
        booked = rounding.decimal(paid) - rounding.decimal(tax)
        booked = rounding.money(booked, own.decimal_places)
        steps = [self._explain_cost(own, paid, tax, booked)]
        if expense.currency_id != own:
            steps.insert(0, self._explain_foreign(expense))
        if own == other:
            return booked, steps
        factor = rater._convert(own, line, date)
        cost = rounding.money(booked * factor, other.decimal_places)
        steps.append(self._explain_conversion(line, date, factor, cost))
        return cost, steps

    # -- explaining -----------------------------------------------------------------------------

    def _explain_cost(self, currency, paid, tax, cost):
        if not tax:
            return self.env._("Cost %(cost)s", cost=currency.format(float(cost)))
        return self.env._(
            "Paid %(paid)s, %(tax)s of it tax: cost %(cost)s",
            paid=currency.format(paid),
            tax=currency.format(tax),
            cost=currency.format(float(cost)),
        )

    def _explain_foreign(self, expense):
        return self.env._(
            "%(paid)s paid, booked at %(rate)s",
            paid=expense.currency_id.format(expense.total_amount_currency),
            rate=expense.label_currency_rate,
        )

    def _explain_conversion(self, line, date, factor, cost):
        return self.env._(
            "At %(rate)s on %(date)s: %(cost)s",
            rate=f"{rounding.quantize(factor, 6).normalize():f}",
            date=format_date(self.env, date),
            cost=line.currency_id.format(float(cost)),
        )

    def _explain_charge(self, line, term, charge):
        currency = line.currency_id
        if term.markup:
            yield self.env._(
                "%(markup)s %% mark-up = %(amount)s",
                markup=f"{term.markup:+g}",
                amount=currency.format(float(charge.value)),
            )
        if charge.excess:
            yield self.env._(
                "%(category)s is billed up to %(limit)s: %(excess)s is not billed",
                category=term.display_name,
                limit=currency.format(term.billing_cap_amount),
                excess=currency.format(float(charge.excess)),
            )
        if line.discount:
            yield self.env._(
                "Less %(discount)s %% discount: %(amount)s",
                discount=f"{line.discount:g}",
                amount=currency.format(float(self._get_amount(line, charge))),
            )
        if term.billing_cap_amount and not term._get_limit_of_each():
            yield self.env._(
                "%(category)s together: %(limit)s",
                category=term.display_name,
                limit=term._describe_cap(),
            )

    def _explain_not_billed(self, line, expense):
        return self.env._(
            "%(category)s is not billed on %(order)s: see its expense terms.",
            category=expense.product_id.name,
            order=line.order_id.name,
        )

    def _explain_no_price(self, expense):
        return self.env._(
            "“%(category)s” is billed at its sales price and has none. Enter one on the category or "
            "the order's pricelist.",
            category=expense.product_id.name,
        )

    # -- billing --------------------------------------------------------------------------------

    def _prepare_fee_line(self, line, prebill_line):
        # EXTENDS professional_billing: a client compares dates with the receipts.
        values = super()._prepare_fee_line(line, prebill_line)
        date = format_date(self._for_client(line).env, prebill_line.date)
        return {**values, "name": f"{date} {values['name']}"}

    def _get_bill_price(self, line, prebill_line):
        # OVERRIDES professional_billing: the price of a unit is what the terms made of it.
        rate = rounding.decimal(prebill_line.rate)
        digits = self.env["decimal.precision"].precision_get("Product Price")
        return rounding.quantize(rate, digits), 0

    @api.model
    def _list_parts(self, line, prebill_line):
        # OVERRIDES professional_billing: cost and mark-up are not for the client.
        return []
