from odoo import api, models

from ..rules import rounding, settlement


class BillingMethod(models.AbstractModel):
    """What every billing rule answers: what is earned, is it set up, how does it print.

    One rule of `sale.order.line.billing_rule` is one model `billing.method.<rule>`. A new rule is
    a new value of the selection, a new model, and its arithmetic in `rules/`.
    """

    _name = "billing.method"
    _description = "Billing rule"

    @api.model
    def _for_rule(self, rule):
        return self.env[f"billing.method.{rule}"]

    @api.model
    def _get_uom(self, name):
        """Return a unit of Odoo's own by its name, without asking whether it still exists."""
        res_id = self.env["ir.model.data"]._xmlid_to_res_id(f"uom.product_uom_{name}")
        return self.env["uom.uom"].browse(res_id)

    def _for_client(self, line):
        """Return this model in the language of the client of `line`, for what is printed."""
        return self.with_context(lang=line.order_id.partner_invoice_id.lang or self.env.lang)

    # Whether the line's price is one of time, which holds where no rate does.
    _prices_time = True
    # Whether time on the line may become invoice lines without looking at each entry.
    _groups_time = False
    # Whether an entry of the line counts for what becomes of the line's other entries.
    _shares_hours = False

    def _bills_exact_amounts(self, line):
        """Tell whether hours of an odd length may not be added up and rounded with others."""
        return False

    def _get_shared_start(self, line, date):
        """Return the first day whose entries an entry of `date` may change, None for all."""
        return None

    # -- set-up ---------------------------------------------------------------------------------

    # Where Odoo takes the delivered quantity from (`sale.order.line.qty_delivered_method`), when
    # the rule decides it and not the service.
    _qty_delivered_method = None

    def _get_line_error(self, line):
        """Return the sentence that says why `line` can never have this rule, or None."""
        if line.display_type or line.product_id.type != "service":
            return self.env._(
                "%(line)s: only a service can have a billing rule.", line=line._billing_label()
            )
        return None

    def _get_terms_error(self, line):
        """Return the sentence that says why the terms of `line` contradict themselves, or None."""
        return None

    def _get_setup_errors(self, line):
        """Return the sentences that say why `line` cannot be billed as it is set up."""
        if line.product_id and not line.product_id.active:
            yield self.env._(
                "%(line)s: the service “%(product)s” is archived. Choose another one.",
                line=line._billing_label(),
                product=line.product_id.display_name,
            )

    def _prepare_confirmation(self, lines):
        """Complete `lines` when their order is confirmed."""

    def _describe(self, line):
        """Return what is agreed for `line` in a sentence a client can read."""
        return self.env._(
            "%(line)s: %(total)s.",
            line=line._get_bill_label(),
            total=line.currency_id.format(float(line._billing_total())),
        )

    # -- earning --------------------------------------------------------------------------------

    def _record_due(self, lines):
        """Record what the terms of confirmed `lines` say is due by itself."""

    def _plan_items(self, lines):
        """Return the items `lines` have earned, besides time: dicts of `billing.item` values.

        Time entries of a line are planned by `billing.item` itself, with `_price_time`.
        """
        return []

    def _price_time(self, timesheet, line, uom, rater):
        """Return how a time entry on `line` is valued.

        :param uom: the entry's unit, hours
        :param rater: Rater of the entries being valued
        :return: dict with `standard_rate` and `rate` (Decimal, currency per unit), `billable`
            (whether the bill takes it), `steps` (the explanation's sentences) and
            `blocked_reason`, when there is no rate
        """
        standard = rater.standard(timesheet, line, uom)
        if standard is None:
            standard = self._get_hourly_price(line, uom)
        steps = rater.remember(
            ("included", line.id),
            lambda: (
                self.env._(
                    "Included in the agreed fee of %(line)s: valued, not billed.",
                    line=line._billing_label(),
                ),
            ),
        )
        return {
            "standard_rate": standard,
            "rate": rounding.decimal(0),
            "billable": False,
            "steps": steps,
            "blocked_reason": False,
        }

    def _apply_allowance(self, timesheet, price, rater):
        """Return `price` of an entry, as changed by the hours that the line's fee includes."""
        return price

    @api.model
    def _get_hourly_price(self, line, hours_uom):
        """Return the price of an hour from the line's price, 0 when its unit is not time."""
        if not line.product_uom_id._has_common_reference(hours_uom):
            return rounding.decimal(0)
        hours_per_unit = rounding.decimal(line.product_uom_id.factor) / rounding.decimal(
            hours_uom.factor
        )
        return rounding.decimal(line.price_unit) / hours_per_unit

    # -- billing --------------------------------------------------------------------------------

    def _get_billed_order_quantity(self, line, billed):
        """Return how much of the ordered quantity is billed, in the order line's unit.

        :param billed: dict with `quantity` (hours for time) and `amount` billed net of credits
        """
        total = line._billing_total()
        return (
            float(rounding.decimal(line.product_uom_qty) * billed["amount"] / total)
            if total
            else 0.0
        )

    def _is_all_billed(self, line):
        """Tell whether nothing of `line`, which has nothing open, is left to be billed later."""
        return bool(line.billing_billed_quantity) and (
            line.billing_billed_quantity >= line.product_uom_qty
        )

    def _prepare_bill_lines(self, line, prebill_lines):
        """Return the invoice lines that bill `prebill_lines` of order line `line`.

        :return: list of (pre-bill lines, dict of invoice line values)
        """
        return [
            (prebill_line, self._prepare_fee_line(line, prebill_line))
            for prebill_line in prebill_lines
        ]

    def _prepare_fee_line(self, line, prebill_line):
        """One invoice line for one part of an agreed fee, expressed in the order line's unit."""
        quantity, price, discount = settlement.quantity_and_price(
            prebill_line.amount,
            line.product_uom_qty,
            line.price_unit,
            line.discount,
            decimals=line.currency_id.decimal_places,
            quantity_decimals=self.env["decimal.precision"].precision_get("Product Unit"),
        )
        return {
            "name": prebill_line.narrative,
            "quantity": float(quantity),
            "price_unit": float(price),
            "discount": float(discount),
        }
