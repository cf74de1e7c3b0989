from odoo import api, models
from odoo.tools import SQL

#: What a line says of work that is billed as it is open.
LINE_COLUMNS = (
    "prebill_id",
    "item_id",
    "company_id",
    "order_line_id",
    "date",
    "decision",
    "open_quantity",
    "open_amount",
    "agreed_rate",
    "quantity",
    "rate",
    "amount",
    "rate_write_off",
    "open_standard",
    "standard_amount",
    "narrative",
)

#: The standard value of what is open of an item, as `billing.item._get_open_standard` says it.
OPEN_STANDARD = SQL(
    """CASE WHEN item.open_quantity = item.quantity + item.written_up_quantity
            THEN item.standard_amount
            ELSE COALESCE(ROUND((item.standard_amount * item.open_quantity
                         / NULLIF(item.quantity + item.written_up_quantity, 0))::numeric,
                     (SELECT decimal_places FROM res_currency
                       WHERE res_currency.id = item.currency_id)), 0)
            END"""
)


class BillingPrebillHold(models.Model):
    """How work gets onto pre-bills and off again, by statements for all of it.

    Most lines bill what is open as it is. Only what a person or a limit decided otherwise is
    looked at line by line.
    """

    _inherit = "billing.prebill"

    @api.model
    def _hold(self, items, prebills, at_once=False):
        """Put `items` on the pre-bills of their orders.

        :param items: `billing.item` records that no pre-bill holds
        :param prebills: {order: its pre-bill}
        :param at_once: this transaction, which has the orders locked, invoices the pre-bills too:
            nobody else can come between, and the items need not be marked
        """
        Line = self.env["billing.prebill.line"]
        if not items:
            return
        if not Line._is_said_by(LINE_COLUMNS):
            vals_list = []
            for order, mine in items.grouped("order_id").items():
                vals_list += [item._prepare_prebill_line(prebills[order]) for item in mine]
                mine.prebill_id = prebills[order]
            Line.create(vals_list)
            return
        self.flush_model()
        items.flush_model()
        self.env.cr.execute(
            SQL(
                """
                WITH held AS (%(held)s)
                INSERT INTO billing_prebill_line (
                            %(columns)s, create_date, write_date)
                     SELECT prebill_id, id, company_id, order_line_id, date, 'bill',
                            open_quantity, open_amount, rate, open_quantity, rate,
                            open_amount, 0, open_standard, open_standard, description,
                            %(now)s, %(now)s
                       FROM held
                   ORDER BY date, id
                """,
                now=self.env.cr.now(),
                held=self._get_held_query(items, prebills, at_once),
                columns=SQL(", ").join(map(SQL.identifier, LINE_COLUMNS)),
            )
        )
        items.invalidate_recordset(["prebill_id"], flush=False)
        items.modified(["prebill_id"])
        filled = self.union(*prebills.values())
        filled.invalidate_recordset(["line_ids"], flush=False)
        filled.modified(["line_ids"])

    @api.model
    def _get_held_query(self, items, prebills, at_once):
        """Return the statement that gives the work to put on pre-bills, and marks it as held."""
        wanted = SQL(
            "unnest(%s, %s) AS wanted (order_id, prebill_id)",
            [order.id for order in prebills],
            [prebill.id for prebill in prebills.values()],
        )
        columns = SQL(
            """item.id, wanted.prebill_id, item.company_id, item.order_line_id, item.date,
            item.open_quantity, item.open_amount, item.rate, item.description,
            %s AS open_standard""",
            OPEN_STANDARD,
        )
        mine = SQL("item.order_id = wanted.order_id AND item.id = ANY(%s)", items.ids)
        if at_once:
            return SQL("SELECT %s FROM billing_item item, %s WHERE %s", columns, wanted, mine)
        return SQL(
            """
                UPDATE billing_item item
                   SET prebill_id = wanted.prebill_id, write_date = %s
                  FROM %s
                 WHERE %s
             RETURNING %s
            """,
            self.env.cr.now(),
            wanted,
            mine,
            columns,
        )

    def _release(self):
        """Let go of the work that these pre-bills hold."""
        self.env["billing.item"].flush_model(["prebill_id"])
        rows = self.env.execute_query(
            SQL(
                """
                   UPDATE billing_item
                      SET prebill_id = NULL, write_date = %s
                    WHERE prebill_id = ANY(%s)
                RETURNING id
                """,
                self.env.cr.now(),
                self.ids,
            )
        )
        items = self.env["billing.item"].browse([row[0] for row in rows])
        items.invalidate_recordset(["prebill_id"], flush=False)
        items.modified(["prebill_id"])

    def _get_decided_lines(self):
        """Return the lines on which a person or a limit decided: that do not bill what is open."""
        return self._find_lines(
            SQL(
                """line.decision != 'bill'
                OR line.quantity IS DISTINCT FROM line.open_quantity
                OR line.rate IS DISTINCT FROM line.agreed_rate
                OR line.rate_write_off != 0
                OR line.cap_excess != 0"""
            )
        )

    def _get_outdated_lines(self):
        """Return the lines whose work has changed since it was gathered."""
        found = self._find_lines(
            SQL(
                """line.open_quantity IS DISTINCT FROM item.open_quantity
                OR line.open_amount IS DISTINCT FROM item.open_amount
                OR line.agreed_rate IS DISTINCT FROM item.rate
                OR item.blocked_reason IS NOT NULL
                OR NOT EXISTS (
                    SELECT FROM %(relation)s link
                     WHERE link.%(prebill)s = line.prebill_id AND link.%(order)s = item.order_id)""",
                relation=SQL.identifier(self._fields["order_ids"].relation),
                prebill=SQL.identifier(self._fields["order_ids"].column1),
                order=SQL.identifier(self._fields["order_ids"].column2),
            )
        )
        return found.filtered(lambda line: not line._is_current())

    def _get_lines_to_refresh(self):
        """Return the outdated lines, and those whose standard value alone has changed."""
        return self._get_outdated_lines() | self._find_lines(
            SQL("ABS(line.open_standard - %s) > 0.000001", OPEN_STANDARD)
        )

    def _find_lines(self, condition):
        Line = self.env["billing.prebill.line"]
        if not self.ids:
            return Line
        Line.flush_model()
        self.env["billing.item"].flush_model()
        self.flush_model(["order_ids"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.id
                  FROM billing_prebill_line line
                  JOIN billing_item item ON item.id = line.item_id
                 WHERE line.prebill_id = ANY(%s) AND (%s)
              ORDER BY line.prebill_id, line.order_line_id, line.date, line.id
                """,
                self.ids,
                condition,
            )
        )
        return Line.browse([row[0] for row in rows])

    def _get_plain_totals(self):
        """Return {pre-bill id: its total} of those whose lines all bill what is open."""
        if not self.ids:
            return {}
        self.env["billing.prebill.line"].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT prebill.id, COALESCE(SUM(line.amount), 0)
                      FROM unnest(%s) AS prebill (id)
                 LEFT JOIN billing_prebill_line line ON line.prebill_id = prebill.id
                  GROUP BY prebill.id
                    HAVING COALESCE(
                               BOOL_AND(line.decision = 'bill'
                                    AND line.quantity IS NOT DISTINCT FROM line.open_quantity
                                    AND line.rate IS NOT DISTINCT FROM line.agreed_rate
                                    AND line.amount = line.open_amount
                                    AND line.rate_write_off = 0
                                    AND COALESCE(line.cap_excess, 0) = 0),
                               TRUE)
                    """,
                    self.ids,
                )
            )
        )
