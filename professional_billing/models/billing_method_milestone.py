from odoo import models

from ..rules import rounding, schedules


class BillingMethodMilestone(models.AbstractModel):
    """A part of the fee for each milestone of the project, once it is reached (and accepted)."""

    _name = "billing.method.milestone"
    _inherit = "billing.method"
    _description = "Milestones"
    _qty_delivered_method = "milestones"

    def _get_setup_errors(self, line):
        yield from super()._get_setup_errors(line)
        if not line._billing_total():
            yield self.env._(
                "%(line)s: the fee is zero. Enter a price and a quantity.",
                line=line._billing_label(),
            )

    def _describe(self, line):
        accepted = line.order_id.milestone_acceptance
        when = self.env._("accepts it") if accepted else self.env._("is told it is reached")
        return self.env._(
            "%(line)s: %(total)s, a part of it for each milestone once the client %(when)s.",
            line=line._get_bill_label(),
            total=line.currency_id.format(float(line._billing_total())),
            when=when,
        )

    def _plan_items(self, lines):
        return [
            self._prepare_item(line, milestone, amount, gap)
            for line in lines
            for milestones in [line.billing_milestone_ids]
            for gap, amounts in [self._get_amounts(line, milestones)]
            for milestone, amount in zip(milestones, amounts, strict=True)
        ]

    def _get_amounts(self, line, milestones):
        """Return what the milestones exceed the fee by (or 0), and the amount of each."""
        decimals = line.currency_id.decimal_places
        entries = [
            schedules.Entry(amount=rounding.decimal(milestone.billing_amount))
            if milestone.billing_amount
            else schedules.Entry(percentage=rounding.decimal(milestone.quantity_percentage) * 100)
            for milestone in milestones
        ]
        total = line._billing_total()
        return min(schedules.gap(total, entries, decimals), 0), schedules.amounts(
            total, entries, decimals
        )

    def _prepare_item(self, line, milestone, amount, gap):
        return {
            "kind": "milestone",
            "milestone_id": milestone.id,
            "order_line_id": line.id,
            "project_id": milestone.project_id.id,
            "date": self._get_date(line, milestone),
            "description": milestone.name,
            "standard_amount": float(amount),
            "amount": float(amount),
            "blocked_reason": self._get_blocked_reason(line, milestone, gap),
            "explanation": self._explain(line, milestone, amount),
        }

    def _get_date(self, line, milestone):
        today = line.company_id._billing_today()
        if line.order_id.milestone_acceptance and milestone.accepted_date:
            return milestone.accepted_date
        return milestone.reached_date or milestone.deadline or today

    def _get_blocked_reason(self, line, milestone, gap):
        if gap:
            return "schedule_gap"
        if not milestone.is_reached:
            return "not_reached"
        if line.order_id.milestone_acceptance and not milestone.accepted_date:
            return "not_accepted"
        return False

    def _explain(self, line, milestone, amount):
        value = line.currency_id.format(float(amount))
        if milestone.billing_amount:
            return self.env._("Milestone agreed at %(amount)s", amount=value)
        return self.env._(
            "%(percentage)s %% of the fee of %(total)s = %(amount)s",
            percentage=f"{milestone.quantity_percentage * 100:g}",
            total=line.currency_id.format(float(line._billing_total())),
            amount=value,
        )
