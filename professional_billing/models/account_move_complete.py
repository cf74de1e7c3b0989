from odoo import api, fields, models
from odoo.fields import Command

from .account_move_batch import CREATED_WHOLE, POSTED_AT_ONCE

# The methods by which Odoo adds lines to an invoice after its creation, and the modules that are
# known to leave the plain case as it is. Where another module, such as a country's, has a say in
# them, all invoices take Odoo's way.
ADDED_BY = {
    "account.move": (
        "_compute_needed_terms",
        "_get_sync_stack",
        "_prepare_product_base_line_for_taxes_computation",
        "_sync_dynamic_line",
        "_sync_dynamic_lines",
        "_sync_invoice",
        "_sync_tax_lines",
    ),
    "account.move.line": ("_compute_account_id", "_sync_invoice"),
}
KNOWN = {
    f"odoo.addons.{name}"
    for name in ("account", "hr_expense", "professional_billing", "stock_account")
}
HEADINGS = ("line_section", "line_subsection", "line_note")


class AccountMoveComplete(models.Model):
    """New invoices of engagements are created whole, with their taxes and what is due.

    Odoo creates the product lines, then adds the others to one invoice after the other, and checks
    each as a whole every time. Here the helpers that Odoo uses for that compute them beforehand.
    What is not plain takes Odoo's way by itself; tests compare every stored column of both ways.
    """

    _inherit = "account.move"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS account
        if not self.env["billing.prebill"]._is_invoicing() or not self._can_complete():
            return super().create(vals_list)
        completed = [self._complete(vals) for vals in vals_list]
        to_create = [vals for vals in completed if vals]
        # Nothing of theirs is in the analytic books yet that would have to follow.
        whole = self.with_context(
            billing_batch=CREATED_WHOLE,
            skip_analytic_sync=True,
            skip_invoice_line_sync=True,
            skip_invoice_sync=True,
        )
        whole = super(AccountMoveComplete, whole).create(to_create).with_env(self.env)
        whole._subscribe_all(to_create)
        odd = [vals for vals, done in zip(vals_list, completed, strict=True) if not done]
        moves = iter(whole.ids), iter(super().create(odd).ids)
        return self.browse([next(moves[not done]) for done in completed])

    def _post_at_once(self):
        """Post these new invoices, in the transaction that made them."""
        # Dated and in the company's currency, they get no other taxes or instalments by being posted.
        is_final = self._can_complete() and all(
            move.invoice_date and move.currency_id == move.company_currency_id for move in self
        )
        moves = self.with_context(
            billing_analytic_ids=self._read_for_post(),
            billing_batch=POSTED_AT_ONCE,
            billing_number_formats={},
            mail_notrack=True,
            skip_invoice_sync=is_final,
        )
        moves._post(soft=False)

    def _read_for_post(self):
        """Read at once what Odoo asks of one invoice after the other.

        :return: the ids of their analytic accounts that exist
        """
        partners = self.partner_id | self.commercial_partner_id
        partners.mapped("child_ids")
        partners.mapped("user_ids")
        self.mapped("journal_line_ids")
        analytic = self.env["account.analytic.account"].browse(
            dict.fromkeys(
                int(account_id)
                for line in self.invoice_line_ids
                for ids in line.analytic_distribution or ()
                for account_id in ids.split(",")
            )
        )
        analytic = analytic.exists()
        analytic.mapped("root_plan_id")
        return frozenset(analytic._ids)

    @api.model
    def _can_complete(self):
        """Tell whether nothing but what we know decides what is on an invoice."""
        rules = self.env["account.analytic.distribution.model"].sudo()
        return (
            not self.env.context.get("project_id")  # its analytic account goes on every line
            and not rules.search_count([], limit=1)
            and self._adds_lines_as_known()
        )

    @api.model
    def _adds_lines_as_known(self):
        return all(
            ".".join(owner.__module__.split(".")[:3]) in KNOWN
            for model, names in ADDED_BY.items()
            for owner in type(self.env[model]).mro()
            if set(names) & set(vars(owner))
        )

    @api.model
    def _complete(self, vals):
        """Return the values of a whole invoice, or None where Odoo has to complete it."""
        company = self.env["res.company"].browse(vals.get("company_id")) or self.env.company
        commands = vals.get("invoice_line_ids") or ()
        lines = [dict(command[2]) for command in commands if command[0] == Command.CREATE]
        if len(lines) != len(commands) or not self._is_plain(vals, lines, company):
            return None
        partner = self.env["res.partner"].browse(vals["partner_id"]).commercial_partner_id
        position = self.env["account.fiscal.position"].browse(vals["fiscal_position_id"])
        receivable = partner.with_company(company).property_account_receivable_id
        if not (receivable and self._complete_accounts(lines, position, company)):
            return None
        self._complete_analytic(lines)
        taxes = self._complete_taxes(lines, partner, company)
        untaxed, tax = (
            company.currency_id.round(-sum(line.get("balance", 0) for line in those))
            for those in (lines, taxes)
        )
        if untaxed + tax <= 0:
            return None
        due = [
            {
                "display_type": "payment_term",
                "account_id": position.map_account(receivable).id,
                "date_maturity": date,
                "balance": amount,
                "amount_currency": amount,
                "discount_balance": 0.0,
                "discount_amount_currency": 0.0,
            }
            for date, amount in self._get_instalments(vals, company, untaxed, tax).items()
        ]
        whole = {name: value for name, value in vals.items() if name != "invoice_line_ids"}
        return {**whole, "line_ids": [Command.create(line) for line in (*lines, *taxes, *due)]}

    @api.model
    def _is_plain(self, vals, lines, company):
        """Tell whether an invoice has nothing that only Odoo knows how to complete."""
        term = self.env["account.payment.term"].browse(vals.get("invoice_payment_term_id"))
        products = [line for line in lines if line.get("display_type") not in HEADINGS]
        return (
            vals.get("move_type") == "out_invoice"
            and vals.get("currency_id") == company.currency_id.id
            and vals.get("journal_id")
            and "fiscal_position_id" in vals
            and not vals.get("invoice_cash_rounding_id")
            and not vals.get("line_ids")
            and term
            and not term.early_discount
            and not company.account_storno
            and not company.account_discount_expense_allocation_id
            and not company.account_discount_income_allocation_id
            and products
            and all(self._is_plain_line(line) for line in products)
        )

    @api.model
    def _is_plain_line(self, line):
        commands = line.get("tax_ids")
        return (
            line.get("display_type", "product") == "product"
            and line.get("product_id")
            and not line.get("extra_tax_data")
            and commands is not None
            and all(command[0] == Command.SET for command in commands)
        )

    @api.model
    def _get_taxes(self, line):
        ids = [tax_id for command in line["tax_ids"] for tax_id in command[2]]
        return self.env["account.tax"].browse(ids)

    @api.model
    def _complete_accounts(self, lines, position, company):
        """Say the account of each of `lines`; return False where a product has none."""
        for line in lines:
            if line.get("display_type") in HEADINGS or line.get("account_id"):
                continue
            template = self.env["product.product"].browse(line["product_id"]).product_tmpl_id
            accounts = template.with_company(company).get_product_accounts(fiscal_pos=position)
            if not accounts["income"]:
                return False
            line["account_id"] = accounts["income"].id
        return True

    @api.model
    def _complete_analytic(self, lines):
        """Say the analytic accounts of each of `lines`: its own, or those of its order line."""
        for line in lines:
            if line.get("display_type") in HEADINGS or line.get("analytic_distribution"):
                continue
            ids = [command[1] for command in line.get("sale_line_ids", ())]
            order_line = self.env["sale.order.line"].browse(ids[:1])
            line["analytic_distribution"] = order_line.analytic_distribution

    @api.model
    def _complete_taxes(self, lines, partner, company):
        """Say what each of `lines` comes to; return the values of the tax lines."""
        AccountTax = self.env["account.tax"]
        base_lines = [
            AccountTax._prepare_base_line_for_taxes_computation(
                line,
                product_id=self.env["product.product"].browse(line["product_id"]),
                product_uom_id=self.env["uom.uom"].browse(line.get("product_uom_id")),
                tax_ids=self._get_taxes(line),
                account_id=self.env["account.account"].browse(line["account_id"]),
                partner_id=partner,
                currency_id=company.currency_id,
                sign=-1,
                name=line.get("name"),
            )
            for line in lines
            if line.get("display_type") not in HEADINGS
        ]
        AccountTax._add_tax_details_in_base_lines(base_lines, company)
        AccountTax._round_base_lines_tax_details(base_lines, company)
        AccountTax._add_accounting_data_in_base_lines_tax_details(base_lines, company)
        result = AccountTax._prepare_tax_lines(base_lines, company)
        for base_line, amounts in result["base_lines_to_update"]:
            base_line["record"].update(amounts)
        return [{**line, "display_type": "tax"} for line in result["tax_lines_to_add"]]

    @api.model
    def _get_instalments(self, vals, company, untaxed, tax):
        """Return {due date: amount} of an invoice that comes to `untaxed` and `tax`."""
        term = self.env["account.payment.term"].browse(vals["invoice_payment_term_id"])
        today = fields.Date.context_today(self)
        result = term._compute_terms(
            date_ref=fields.Date.to_date(vals.get("invoice_date")) or today,
            currency=company.currency_id,
            company=company,
            tax_amount=tax,
            tax_amount_currency=tax,
            untaxed_amount=untaxed,
            untaxed_amount_currency=untaxed,
            sign=1,
        )
        instalments = {}
        for line in result["line_ids"]:
            date = fields.Date.to_date(line["date"])
            instalments[date] = instalments.get(date, 0) + line["company_amount"]
        return instalments
