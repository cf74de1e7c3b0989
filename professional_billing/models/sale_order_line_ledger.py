from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from ..rules import rounding

LEDGER_COLUMNS = {
    "billing_billed_quantity": "float8",
    "billing_billed_amount": "numeric",
    "billing_open_quantity": "float8",
    "billing_open_amount": "numeric",
}


class SaleOrderLineLedger(models.Model):
    """What Odoo says of an order line's deliveries and invoices, taken from the ledger."""

    _inherit = "sale.order.line"

    billing_billed_quantity = fields.Float(
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )
    billing_billed_amount = fields.Monetary(
        string="Billed",
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )
    billing_open_quantity = fields.Float(
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )
    billing_open_amount = fields.Monetary(
        string="To bill",
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )

    def _auto_init(self):
        # Existing lines have earned nothing: spare a big table the ORM's computation.
        if not column_exists(self.env.cr, self._table, "billing_billed_amount"):
            for name, column_type in LEDGER_COLUMNS.items():
                create_column(self.env.cr, self._table, name, column_type)
        return super()._auto_init()

    @api.depends(
        "billing_rule",
        "product_uom_qty",
        "billing_item_ids.billed_amount",
        "billing_item_ids.billed_quantity",
        "billing_item_ids.open_amount",
        "billing_item_ids.open_quantity",
        "billing_item_ids.blocked_reason",
    )
    def _compute_billing_ledger(self):
        ruled = self.filtered("billing_rule")
        for name in LEDGER_COLUMNS:
            (self - ruled)[name] = 0.0
        ledger = ruled._get_billing_ledger()
        for line in ruled:
            values = ledger.get(line._origin.id, {})
            method = line._get_billing_method()
            for part in ("billed", "open"):
                total = values.get(part, {"quantity": 0.0, "amount": rounding.decimal(0)})
                line[f"billing_{part}_amount"] = total["amount"]
                line[f"billing_{part}_quantity"] = method._get_billed_order_quantity(line, total)

    def _get_billing_ledger(self):
        """Return {line id: {"billed": totals, "open": totals}}, quantities of time in hours.

        Open is what can be billed: blocked work counts once its reason is gone.
        """
        if not self.ids:
            return {}
        ledger = {}
        groups = (
            self.env["billing.item"]
            .sudo()
            ._read_group(
                [("order_line_id", "in", self.ids)],
                ["order_line_id", "blocked_reason", "uom_id"],
                [
                    "billed_quantity:sum",
                    "billed_amount:sum",
                    "open_quantity:sum",
                    "open_amount:sum",
                ],
            )
        )
        for line, reason, uom, billed_quantity, billed_amount, open_quantity, open_amount in groups:
            totals = ledger.setdefault(line.id, {})
            self._add_to_ledger(totals, "billed", line, uom, billed_quantity, billed_amount)
            if not reason:
                self._add_to_ledger(totals, "open", line, uom, open_quantity, open_amount)
        return ledger

    @api.model
    def _add_to_ledger(self, totals, part, line, uom, quantity, amount):
        hours = self.env["billing.method"]._get_uom("hour")
        if uom != hours and uom._has_common_reference(hours):
            quantity = uom._compute_quantity(quantity, hours, round=False)
        total = totals.setdefault(part, {"quantity": 0.0, "amount": rounding.decimal(0)})
        total["quantity"] += quantity
        total["amount"] += rounding.money(amount, line.currency_id.decimal_places)

    @api.depends("billing_rule", "billing_billed_quantity")
    def _compute_qty_invoiced(self):
        return super()._compute_qty_invoiced()

    def _prepare_qty_invoiced(self):
        # EXTENDS sale: what is invoiced is what the ledger says, net of credits.
        ruled = self.filtered("billing_rule")
        quantities = super(SaleOrderLineLedger, self - ruled)._prepare_qty_invoiced()
        until = self.env.context.get("accrual_entry_date")
        past = ruled._get_billed_quantity_at(until) if until else {}
        for line in ruled:
            quantities[line] = past.get(line.id, 0.0) if until else line.billing_billed_quantity
        return quantities

    def _get_billed_quantity_at(self, date):
        """Return {line id: quantity billed net of credits}, by allocations up to `date`."""
        self.env["billing.allocation"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.order_line_id, item.uom_id,
                       SUM(CASE allocation.kind WHEN 'bill' THEN 1 ELSE -1 END * allocation.quantity),
                       SUM(CASE allocation.kind WHEN 'bill' THEN 1 ELSE -1 END * allocation.amount)
                  FROM billing_allocation allocation
                  JOIN billing_item item ON item.id = allocation.item_id
                 WHERE item.order_line_id IN %(lines)s
                   AND allocation.kind IN ('bill', 'credit')
                   AND allocation.date <= %(date)s
              GROUP BY item.order_line_id, item.uom_id
                """,
                lines=tuple(self.ids) or (0,),
                date=date,
            )
        )
        ledger = {}
        for line_id, uom_id, quantity, amount in rows:
            line, uom = self.browse(line_id), self.env["uom.uom"].browse(uom_id)
            totals = ledger.setdefault(line, {})
            self._add_to_ledger(totals, "billed", line, uom, quantity, amount)
        return {
            line.id: line._get_billing_method()._get_billed_order_quantity(line, totals["billed"])
            for line, totals in ledger.items()
        }

    @api.depends("billing_rule", "billing_open_quantity")
    def _compute_qty_to_invoice(self):
        ruled = self.filtered("billing_rule")
        result = super(SaleOrderLineLedger, self - ruled)._compute_qty_to_invoice()
        for line in ruled:
            line.qty_to_invoice = line.billing_open_quantity if line.state == "sale" else 0.0
        return result

    def _recompute_qty_to_invoice(self, start_date, end_date):
        # EXTENDS sale_timesheet: a period is chosen by what is gathered, not by this quantity.
        stock = self.filtered(lambda line: not line.billing_rule)
        return super(SaleOrderLineLedger, stock)._recompute_qty_to_invoice(start_date, end_date)

    @api.depends("billing_rule", "billing_open_amount", "billing_billed_amount")
    def _compute_invoice_status(self):
        ruled = self.filtered(lambda line: line.billing_rule and line.state == "sale")
        result = super(SaleOrderLineLedger, self - ruled)._compute_invoice_status()
        for line in ruled:
            if line.billing_open_quantity or line.billing_open_amount:
                line.invoice_status = "to invoice"
            elif line._get_billing_method()._is_all_billed(line):
                line.invoice_status = "invoiced"
            else:
                line.invoice_status = "no"
        return result

    @api.depends("billing_rule", "billing_open_amount", "billing_billed_amount")
    def _compute_untaxed_amount_to_invoice(self):
        ruled = self.filtered(lambda line: line.billing_rule and line.state == "sale")
        result = super(SaleOrderLineLedger, self - ruled)._compute_untaxed_amount_to_invoice()
        for line in ruled:
            earned = line.billing_open_amount + line.billing_billed_amount
            # As Odoo does: only a tax that prices include changes the untaxed amount.
            if any(tax.price_include or tax.amount_type == "group" for tax in line.tax_ids):
                earned = line._get_earned_taxes()["total_excluded"]
            line.untaxed_amount_to_invoice = earned - line.untaxed_amount_invoiced
        return result

    @api.depends("billing_rule", "billing_open_amount", "billing_billed_amount", "amount_invoiced")
    def _compute_amount_to_invoice(self):
        ruled = self.filtered(lambda line: line.billing_rule and line.state == "sale")
        result = super(SaleOrderLineLedger, self - ruled)._compute_amount_to_invoice()
        for line in ruled:
            earned = line._get_earned_taxes()["total_included"]
            line.amount_to_invoice = earned - line.amount_invoiced
        return result

    def _get_earned_taxes(self):
        """Return the tax totals of what is billed (on drafts too) and of what can be billed."""
        return self.tax_ids.compute_all(
            self.billing_open_amount + self.billing_billed_amount,
            currency=self.currency_id,
            product=self.product_id,
            partner=self.order_id.partner_shipping_id,
        )
