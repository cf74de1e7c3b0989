from odoo import fields, models
from odoo.tools import SQL

AGES = [
    ("1", "0 to 30 days"),
    ("2", "31 to 60 days"),
    ("3", "61 to 90 days"),
    ("4", "Over 90 days"),
]


class BillingWipAsOf(models.Model):
    """Open work as it was at the end of a day: worked by then, less what was settled by then.

    The day is `billing_as_of` in the context, today by default. Values are those agreed now: a
    rate that was changed before the work was billed counts for the past, too.
    """

    _name = "billing.wip.as.of"
    _description = "Work in progress as of a date"
    _auto = False
    _order = "date, id"
    _rec_name = "description"

    item_id = fields.Many2one("billing.item", string="Work", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    order_id = fields.Many2one("sale.order", string="Engagement", readonly=True)
    project_id = fields.Many2one("project.project", readonly=True)
    employee_id = fields.Many2one("hr.employee", string="Person", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    date = fields.Date(string="Work date", readonly=True)
    kind = fields.Selection(
        lambda self: self.env["billing.item"]._fields["kind"].selection, readonly=True
    )
    description = fields.Char(readonly=True)
    open_quantity = fields.Float(string="Open", readonly=True)
    open_amount = fields.Monetary(string="Open value", readonly=True)
    age = fields.Selection(AGES, string="Age of the work", readonly=True)

    @property
    def _table_query(self):
        day = self.env.context.get("billing_as_of")
        date = fields.Date.to_date(day) or fields.Date.context_today(self)
        self.env["billing.item"].flush_model()
        self.env["billing.allocation"].flush_model()
        # Billed and written off make the open value less, written up and credited more.
        return SQL(
            """
            SELECT * FROM (
                SELECT item.id, item.id AS item_id, item.company_id, item.partner_id,
                       item.order_id, item.project_id, item.employee_id, item.currency_id,
                       item.date, item.kind, item.description,
                       ROUND((item.quantity + COALESCE(settled.quantity, 0))::numeric, 6)
                           AS open_quantity,
                       ROUND((item.amount + COALESCE(settled.amount, 0))::numeric, 6)
                           AS open_amount,
                       CASE WHEN %(date)s - item.date <= 30 THEN '1'
                            WHEN %(date)s - item.date <= 60 THEN '2'
                            WHEN %(date)s - item.date <= 90 THEN '3'
                            ELSE '4' END AS age
                  FROM billing_item item
             LEFT JOIN (
                           SELECT item_id,
                                  SUM(CASE WHEN kind IN ('write_up', 'credit') THEN quantity
                                           ELSE -quantity END) AS quantity,
                                  SUM(CASE WHEN kind IN ('write_up', 'credit') THEN amount
                                           ELSE -amount END) AS amount
                             FROM billing_allocation
                            WHERE date <= %(date)s
                         GROUP BY item_id
                       ) settled ON settled.item_id = item.id
                 WHERE item.date <= %(date)s
            ) wip
            WHERE open_amount != 0
            """,
            date=date,
        )
