from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Command, Domain

from ..rules import discounts, rounding
from .field_groups import CONTRACT_STAFF


class SaleOrderDiscount(models.Model):
    """A discount on the engagement's bills: a fixed amount, or percentages of the volume billed.

    What was given is what the invoice lines that carry the engagement say, in the terms of its
    prices; a credit note gives it back. Percentages of single lines are Odoo's own discount.
    """

    _inherit = "sale.order"

    bill_discount_type = fields.Selection(
        [("fixed", "A fixed amount"), ("volume", "By volume billed")],
        string="Discount",
        help="Comes off each bill after the limit and before tax. A fixed amount: off the first bills, "
        "until it is used up. By volume: percentages of what is billed on this engagement in all.",
    )
    bill_discount_amount = fields.Monetary(string="Discount of")
    bill_discount_mode = fields.Selection(
        [("marginal", "Each part by its own row"), ("whole", "Everything by the row it ends in")],
        string="What counts",
        help="Empty: each part of the volume by its own row. Otherwise a step to a better percentage "
        "is made up for on earlier bills too.",
    )
    bill_discount_tier_ids = fields.One2many(
        "billing.discount.tier",
        "order_id",
        string="Discount by volume",
        copy=True,
        groups=CONTRACT_STAFF,
    )
    bill_discount_given = fields.Monetary(
        string="Given so far",
        compute="_compute_bill_discount_given",
        compute_sudo=True,
        help="On bills, drafts included, less what was credited.",
    )

    def _compute_bill_discount_given(self):
        # Without dependencies on purpose: as `retention_held`.
        given = self._get_discounts_given()
        for order in self:
            order.bill_discount_given = given.get(order._origin.id, 0.0)

    @api.constrains("bill_discount_type", "bill_discount_amount", "bill_discount_tier_ids")
    def _check_bill_discount(self):
        for order in self:
            if order.bill_discount_amount < 0:
                raise ValidationError(
                    self.env._("%(order)s: the discount is not less than zero.", order=order.name)
                )
            tiers = order.sudo().bill_discount_tier_ids
            if tiers and not tiers.filtered("is_last"):
                raise ValidationError(
                    self.env._(
                        "%(order)s: there is no discount for more than %(limit)s. Add a last row without a "
                        "limit (0), also where it is 0 %%.",
                        order=order.name,
                        limit=order.currency_id.format(max(tiers.mapped("up_to"))),
                    )
                )

    # -- what is agreed -------------------------------------------------------------------------

    @api.depends(
        "bill_discount_type",
        "bill_discount_amount",
        "bill_discount_mode",
        "bill_discount_tier_ids.up_to",
        "bill_discount_tier_ids.percentage",
    )
    def _compute_billing_summary(self):
        return super()._compute_billing_summary()

    def _get_billing_sentences(self):
        return [*super()._get_billing_sentences(), *self._describe_bill_discount()]

    def _describe_bill_discount(self):
        if self.bill_discount_type == "fixed" and self.bill_discount_amount:
            yield self.env._(
                "A discount of %(amount)s comes off the bills.",
                amount=self.currency_id.format(self.bill_discount_amount),
            )
        rows = self.bill_discount_tier_ids if self.bill_discount_type == "volume" else ()
        if rows:
            steps = ", ".join(
                f"{row.percentage:g} % {row._get_row_label(self.currency_id)}" for row in rows
            )
            text = self.env._("Discount by what is billed in all: %(steps)s", steps=steps)
            if self.bill_discount_mode == "whole":
                text += self.env._("; the row that the volume ends in holds for everything")
            yield f"{text}."

    # -- on each bill ---------------------------------------------------------------------------

    def _get_discounts_given(self):
        """Return {order id: Decimal} of the discounts on bills, in the terms of the orders' prices."""
        given = {}
        lines = self.env["account.move.line"].search(
            Domain("billing_discount_order_id", "in", self._origin.ids)
            & Domain("parent_state", "!=", "cancel")
        )
        for line in lines:
            amount = line._get_price_amount()
            order_id = line.billing_discount_order_id.id
            sign = 1 if line.move_id.move_type == "out_refund" else -1
            given[order_id] = given.get(order_id, rounding.decimal(0)) + sign * amount
        return given

    def _get_bill_discount(self, work, volume=None):
        """Return what comes off a bill of `work`, as Decimal.

        :param work: value of the bill, in the terms of its prices
        :param volume: value billed, this bill included; by default this bill is added
        """
        self.ensure_one()
        if not self.bill_discount_type:
            return rounding.decimal(0)
        if volume is None:
            volume = self._get_billed_volume() + work
        decimals = self.currency_id.decimal_places
        if self.bill_discount_type == "fixed":
            target = rounding.money(self.bill_discount_amount, decimals)
        else:
            target = discounts.earned(
                volume,
                [(row.up_to or None, row.percentage) for row in self.bill_discount_tier_ids]
                or [(None, 0)],
                self.bill_discount_mode or "marginal",
                decimals,
            )
        given = self._get_discounts_given().get(self._origin.id, 0)
        return rounding.money(discounts.due(target, given, work), decimals)

    def _get_billed_volume(self):
        [(billed,)] = self.env["billing.item"]._read_group(
            [("order_id", "in", self._origin.ids)], [], ["billed_amount:sum"]
        )
        return rounding.money(billed or 0, self.currency_id.decimal_places)

    def _create_account_invoices(self, invoice_vals_list, final):
        # EXTENDS sale: the discount is a line of each bill.
        moves = super()._create_account_invoices(invoice_vals_list, final)
        vals_list = [
            vals
            for move in moves.filtered("is_professional_bill")
            for vals in move._prepare_discount_lines()
        ]
        if vals_list:
            self.env["account.move.line"].sudo().create(vals_list)
        return moves

    def _prepare_discount_line(self, amount, work, line):
        """Return the values of the invoice line that takes `amount` off lines like `line`."""
        order = self.with_context(lang=self.partner_invoice_id.lang or self.env.lang)
        return {
            "display_type": "product",
            "name": order._get_discount_label(work),
            "quantity": 1.0,
            "price_unit": -float(amount),
            "tax_ids": [Command.set(line.tax_ids.ids)],
            "account_id": line.account_id.id,
            "analytic_distribution": line.analytic_distribution,
            "billing_discount_order_id": self.id,
        }

    def _get_discount_label(self, work):
        currency = self.currency_id
        if self.bill_discount_type == "fixed":
            return self.env._(
                "Discount: %(total)s agreed, %(given)s given before",
                total=currency.format(self.bill_discount_amount),
                given=currency.format(float(self._get_discounts_given().get(self.id, 0))),
            )
        return self.env._(
            "Discount by volume: %(volume)s billed, %(work)s of it here",
            volume=currency.format(float(self._get_billed_volume())),
            work=currency.format(float(work)),
        )
