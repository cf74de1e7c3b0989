from dataclasses import dataclass
from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..rules import rounding, settlement
from .billing_time_work import TimeWork

#: Whether a pre-bill line bills time that is open as it is, at hours x rate: nobody decided otherwise,
#: no limit touches it, and nothing of it is billed before.
IS_PLAIN = SQL(
    """item.kind = 'time'
    AND line.decision = 'bill'
    AND line.quantity != 0
    AND line.quantity = line.open_quantity
    AND line.rate = line.agreed_rate
    AND line.amount = line.open_amount
    AND line.rate_write_off = 0
    AND COALESCE(line.cap_excess, 0) = 0
    AND line.uses_up_limit IS NOT TRUE
    AND item.billed_quantity = 0
    AND ABS(ROUND(line.quantity::numeric * line.rate::numeric, currency.decimal_places) - line.amount)
        <= GREATEST(ABS(line.rate)::numeric, 10 ^ (2 - currency.decimal_places)) / 100"""
)

#: What tells the invoice lines of an order line apart, beside the rate and the unit.
DETAIL = SQL(
    """CASE orders.billing_detail
        WHEN 'role' THEN item.role_id
        WHEN 'person' THEN item.employee_id
        WHEN 'task' THEN (SELECT task_id FROM account_analytic_line
                           WHERE account_analytic_line.id = item.timesheet_id)
        END"""
)


SETTLEMENT_COLUMNS = (
    "item_id",
    "company_id",
    "kind",
    "cause",
    "date",
    "quantity",
    "amount",
    "prebill_line_id",
    "move_line_id",
    "invoice_line_id",
    "user_id",
)


@dataclass
class PlainTime:
    """Pre-bill lines that make one invoice line, without a record of each.

    `line_ids` and `time_ids` are the ids of these `count` lines and of their time entries in
    PostgreSQL's own words: they only go back to it. `amount` is what they come to one by one, Decimal;
    `largest` the line that takes what the rounding of the invoice line makes of it, `difference`.
    """

    work: TimeWork
    line_ids: str
    time_ids: str
    count: int
    amount: Decimal
    largest: int
    difference: Decimal = Decimal(0)
    invoice_line_id: int | None = None

    def settled_by(self, vals, decimals):
        """Return this work as the invoice line `vals` bills it."""
        total = settlement.line_amount(
            vals["quantity"], vals["price_unit"], vals["discount"], decimals
        )
        self.difference = total - rounding.money(self.amount, decimals)
        return self


class BillingPrebillPlain(models.Model):
    """Most time is billed as it is: it becomes invoice lines by groups, read and settled by SQL."""

    _inherit = "billing.prebill"

    def _get_plain_time(self):
        """Return {order line: [PlainTime]} of the order lines on which there is nothing else."""
        candidates = self.order_ids.filtered(
            lambda order: order._groups_plain_time()
        ).order_line.filtered(
            lambda line: line.billing_rule and line._get_billing_method()._groups_time
        )
        Allocation = self.env["billing.allocation"]
        if not candidates or not Allocation._is_said_by(SETTLEMENT_COLUMNS):
            return {}
        for model in ("billing.prebill.line", "billing.item", "sale.order"):
            self.env[model].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                WITH mine AS (
                    SELECT line.id, line.prebill_id, line.order_line_id, line.date, line.quantity,
                           line.rate, line.amount, item.uom_id, item.role_id, item.timesheet_id,
                           %(detail)s AS detail,
                           %(is_plain)s AS is_plain
                      FROM billing_prebill_line line
        CROSS JOIN LATERAL (SELECT * FROM billing_item WHERE id = line.item_id OFFSET 0) item
                      JOIN res_currency currency ON currency.id = item.currency_id
                      JOIN sale_order orders ON orders.id = item.order_id
                     WHERE line.prebill_id = ANY(%(prebills)s)
                       AND line.order_line_id = ANY(%(order_lines)s)
                )
                SELECT order_line_id, BOOL_AND(is_plain), rate, uom_id, detail, MIN(date), MAX(date),
                       SUM(quantity ORDER BY prebill_id, date, id),
                       ARRAY_AGG(role_id ORDER BY prebill_id, date, id)
                           FILTER (WHERE role_id IS NOT NULL),
                       ARRAY_AGG(id ORDER BY prebill_id, date, id)::text,
                       ARRAY_AGG(timesheet_id ORDER BY prebill_id, date, id)::text,
                       COUNT(*), SUM(amount),
                       (ARRAY_AGG(id ORDER BY ABS(amount) DESC, prebill_id, date, id))[1]
                  FROM mine
              GROUP BY order_line_id, rate, uom_id, detail
              ORDER BY MIN(ARRAY[prebill_id, date - DATE '2000-01-01', id])
                """,
                detail=DETAIL,
                is_plain=IS_PLAIN,
                prebills=self.ids,
                order_lines=candidates.ids,
            )
        )
        others = {row[0] for row in rows if not row[1]}
        result = {}
        for order_line_id, _is_plain, *words in rows:
            if order_line_id in others:
                continue
            rate, uom_id, detail, first, last, hours, roles, *lines = words
            order_line = candidates.browse(order_line_id)
            work = TimeWork(
                hours=hours,
                rate=rate,
                uom=self.env["uom.uom"].browse(uom_id),
                first_date=first,
                last_date=last,
                roles=self.env["billing.role"].browse(dict.fromkeys(roles or ())),
                **self._get_plain_detail(order_line.order_id, detail),
            )
            result.setdefault(order_line, []).append(PlainTime(work, *lines))
        return result

    def _get_plain_detail(self, order, detail):
        if order.billing_detail == "person":
            return {"employee": self.env["hr.employee"].browse(detail)}
        if order.billing_detail == "task":
            return {"task": self.env["project.task"].browse(detail)}
        return {}


class SaleOrderPlain(models.Model):
    _inherit = "sale.order"

    def _groups_plain_time(self):
        """Tell whether the invoice lines of this engagement need not know each entry."""
        return self.billing_detail != "entry"


class BillingAllocationPlain(models.Model):
    _inherit = "billing.allocation"

    @api.model
    def _settle_plain(self, bills):
        """Settle plain time by new invoice lines, and balance its items.

        :param bills: `PlainTime` objects
        """
        if not bills:
            return
        self.env["billing.item"].flush_model()
        lines = self.env["account.move.line"].browse([bill.invoice_line_id for bill in bills])
        companies = lines.company_id
        # All that was open is billed, and what the rounding adds is written up: the balance follows.
        settled = self._execute_by_index(
            SQL(
                """
                WITH settled AS (
                INSERT INTO billing_allocation (
                            %(columns)s, create_date, write_date)
                     SELECT line.item_id, line.company_id, part.kind,
                            CASE part.kind WHEN 'bill' THEN 'review' ELSE 'rounding' END,
                            COALESCE(prebill.invoice_date, today.date),
                            CASE part.kind WHEN 'bill' THEN line.quantity ELSE 0 END,
                            CASE part.kind WHEN 'bill' THEN line.amount ELSE 0 END + part.difference,
                            line.id, bill.move_line_id, bill.move_line_id, %(uid)s,
                            %(now)s, %(now)s
                       FROM unnest(%(lines)s, %(move_lines)s, %(largest)s, %(differences)s)
                            WITH ORDINALITY
                            AS bill (line_ids, move_line_id, largest, difference, position)
                 CROSS JOIN unnest(bill.line_ids::int[]) WITH ORDINALITY AS wanted (id, position)
                       JOIN billing_prebill_line line ON line.id = wanted.id
                       JOIN billing_prebill prebill ON prebill.id = line.prebill_id
                       JOIN unnest(%(companies)s, %(dates)s) AS today (company_id, date)
                            ON today.company_id = line.company_id
         CROSS JOIN LATERAL (SELECT 'write_up' AS kind, bill.difference
                              WHERE line.id = bill.largest AND bill.difference != 0
                              UNION ALL
                             SELECT 'bill',
                                    CASE line.id WHEN bill.largest THEN bill.difference ELSE 0 END
                            ) part
                   ORDER BY bill.position, wanted.position, part.kind DESC
                  RETURNING item_id, kind, quantity, amount
                ), billed AS (
                     SELECT item_id, SUM(quantity) AS quantity,
                            SUM(amount) FILTER (WHERE kind = 'bill') AS amount,
                            COALESCE(SUM(amount) FILTER (WHERE kind = 'write_up'), 0) AS up
                       FROM settled
                   GROUP BY item_id
                )
                UPDATE billing_item item
                   SET billed_quantity = ROUND(billed.quantity::numeric, 6),
                       billed_amount = item.billed_amount + billed.amount,
                       written_up_amount = item.written_up_amount + billed.up,
                       open_quantity = 0, open_amount = 0, is_open = FALSE,
                       prebill_id = NULL, write_date = %(now)s
                  FROM billed
                 WHERE item.id = billed.item_id
                   AND ROUND((item.open_quantity - billed.quantity)::numeric, 6) = 0
                   AND item.open_amount = billed.amount - billed.up
                """,
                columns=SQL(", ").join(map(SQL.identifier, SETTLEMENT_COLUMNS)),
                uid=self.env.uid,
                now=self.env.cr.now(),
                companies=companies.ids,
                dates=[company._billing_today() for company in companies],
                lines=[bill.line_ids for bill in bills],
                move_lines=lines.ids,
                largest=[bill.largest for bill in bills],
                differences=[bill.difference for bill in bills],
            )
        )
        if settled != sum(bill.count for bill in bills):
            raise UserError(
                self.env._(
                    "Work on %(orders)s has changed while it was billed. Bill it again.",
                    orders=", ".join(lines.sale_line_ids.order_id.mapped("name")),
                )
            )
        self._tell_inverses(
            [{"move_line_id": line.id, "invoice_line_id": line.id} for line in lines],
            ("move_line_id", "invoice_line_id"),
        )
        self.env["billing.item"]._tell_billed_time(lines.sale_line_ids)
