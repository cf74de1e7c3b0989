from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..rules import metrics, rounding, settlement


class BillingPrebillReview(models.Model):
    """What a reviewer weighs a bill by: standard, agreed and billed value, and the bill before."""

    _inherit = "billing.prebill"

    amount_standard = fields.Monetary(
        string="Standard value",
        compute="_compute_amount_standard",
        store=True,
        help="What is decided on at standard rates; what stays in WIP is left out.",
    )
    amount_agreed = fields.Monetary(
        string="Agreed",
        compute="_compute_realisation",
        compute_sudo=True,
        help="The same work at the contract's rates.",
    )
    amount_billed = fields.Monetary(
        string="Billed",
        compute="_compute_realisation",
        compute_sudo=True,
        help="To bill less discount.",
    )
    realisation = fields.Float(
        string="Realisation %",
        compute="_compute_realisation",
        compute_sudo=True,
        digits=(16, 1),
        help="Billed value in percent of the standard value.",
    )
    last_bill_note = fields.Char(compute="_compute_last_bill_note", compute_sudo=True)

    @api.depends("line_ids.decision", "line_ids.standard_amount")
    def _compute_amount_standard(self):
        totals = self._get_standard_totals()
        for prebill in self:
            if prebill.id in totals:
                prebill.amount_standard = totals[prebill.id]
                continue
            decided = prebill.line_ids.filtered(lambda line: line.decision != "postpone")
            prebill.amount_standard = sum(decided.mapped("standard_amount"))

    def _get_standard_totals(self):
        """Return {id: standard value of what is decided on} of these, as far as they are stored."""
        stored = [prebill.id for prebill in self if isinstance(prebill.id, int)]
        groups = self.env["billing.prebill.line"]._read_group(
            [("prebill_id", "in", stored), ("decision", "!=", "postpone")],
            ["prebill_id"],
            ["standard_amount:sum"],
        )
        return {prebill.id: total for prebill, total in groups}

    @api.depends(
        "amount_standard", "amount_open", "amount_postponed", "amount_bill", "amount_discount"
    )
    def _compute_realisation(self):
        for prebill in self:
            prebill.amount_agreed = prebill.amount_open - prebill.amount_postponed
            prebill.amount_billed = prebill.amount_bill - prebill.amount_discount
            prebill.realisation = _realisation(prebill.amount_standard, prebill.amount_billed)

    @api.depends("order_ids", "state")
    def _compute_last_bill_note(self):
        last = self._get_last_bills()
        for prebill in self:
            prebill.last_bill_note = last[prebill]._describe_as_last() if prebill in last else False

    def _get_last_bills(self):
        """Return {pre-bill: the one of the same engagements that was invoiced before it}."""
        groups = self._read_group(
            [
                ("order_ids", "in", self.order_ids._origin.ids),
                ("state", "=", "invoiced"),
                ("move_ids.state", "!=", "cancel"),
            ],
            ["order_ids"],
            ["id:array_agg"],
        )
        invoiced = {order.id: ids for order, ids in groups}
        last = {}
        for prebill in self:
            mine = prebill._origin.id
            earlier = [
                number
                for order in prebill.order_ids._origin
                for number in invoiced.get(order.id, ())
                if number != mine and (prebill.is_open or number < mine)
            ]
            if earlier:
                last[prebill] = max(earlier)
        # They share what is read, so that all are read at once.
        return dict(zip(last, self.browse(last.values()), strict=True))

    def _describe_as_last(self):
        dates = [move.invoice_date or move.date for move in self.move_ids]
        return self.env._(
            "Last bill: %(amount)s on %(date)s, realisation %(percent)s %%",
            amount=self.currency_id.format(self.amount_untaxed),
            date=format_date(self.env, max(dates), date_format="d MMMM y"),
            percent=f"{self.realisation:.1f}",
        )

    def action_edit_lines(self):
        """Open the work as a list in which many lines are changed at once."""
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_prebill_line"
        )
        return {
            **action,
            "name": self.env._("Lines of %(names)s", names=", ".join(self.mapped("name"))),
            "domain": [("prebill_id", "in", self.ids)],
        }


class BillingPrebillLineReview(models.Model):
    """Values side by side on a line, and decisions on many lines at once."""

    _inherit = "billing.prebill.line"

    open_standard = fields.Monetary(
        string="Open at standard", readonly=True, help="Standard value of what was open."
    )
    standard_amount = fields.Monetary(
        string="Standard",
        compute="_compute_standard_amount",
        store=True,
        precompute=True,
        help="What this line decides on, at the standard rate.",
    )
    agreed_amount = fields.Monetary(
        string="Agreed", compute="_compute_agreed_amount", help="At the contract's rate."
    )
    realisation = fields.Float(
        string="Realisation %", compute="_compute_realisation", digits=(16, 1), aggregator=None
    )
    needs_reason = fields.Boolean(compute="_compute_needs_reason")
    task_id = fields.Many2one(related="item_id.timesheet_id.task_id")

    @api.depends(
        "quantity", "decision", "open_quantity", "open_standard", "cap_excess", "cap_policy"
    )
    def _compute_standard_amount(self):
        for line in self:
            quantity = rounding.decimal(line._get_billed_quantity())
            whole = rounding.decimal(line.open_quantity)
            if line._get_extra_quantity():
                quantity = whole
            decimals = line.currency_id.decimal_places
            line.standard_amount = settlement.share(line.open_standard, quantity, whole, decimals)

    @api.depends("quantity", "decision", "open_quantity", "open_amount")
    def _compute_agreed_amount(self):
        for line in self:
            line.agreed_amount = line._get_agreed_share()

    @api.depends("standard_amount", "amount", "decision")
    def _compute_realisation(self):
        for line in self:
            billed = 0.0 if line.decision == "write_off" else line.amount
            line.realisation = (
                0.0 if line.decision == "postpone" else _realisation(line.standard_amount, billed)
            )

    @api.depends("decision", "quantity", "open_quantity", "rate", "agreed_rate")
    def _compute_needs_reason(self):
        for line in self:
            line.needs_reason = line._needs_reason()

    def _refresh(self):
        # A changed standard rate leaves the bill as it is, and is told all the same.
        result = super()._refresh()
        for line in self.exists():
            standard = line.item_id._get_open_standard()
            if line.currency_id.compare_amounts(line.open_standard, standard):
                line.open_standard = standard
        return result

    # -- many at once ---------------------------------------------------------------------------

    def action_bill(self):
        """Bill these lines as agreed: decisions that were taken on them are taken back."""
        self._decide("bill")
        return True

    def action_postpone(self):
        """Leave these lines in WIP for a later bill."""
        self._decide("postpone")
        return True

    def action_ask_decision(self):
        """Ask for the reason, then write these lines off or bill them free of charge."""
        return {
            "type": "ir.actions.act_window",
            "name": {
                "write_off": self.env._("Write off"),
                "complimentary": self.env._("Free of charge"),
            }[self.env.context["default_decision"]],
            "res_model": "billing.prebill.decision",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_decision": self.env.context["default_decision"],
                "default_line_ids": self.ids,
            },
        }

    def _decide(self, decision, **reason):
        """Take `decision` on these lines; where their work has such a line, it takes them in.

        :param reason: `reason_id` and `reason_note`
        """
        self.check_access("write")
        self._check_editable()
        if not self:
            raise UserError(self.env._("Select the lines to decide on first."))
        reason = reason or {"reason_id": False, "reason_note": False}
        rest, first = self.browse(), {}
        for line in self.filtered(lambda line: line.decision != decision):
            same = line._get_same_item().filtered(lambda other: other.decision == decision)
            same = same or first.get((line.prebill_id, line.item_id))
            if same:
                line._join(same)
                continue
            first[line.prebill_id, line.item_id] = line
            if line._get_extra_quantity():
                line.write({"quantity": line.open_quantity})
            if not line._is_rate(line.agreed_rate):
                line.write({"rate": line.agreed_rate})
            rest |= line
        if rest:
            rest.write({"decision": decision, **reason})

    def _join(self, other):
        """Add the quantity of this line to `other`, which decides on the same work."""
        quantity = self.quantity
        self.unlink()
        other.write({"quantity": other.quantity + quantity})


class BillingItemReview(models.Model):
    _inherit = "billing.item"

    def _prepare_prebill_line(self, prebill):
        return {
            **super()._prepare_prebill_line(prebill),
            "open_standard": self._get_open_standard(),
        }

    def _get_open_standard(self):
        """Return the standard value of what is open, as its part of all that was earned."""
        self.ensure_one()
        whole = self.quantity + self.written_up_quantity
        if whole and not self.open_quantity:
            return 0.0
        decimals = self.currency_id.decimal_places
        return float(settlement.share(self.standard_amount, self.open_quantity, whole, decimals))


def _realisation(standard, billed):
    """Return billed in percent of standard value, 0 where there is none."""
    return float(metrics.realisation(standard, 0, billed, 0).billing or 0)
