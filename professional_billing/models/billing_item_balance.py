from odoo import api, models
from odoo.tools import SQL

from ..rules import rounding
from .billing_bulk import Alike

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
        balances, opened, rows = {}, {}, []
        for vals in vals_list:
            shared = getattr(vals, "shared", vals)
            if id(shared) not in opened:
                key = vals["currency_id"], vals["quantity"], vals["amount"]
                if key not in balances:
                    balances[key] = self._prepare_open(*key)
                opened[id(shared)] = {**shared, **balances[key]}
            rows.append(Alike(opened[id(shared)], getattr(vals, "own", {})))
        return self._insert(rows)

    @api.model
    def _prepare_open(self, currency_id, quantity, amount):
        """Return the balance of an item that nothing is settled of."""
        decimals = self.env["res.currency"].browse(currency_id).decimal_places
        quantity, amount = rounding.quantize(quantity, 6), rounding.money(amount, decimals)
        return {
            **dict.fromkeys(BALANCE, 0.0),
            "open_quantity": float(quantity),
            "open_amount": amount,
            "is_open": bool(quantity or amount),
        }

    @api.model
    def _settle_bills(self, vals_list, plain=()):
        """Write settlements by new invoices; what hangs on them is told when all is billed.

        :param vals_list: `billing.allocation` values
        :param plain: `PlainTime` objects
        """
        Allocation = self.env["billing.allocation"].sudo()
        Allocation._insert([{"user_id": self.env.uid, **vals} for vals in vals_list])
        items = self.sudo().browse({vals["item_id"] for vals in vals_list})
        items._refresh_balances(release=True)
        Allocation._settle_plain(plain)

    @api.model
    def _tell_billed_time(self, order_lines):
        """Let what hangs on time of these order lines be worked out again: it was billed by SQL."""
        self.invalidate_model([*BALANCE, "prebill_id"], flush=False)
        order_lines.modified(["billing_item_ids"])

    def _refresh_balances(self, release=False):
        """Bring the balances of these items in line with their settlements.

        :param release: take them from the pre-bill that held them, in the same write
        """
        if not self:
            return
        self.flush_model()
        self.env["billing.allocation"].flush_model()
        # One look-up by index for each item: no join whose plan depends on what the server thinks of
        # tables that have just been filled.
        self.env.cr.execute(
            SQL(
                """
                UPDATE billing_item item
                   SET (billed_quantity, billed_amount, written_off_quantity, written_off_amount,
                        written_up_quantity, written_up_amount, open_quantity, open_amount, is_open)
                     = (SELECT bill, bill_amount, off, off_amount, up, up_amount,
                               rest, rest_amount, rest != 0 OR rest_amount != 0
                          FROM (SELECT COALESCE(SUM(quantity) FILTER (WHERE kind = 'write_off'), 0)
                                           AS off,
                                       COALESCE(SUM(amount) FILTER (WHERE kind = 'write_off'), 0)
                                           AS off_amount,
                                       COALESCE(SUM(quantity) FILTER (WHERE kind = 'write_up'), 0)
                                           AS up,
                                       COALESCE(SUM(amount) FILTER (WHERE kind = 'write_up'), 0)
                                           AS up_amount,
                                       ROUND((COALESCE(SUM(quantity)
                                                  FILTER (WHERE kind = 'bill'), 0)
                                            - COALESCE(SUM(quantity)
                                                  FILTER (WHERE kind = 'credit'), 0))::numeric, 6)
                                           AS bill,
                                       COALESCE(SUM(amount) FILTER (WHERE kind = 'bill'), 0)
                                            - COALESCE(SUM(amount)
                                                  FILTER (WHERE kind = 'credit'), 0)
                                           AS bill_amount
                                  FROM billing_allocation allocation
                                 WHERE allocation.item_id = item.id) settled
                    CROSS JOIN LATERAL (
                                SELECT ROUND((COALESCE(item.quantity, 0) + up - off)::numeric - bill, 6)
                                           AS rest,
                                       COALESCE(item.amount, 0) + up_amount - bill_amount - off_amount
                                           AS rest_amount) open),
                       prebill_id = CASE WHEN %(release)s THEN NULL ELSE item.prebill_id END,
                       write_date = %(now)s
                 WHERE item.id = ANY(%(items)s)
                """,
                items=self.ids,
                release=release,
                now=self.env.cr.now(),
            )
        )
        self.invalidate_recordset([*BALANCE, "prebill_id"], flush=False)
        # Only where they belong is asked of each: the rest of these rows stays unread.
        self.with_context(prefetch_fields=False).modified(BALANCE)
