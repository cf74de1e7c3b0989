from dataclasses import dataclass

from odoo import fields, models
from odoo.tools import SQL

from ..rules import ageing, statements
from ..rules.rounding import decimal, money
from .collection_matched import MATCHED_SINCE

OPEN, ACTIVITY = "open", "activity"
# What the entries of a statement are called in it, see `_get_statement_kind`.
INVOICE, CREDIT_NOTE, PAYMENT, OTHER = "invoice", "credit_note", "payment", "other"

# Receivable journal items of one customer, company and currency, as they were on a day.
ITEMS = f"""
    SELECT line.id, line.move_id, line.date,
           COALESCE(line.date_maturity, line.date) AS due, line.amount_currency AS amount,
           line.amount_residual_currency + COALESCE(since.amount, 0) AS open
      FROM account_move_line line
      JOIN account_account account ON account.id = line.account_id
      JOIN res_partner contact ON contact.id = line.partner_id
 LEFT JOIN LATERAL (SELECT sum(matched.amount_currency) AS amount
                      FROM ({MATCHED_SINCE}) matched
                     WHERE matched.line_id = line.id) since ON TRUE
     WHERE contact.commercial_partner_id = %(partner)s AND line.company_id = %(company)s
       AND line.currency_id = %(currency)s AND line.parent_state = 'posted'
       AND account.account_type = 'asset_receivable' AND line.date <= %(on)s
  ORDER BY due, line.id
"""

# Matches of these items with items outside the account: another currency, another customer.
# Each takes something off this account that no document of its own shows.
SETTLED_ELSEWHERE = """
    SELECT partial.max_date, other.move_name,
           CASE WHEN own.id = partial.debit_move_id THEN -partial.debit_amount_currency
                ELSE partial.credit_amount_currency END
      FROM account_partial_reconcile partial
      JOIN account_move_line own ON own.id = ANY(%(ids)s)
       AND own.id IN (partial.debit_move_id, partial.credit_move_id)
      JOIN account_move_line other
        ON other.id = partial.debit_move_id + partial.credit_move_id - own.id
     WHERE partial.max_date <= %(on)s AND NOT other.id = ANY(%(ids)s)
  ORDER BY partial.max_date, partial.id
"""


@dataclass(frozen=True)
class OpenItem:
    """What is open of one instalment, payment or credit note, negative if it is a credit."""

    move_id: int
    name: str
    reference: str
    date: object
    due: object
    days_late: int
    amount: object
    open: object


@dataclass(frozen=True)
class Statement:
    """The figures of a statement, exact; `activity` is None where only open items are asked for."""

    items: tuple
    ageing: ageing.Ageing
    activity: statements.Activity | None

    @property
    def total(self):
        """What is owed at the end, less what is not allocated."""
        return self.ageing.total


class CollectionCaseStatement(models.Model):
    """What a customer is told of their account: as of any day, from the accounting entries."""

    _inherit = "collection.case"

    def _get_statement(self, date_to, date_from=None):
        """Return the `Statement` at the end of the day `date_to`.

        Open items are those of that day: what was matched later, or is dated later, is not in it.
        With `date_from` there is the activity from that day on too, and its closing balance is
        the sum of the open items.

        :raise AccessError: for somebody who may not read the case
        """
        self.ensure_one()
        self.check_access("read")
        # The address of a report gives text.
        date_to, date_from = map(fields.Date.to_date, (date_to, date_from))
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                ITEMS,
                partner=self.partner_id.id,
                company=self.company_id.id,
                currency=self.currency_id.id,
                on=date_to,
            )
        )
        # Names and references only, for whoever may see the account.
        moves = self.env["account.move"].sudo().browse({row[1] for row in rows})
        items = tuple(
            item for row in rows if (item := self._prepare_open_item(row, moves, date_to)).open
        )
        return Statement(
            items,
            ageing.receivables([(item.due, item.open) for item in items], date_to, (30, 60, 90)),
            date_from and self._get_statement_activity(rows, date_from, date_to),
        )

    def _prepare_open_item(self, row, moves, on):
        _line_id, move_id, date, due, amount, residual = row
        move = moves.browse(move_id)
        residual = self._statement_money(residual)
        return OpenItem(
            move_id=move_id,
            name=move.name,
            reference=move.ref or "",
            date=move.invoice_date or date,
            due=due,
            days_late=max((on - due).days, 0) if residual > 0 else 0,
            amount=self._statement_money(amount),
            open=residual,
        )

    def _get_statement_activity(self, rows, date_from, date_to):
        amounts = {}
        for _line_id, move_id, _date, _due, amount, _residual in rows:
            amounts[move_id] = amounts.get(move_id, 0) + self._statement_money(amount)
        moves = self.env["account.move"].sudo().browse(amounts)
        entries = [
            statements.Entry(move.date, move.name, self._get_statement_kind(move), amounts[move.id])
            for move in moves.sorted(lambda move: (move.date, move.id))
            if amounts[move.id]
        ]
        entries += [
            statements.Entry(
                date,
                self.env._("Settled with %(name)s", name=name),
                OTHER,
                self._statement_money(amount),
            )
            for date, name, amount in self.env.execute_query(
                SQL(SETTLED_ELSEWHERE, ids=[row[0] for row in rows], on=date_to)
            )
            if self._statement_money(amount)
        ]
        return statements.activity(entries, date_from, date_to)

    def _get_statement_kind(self, move):
        if move.move_type in ("out_invoice", "out_receipt"):
            return INVOICE
        if move.move_type == "out_refund":
            return CREDIT_NOTE
        return PAYMENT if move.origin_payment_id or move.statement_line_id else OTHER

    def _statement_money(self, amount):
        return money(decimal(amount), self.currency_id.decimal_places)
