from datetime import timedelta

from odoo import Command, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..rules import rounding
from ..rules.rounding import decimal


class CollectionWriteOffEntry(models.Model):
    """What a write-off posts: credit notes, or an entry for the bad debt."""

    _inherit = "collection.write.off"

    def _make_documents(self):
        """Post what gives these invoices up, matched with them; return it."""
        documents = self.env["account.move"]
        for move in self.move_ids.sudo():
            document = (
                self._make_credit_note(move) if self.kind == "credit" else self._make_entry(move)
            )
            document._post(soft=False)
            lines = (move | document).line_ids.filtered(
                lambda line: line.account_type == "asset_receivable" and not line.reconciled
            )
            if lines.move_id == move | document:
                lines.reconcile()
            documents |= document
        return documents.sudo(False)

    # -- commercial credit ------------------------------------------------------------------------

    def _make_credit_note(self, move):
        """Return a draft credit note of what is open, with the taxes of the invoice.

        It has lines of its own: the work stays billed, and is not open again in work in progress.
        """
        today = self.company_id._billing_today()
        document = (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "out_refund",
                    "company_id": move.company_id.id,
                    "journal_id": move.journal_id.id,
                    "partner_id": move.partner_id.id,
                    "currency_id": move.currency_id.id,
                    "fiscal_position_id": move.fiscal_position_id.id,
                    "invoice_date": today,
                    "invoice_date_due": today,
                    "invoice_payment_term_id": False,
                    "reversed_entry_id": move.id,
                    "ref": self.reason,
                    "invoice_line_ids": [
                        Command.create(values) for values in self._prepare_credit_lines(move)
                    ],
                }
            )
        )
        odd = move.currency_id.round(move.amount_residual - document.amount_total)
        if odd:
            line = self._prepare_credit_line(document.invoice_line_ids[0].account_id, odd)
            document.invoice_line_ids = [Command.create(line)]
        return document

    def _prepare_credit_lines(self, move):
        share = decimal(move.amount_residual) / decimal(move.amount_total)
        groups = move.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line.price_total
        ).grouped(lambda line: (line.account_id, line.tax_ids))
        for (account, taxes), lines in groups.items():
            included = any(tax.price_include for tax in taxes)
            whole = sum(lines.mapped("price_total" if included else "price_subtotal"))
            amount = rounding.money(decimal(whole) * share, move.currency_id.decimal_places)
            yield {
                **self._prepare_credit_line(account, float(amount)),
                "tax_ids": [Command.set(taxes.ids)],
            }

    def _prepare_credit_line(self, account, amount):
        return {
            "name": self.reason,
            "quantity": 1,
            "price_unit": amount,
            "account_id": account.id,
            "tax_ids": [Command.clear()],
        }

    # -- bad debt ---------------------------------------------------------------------------------

    def _make_entry(self, move):
        """Return a draft entry that turns what is open into an expense, less its tax if it may be."""
        account = self.company_id.sudo().collection_bad_debt_account_id
        if not account:
            raise UserError(
                self.env._(
                    "Choose the account of bad debts in Billing > Configuration > Settings first."
                )
            )
        taxes = self._prepare_tax_lines(move) if self.kind == "bad_debt_tax" else []
        open_lines = move._collection_instalments().filtered(lambda line: not line.reconciled)
        lines = [
            {
                "account_id": line.account_id.id,
                "amount_currency": -line.amount_residual_currency,
                "balance": -line.amount_residual,
            }
            for line in open_lines
        ]
        lines += taxes
        lines.append(
            {
                "account_id": account.id,
                "amount_currency": -sum(line["amount_currency"] for line in lines),
                "balance": -sum(line["balance"] for line in lines),
            }
        )
        return (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "entry",
                    "company_id": move.company_id.id,
                    "date": self.company_id._billing_today(),
                    "ref": f"{move.name}: {self.reason}",
                    "line_ids": [
                        Command.create(
                            {
                                "name": self.reason,
                                "partner_id": move.commercial_partner_id.id,
                                "currency_id": move.currency_id.id,
                                **line,
                            }
                        )
                        for line in lines
                    ],
                }
            )
        )

    def _prepare_tax_lines(self, move):
        """Return the share of each tax that goes back, as its law's credit note would have it."""
        self._check_tax_date(move)
        share = decimal(move.amount_residual) / decimal(move.amount_total)
        account = self.company_id.sudo().collection_bad_debt_tax_account_id
        prepared = []
        for line in move.line_ids.filtered("tax_repartition_line_id"):
            amount_currency, balance = (
                -currency.round(float(decimal(amount) * share))
                for amount, currency in (
                    (line.amount_currency, move.currency_id),
                    (line.balance, move.company_currency_id),
                )
            )
            prepared.append(
                {
                    "account_id": (account or line.account_id).id,
                    "amount_currency": amount_currency,
                    "balance": balance,
                    "tax_tag_ids": [Command.set(self._get_refund_tags(line).ids)],
                }
            )
        return prepared

    @staticmethod
    def _get_refund_tags(line):
        tax, part = line.tax_line_id, line.tax_repartition_line_id
        invoiced = list(tax.invoice_repartition_line_ids)
        refunded = list(tax.refund_repartition_line_ids)
        if part in invoiced and len(invoiced) == len(refunded):
            return refunded[invoiced.index(part)].tag_ids
        return part.tag_ids.browse()

    def _check_tax_date(self, move):
        days = self.company_id.collection_bad_debt_tax_days
        from_day = move.invoice_date_due + timedelta(days=days)
        if self.company_id._billing_today() < from_day:
            raise UserError(
                self.env._(
                    "The tax of %(move)s can be taken back from %(date)s on, %(days)s days after its "
                    "due date. Write it off without its tax, or wait.",
                    move=move.name,
                    date=format_date(self.env, from_day),
                    days=days,
                )
            )


class ResCompany(models.Model):
    _inherit = "res.company"

    collection_agent_write_off_limit = fields.Monetary(
        string="Collectors write off up to",
        help="Most that a collector writes off alone, by customer and month. More is requested.",
    )
    collection_manager_write_off_limit = fields.Monetary(
        string="Collection managers write off up to",
        default=1000.0,
        help="Most that a collection manager writes off alone, by customer and month. Another "
        "manager approves more.",
    )
    collection_bad_debt_account_id = fields.Many2one(
        "account.account",
        string="Account of bad debts",
        domain=[("account_type", "in", ("expense", "expense_direct_cost"))],
    )
    collection_bad_debt_tax_account_id = fields.Many2one(
        "account.account",
        string="Account of tax on bad debts",
        help="Where tax goes that the law gives back. Empty: where the invoice put it.",
    )
    collection_bad_debt_tax_days = fields.Integer(
        string="Tax of bad debts after",
        help="Days after the due date before which the law gives no tax back, such as 180.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    collection_agent_write_off_limit = fields.Monetary(
        related="company_id.collection_agent_write_off_limit", readonly=False
    )
    collection_manager_write_off_limit = fields.Monetary(
        related="company_id.collection_manager_write_off_limit", readonly=False
    )
    collection_bad_debt_account_id = fields.Many2one(
        related="company_id.collection_bad_debt_account_id", readonly=False
    )
    collection_bad_debt_tax_account_id = fields.Many2one(
        related="company_id.collection_bad_debt_tax_account_id", readonly=False
    )
    collection_bad_debt_tax_days = fields.Integer(
        related="company_id.collection_bad_debt_tax_days", readonly=False
    )
