from odoo import models

from ..rules import rounding


class BillingMethodSuccessFee(models.AbstractModel):
    """A percentage of an outcome in money, one for all of it or by volume."""

    _name = "billing.method.success_fee"
    _inherit = "billing.method.unit"
    _description = "Success fee"
    _item_kind = "success"

    def _get_terms_error(self, line):
        if not 0 <= line.success_percentage <= 100:
            return self.env._(
                "%(line)s: the percentage of the outcome is between 0 and 100.",
                line=line._billing_label(),
            )
        return None

    def _get_price_error(self, line):
        if max(line.tier_ids.mapped("price_unit"), default=0) > 100:
            return self.env._(
                "%(line)s: a success fee by volume is a percentage of the outcome, between 0 and 100.",
                line=line._billing_label(),
            )
        return super()._get_price_error(line)

    def _get_single_price(self, line):
        return line.success_percentage

    def _get_missing_price_message(self, line):
        return self.env._(
            "%(line)s: enter the percentage of the outcome, or percentages by volume, in the billing "
            "terms of the line.",
            line=line._billing_label(),
        )

    def _describe_single_price(self, line):
        return self.env._(
            "%(percentage)s of the outcome",
            percentage=self._format_price(line, rounding.decimal(line.success_percentage)),
        )

    def _format_limit(self, line, limit):
        return line.currency_id.format(limit)

    def _format_price(self, line, price):
        return self.env._("%(percentage)s %%", percentage=self._format_quantity(price))

    def _get_billable_quantity(self, line, usage):
        return rounding.decimal(usage.quantity)

    def _prepare_quantity(self, line, usage, quantity):
        """The outcome is the client's: what is earned is one fee, in Odoo's unit “Units”."""
        return {"quantity": 1.0 if quantity else 0.0, "uom_id": self._get_uom("unit").id}

    def _get_value(self, line, part, discount=0.0):
        price = part.price * (100 - rounding.decimal(discount)) / 10000
        return rounding.money(part.quantity * price, line.currency_id.decimal_places)

    def _get_rate(self, line, parts, average, discount=0.0):
        return average

    def _explain_part(self, line, part):
        currency = line.currency_id
        return self.env._(
            "%(percentage)s %% of %(outcome)s = %(amount)s",
            percentage=self._format_quantity(part.price),
            outcome=currency.format(float(part.quantity)),
            amount=currency.format(float(self._get_value(line, part))),
        )

    def _get_billed_order_quantity(self, line, billed):
        """How many outcomes are billed: the fee is not known when it is agreed."""
        return float(rounding.quantize(billed["quantity"], 6))

    def _get_bill_price(self, line, prebill_line):
        return None, 0
