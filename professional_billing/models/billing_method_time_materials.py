from odoo import models
from odoo.tools import format_date

from ..rules import rates, rounding
from .billing_rater import NoCurrencyRate
from .billing_time_work import TimeWork


class BillingMethodTimeMaterials(models.AbstractModel):
    """Hours from timesheets at the order line's price."""

    _name = "billing.method.time_materials"
    _inherit = "billing.method"
    _description = "Time and materials"
    _qty_delivered_method = "timesheet"
    _groups_time = True

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
        if not line.price_unit and line.rate_source != "card":
            yield self.env._(
                "%(line)s: time and materials needs a price per %(unit)s.",
                line=line._billing_label(),
                unit=line.product_uom_id.name,
            )

    def _describe(self, line):
        currency = line.currency_id
        if line.rate_source != "card":
            price = self._describe_price(line.price_unit, line.product_uom_id, currency)
            text = self.env._(
                "%(line)s: time at %(price)s", line=line._get_bill_label(), price=price
            )
        else:
            today = line.company_id._billing_today()
            prices = [
                self.env._(
                    "%(whom)s %(price)s",
                    whom=rate._get_label(),
                    price=self._describe_price(rate.price_unit, rate.uom_id, rate.currency_id),
                )
                for rate in line._get_described_rates(today)
            ]
            text = self.env._(
                "%(line)s: time at the rates of the day – %(prices)s",
                line=line._get_bill_label(),
                prices="; ".join(prices) or self.env._("none agreed yet"),
            )
        if line.discount:
            text += self.env._(", less %(discount)s %%", discount=f"{line.discount:g}")
        return text + "."

    def _describe_price(self, price, uom, currency):
        texts = {
            self._get_uom("hour"): self.env._("%(price)s an hour"),
            self._get_uom("day"): self.env._("%(price)s a day"),
        }
        text = texts.get(uom, self.env._("%(price)s per %(unit)s"))
        return text % {"price": currency.format(price), "unit": uom.name}

    def _price_time(self, timesheet, line, uom, rater):
        try:
            price, steps = self._get_price(timesheet, line, uom, rater)
        except rates.NoRate as missing:
            return self._hold("no_rate", rater.explain_missing(line, timesheet, missing))
        except NoCurrencyRate as missing:
            return self._hold("no_currency_rate", [str(missing)])
        standard = rater.standard(timesheet, line, uom)
        rate, surcharge = self._apply_time_type(timesheet, line, rater, price)
        rate, discount = self._apply_discount(line, uom, rate, rater)
        return {
            "standard_rate": price if standard is None else standard,
            "rate": rate,
            "billable": True,
            "steps": (*steps, *surcharge, *discount),
            "blocked_reason": False,
        }

    def _hold(self, reason, steps):
        nothing = rounding.decimal(0)
        return {
            "standard_rate": nothing,
            "rate": nothing,
            "billable": True,
            "steps": tuple(steps),
            "blocked_reason": reason,
        }

    def _get_price(self, timesheet, line, uom, rater):
        """Return (price per unit of time before surcharge and discount, sentences)."""
        if timesheet.billing_rate_override:
            price = rounding.decimal(timesheet.billing_rate_override)
            step = self.env._(
                "Rate agreed for this entry: %(price)s / %(unit)s",
                price=line.currency_id.format(float(price)),
                unit=uom.name,
            )
            return price, (step,)
        if line.rate_source == "card":
            return rater.price(timesheet, line, uom)
        return rater.remember((line.id, uom.id), lambda: self._get_line_price(line, uom))

    def _get_line_price(self, line, uom):
        price = self._get_hourly_price(line, uom)
        steps = [
            self.env._(
                "Price of %(line)s: %(price)s / %(unit)s",
                line=line._billing_label(),
                price=line.currency_id.format(line.price_unit),
                unit=line.product_uom_id.name,
            )
        ]
        if line.product_uom_id != uom:
            steps.append(
                self.env._(
                    "That is %(price)s per hour", price=line.currency_id.format(float(price))
                )
            )
        return price, tuple(steps)

    def _apply_time_type(self, timesheet, line, rater, price):
        time_type = rater.get_time_type(timesheet, line)
        if not time_type or time_type.factor == 100:
            return price, ()
        precision = self.env["decimal.precision"].precision_get("Product Price")
        price = rounding.quantize(price * rounding.decimal(time_type.factor) / 100, precision)
        step = self.env._(
            "%(kind)s: %(factor)s %% of it = %(price)s",
            kind=time_type.name,
            factor=f"{time_type.factor:g}",
            price=line.currency_id.format(float(price)),
        )
        return price, (step,)

    def _apply_discount(self, line, uom, price, rater):
        if not line.discount:
            return price, ()
        price = price * (100 - rounding.decimal(line.discount)) / 100
        steps = rater.remember(
            ("discount", line.id, price),
            lambda: (
                self.env._(
                    "Less %(discount)s %% discount: %(price)s per hour",
                    discount=f"{line.discount:g}",
                    price=line.currency_id.format(float(price)),
                ),
            ),
        )
        return price, steps

    def _get_billed_order_quantity(self, line, billed):
        return self._get_uom("hour")._compute_quantity(
            float(billed["quantity"]), line.product_uom_id, rounding_method="HALF-UP"
        )

    def _prepare_bill_lines(self, line, prebill_lines):
        """One invoice line per rate and what the contract's detail asks for.

        Work whose value is not its hours times its rate stands on a line of its own.
        """
        even = prebill_lines.filtered(lambda part: part.quantity and part._multiplies())
        groups = even.grouped(self._get_bill_key)
        result = [
            (part, self._prepare_time_line(line, TimeWork.of(part))) for part in groups.values()
        ]
        return result + [(part, self._prepare_amount_line(part)) for part in prebill_lines - even]

    def _prepare_amount_line(self, prebill_line):
        """An entry billed at less than hours x rate: credited by price, or cut by a limit."""
        name, hours = prebill_line.narrative or "", prebill_line._get_billed_quantity()
        if hours:
            currency = prebill_line.currency_id
            name = self.env._(
                "%(narrative)s (%(hours)s h at %(rate)s, of which %(amount)s is billed)",
                narrative=name,
                hours=f"{prebill_line.quantity:.2f}",
                rate=currency.format(prebill_line._get_bill_rate()),
                amount=currency.format(prebill_line.amount),
            )
        return {
            "name": name,
            "quantity": 1.0,
            "price_unit": prebill_line.amount,
            "discount": 0.0,
            "billing_hours_per_unit": hours,
        }

    @staticmethod
    def _get_bill_key(prebill_line):
        item = prebill_line.item_id
        detail = {
            "role": item.role_id,
            "person": item.employee_id,
            "task": item.sudo().timesheet_id.task_id,
            "entry": item,
        }.get(item.order_id.billing_detail)
        return detail, prebill_line._get_bill_rate(), item.uom_id, prebill_line.decision

    def _prepare_time_line(self, line, work):
        """Return the invoice line values of `work`, a `TimeWork`, on order line `line`."""
        uom = work.uom
        quantity = uom._compute_quantity(work.hours, line.product_uom_id, rounding_method="HALF-UP")
        values = {"name": self._get_time_label(line, work), "quantity": quantity}
        if work.is_free:
            name = "\n".join([values["name"], self.env._("Free of charge")])
            return {**values, "name": name, "price_unit": 0.0, "discount": 0.0}
        rate = rounding.decimal(work.rate)
        if not rounding.quantize(rate - self._get_line_rate(line, uom), 6):
            return {**values, "price_unit": line.price_unit, "discount": line.discount}
        price = uom._compute_price(float(rate), line.product_uom_id)
        return {**values, "price_unit": price, "discount": 0.0}

    def _get_line_rate(self, line, uom):
        price = self._get_hourly_price(line, uom)
        return price * (100 - rounding.decimal(line.discount)) / 100

    def _get_time_label(self, line, work):
        if line.order_id.billing_detail == "entry":
            return self.env._(
                "%(date)s %(person)s: %(narrative)s",
                date=format_date(self.env, work.first_date),
                person=work.employee.name,
                narrative=work.narrative,
            )
        period = self.env._(
            "Work from %(start)s to %(end)s",
            start=format_date(self.env, work.first_date),
            end=format_date(self.env, work.last_date),
        )
        return "\n".join(filter(None, [line._get_bill_label(), self._get_who(line, work), period]))

    def _get_who(self, line, work):
        """Return whose work a line is, when the contract's detail or its rates make a difference."""
        detail = line.order_id.billing_detail
        if detail == "person":
            return work.employee.name
        if detail == "task":
            return work.task.name
        if detail == "role" or line.rate_source == "card":
            return ", ".join(work.roles.mapped("name"))
        return ""
