import datetime

from odoo import fields, models
from odoo.tools import format_date

from .collection_statement import FREQUENCIES


class ResCompany(models.Model):
    _inherit = "res.company"

    collection_statement_frequency = fields.Selection(
        FREQUENCIES,
        string="Statements of account",
        default="none",
        help="How often customers get a statement by itself, as long as something is open.",
    )

    def _get_family(self):
        """Return this company and those it is a branch of, nearest first."""
        return self.sudo().parent_ids[::-1].with_env(self.env)

    def _collection_bank_state(self):
        """Return (journal, last day with a transaction, first day with an unmatched one)."""
        rows = (
            self.env["account.bank.statement.line"]
            .sudo()
            ._read_group(
                [("company_id", "=", self.id), ("journal_id.type", "=", "bank")],
                ["journal_id", "is_reconciled"],
                ["date:max", "date:min"],
            )
        )
        last, unmatched = {}, {}
        for journal, reconciled, newest, oldest in rows:
            last[journal] = max(newest, last.get(journal, newest))
            if not reconciled:
                unmatched[journal] = oldest
        return [(journal, day, unmatched.get(journal)) for journal, day in last.items()]

    def _collection_bank_known_until(self, on):
        """Return the day through which all bank transactions are matched.

        Companies that keep no bank statements in Odoo record payments by hand: those are known.
        """
        known = on
        for _journal, last, unmatched in self._collection_bank_state():
            known = min(
                known,
                last,
                (unmatched or on + datetime.timedelta(days=1)) - datetime.timedelta(days=1),
            )
        return known

    def _collection_bank_warnings(self, on):
        """Return a sentence for each bank journal that may know of payments we do not know of."""
        sentences = []
        for journal, last, unmatched in self._collection_bank_state():
            if unmatched:
                sentences.append(
                    self.env._(
                        "%(journal)s has transactions since %(date)s that are not matched: a customer "
                        "may have paid.",
                        journal=journal.name,
                        date=format_date(self.env, unmatched),
                    )
                )
            elif on and (on - last).days > 3:
                sentences.append(
                    self.env._(
                        "%(journal)s has no transaction after %(date)s: import its statements first.",
                        journal=journal.name,
                        date=format_date(self.env, last),
                    )
                )
        return sentences

    def _get_collection_managers(self):
        """Return the people who answer for the collection of this company."""
        return self._get_people("professional_billing.group_collection_manager")
