from odoo import fields, models
from odoo.tools import SQL

AGES = [
    ("0", "Unallocated credit"),
    ("1", "Not due"),
    ("2", "1 to 30 days"),
    ("3", "31 to 60 days"),
    ("4", "61 to 90 days"),
    ("5", "91 to 120 days"),
    ("6", "Over 120 days"),
]


class CollectionAgeing(models.Model):
    """What customers owed at the end of a day, by how late it was then.

    The day is `collection_as_of` in the context, today by default. Payments and credit notes count
    from the day they were matched with the invoice, as the accounting has it: the later of the two
    entries' dates. Credits that are not matched stand apart: they would hide what is late.
    """

    _name = "collection.ageing"
    _description = "Ageing of receivables"
    _auto = False
    _order = "date_due, id"
    _rec_name = "move_id"

    move_id = fields.Many2one("account.move", string="Document", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    user_id = fields.Many2one("res.users", string="Collector", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    company_currency_id = fields.Many2one(
        "res.currency", related="company_id.currency_id", string="Company currency"
    )
    date = fields.Date(string="Entry date", readonly=True)
    date_due = fields.Date(string="Due date", readonly=True)
    days_late = fields.Integer(readonly=True, aggregator=None)
    age = fields.Selection(AGES, readonly=True)
    open_amount = fields.Monetary(string="Open", readonly=True)
    open_amount_company = fields.Monetary(
        string="Open in company currency", readonly=True, currency_field="company_currency_id"
    )

    @property
    def _table_query(self):
        day = self.env.context.get("collection_as_of")
        on = fields.Date.to_date(day) or fields.Date.context_today(self)
        for model in ("account.move.line", "account.partial.reconcile", "collection.case"):
            self.env[model].flush_model()
        # What is open now, and what has been matched since: few matches are looked at.
        return SQL(
            """
            WITH since AS (
                SELECT line_id, SUM(amount) AS amount, SUM(amount_currency) AS amount_currency
                  FROM (
                        SELECT debit_move_id AS line_id, amount,
                               debit_amount_currency AS amount_currency
                          FROM account_partial_reconcile
                         WHERE max_date > %(on)s
                     UNION ALL
                        SELECT credit_move_id, -amount, -credit_amount_currency
                          FROM account_partial_reconcile
                         WHERE max_date > %(on)s
                       ) matched
              GROUP BY line_id
            ),
            receivable AS (
                SELECT line.id, line.move_id, line.company_id, line.currency_id, line.date,
                       contact.commercial_partner_id AS partner_id,
                       COALESCE(line.date_maturity, line.date) AS date_due,
                       line.amount_residual_currency + COALESCE(since.amount_currency, 0)
                           AS open_amount,
                       line.amount_residual + COALESCE(since.amount, 0) AS open_amount_company
                  FROM account_move_line line
                  JOIN account_account account ON account.id = line.account_id
                  JOIN res_partner contact ON contact.id = line.partner_id
             LEFT JOIN since ON since.line_id = line.id
                 WHERE line.parent_state = 'posted' AND line.date <= %(on)s
                   AND account.account_type = 'asset_receivable'
                   AND (line.reconciled IS NOT TRUE OR since.line_id IS NOT NULL)
            )
            SELECT receivable.*, kase.user_id,
                   GREATEST(%(on)s - date_due, 0) AS days_late,
                   CASE WHEN open_amount_company < 0 OR open_amount < 0 THEN '0'
                        WHEN date_due >= %(on)s THEN '1'
                        WHEN %(on)s - date_due <= 30 THEN '2'
                        WHEN %(on)s - date_due <= 60 THEN '3'
                        WHEN %(on)s - date_due <= 90 THEN '4'
                        WHEN %(on)s - date_due <= 120 THEN '5'
                        ELSE '6' END AS age
              FROM receivable
         LEFT JOIN collection_case kase
                ON kase.company_id = receivable.company_id AND kase.active
               AND kase.partner_id = receivable.partner_id
               AND kase.currency_id = receivable.currency_id
             WHERE open_amount <> 0 OR open_amount_company <> 0
            """,
            on=on,
        )
