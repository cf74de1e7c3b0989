from odoo import api, models
from odoo.tools import SQL

from ..rules import rounding

BALANCE = (
    "billed_quantity",
    "billed_amount",
    "written_off_quantity",
    "written_off_amount",
    "written_up_quantity",
    "written_up_amount",
    "open_quantity",
    "open_amount",
    "is_open",
)


class BillingItemBalance(models.Model):
    """The balance of many items at once: what `_compute_balance` says, in one statement."""

    _inherit = "billing.item"

    @api.model
    def _insert_open(self, vals_list):
        """Create items of which nothing is settled yet."""
        currencies = self.env["res.currency"]
        rows = []
        for vals in vals_list:
            decimals = currencies.browse(vals["currency_id"]).decimal_places
            quantity = rounding.quantize(vals["quantity"], 6)
            amount = rounding.money(vals["amount"], decimals)
            row = dict.fromkeys(BALANCE, 0.0)
            row.update(vals, open_quantity=float(quantity), open_amount=amount)
            row["is_open"] = bool(quantity or amount)
            rows.append(row)
        return self._insert(rows)

    @api.model
    def _settle_bills(self, vals_list):
        """Write settlements by new invoices; what hangs on them is told when all is billed."""
        rows = [{"user_id": self.env.uid, **vals} for vals in vals_list]
        allocations = self.env["billing.allocation"].sudo()._insert(rows)
        items = self.sudo().browse({vals["item_id"] for vals in vals_list})
        items._refresh_balances()
        return allocations

    def _refresh_balances(self):
        """Bring the balances of these items in line with their settlements."""
        if not self:
            return
        self.flush_model()
        self.env["billing.allocation"].flush_model()
        total = SQL(
            """
            SELECT item_id,
                   COALESCE(SUM(quantity) FILTER (WHERE kind = 'write_off'), 0) AS off_quantity,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'write_off'), 0) AS off_amount,
                   COALESCE(SUM(quantity) FILTER (WHERE kind = 'write_up'), 0) AS up_quantity,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'write_up'), 0) AS up_amount,
                   ROUND((COALESCE(SUM(quantity) FILTER (WHERE kind = 'bill'), 0)
                       - COALESCE(SUM(quantity) FILTER (WHERE kind = 'credit'), 0))::numeric, 6)
                       AS quantity,
                   COALESCE(SUM(amount) FILTER (WHERE kind = 'bill'), 0)
                       - COALESCE(SUM(amount) FILTER (WHERE kind = 'credit'), 0) AS amount
              FROM billing_allocation
             WHERE item_id = ANY(%s)
          GROUP BY item_id
            """,
            self.ids,
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_item item
                   SET billed_quantity = total.quantity,
                       billed_amount = total.amount,
                       written_off_quantity = total.off_quantity,
                       written_off_amount = total.off_amount,
                       written_up_quantity = total.up_quantity,
                       written_up_amount = total.up_amount,
                       open_quantity = rest.quantity,
                       open_amount = rest.amount,
                       is_open = rest.quantity != 0 OR rest.amount != 0,
                       write_uid = %(uid)s,
                       write_date = %(now)s
                  FROM (%(total)s) total
                  JOIN billing_item old ON old.id = total.item_id
            CROSS JOIN LATERAL (
                        SELECT ROUND((COALESCE(old.quantity, 0) + total.up_quantity - total.off_quantity
                                   )::numeric - total.quantity, 6) AS quantity,
                               COALESCE(old.amount, 0) + total.up_amount - total.amount - total.off_amount
                                   AS amount) rest
                 WHERE item.id = total.item_id
                """,
                total=total,
                uid=self.env.uid,
                now=self.env.cr.now(),
            )
        )
        self.invalidate_recordset(BALANCE, flush=False)
        self._tell_order_lines()

    def _tell_order_lines(self):
        """Let what depends on these items by their order lines be computed again."""
        rows = self.env.execute_query(
            SQL("SELECT DISTINCT order_line_id FROM billing_item WHERE id = ANY(%s)", self.ids)
        )
        lines = self.env["sale.order.line"].browse([row[0] for row in rows])
        lines.modified(["billing_item_ids"])
