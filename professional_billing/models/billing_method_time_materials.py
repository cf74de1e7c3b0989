from odoo import models
from odoo.tools import format_date

from ..rules import rounding


class BillingMethodTimeMaterials(models.AbstractModel):
    """Hours from timesheets at the order line's price."""

    _name = "billing.method.time_materials"
    _inherit = "billing.method"
    _description = "Time and materials"
    _qty_delivered_method = "timesheet"

    def _get_line_error(self, line):
        error = super()._get_line_error(line)
        if error or line.product_uom_id._has_common_reference(self._get_uom("hour")):
            return error
        return self.env._(
            "%(line)s: time and materials needs a unit of time (hours or days), not “%(unit)s”. "
            "Change the unit or the billing rule.",
            line=line._billing_label(),
            unit=line.product_uom_id.name,
        )

    def _get_setup_errors(self, line):
        yield from super()._get_setup_errors(line)
        if not line.price_unit:
            yield self.env._(
                "%(line)s: time and materials needs a price per %(unit)s.",
                line=line._billing_label(),
                unit=line.product_uom_id.name,
            )

    def _price_time(self, line, hours_uom):
        standard = self._get_hourly_price(line, hours_uom)
        rate = standard * (100 - rounding.decimal(line.discount)) / 100
        steps = [
            self.env._(
                "Price of %(line)s: %(price)s / %(unit)s",
                line=line._billing_label(),
                price=line.currency_id.format(line.price_unit),
                unit=line.product_uom_id.name,
            )
        ]
        if line.product_uom_id != hours_uom:
            steps.append(
                self.env._(
                    "That is %(price)s per hour", price=line.currency_id.format(float(standard))
                )
            )
        if line.discount:
            steps.append(
                self.env._(
                    "Less %(discount)s %% discount: %(price)s per hour",
                    discount=f"{line.discount:g}",
                    price=line.currency_id.format(float(rate)),
                )
            )
        return {"standard_rate": standard, "rate": rate, "billable": True, "steps": steps}

    def _get_billed_order_quantity(self, line, billed):
        return self._get_uom("hour")._compute_quantity(
            float(billed["quantity"]), line.product_uom_id, rounding_method="HALF-UP"
        )

    def _prepare_bill_lines(self, line, prebill_lines):
        """One invoice line per rate; work credited by price only stands on a line of its own."""
        by_rate = prebill_lines.filtered("quantity").grouped(
            lambda part: (part.rate, part.item_id.uom_id)
        )
        result = [(part, self._prepare_time_line(line, part)) for part in by_rate.values()]
        for prebill_line in prebill_lines.filtered(lambda part: not part.quantity):
            values = {"name": prebill_line.narrative, "quantity": 1.0, "discount": 0.0}
            result.append((prebill_line, {**values, "price_unit": prebill_line.amount}))
        return result

    def _prepare_time_line(self, line, prebill_lines):
        hours_uom = prebill_lines.item_id.uom_id
        quantity = hours_uom._compute_quantity(
            sum(prebill_lines.mapped("quantity")), line.product_uom_id, rounding_method="HALF-UP"
        )
        values = {"name": self._get_time_label(line, prebill_lines), "quantity": quantity}
        agreed = self._price_time(line, hours_uom)
        if prebill_lines[0]._is_rate(agreed["rate"]):
            return {**values, "price_unit": line.price_unit, "discount": line.discount}
        price = hours_uom._compute_price(prebill_lines[0].rate, line.product_uom_id)
        return {**values, "price_unit": price, "discount": 0.0}

    def _get_time_label(self, line, prebill_lines):
        dates = prebill_lines.item_id.mapped("date")
        period = self.env._(
            "Work from %(start)s to %(end)s",
            start=format_date(self.env, min(dates)),
            end=format_date(self.env, max(dates)),
        )
        return f"{line._get_bill_label()}\n{period}"
