from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import float_compare

from ..rules import rounding, settlement
from .field_kept import Many2oneKept
from .field_unchecked import Many2oneUnchecked

# What a reviewer decides; the rest of a line is what was open when it was gathered.
REVIEWED_FIELDS = {
    "decision",
    "quantity",
    "rate",
    "narrative",
    "reason_id",
    "reason_note",
    "hold_until",
}
# Decisions that put the work on the bill, at its price or at none.
ON_BILL = ("bill", "complimentary")


class BillingPrebillLine(models.Model):
    """The decision on one item of work: bill it, leave it in WIP, or write it off."""

    _name = "billing.prebill.line"
    _inherit = ["billing.bulk"]
    _description = "Pre-bill line"
    _order = "prebill_id, order_line_id, date, id"

    prebill_id = Many2oneKept("billing.prebill", required=True, ondelete="cascade")
    item_id = Many2oneKept("billing.item", required=True, index=True, ondelete="restrict")
    company_id = Many2oneUnchecked(related="prebill_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="prebill_id.currency_id")
    state = fields.Selection(related="prebill_id.state", string="Pre-bill state")
    order_line_id = Many2oneUnchecked(related="item_id.order_line_id", store=True, precompute=True)
    date = fields.Date(related="item_id.date", store=True, precompute=True)
    kind = fields.Selection(related="item_id.kind")
    employee_id = fields.Many2one(related="item_id.employee_id")
    project_id = fields.Many2one(related="item_id.project_id")
    explanation = fields.Text(related="item_id.explanation")
    decision = fields.Selection(
        [
            ("bill", "Bill"),
            ("complimentary", "Free of charge"),
            ("postpone", "Leave in WIP"),
            ("write_off", "Write off"),
        ],
        default="bill",
        required=True,
    )
    open_quantity = fields.Float(
        string="Open", readonly=True, help="What was open when the work was gathered."
    )
    open_amount = fields.Monetary(string="Open value", readonly=True)
    agreed_rate = fields.Float(readonly=True, aggregator=None)
    quantity = fields.Float()
    rate = fields.Float(aggregator=None)
    amount = fields.Monetary(compute="_compute_amount", store=True, precompute=True)
    rate_write_off = fields.Monetary(
        string="Given up by rate", compute="_compute_amount", store=True, precompute=True
    )
    cap_excess = fields.Monetary(
        string="Beyond the limit", readonly=True, help="Value that the contract's limit keeps off."
    )
    cap_policy = fields.Selection(
        [("write_down", "Written off"), ("park", "Left in WIP")],
        string="What goes beyond",
        readonly=True,
    )
    uses_up_limit = fields.Boolean(
        readonly=True, help="The bill comes so near to a limit that not a cent may be rounded up."
    )
    left_quantity = fields.Float(
        compute="_compute_left_quantity", help="What the decisions on this work leave open."
    )
    narrative = fields.Char(string="Text")
    reason_id = Many2oneKept(
        "billing.reason", domain="[('company_id', 'in', [False, company_id])]", ondelete="restrict"
    )
    reason_note = fields.Char(string="Why", help="Kept on the settlement, beside the reason.")

    _unique_decision = models.UniqueIndex(
        "(prebill_id, item_id, decision)",
        "This work already has a line with that decision: change its quantity instead.",
    )

    @api.depends(
        "quantity",
        "rate",
        "decision",
        "open_quantity",
        "open_amount",
        "agreed_rate",
        "cap_excess",
    )
    def _compute_amount(self):
        for line in self:
            uncapped = line._get_uncapped_amount()
            line.amount = uncapped - rounding.decimal(line.cap_excess)
            line.rate_write_off = line._get_agreed_share() - uncapped

    @api.depends("open_quantity", "quantity", "prebill_id.line_ids.quantity")
    def _compute_left_quantity(self):
        decided = {}
        for line in self.prebill_id.line_ids | self:
            key = line.prebill_id, line.item_id
            decided[key] = decided.get(key, 0) + line.quantity
        for line in self:
            left = line.open_quantity - decided[line.prebill_id, line.item_id]
            line.left_quantity = max(rounding.quantize(left, 6), 0)

    @api.constrains("quantity", "decision", "item_id")
    def _check_quantity(self):
        for line in self:
            siblings = line._get_same_item()
            decided = sum(siblings.mapped("quantity"))
            if line.quantity * line.open_quantity < 0 or (
                (len(siblings) > 1 or line.decision != "bill")
                and float_compare(abs(decided), abs(line.open_quantity), precision_digits=6) > 0
            ):
                raise ValidationError(
                    self.env._(
                        "“%(line)s” has %(open)s open: the quantities decided on cannot be more.",
                        line=line.narrative or line.item_id.display_name,
                        open=f"{line.open_quantity:g}",
                    )
                )

    def write(self, vals):
        if REVIEWED_FIELDS & set(vals):
            self._check_editable()
        forged = set(vals) - REVIEWED_FIELDS
        if forged and not self.env.su:
            labels = [self._fields[name]._description_string(self.env) for name in sorted(forged)]
            raise AccessError(
                self.env._(
                    "%(fields)s: taken from the work in progress, not to be written by hand.",
                    fields=", ".join(labels),
                )
            )
        result = super().write(vals)
        if {"decision", "quantity", "rate"} & set(vals):
            self.prebill_id._apply_limits()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_decided(self):
        self._check_editable()
        lines = self.sudo()
        kept = (lines.prebill_id.line_ids - lines).item_id
        (lines.item_id - kept).filtered("prebill_id").prebill_id = False

    def unlink(self):
        prebills = self.prebill_id
        result = super().unlink()
        prebills.exists()._apply_limits()
        return result

    def _check_editable(self):
        if closed := self.filtered(lambda line: line.state not in ("draft", "review"))[:1]:
            raise UserError(
                self.env._(
                    "Pre-bill %(name)s is decided: its lines cannot change any more.",
                    name=closed.prebill_id.name,
                )
            )

    # -- actions --------------------------------------------------------------------------------

    def action_write_off_rest(self):
        """Write off what the lowered quantity leaves open, on a line of its own."""
        self.check_access("write")
        self._check_editable()
        for line in self.sudo():
            if not line.left_quantity:
                raise UserError(
                    self.env._(
                        "“%(line)s” leaves nothing over. Lower its quantity first.",
                        line=line.narrative or line.item_id.display_name,
                    )
                )
            line.copy(
                {
                    "decision": "write_off",
                    "quantity": line.left_quantity,
                    "rate": line.agreed_rate,
                }
            )
        return True

    def action_explain(self):
        self.ensure_one()
        return self.item_id._get_records_action(name=self.env._("Why this amount"), target="new")

    # -- values ---------------------------------------------------------------------------------

    def _is_rate(self, rate):
        """Tell whether this line's rate is `rate`, as far as money is counted."""
        return not rounding.quantize(rounding.decimal(self.rate) - rounding.decimal(rate), 6)

    def _is_rate_edited(self):
        return self.decision == "bill" and not self._is_rate(self.agreed_rate)

    def _needs_reason(self):
        """Tell whether this decision gives value up, or bills more than was agreed."""
        return (
            self.decision in ("write_off", "complimentary")
            or self._is_rate_edited()
            or bool(self._get_extra_quantity())
        )

    def _get_bill_rate(self):
        """Return the rate the client sees."""
        return 0.0 if self.decision == "complimentary" else self.rate

    def _get_extra_quantity(self):
        """Return the quantity billed beyond what is open: a write-up."""
        extra = rounding.quantize(self.quantity - self.open_quantity, 6)
        return (
            extra
            if self.decision == "bill" and extra * rounding.decimal(self.open_quantity) > 0
            else 0
        )

    def _get_uncapped_amount(self):
        """Return what the decision makes of the work before the contract's limits, as Decimal."""
        if self.decision == "complimentary":
            return rounding.decimal(0)
        if self.decision == "bill" and (self._is_rate_edited() or self._get_extra_quantity()):
            return settlement.line_amount(
                self.quantity, self.rate, 0, self.currency_id.decimal_places
            )
        return self._get_agreed_share()

    def _multiplies(self):
        """Tell whether quantity x rate, as an invoice says it, is what this line bills.

        Hours of an odd length are added up with others and rounded once. That may not move a bill
        that uses a limit up, nor the rest of an entry that a limit has cut.
        """
        decimals = self.currency_id.decimal_places
        rate = rounding.decimal(self._get_bill_rate())
        exact = settlement.line_amount(self.quantity, rate, 0, decimals)
        # A hundredth of an hour is what rounding the hours of a line can move.
        tolerance = max(abs(rate), rounding.decimal(1).scaleb(2 - decimals)) / 100
        if abs(exact - rounding.money(self.amount, decimals)) > tolerance:
            return False
        line = self.order_line_id
        strict = (
            self.uses_up_limit
            or not self._is_printable(self.item_id.billed_quantity)
            or line._get_billing_method()._bills_exact_amounts(line)
        )
        return not strict or self._is_printable(self.quantity)

    def _is_printable(self, quantity):
        """Tell whether a quantity of this work is a clean one in the order line's unit."""
        unit, uom = self.order_line_id.product_uom_id, self.item_id.uom_id
        if not unit._has_common_reference(uom):
            unit = uom  # time beyond a retainer is billed by the hour
        printed = uom._compute_quantity(quantity, unit, rounding_method="HALF-UP")
        exact = uom._compute_quantity(quantity, unit, round=False)
        return not rounding.quantize(printed - exact, 6)

    def _get_billed_quantity(self):
        """Return the quantity this line bills: less than decided where the limit parks a part."""
        if self.cap_policy != "park" or not self.cap_excess:
            return self.quantity
        return float(
            settlement.share(self.quantity, self.amount, self._get_uncapped_amount(), decimals=6)
        )

    def _get_agreed_share(self):
        """Return the part of the open value that belongs to this line's quantity, as Decimal."""
        decimals = self.currency_id.decimal_places
        if self._get_extra_quantity():
            return rounding.money(self.open_amount, decimals)
        return settlement.share(self.open_amount, self.quantity, self.open_quantity, decimals)

    def _get_same_item(self):
        return self.prebill_id.line_ids.filtered(lambda line: line.item_id == self.item_id)

    def _get_left_open(self, same_item):
        """Return the value of this item that stays in WIP after the decisions `same_item`."""
        settled = same_item.filtered(lambda line: line.decision != "postpone")
        parked = sum(settled.filtered(lambda line: line.cap_policy == "park").mapped("cap_excess"))
        return self.open_amount + parked - sum(float(line._get_agreed_share()) for line in settled)

    def _is_current(self):
        return (
            not rounding.quantize(self.open_quantity - self.item_id.open_quantity, 6)
            and self.currency_id.is_zero(self.open_amount - self.item_id.open_amount)
            and self.agreed_rate == self.item_id.rate
            and not self.item_id.blocked_reason
            and self.item_id.order_id in self.prebill_id.order_ids
        )

    def _refresh(self):
        """Take over what changed on the items; a quantity or rate a reviewer changed stays."""
        for line in self.filtered(lambda line: not line._is_current()):
            item = line.item_id
            moved = item.order_id not in line.prebill_id.order_ids
            if moved or not item.is_open or item.blocked_reason:
                line.unlink()
                continue
            values = {
                "open_quantity": item.open_quantity,
                "open_amount": item.open_amount,
                "agreed_rate": item.rate,
            }
            if line.quantity == line.open_quantity:
                values["quantity"] = item.open_quantity
            if not line._is_rate_edited():
                values["rate"] = item.rate
            line.write(values)

    # -- settlements ----------------------------------------------------------------------------

    def _prepare_write_offs(self):
        """Return the settlements of this line that need no invoice line: write-offs and write-ups."""
        self.ensure_one()
        common = {
            "item_id": self.item_id.id,
            "prebill_line_id": self.id,
            "cause": "review",
            "date": self._get_settlement_date(),
            "reason_id": self.reason_id.id,
            "note": self.reason_note or self.narrative,
            "user_id": self.prebill_id.approved_by_id.id or self.env.uid,
        }
        if self.decision == "write_off":
            return [
                {**common, "kind": "write_off", "quantity": self.quantity, "amount": self.amount}
            ]
        if self.decision not in ON_BILL:
            return []
        vals_list = []
        if self.rate_write_off > 0:
            values = {"kind": "write_off", "quantity": 0.0, "amount": self.rate_write_off}
            vals_list.append({**common, **values})
        elif self.rate_write_off or self._get_extra_quantity():
            extra = float(self._get_extra_quantity())
            values = {"kind": "write_up", "quantity": extra, "amount": -self.rate_write_off}
            vals_list.append({**common, **values})
        if self.cap_excess and self.cap_policy == "write_down":
            vals_list.append({**common, **self._prepare_cap_write_off()})
        return vals_list

    def _prepare_cap_write_off(self):
        """What the limit keeps off is given up; its hours too, where nothing of them is billed."""
        return {
            "kind": "write_off",
            "cause": "cap",
            "quantity": 0.0 if self.amount else self.quantity,
            "amount": self.cap_excess,
            "reason_id": self._get_cap_reason().id,
        }

    def _get_cap_reason(self):
        xmlid = "professional_billing.reason_cap"
        reason = self.env.ref(xmlid, raise_if_not_found=False)
        return reason or self.env["billing.reason"]

    def _prepare_allocations(self, vals):
        """Return the settlements that tie these lines' items to the invoice line `vals`."""
        decimals = self.currency_id.decimal_places
        total = settlement.line_amount(
            vals["quantity"], vals["price_unit"], vals["discount"], decimals
        )
        vals_list = []
        shares = settlement.spread(total, self.mapped("amount"), decimals)
        for line, billed in zip(self, shares, strict=True):
            common = {
                "item_id": line.item_id.id,
                "company_id": line.company_id.id,
                "prebill_line_id": line.id,
                "date": line._get_settlement_date(),
            }
            if difference := billed - rounding.money(line.amount, decimals):
                rest = {"kind": "write_up", "cause": "rounding", "quantity": 0.0}
                vals_list.append({**common, **rest, "amount": float(difference)})
            quantity = line._get_billed_quantity()
            bill = {"kind": "bill", "cause": "review", "quantity": quantity}
            vals_list.append({**common, **bill, "amount": float(billed)})
        return vals_list

    def _get_settlement_date(self):
        return self.prebill_id.invoice_date or self.company_id._billing_today()
