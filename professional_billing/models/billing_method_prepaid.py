import datetime

from odoo import models
from odoo.tools import format_date

from ..rules import allowance, rounding
from .billing_rater import Rater


class BillingMethodPrepaid(models.AbstractModel):
    """Blocks of hours or money, billed when they are bought and used up by the work.

    The block that starts first is used first, as long as it is valid on the day of the work. An
    evergreen one is filled up by a new block when little is left.
    """

    _name = "billing.method.prepaid"
    _inherit = "billing.method.allowance"
    _description = "Prepaid blocks"
    _qty_delivered_method = "billing"

    # -- set-up ---------------------------------------------------------------------------------

    def _get_line_error(self, line):
        error = super()._get_line_error(line)
        if error or self._measures_money(line):
            return error
        if line.product_uom_id._has_common_reference(self._get_uom("hour")):
            return None
        return self.env._(
            "%(line)s: a block of hours is sold in hours or days, not in “%(unit)s”. Change the unit, "
            "or sell a block of money.",
            line=line._billing_label(),
            unit=line.product_uom_id.name,
        )

    def _get_setup_errors(self, line):
        yield from self.env["billing.method"]._get_setup_errors(line)
        if not line._billing_total():
            yield self.env._(
                "%(line)s: the first block costs nothing. Enter a price and a quantity.",
                line=line._billing_label(),
            )
        if error := self._get_terms_error(line) or self._get_price_error(line):
            yield error

    def _get_terms_error(self, line):
        if min(line.prepaid_minimum, line.prepaid_target, line.overage_price) < 0:
            return self.env._(
                "%(line)s: the balance to keep and the price beyond are zero or more.",
                line=line._billing_label(),
            )
        if line.prepaid_minimum and line.prepaid_target < line.prepaid_minimum:
            return self.env._(
                "%(line)s: a balance below %(minimum)s is filled up to at least as much, not to "
                "%(target)s.",
                line=line._billing_label(),
                minimum=self._format_measure(line, line.prepaid_minimum),
                target=self._format_measure(line, line.prepaid_target),
            )
        return None

    def _prepare_confirmation(self, lines):
        """What is sold is the first block, valid from today, until somebody says otherwise."""
        self.env["billing.block"].sudo().create(
            [
                self._prepare_block(line, self._get_sold_quantity(line), line._billing_total())
                for line in lines.sudo()
                if not line.billing_block_ids
            ]
        )

    def _prepare_block(self, line, quantity, price):
        return {
            "order_line_id": line.id,
            "date": line.company_id._billing_today(),
            "quantity": float(quantity),
            "price": float(price),
        }

    def _get_sold_quantity(self, line):
        if self._measures_money(line):
            return line._billing_total()
        return rounding.quantize(
            line.product_uom_id._compute_quantity(
                line.product_uom_qty, self._get_uom("hour"), round=False
            ),
            6,
        )

    def _get_block_price(self, line, quantity):
        """Return what a block of `quantity` costs, at the price of the line."""
        decimals = line.currency_id.decimal_places
        if self._measures_money(line):
            return rounding.money(quantity, decimals)
        hourly = self._get_hourly_price(line, self._get_uom("hour"))
        discount = rounding.decimal(line.discount)
        return rounding.money(rounding.decimal(quantity) * hourly * (100 - discount) / 100, decimals)

    def _describe(self, line):
        return " ".join(
            [
                self.env._(
                    "%(line)s: %(block)s paid ahead for %(price)s.",
                    line=line._get_bill_label(),
                    block=self._format_measure(line, self._get_sold_quantity(line)),
                    price=line.currency_id.format(float(line._billing_total())),
                ),
                *self._describe_refill(line),
                *self._describe_beyond(line),
            ]
        )

    def _describe_refill(self, line):
        if line.prepaid_minimum:
            yield self.env._(
                "When less than %(minimum)s is left, a new block fills it up to %(target)s.",
                minimum=self._format_measure(line, line.prepaid_minimum),
                target=self._format_measure(line, line.prepaid_target),
            )

    # -- earning --------------------------------------------------------------------------------

    def _get_overage_price(self, line):
        """Beyond its blocks work costs what it costs in them, unless it is agreed otherwise."""
        if line.overage_price or self._measures_money(line):
            return super()._get_overage_price(line)
        return self._get_hourly_price(line, self._get_uom("hour"))

    def _plan_items(self, lines):
        return [
            self._prepare_item(line, block)
            for line in lines
            for block in line.billing_block_ids._in_order()
        ]

    def _prepare_item(self, line, block):
        label = self._for_client(line)._describe_block(line, block)
        return {
            "kind": "block",
            "block_id": block.id,
            "order_line_id": line.id,
            "date": block.date,
            "description": label,
            "standard_amount": block.price,
            "amount": block.price,
            "blocked_reason": False if block.price else "no_price",
            "explanation": self._explain_block(line, block),
        }

    def _describe_block(self, line, block):
        text = self.env._(
            "%(line)s: block of %(size)s from %(start)s",
            line=line._get_bill_label(),
            size=self._format_measure(line, block.quantity),
            start=format_date(self.env, block.date),
        )
        if block.date_to:
            text += self.env._(" to %(end)s", end=format_date(self.env, block.date_to))
        return text

    def _explain_block(self, line, block):
        price = line.currency_id.format(block.price)
        if block.reason:
            return f"{block.reason}\n{price}"
        return self.env._(
            "Price of a block of %(size)s: %(price)s",
            size=self._format_measure(line, block.quantity),
            price=price,
        )

    def _draw(self, line, entries):
        blocks = {block.id: block for block in line.billing_block_ids._in_order()}
        drawn, _left = allowance.draw_lots(
            self._get_lots(line),
            [(entry, size, entry.date, billed) for entry, size, billed in entries],
        )
        return {
            entry: (beyond, self._explain_drawn(line, blocks, taken, beyond))
            for entry, (taken, beyond) in drawn.items()
        }

    def _get_lots(self, line):
        day = datetime.timedelta(days=1)
        return [
            (block.id, block.quantity, block.date, block.date_to and block.date_to + day or None)
            for block in line.billing_block_ids._in_order()
        ]

    def _explain_drawn(self, line, blocks, taken, beyond):
        steps = [
            self.env._(
                "Taken from the block of %(date)s: %(part)s of %(size)s",
                date=format_date(self.env, blocks[block_id].date),
                part=self._format_measure(line, part),
                size=self._format_measure(line, blocks[block_id].quantity),
            )
            for block_id, part in taken
        ]
        if beyond:
            steps.append(
                self.env._(
                    "Not covered by a block valid on that day: %(beyond)s",
                    beyond=self._format_measure(line, beyond),
                )
            )
        else:
            steps.append(self.env._("Valued, not billed."))
        return "\n".join(steps)

    def _get_paid_spans(self, line):
        billed = line.billing_block_ids.item_ids.filtered("billed_amount")
        return [(datetime.date.min, datetime.date.max)] if billed else []

    # -- what is left ---------------------------------------------------------------------------

    def _get_left(self, line):
        """Return {block: what the work on `line` leaves of it}, hours or money."""
        entries = self.env["account.analytic.line"].search(
            [("so_line", "=", line.id), ("project_id", "!=", False)], order="date, id"
        )
        hours = self.env["billing.item"]._get_billable_hours(entries)
        drawing = entries.filtered(
            lambda entry: hours[entry] > 0 and entry.billing_treatment != "complimentary"
        )
        rater = Rater(entries, entries.billing_item_ids)
        sizes = self._get_sizes(line, drawing, hours, rater)
        _drawn, left = allowance.draw_lots(
            self._get_lots(line),
            [
                (entry, size, entry.date, self._get_billed_part(entry))
                for entry, size in sizes.items()
            ],
        )
        return {self.env["billing.block"].browse(key): value for key, value in left.items()}

    def _get_balance(self, line):
        """Return what is left of the blocks of `line` that have not run out, as Decimal."""
        today = line.company_id._billing_today()
        return sum(
            (
                left
                for block, left in self._get_left(line).items()
                if not block.date_to or block.date_to >= today
            ),
            rounding.decimal(0),
        )

    def _record_due(self, lines):
        """Fill up what has fallen below its minimum, with a block that starts today."""
        vals_list = []
        for line in lines.filtered("prepaid_minimum"):
            balance = self._get_balance(line)
            missing = allowance.replenish(balance, line.prepaid_minimum, line.prepaid_target)
            if missing:
                vals_list.append(self._prepare_refill(line, balance, missing))
        self.env["billing.block"].sudo().create(vals_list)

    def _prepare_refill(self, line, balance, missing):
        client = self._for_client(line)
        return {
            **self._prepare_block(line, missing, self._get_block_price(line, missing)),
            "reason": client.env._(
                "%(balance)s left, less than %(minimum)s: filled up to %(target)s with %(missing)s",
                balance=self._format_measure(line, balance),
                minimum=self._format_measure(line, line.prepaid_minimum),
                target=self._format_measure(line, line.prepaid_target),
                missing=self._format_measure(line, missing),
            ),
        }
