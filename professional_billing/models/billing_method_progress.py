from odoo import models

from ..rules import progress, rounding


class BillingMethodProgress(models.AbstractModel):
    """The share of the fee that is complete, less what was claimed before."""

    _name = "billing.method.progress"
    _inherit = "billing.method"
    _description = "Progress"
    _qty_delivered_method = "billing"

    def _get_setup_errors(self, line):
        yield from super()._get_setup_errors(line)
        if not line._billing_total():
            yield self.env._(
                "%(line)s: the fee is zero. Enter a price and a quantity.",
                line=line._billing_label(),
            )

    def _describe(self, line):
        return self.env._(
            "%(line)s: %(total)s, billed by what is complete of it.",
            line=line._get_bill_label(),
            total=line.currency_id.format(float(line._billing_total())),
        )

    def _get_amounts(self, line, claims):
        """Return what each of `claims` adds to those before it: `rules.progress.due`.

        :param claims: all `billing.progress` of the line, in their order
        """
        total, decimals = line._billing_total(), line.currency_id.decimal_places
        claimed, result = rounding.decimal(0), []
        for claim in claims:
            if claim.is_billed:
                amount = rounding.money(claim.amount, decimals)
            else:
                # What is out of range while it is typed is refused when it is saved.
                percentage = min(max(claim.percentage, 0), 100)
                amount = progress.due(total, percentage, claimed, decimals)
            claimed += amount
            result.append(amount)
        return result

    def _plan_items(self, lines):
        # A claim recorded by somebody else at the same time was not seen when these were valued.
        claims = lines.billing_progress_ids
        self.env.add_to_compute(claims._fields["amount"], claims)
        plan = []
        for line in lines:
            claimed = rounding.decimal(0)
            for claim in line.billing_progress_ids._in_order():
                plan.append(self._prepare_item(line, claim, claimed))
                claimed += rounding.money(claim.amount, line.currency_id.decimal_places)
        return plan

    def _prepare_item(self, line, claim, claimed):
        decreases = claim.amount < 0 and not claim.decrease_confirmed
        return {
            "kind": "progress",
            "progress_id": claim.id,
            "order_line_id": line.id,
            "date": claim.date,
            "description": self._for_client(line)._describe_claim(claim),
            # Without a difference to the claim before there is nothing to bill.
            "quantity": 1.0 if claim.amount else 0.0,
            "standard_amount": claim.amount,
            "amount": claim.amount,
            "blocked_reason": "decrease" if decreases else False,
            "explanation": self._explain(line, claim, claimed),
        }

    def _describe_claim(self, claim):
        return self.env._(
            "%(name)s: %(percentage)s %% complete",
            name=claim.name,
            percentage=f"{claim.percentage:g}",
        )

    def _explain(self, line, claim, claimed):
        currency = line.currency_id
        earned = claimed + rounding.money(claim.amount, currency.decimal_places)
        steps = [
            self.env._(
                "%(percentage)s %% of %(total)s = %(earned)s",
                percentage=f"{claim.percentage:g}",
                total=currency.format(float(line._billing_total())),
                earned=currency.format(float(earned)),
            )
        ]
        if claimed:
            steps += [
                self.env._(
                    "Less %(before)s claimed before", before=currency.format(float(claimed))
                ),
                self.env._("This claim: %(amount)s", amount=currency.format(claim.amount)),
            ]
        return "\n".join(steps)
