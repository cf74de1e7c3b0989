from odoo import fields, models
from odoo.tools import SQL

from ..models.collection_matched import MATCHED_SINCE

AGES = [
    ("0", "Unallocated credit"),
    ("1", "Not due"),
    ("2", "1 to 30 days"),
    ("3", "31 to 60 days"),
    ("4", "61 to 90 days"),
    ("5", "91 to 120 days"),
    ("6", "Over 120 days"),
]

# Items nothing was matched with since the day are as they are now; the others are put together. As
# of today, there are hardly ever others, and then their half is not asked for.
NOW = {
    "items": "account_move_line line",
    "amount": "line.amount_residual_currency",
    "amount_company": "line.amount_residual",
    "wanted": "line.reconciled IS NOT TRUE",
}
UNTOUCHED = {
    **NOW,
    "wanted": f"""line.reconciled IS NOT TRUE
       AND NOT EXISTS (SELECT FROM ({MATCHED_SINCE}) matched WHERE matched.line_id = line.id)""",
}
SINCE = {
    "items": f"""(SELECT line_id, sum(amount) AS amount, sum(amount_currency) AS amount_currency
              FROM ({MATCHED_SINCE}) matched
          GROUP BY line_id) since
      JOIN account_move_line line ON line.id = since.line_id""",
    "amount": "line.amount_residual_currency + since.amount_currency",
    "amount_company": "line.amount_residual + since.amount",
    "wanted": "TRUE",
}


def _rows(half):
    """Return SQL of the rows of one half.

    A column nobody asks for costs nothing, so the collector's join is one that the database can tell
    to add no rows: by the group, with a company that it does not take for a constant.
    """
    return """
    SELECT line.id, line.move_id, line.company_id, line.currency_id, line.date,
           contact.commercial_partner_id AS partner_id, kase.user_id,
           COALESCE(line.date_maturity, line.date) AS date_due,
           {amount} AS open_amount, {amount_company} AS open_amount_company,
           GREATEST(%(on)s - COALESCE(line.date_maturity, line.date), 0) AS days_late,
           CASE WHEN {amount} < 0 OR {amount_company} < 0 THEN '0'
                WHEN COALESCE(line.date_maturity, line.date) >= %(on)s THEN '1'
                WHEN COALESCE(line.date_maturity, line.date) >= %(on)s - 30 THEN '2'
                WHEN COALESCE(line.date_maturity, line.date) >= %(on)s - 60 THEN '3'
                WHEN COALESCE(line.date_maturity, line.date) >= %(on)s - 90 THEN '4'
                WHEN COALESCE(line.date_maturity, line.date) >= %(on)s - 120 THEN '5'
                ELSE '6' END AS age
      FROM {items}
      JOIN res_partner contact ON contact.id = line.partner_id
 LEFT JOIN (SELECT company_id, partner_id, currency_id, max(user_id) AS user_id
              FROM collection_case
             WHERE active
          GROUP BY company_id, partner_id, currency_id) kase
        ON kase.company_id = line.company_id + 0
       AND kase.partner_id = contact.commercial_partner_id
       AND kase.currency_id = line.currency_id
     WHERE line.parent_state = 'posted' AND line.date <= %(on)s AND {wanted}
       AND line.account_id = ANY(ARRAY(SELECT id FROM account_account
                                        WHERE account_type = 'asset_receivable'))
    """.format(**half)


AGED_NOW = _rows(NOW)
AGED = f"{_rows(UNTOUCHED)} UNION ALL {_rows(SINCE)}"


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
        [[touched]] = self.env.execute_query(
            SQL("SELECT EXISTS (SELECT FROM account_partial_reconcile WHERE max_date > %s)", on)
        )
        return SQL(AGED if touched else AGED_NOW, on=on)
