from odoo import api, fields, models

from ..rules import rounding


class BillingPrebillPayable(models.Model):
    """The last steps from what is billed to what is payable: retention, then deposits.

    Before the invoice they are what it would deduct today; afterwards what it does.
    """

    _inherit = "billing.prebill"

    amount_untaxed = fields.Monetary(
        string="Before tax", compute="_compute_payable", compute_sudo=True
    )
    amount_retention = fields.Monetary(
        string="Retention", compute="_compute_payable", compute_sudo=True
    )
    amount_deposit = fields.Monetary(
        string="Deposit", compute="_compute_payable", compute_sudo=True, help="Before tax."
    )
    amount_payable = fields.Monetary(
        string="Payable before tax", compute="_compute_payable", compute_sudo=True
    )
    deposit_left = fields.Monetary(
        compute="_compute_payable", compute_sudo=True, help="For later bills, before tax."
    )

    @api.depends(
        "state",
        "amount_bill",
        "move_ids",
        "order_ids.retention_percent",
        "order_ids.retention_maximum",
        "order_ids.deposit_policy",
    )
    def _compute_payable(self):
        for prebill in self:
            untaxed = retained = deposit = left = rounding.decimal(0)
            if prebill.state == "invoiced":
                untaxed, retained, deposit = prebill._get_invoiced_payable()
            elif prebill.is_open:
                untaxed, retained, deposit = prebill._get_expected_payable()
                available = sum(prebill.order_ids._origin.mapped("deposit_left"))
                left = rounding.money(available, prebill.currency_id.decimal_places) - deposit
            prebill.amount_untaxed = untaxed
            prebill.amount_retention = retained
            prebill.amount_deposit = deposit
            prebill.amount_payable = untaxed - retained - deposit
            prebill.deposit_left = left

    def _get_expected_payable(self):
        """Return (untaxed work, retention, deposit) of the invoices to come, as Decimals."""
        totals = [rounding.decimal(0)] * 3
        lines = self._get_bill_lines()
        for order in self.order_ids._origin:
            mine = lines.filtered(lambda line, order=order: line.order_line_id.order_id == order)
            parts = self._get_bill_parts(mine)
            untaxed = sum(part[1] for part in parts)
            retained, _held = order._get_retention(untaxed)
            plan = order._plan_deposits(parts, retained) if order._draws_deposits() else []
            deposit = sum(line._get_deposit_value(price)[0] for line, price in plan)
            totals = [
                total + amount
                for total, amount in zip(totals, (untaxed, retained, deposit), strict=True)
            ]
        return totals

    def _get_bill_parts(self, lines):
        """Return [(taxes, untaxed value, value with tax)] of what `lines` bill, as Decimals."""
        decimals, parts = self.currency_id.decimal_places, []
        for taxes, mine in lines.grouped(lambda line: line.order_line_id.tax_ids).items():
            amounts = taxes.compute_all(sum(mine.mapped("amount")), currency=self.currency_id)
            parts.append(
                (
                    taxes,
                    rounding.money(amounts["total_excluded"], decimals),
                    rounding.money(amounts["total_included"], decimals),
                )
            )
        return parts

    def _get_invoiced_payable(self):
        orders, lines = self.order_ids, self.move_ids.invoice_line_ids
        mine = lines.filtered(lambda line: line.sale_line_ids.order_id & orders)
        return (
            -self._sum_lines(mine.filtered("billing_settlement_ids")),
            self._sum_lines(lines.filtered(lambda line: line.billing_retention_order_id & orders)),
            self._sum_lines(mine.filtered("is_downpayment")),
        )

    def _sum_lines(self, lines):
        """Return the debit of these journal items less their credit, as Decimal."""
        decimals = self.currency_id.decimal_places
        return sum(
            (rounding.money(line.amount_currency, decimals) for line in lines), rounding.decimal(0)
        )
