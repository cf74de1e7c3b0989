from dataclasses import dataclass, field
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..rules import caps, rounding


@dataclass
class Limit:
    """A limit in one period, and what is used of it while a pre-bill is gone through."""

    policy: str
    amount: Decimal
    hours: Decimal
    used: list = field(default_factory=list)

    def grant(self, value, hours):
        """Return what of `value` passes, `hours` being its hours (0 of a fee)."""
        granted = value
        if self.amount:
            granted = min(
                granted, caps.grant(self.amount, self.used[0], value, self.policy).granted
            )
        if self.hours and hours:
            passed = caps.grant(self.hours, self.used[1], hours, self.policy).granted
            granted = min(granted, value * passed / hours)
        return granted

    def is_used_up(self, tolerance):
        """Tell whether less than `tolerance`, in money, is left of a limit that holds."""
        if self.policy == caps.NOTIFY:
            return False
        return bool(self.amount and self.amount - self.used[0] < tolerance) or bool(
            self.hours and self.hours - self.used[1] < 1
        )

    def use(self, value, hours):
        self.used[0] += value
        self.used[1] += hours


class BillingPrebillLimit(models.Model):
    """What the contract's limits let through: the first step from agreed value to payable."""

    _inherit = "billing.prebill"

    amount_over_cap = fields.Monetary(
        string="Beyond the limit", compute="_compute_amount_over_cap", store=True
    )

    @api.depends("line_ids.cap_excess")
    def _compute_amount_over_cap(self):
        stored = self.filtered("id")
        for prebill in self - stored:
            prebill.amount_over_cap = sum(prebill.line_ids.mapped("cap_excess"))
        groups = self.env["billing.prebill.line"]._read_group(
            [("prebill_id", "in", stored.ids), ("cap_excess", "!=", 0)],
            ["prebill_id"],
            ["cap_excess:sum"],
        )
        excess = dict(groups)
        for prebill in stored:
            prebill.amount_over_cap = excess.get(prebill, 0.0)

    def _apply_limits(self):
        """Cut these pre-bills down to their contracts' limits, in the order of the work's dates."""
        for prebill in self.sudo().filtered(lambda prebill: prebill._has_limits()):
            for line, vals in prebill._plan_limits().items():
                if any(line[name] != value for name, value in vals.items()):
                    line.write(vals)
            parked = prebill.line_ids.filtered(
                lambda line: line.cap_policy == "park" and not line.amount
            )
            items = parked.item_id
            parked.unlink()
            items.blocked_reason = "over_cap"

    def _has_limits(self):
        orders = self.order_ids
        return any(
            record.billing_cap_amount or record.billing_cap_hours
            for records in (orders, orders.order_line, orders.client_po_id)
            for record in records
        )

    def _plan_limits(self):
        """Return {line: values}: what lies beyond the limits, and what is to become of it."""
        limits, plan, touched = {}, {}, {}
        for line in self.line_ids.sorted(lambda line: (line.date, line.item_id.id, line.id)):
            plan[line] = {"cap_excess": 0.0, "cap_policy": False, "uses_up_limit": False}
            if line.decision != "bill":
                continue
            wanted = line._get_uncapped_amount()
            hours = rounding.quantize(line.quantity, 6) if line.kind == "time" else Decimal(0)
            touched[line] = mine = self._get_limits(line, limits)
            granted, policy = wanted, False
            for limit in mine:
                passed = limit.grant(wanted, hours)
                if passed < granted:
                    granted, policy = passed, limit.policy
            granted = rounding.money(granted, line.currency_id.decimal_places)
            billed_hours = hours * granted / wanted if wanted and policy == caps.PARK else hours
            for limit in mine:
                limit.use(granted, billed_hours if granted or not wanted else Decimal(0))
            if wanted != granted:
                plan[line].update(cap_excess=float(wanted - granted), cap_policy=policy)
        tolerance = sum(rounding.decimal(line.rate) for line in touched) / 100
        for line, mine in touched.items():
            plan[line]["uses_up_limit"] = any(limit.is_used_up(tolerance) for limit in mine)
        return plan

    def _get_cap_records(self, line):
        """Return the records, made of `billing.cap.mixin`, that may limit this work."""
        order = line.order_line_id.order_id
        return [line.order_line_id, order, order.client_po_id]

    def _get_limits(self, line, known):
        """Return the limits that hold for this work, of line, order and purchase order, read once."""
        result = []
        for record in self._get_cap_records(line):
            if not record.billing_cap_amount and not record.billing_cap_hours:
                continue
            if line.kind in record._get_cap_kinds_left_out():
                continue
            period = record._get_cap_period(line.date)
            if (record, period) not in known:
                known[record, period] = Limit(
                    record._get_cap_policy(),
                    rounding.decimal(record.billing_cap_amount),
                    rounding.decimal(record.billing_cap_hours),
                    list(record._get_cap_used(period, self)),
                )
            result.append(known[record, period])
        return result

    def _check_limits(self):
        """Refuse to bill when limits, or what is used of them, changed since the review."""
        for prebill in self.filtered(lambda prebill: prebill._has_limits()):
            for line, vals in prebill._plan_limits().items():
                if line.currency_id.compare_amounts(line.cap_excess, vals["cap_excess"]) or (
                    line.cap_policy != vals["cap_policy"]
                ):
                    raise UserError(
                        self.env._(
                            "Pre-bill %(name)s: the limit of the engagement, or what is used of it, "
                            "changed since it was reviewed. Reopen and refresh it.",
                            name=prebill.name,
                        )
                    )
