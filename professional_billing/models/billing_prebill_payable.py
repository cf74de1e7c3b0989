from odoo import api, fields, models

from ..rules import rounding
from .billing_prebill_line import ON_BILL


class BillingPrebillPayable(models.Model):
    """The last steps from what is billed to what is payable: discount, retention, then deposits.

    Before the invoice they are what it would deduct today; afterwards what it does.
    """

    _inherit = "billing.prebill"

    amount_discount = fields.Monetary(
        string="Discount", compute="_compute_payable", compute_sudo=True
    )
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
        "order_ids.bill_discount_type",
        "order_ids.bill_discount_amount",
        "order_ids.retention_percent",
        "order_ids.retention_maximum",
        "order_ids.deposit_policy",
    )
    def _compute_payable(self):
        for prebill in self:
            discount = untaxed = retained = deposit = left = rounding.decimal(0)
            if prebill.state == "invoiced":
                discount, untaxed, retained, deposit = prebill._get_invoiced_payable()
            elif prebill.is_open:
                discount, untaxed, retained, deposit = prebill._get_expected_payable()
                available = sum(prebill.order_ids._origin.mapped("deposit_left"))
                left = rounding.money(available, prebill.currency_id.decimal_places) - deposit
            prebill.amount_discount = discount
            prebill.amount_untaxed = untaxed
            prebill.amount_retention = retained
            prebill.amount_deposit = deposit
            prebill.amount_payable = untaxed - retained - deposit
            prebill.deposit_left = left

    def _get_expected_payable(self):
        """Return (discount, untaxed rest, retention, deposit) of the invoices to come, as Decimals."""
        totals = [rounding.decimal(0)] * 4
        work = self._get_work_by_order_line()
        for order in self.order_ids._origin:
            mine = {line: amount for line, amount in work.items() if line.order_id == order}
            figures = self._get_expected_of(order, mine)
            totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        return totals

    def _get_work_by_order_line(self):
        """Return {order line: value on this bill}, as Decimals."""
        work = {}
        if isinstance(self.id, int):
            # Of a large bill the database adds up what is stored.
            groups = self.env["billing.prebill.line"]._read_group(
                [("prebill_id", "=", self.id), ("decision", "in", ON_BILL)],
                ["order_line_id"],
                ["amount:sum"],
            )
        else:
            groups = [(line.order_line_id, line.amount) for line in self._get_bill_lines()]
        for order_line, amount in groups:
            amount = rounding.money(amount, self.currency_id.decimal_places)
            work[order_line] = work.get(order_line, 0) + amount
        return work

    def _get_expected_of(self, order, lines):
        by_taxes = {}
        for line, amount in lines.items():
            by_taxes[line.tax_ids] = by_taxes.get(line.tax_ids, 0) + amount
        work = list(by_taxes.items())
        discount = order._get_bill_discount(sum(amount for _taxes, amount in work))
        parts = self._get_bill_parts(work, discount)
        untaxed = sum(part[1] for part in parts)
        retained, _held = order._get_retention(untaxed)
        plan = order._plan_deposits(parts, retained) if order._draws_deposits() else []
        deposit = sum(line._get_deposit_value(price)[0] for line, price in plan)
        return discount, untaxed, retained, deposit

    def _get_bill_parts(self, work, discount):
        """Return [(taxes, untaxed value, value with tax)] of a bill, as Decimals.

        :param work: [(taxes, value in the terms of the prices)]
        :param discount: what comes off it
        """
        decimals = self.currency_id.decimal_places
        weights = [max(amount, rounding.decimal(0)) for _taxes, amount in work]
        shares = rounding.split_shares(discount, weights, decimals) if discount else weights
        parts = []
        for (taxes, amount), share in zip(work, shares, strict=True):
            rest = amount - share if discount else amount
            amounts = taxes.compute_all(float(rest), currency=self.currency_id)
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
        discounts = lines.filtered(lambda line: line.billing_discount_order_id & orders)
        work = mine.filtered("billing_settlement_ids") | discounts
        return (
            -sum((line._get_price_amount() for line in discounts), rounding.decimal(0)),
            -self._sum_lines(work),
            self._sum_lines(lines.filtered(lambda line: line.billing_retention_order_id & orders)),
            self._sum_lines(mine.filtered("is_downpayment")),
        )

    def _sum_lines(self, lines):
        """Return the debit of these journal items less their credit, as Decimal."""
        decimals = self.currency_id.decimal_places
        return sum(
            (rounding.money(line.amount_currency, decimals) for line in lines), rounding.decimal(0)
        )
