from typing import NamedTuple

from odoo import models

from ..rules import rounding, settlement, tiers


class Part(NamedTuple):
    """A quantity at one price, before discount."""

    quantity: rounding.Decimal
    price: rounding.Decimal


class NoPrice(Exception):
    """No price for a quantity; says what to do."""


class BillingMethodUnit(models.AbstractModel):
    """A price for what is used, each record on its own: with a minimum, or by volume."""

    _name = "billing.method.unit"
    _inherit = "billing.method"
    _description = "Price per unit"
    _qty_delivered_method = "billing"
    _item_kind = "unit"

    # -- set-up ---------------------------------------------------------------------------------

    def _get_terms_error(self, line):
        if line.unit_minimum < 0:
            return self.env._(
                "%(line)s: the minimum quantity cannot be less than zero.",
                line=line._billing_label(),
            )
        return None

    def _get_setup_errors(self, line):
        yield from super()._get_setup_errors(line)
        if error := self._get_terms_error(line) or self._get_price_error(line):
            yield error

    def _get_price_error(self, line):
        """Return the sentence that says why `line` has no price for some quantity, or None."""
        if line.tier_ids and not line.tier_ids.filtered("is_last"):
            return self.env._(
                "%(line)s: the prices by volume end at %(limit)s. Add a row without limit: “Up to” 0.",
                line=line._billing_label(),
                limit=self._format_quantity(max(line.tier_ids.mapped("up_to"))),
            )
        if not line.tier_ids and not self._get_single_price(line):
            return self._get_missing_price_message(line)
        return None

    def _get_single_price(self, line):
        """Return the price that counts where there are none by volume."""
        return line.price_unit

    def _get_missing_price_message(self, line):
        return self.env._(
            "%(line)s: enter a price per %(unit)s, or prices by volume in the billing terms of the "
            "line.",
            line=line._billing_label(),
            unit=line.product_uom_id.name,
        )

    def _describe(self, line):
        if line.tier_ids:
            rows = [self._describe_tier(line, tier) for tier in line.tier_ids]
            prices = ", ".join(rows)
            if line.tier_mode == "whole":
                prices += self.env._(", by the volume of the whole")
        else:
            prices = self._describe_single_price(line)
        if line.unit_minimum:
            prices += self.env._(
                ", at least %(minimum)s", minimum=self._format_quantity(line.unit_minimum)
            )
        return f"{line._get_bill_label()}: {prices}."

    def _describe_single_price(self, line):
        return self.env._(
            "%(price)s per %(unit)s",
            price=self._format_price(line, rounding.decimal(line.price_unit)),
            unit=line.product_uom_id.name,
        )

    def _describe_tier(self, line, tier):
        price = self._format_price(line, rounding.decimal(tier.price_unit))
        if tier.is_last:
            return self.env._("%(price)s above", price=price)
        return self.env._(
            "%(price)s up to %(limit)s", price=price, limit=self._format_limit(line, tier.up_to)
        )

    # -- earning --------------------------------------------------------------------------------

    def _plan_items(self, lines):
        return [
            self._prepare_item(line, usage)
            for line in lines
            for usage in line.billing_usage_ids._in_order()
        ]

    def _prepare_item(self, line, usage):
        quantity = self._get_billable_quantity(line, usage)
        values = {
            "kind": self._item_kind,
            "usage_id": usage.id,
            "order_line_id": line.id,
            "date": usage.date,
            "description": usage.name,
            **self._prepare_quantity(line, usage, quantity),
        }
        try:
            parts = self._get_parts(line, quantity)
        except NoPrice as error:
            return {
                **values,
                "standard_amount": 0.0,
                "amount": 0.0,
                "standard_rate": 0.0,
                "rate": 0.0,
                "blocked_reason": "no_price",
                "explanation": str(error),
            }
        standard = sum(self._get_value(line, part) for part in parts)
        amount = sum(self._get_value(line, part, line.discount) for part in parts)
        divisor = rounding.decimal(values["quantity"]) or 1
        return {
            **values,
            "standard_amount": float(standard),
            "amount": float(amount),
            "standard_rate": float(self._get_rate(line, parts, standard / divisor)),
            "rate": float(self._get_rate(line, parts, amount / divisor, line.discount)),
            "blocked_reason": False,
            "explanation": "\n".join(self._explain(line, usage, quantity, parts, amount)),
        }

    def _get_billable_quantity(self, line, usage):
        return max(rounding.decimal(usage.quantity), rounding.decimal(line.unit_minimum))

    def _prepare_quantity(self, line, usage, quantity):
        return {
            "worked_quantity": usage.quantity,
            "quantity": float(quantity),
            "uom_id": line.product_uom_id.id,
        }

    def _get_parts(self, line, quantity):
        """Return the parts of `quantity` by their price.

        :raise NoPrice: when there is no price for it
        """
        if not line.tier_ids:
            price = rounding.decimal(self._get_single_price(line))
            if not price and not line.discount:
                raise NoPrice(self._get_missing_price_message(line))
            return [Part(quantity, price)]
        if error := self._get_price_error(line):
            raise NoPrice(error)
        rows = [
            (rounding.decimal(tier.up_to) or None, rounding.decimal(tier.price_unit))
            for tier in line.tier_ids.sorted(lambda tier: (tier.is_last, tier.up_to))
        ]
        mode = line.tier_mode or tiers.MARGINAL
        return [Part(*part) for part in tiers.split(quantity, rows, mode)]

    def _get_value(self, line, part, discount=0.0):
        """Return what a part costs, rounded as an invoice line is."""
        return settlement.line_amount(
            part.quantity, part.price, discount, line.currency_id.decimal_places
        )

    def _get_rate(self, line, parts, average, discount=0.0):
        """Return the price of a unit; on average where it is not the same for all."""
        if len(parts) == 1:
            return parts[0].price * (100 - rounding.decimal(discount)) / 100
        return average

    # -- explaining -----------------------------------------------------------------------------

    def _explain(self, line, usage, quantity, parts, amount):
        steps = []
        if quantity != rounding.decimal(usage.quantity):
            steps.append(
                self.env._(
                    "%(used)s %(unit)s recorded, %(minimum)s is the least that is billed",
                    used=self._format_quantity(usage.quantity),
                    unit=line.product_uom_id.name,
                    minimum=self._format_quantity(quantity),
                )
            )
        return steps + self._explain_parts(line, parts, amount)

    def _explain_parts(self, line, parts, amount):
        """Return a sentence for each part, and one for what they make together."""
        currency = line.currency_id
        steps = [self._explain_part(line, part) for part in parts]
        if line.tier_ids and line.tier_mode == "whole" and parts:
            steps.insert(0, self.env._("Price by volume, the same for all of it:"))
        if line.discount:
            steps.append(
                self.env._(
                    "Less %(discount)s %% discount: %(amount)s",
                    discount=f"{line.discount:g}",
                    amount=currency.format(float(amount)),
                )
            )
        elif len(parts) > 1:
            steps.append(self.env._("Together %(amount)s", amount=currency.format(float(amount))))
        return steps

    def _explain_part(self, line, part):
        return self.env._(
            "%(quantity)s × %(price)s = %(amount)s",
            quantity=self._format_quantity(part.quantity),
            price=self._format_price(line, part.price),
            amount=line.currency_id.format(float(self._get_value(line, part))),
        )

    @staticmethod
    def _format_quantity(quantity):
        return f"{rounding.decimal(quantity).normalize():f}"

    def _format_limit(self, line, limit):
        return self._format_quantity(limit)

    def _format_price(self, line, price):
        """Return a price in the line's currency, with all its decimals."""
        decimals = line.currency_id.decimal_places
        if price == rounding.money(price, decimals):
            return line.currency_id.format(float(price))
        return f"{price.normalize():f} {line.currency_id.name}"

    # -- billing --------------------------------------------------------------------------------

    def _get_billed_order_quantity(self, line, billed):
        quantity = billed["quantity"]
        hours = self._get_uom("hour")
        if line.product_uom_id != hours and line.product_uom_id._has_common_reference(hours):
            # The ledger adds up time in hours.
            quantity = hours._compute_quantity(quantity, line.product_uom_id, round=False)
        return float(rounding.quantize(quantity, 6))

    def _prepare_fee_line(self, line, prebill_line):
        """Bill quantity x price where there is one price, else 1 x amount, with its parts as text."""
        decimals = line.currency_id.decimal_places
        amount = rounding.money(prebill_line.amount, decimals)
        name = prebill_line.narrative
        quantity = rounding.decimal(prebill_line.quantity)
        digits = self.env["decimal.precision"].precision_get("Product Unit")
        price, discount = self._get_bill_price(line, prebill_line)
        if (
            price is not None
            and quantity
            and quantity == rounding.quantize(quantity, digits)
            and settlement.line_amount(quantity, price, discount, decimals) == amount
        ):
            return {
                "name": name,
                "quantity": float(quantity),
                "price_unit": float(price),
                "discount": float(discount),
            }
        return {
            "name": "\n".join([name, *self._list_parts(line, prebill_line)]),
            "quantity": 1.0,
            "price_unit": float(amount),
            "discount": 0.0,
        }

    def _get_bill_price(self, line, prebill_line):
        """Return the one price of what is billed and its discount; None when there are several."""
        if prebill_line.decision == "complimentary":
            return rounding.decimal(0), 0
        if prebill_line._is_rate_edited():
            return rounding.decimal(prebill_line.rate), 0
        try:
            parts = self._get_parts(line, rounding.decimal(prebill_line.item_id.quantity))
        except NoPrice:
            parts = []
        return (parts[0].price, line.discount) if len(parts) == 1 else (None, 0)

    def _list_parts(self, line, prebill_line):
        """Return the sentences that explain an amount made of several prices, when it is all of it."""
        item = prebill_line.item_id
        if line.currency_id.compare_amounts(prebill_line.amount, item.amount):
            return []
        return (item.explanation or "").split("\n")
