from odoo import models
from odoo.fields import Command
from odoo.tools import format_date

from ..rules import rounding, schedules


class BillingMethodFixedFee(models.AbstractModel):
    """An agreed fee billed by instalments on their dates."""

    _name = "billing.method.fixed_fee"
    _inherit = "billing.method"
    _description = "Fixed fee"

    def _get_setup_errors(self, line):
        yield from super()._get_setup_errors(line)
        total = line._billing_total()
        if not total:
            yield self.env._(
                "%(line)s: the fixed fee is zero. Enter a price and a quantity.",
                line=line._billing_label(),
            )
        elif line.billing_installment_ids and (gap := self._get_gap(line)):
            yield self.env._(
                "%(line)s: the instalments add up to %(sum)s but the fee is %(total)s. "
                "Change them by %(gap)s.",
                line=line._billing_label(),
                sum=line.currency_id.format(float(total - gap)),
                total=line.currency_id.format(float(total)),
                gap=line.currency_id.format(float(gap)),
            )

    def _get_gap(self, line):
        installments = line.billing_installment_ids
        return rounding.money(
            line._billing_total() - sum(map(rounding.decimal, installments.mapped("amount"))),
            line.currency_id.decimal_places,
        )

    def _prepare_confirmation(self, lines):
        """A fee without instalments is billed at once, on the day it is agreed."""
        for line in lines.filtered(lambda line: not line.billing_installment_ids):
            line.billing_installment_ids = [
                Command.create(
                    {
                        "name": self.env._("On confirmation"),
                        "date": line.company_id._billing_today(),
                        "percentage": 100,
                    }
                )
            ]

    def _describe(self, line):
        currency = line.currency_id
        total = currency.format(float(line._billing_total()))
        label, parts = line._get_bill_label(), line.billing_installment_ids
        if len(parts) < 2:
            return self.env._("%(line)s: a fixed fee of %(total)s.", line=label, total=total)
        return self.env._(
            "%(line)s: a fixed fee of %(total)s, billed as %(parts)s.",
            line=label,
            total=total,
            parts=", ".join(
                self.env._(
                    "%(amount)s on %(date)s",
                    amount=currency.format(part.amount),
                    date=format_date(self.env, part.date),
                )
                for part in parts
            ),
        )

    def _plan_items(self, lines):
        return [
            {
                "kind": "installment",
                "installment_id": installment.id,
                "order_line_id": line.id,
                "date": installment.date,
                "description": installment.name,
                "standard_amount": installment.amount,
                "amount": installment.amount,
                "blocked_reason": "schedule_gap" if gap else False,
                "explanation": self._explain(installment),
            }
            for line in lines
            for gap in [self._get_gap(line)]
            for installment in line.billing_installment_ids
        ]

    def _explain(self, installment):
        line, currency = installment.order_line_id, installment.currency_id
        amount = currency.format(installment.amount)
        if not installment.percentage:
            return self.env._("Instalment agreed at %(amount)s", amount=amount)
        return self.env._(
            "%(percentage)s %% of the fee of %(total)s = %(amount)s",
            percentage=f"{installment.percentage:g}",
            total=currency.format(float(line._billing_total())),
            amount=amount,
        )

    def _get_amounts(self, line, installments):
        """Return the amount of each instalment of `line`: `rules.schedules.amounts`."""
        entries = [
            schedules.Entry(
                percentage=rounding.decimal(entry.percentage) if entry.percentage else None,
                amount=rounding.decimal(entry.amount) if entry._has_own_amount() else None,
                frozen=entry.is_billed,
            )
            for entry in installments
        ]
        return schedules.amounts(line._billing_total(), entries, line.currency_id.decimal_places)
