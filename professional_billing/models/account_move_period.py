from datetime import timedelta

from odoo import api, fields, models

from .billing_prebill_plain import PlainTime

# Work whose date is a day on which something was done; an agreed fee is due on its date.
DONE_ON_ITS_DATE = {"time", "expense", "unit", "success"}


class AccountMoveLinePeriod(models.Model):
    """When the service on an invoice line was given: both days are in it."""

    _inherit = "account.move.line"

    billing_period_start = fields.Date(string="Service from")
    billing_period_end = fields.Date(string="Service to")

    _billing_period_order = models.Constraint(
        "CHECK(billing_period_start <= billing_period_end)",
        "A service period ends on the day it begins, or later.",
    )


class AccountMovePeriod(models.Model):
    _inherit = "account.move"

    billing_period_start = fields.Date(string="Service from", compute="_compute_billing_period")
    billing_period_end = fields.Date(string="Service to", compute="_compute_billing_period")

    @api.depends("invoice_line_ids.billing_period_start", "invoice_line_ids.billing_period_end")
    def _compute_billing_period(self):
        for move in self:
            lines = move.invoice_line_ids if move.is_professional_bill else move.line_ids.browse()
            move.billing_period_start = min(
                filter(None, lines.mapped("billing_period_start")), default=False
            )
            move.billing_period_end = max(
                filter(None, lines.mapped("billing_period_end")), default=False
            )

    def _prepare_product_base_line_for_taxes_computation(self, product_line):
        # EXTENDS account: the names under which Odoo's electronic invoices look for a line's period.
        base_line = super()._prepare_product_base_line_for_taxes_computation(product_line)
        if product_line.billing_period_start and product_line.billing_period_end:
            base_line.setdefault("deferred_start_date", product_line.billing_period_start)
            base_line.setdefault("deferred_end_date", product_line.billing_period_end)
        return base_line


class BillingPrebillPeriod(models.Model):
    _inherit = "billing.prebill"

    @api.model
    def _prepare_order_line_bill(self, order_line):
        # EXTENDS: each invoice line says when its work was done.
        vals_list = super()._prepare_order_line_bill(order_line)
        for vals in vals_list:
            start, end = self._get_bill_period(vals["billing_allocation_ids"])
            if start:
                vals.update(billing_period_start=start, billing_period_end=end)
        return vals_list

    @api.model
    def _get_bill_period(self, bill):
        """Return (first day, last day) of what an invoice line settles."""
        if isinstance(bill, PlainTime):
            return bill.work.first_date, bill.work.last_date
        return (
            self.env["billing.item"].browse([row["item_id"] for row in bill])._get_service_period()
        )


class BillingItemPeriod(models.Model):
    _inherit = "billing.item"

    def _get_service_period(self):
        """Return (first day, last day) of this work, or (None, None) of agreed fees alone."""
        starts, ends = [], []
        for item in self:
            if item.period_start and item.period_end:
                starts.append(item.period_start)
                ends.append(item.period_end - timedelta(days=1))
            elif item.kind in DONE_ON_ITS_DATE:
                starts.append(item.date)
                ends.append(item.date)
        return min(starts, default=None), max(ends, default=None)
