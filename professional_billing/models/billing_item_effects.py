from odoo import api, models


class BillingItemEffects(models.Model):
    """What the work of an engagement means for its other work, and for Odoo's order line.

    An invoice cannot be less than zero. Work below zero, such as progress taken back, is held back
    as `negative_bill` until there is enough else to bill with it; the rest is billed as ever.
    """

    _inherit = "billing.item"

    def _apply_accrual(self, plan, items):
        lines = items.filtered(lambda item: item.kind != "time").order_line_id
        lines |= lines.browse([vals["order_line_id"] for vals in plan if vals["kind"] != "time"])
        below = items.filtered(lambda item: item.open_amount < 0).order_id
        below |= below.browse([vals["order_id"] for vals in plan if vals["amount"] < 0])
        result = super()._apply_accrual(plan, items)
        lines._deliver_earned()
        self._hold_below_zero(below)
        return result

    @api.model
    def _hold_below_zero(self, orders):
        """Decide again what of these orders waits because their bill would be below zero."""
        waiting = [
            ("order_id", "in", orders.ids),
            ("is_open", "=", True),
            ("prebill_id", "=", False),
            ("blocked_reason", "in", [False, "negative_bill"]),
        ]
        if not orders:
            return
        billable = self.search(waiting)
        prebills = self.env["billing.prebill"].search(
            [("order_ids", "in", orders.ids), ("state", "in", ("draft", "review"))]
        )
        held = billable._get_below_zero(
            {order: prebill for prebill in prebills for order in prebill.order_ids}
        )
        held.filtered(lambda item: not item.blocked_reason).blocked_reason = "negative_bill"
        (billable - held).filtered("blocked_reason").blocked_reason = False

    @api.model
    def _search_billable(self, domain, prebills):
        """Return what of the items in `domain` can be billed together, and hold back the rest.

        :param prebills: {order: the pre-bill that takes its work}
        """
        items = self.search(domain, order="date, id")
        groups = self._read_group(domain, ["order_id"], ["open_amount:min"])
        orders = [order.id for order, lowest in groups if lowest < 0]
        if not orders:
            return items
        held = self.search([*domain, ("order_id", "in", orders)])._get_below_zero(prebills)
        held.blocked_reason = "negative_bill"
        return items - held

    def _get_below_zero(self, prebills):
        """Return the items below zero that take the bill of their order, made of these, there."""
        result = self.browse()
        if not any(item.open_amount < 0 for item in self):
            return result
        for order, items in self.grouped("order_id").items():
            below = items.filtered(lambda item: item.open_amount < 0)
            total = sum(items.mapped("open_amount"))
            if order in prebills:
                total += prebills[order].amount_bill
            if order.currency_id.compare_amounts(total, 0) < 0:
                result |= below
        return result
