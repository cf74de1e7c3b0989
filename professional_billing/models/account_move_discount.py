from odoo import fields, models

from ..rules import rounding


class AccountMoveDiscount(models.Model):
    _inherit = "account.move"

    def _prepare_discount_lines(self):
        """Return the values of the lines that take discounts off this new bill.

        One per engagement, and per tax and account of what it is taken off.
        """
        self.ensure_one()
        if not any(self.line_ids.sale_line_ids.order_id.mapped("bill_discount_type")):
            return []
        sequence = max(self.invoice_line_ids.mapped("sequence"), default=0)
        vals_list = []
        work = self.invoice_line_ids.filtered("billing_allocation_ids")
        for order, lines in work.grouped(lambda line: line.sale_line_ids.order_id).items():
            value = sum((line._get_price_amount() for line in lines), rounding.decimal(0))
            amount = order._get_bill_discount(value, order._get_billed_volume())
            if not amount:
                continue
            order._lock_for_billing()
            for group, share in lines._split_discount(amount):
                sequence += 1
                vals = order._prepare_discount_line(share, value, group)
                vals_list.append({**vals, "move_id": self.id, "sequence": sequence})
        return vals_list


class AccountMoveLineDiscount(models.Model):
    _inherit = "account.move.line"

    billing_discount_order_id = fields.Many2one(
        "sale.order",
        string="Discount of",
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        help="The engagement whose discount this line gives or takes back.",
    )

    def _split_discount(self, amount):
        """Split `amount` over these lines; return [(a line, share)], one for each tax and account."""
        groups = self.grouped(
            lambda line: (line.tax_ids, line.account_id, str(line.analytic_distribution))
        )
        weights = [
            max(sum(line._get_price_amount() for line in lines), rounding.decimal(0))
            for lines in groups.values()
        ]
        shares = rounding.split_shares(amount, weights, self.currency_id.decimal_places)
        return [
            (lines[0], share) for lines, share in zip(groups.values(), shares, strict=True) if share
        ]

    def _get_billed_order(self):
        """Return the engagement that this line bills, discounts or draws a deposit of."""
        return self.sale_line_ids.order_id or self.billing_discount_order_id

    def _copy_data_extend_business_fields(self, values):
        # EXTENDS account: a credit note gives the discount back.
        if self.billing_discount_order_id:
            values["billing_discount_order_id"] = self.billing_discount_order_id.id
        return super()._copy_data_extend_business_fields(values)
