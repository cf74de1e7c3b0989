from odoo import api, fields, models
from odoo.tools import SQL

from ..rules import rounding, settlement
from .account_move_batch import POSTED_AT_ONCE
from .field_groups import BILLING_STAFF


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    billing_allocation_ids = fields.One2many(
        "billing.allocation", "move_line_id", copy=False, groups=BILLING_STAFF
    )
    billing_settlement_ids = fields.One2many(
        "billing.allocation", "invoice_line_id", copy=False, groups=BILLING_STAFF
    )
    billing_origin_line_id = fields.Many2one(
        "account.move.line",
        string="Credited or replaced line",
        index="btree_not_null",
        ondelete="set null",
        copy=False,
    )

    billing_hours_per_unit = fields.Float(
        help="Hours one unit of this line bills, where it is an amount and not hours or days.",
    )

    @api.model
    def _timesheet_domain_get_invoiced_lines(self, sale_line_delivery):
        # EXTENDS sale_timesheet: the ledger links the time of lines with a rule.
        stock = sale_line_delivery.filtered(lambda line: not line.billing_rule)
        return super()._timesheet_domain_get_invoiced_lines(stock)

    def _copy_data_extend_business_fields(self, values):
        # EXTENDS account: a credit note and a replacement know the line they stem from.
        if self.move_id.is_professional_bill:
            values["billing_origin_line_id"] = self.id
        return super()._copy_data_extend_business_fields(values)

    @api.ondelete(at_uninstall=False)
    def _free_billing_on_delete(self):
        """A line deleted from a draft invoice gives its work back to WIP."""
        if lines := self.filtered("move_id.is_professional_bill"):
            lines.sudo()._free_all("delete")

    # -- what a line bills ----------------------------------------------------------------------

    def _get_billed_entries(self):
        """Return what these invoice lines still bill, newest work first.

        :return: {line: [rules.settlement.Billed]} keyed by item id, empty entries left out
        """
        return self._get_entries(self._get_net_settlements())

    def _get_net_settlements(self):
        """Return {(line, item): [quantity, amount]} billed less credited, zeros included."""
        groups = self.env["billing.allocation"]._read_group(
            [("invoice_line_id", "in", self.ids), ("kind", "in", ("bill", "credit"))],
            ["invoice_line_id", "item_id", "kind"],
            ["quantity:sum", "amount:sum"],
        )
        net = {}
        for line, item, kind, quantity, amount in groups:
            entry = net.setdefault((line, item), [rounding.decimal(0), rounding.decimal(0)])
            sign = 1 if kind == "bill" else -1
            entry[0] += sign * rounding.quantize(quantity, 6)
            entry[1] += sign * rounding.money(amount, item.currency_id.decimal_places)
        return net

    def _get_entries(self, net):
        result = {line: [] for line in self}
        newest = sorted(net, key=lambda key: (key[1].date, key[1].id), reverse=True)
        for line, item in newest:
            quantity, amount = net[line, item]
            if quantity or amount:
                result[line].append(settlement.Billed(item.id, quantity, amount))
        return result

    def _get_price_amount(self):
        """Return quantity x price less discount, in the terms of the line's price, as Decimal."""
        return settlement.line_amount(
            self.quantity, self.price_unit, self.discount, self.currency_id.decimal_places
        )

    def _get_item_quantity(self, quantity, entries):
        """Turn a quantity of this line into the unit of the items it bills.

        An agreed fee is billed as a share of its item; time in hours, whatever the line's unit.
        """
        items = self.env["billing.item"].browse([entry.key for entry in entries])
        if items[:1].kind == "time":
            return self._to_hours(quantity, items[0].uom_id)
        whole = sum(entry.quantity for entry in entries)
        return rounding.quantize(
            whole * rounding.decimal(quantity) / rounding.decimal(self.quantity), 6
        )

    # -- settling -------------------------------------------------------------------------------

    def _prepare_settlement(self, entry, kind, cause, quantity=None, amount=None, **vals):
        return {
            "item_id": entry.key,
            "kind": kind,
            "cause": cause,
            "quantity": float(entry.quantity if quantity is None else quantity),
            "amount": float(entry.amount if amount is None else amount),
            "move_line_id": self.id,
            "invoice_line_id": self.id,
            **vals,
        }

    def _free_all(self, cause):
        """Credit everything these lines still bill: the work is open again."""
        vals_list = [
            line._prepare_settlement(entry, "credit", cause)
            for line, entries in self._get_billed_entries().items()
            for entry in entries
        ]
        if vals_list:
            self.env["billing.item"]._settle(vals_list)

    def _settle_edits(self):
        """Settle what people changed on a draft.

        Less frees the difference; more takes back first what the line billed before and is open
        again, and is a write-up beyond that.
        """
        # Invoices posted in the transaction that made them have no credit notes.
        credited = {} if self._is_batch(POSTED_AT_ONCE) else self._get_credited()
        self = self._get_edited(credited)
        net = self._get_net_settlements()
        entries = self._get_entries(net)
        items = {}
        for line, item in net:
            items.setdefault(line, self.env["billing.item"])
            items[line] |= item
        for line, mine in items.items():
            if vals_list := line._plan_edits(entries[line], mine, *credited.get(line.id, (0, 0))):
                self.env["billing.item"]._settle(vals_list)

    def _get_edited(self, credited):
        """Return those of these lines that do not say what they bill, by a total for each.

        :param credited: {line id: (quantity, amount)} that posted credit notes freed
        """
        self.env["billing.allocation"].flush_model()
        totals = self.env.execute_query(
            SQL(
                """
                SELECT invoice_line_id, MIN(item_id),
                       SUM(CASE kind WHEN 'bill' THEN 1 ELSE -1 END * quantity),
                       SUM(CASE kind WHEN 'bill' THEN 1 ELSE -1 END * amount)
                  FROM billing_allocation
                 WHERE invoice_line_id = ANY(%s) AND kind IN ('bill', 'credit')
              GROUP BY invoice_line_id
                """,
                self.ids,
            )
        )
        items = self.env["billing.item"].browse([row[1] for row in totals])
        items.fetch(["kind", "uom_id"])
        edited = self.browse()
        for (line_id, _item, hours, amount), item in zip(totals, items, strict=True):
            line = self.browse(line_id)
            freed_hours, freed_amount = credited.get(line_id, (0, 0))
            sign = -1 if line.move_id.move_type == "out_refund" else 1
            billed = rounding.money(amount + freed_amount, line.currency_id.decimal_places)
            hours = rounding.quantize(hours, 6) + rounding.quantize(freed_hours, 6)
            if sign * line._get_price_amount() != billed or line._get_quantity_change(
                item, hours, sign
            ):
                edited |= line
        return edited

    def _get_credited(self):
        """Return {line id: (quantity, amount)} that posted credit notes freed of these lines."""
        self.env["billing.allocation"].flush_model()
        self.env["account.move.line"].flush_model(["parent_state"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT allocation.invoice_line_id,
                       SUM(CASE allocation.kind WHEN 'credit' THEN 1 ELSE -1 END * allocation.quantity),
                       SUM(CASE allocation.kind WHEN 'credit' THEN 1 ELSE -1 END * allocation.amount)
                  FROM billing_allocation allocation
                  JOIN account_move_line document ON document.id = allocation.move_line_id
                 WHERE allocation.invoice_line_id IN %(lines)s
                   AND allocation.cause = 'credit_note'
                   AND document.parent_state = 'posted'
              GROUP BY allocation.invoice_line_id
                """,
                lines=tuple(self.ids) or (0,),
            )
        )
        return {line_id: (quantity, amount) for line_id, quantity, amount in rows}

    def _plan_edits(self, entries, items, credited_quantity=0, credited_amount=0):
        """Return the settlements that make what this line bills what it says.

        :param entries: what it bills, newest first
        :param items: all the work it ever billed
        :param credited_quantity: freed by posted credit notes, in the items' unit
        :param credited_amount: the same in money
        """
        if items[:1].amount < 0 and items[:1].kind != "time":
            return self._plan_edits_below_zero(entries, items, credited_amount)
        decimals = self.currency_id.decimal_places
        sign = -1 if self.move_id.move_type == "out_refund" else 1
        billed = sum((entry.amount for entry in entries), rounding.money(credited_amount, decimals))
        hours = sum((entry.quantity for entry in entries), rounding.quantize(credited_quantity, 6))
        change = sign * self._get_price_amount() - billed
        quantity = self._get_quantity_change(items, hours, sign)
        plan = []
        if quantity < 0:
            whole = sum(entry.quantity for entry in entries)
            amount = sum(entry.amount for entry in entries)
            share = settlement.share(amount, -quantity, whole, decimals)
            freed_amount = min(share, -change) if change < 0 else share
            freed = settlement.free_newest(entries, -quantity, freed_amount, decimals)
            plan += [self._prepare_settlement(part, "credit", "edit") for part in freed]
            change += sum(part.amount for part in freed)
            entries = self._subtract(entries, freed)
        elif quantity > 0 or change > 0:
            taken = settlement.take_back(
                self._get_open(items), quantity, change, decimals, items[:1].kind == "time"
            )
            items.browse([part.key for part in taken])._take_from_prebills()
            plan += [self._prepare_settlement(part, "bill", "edit") for part in taken]
            quantity -= sum(part.quantity for part in taken) if quantity > 0 else 0
            change -= sum(part.amount for part in taken)
            entries = self._subtract(entries, [part.negative() for part in taken])
        if change < 0:
            freed = settlement.free_newest(entries, 0, -change, decimals)
            plan += [self._prepare_settlement(part, "credit", "edit") for part in freed]
        if change > 0 or quantity > 0:
            plan += self._plan_raise(items, max(quantity, 0), max(change, 0))
        return plan

    def _plan_raise(self, items, quantity, amount):
        """Return the settlements that bill more than was agreed, on the newest of `items`."""
        newest = items.sorted(lambda item: (item.date, item.id))[-1]
        extra = settlement.Billed(newest.id, quantity, amount)
        note = self.env._("Raised on the invoice")
        return [
            self._prepare_settlement(extra, "write_up", "edit", note=note),
            self._prepare_settlement(extra, "bill", "edit"),
        ]

    def _plan_edits_below_zero(self, entries, items, credited_amount):
        """Return the same for a claim below zero: less of it is open again, more is written up."""
        decimals = self.currency_id.decimal_places
        sign = -1 if self.move_id.move_type == "out_refund" else 1
        billed = sum((entry.amount for entry in entries), rounding.money(credited_amount, decimals))
        change = sign * self._get_price_amount() - billed
        if change > 0:
            freed = settlement.free_newest(entries, 0, -change, decimals)
            return [self._prepare_settlement(part, "credit", "edit") for part in freed]
        opened = [
            settlement.Billed(entry.key, entry.quantity, -entry.amount)
            for entry in self._get_open(items)
        ]
        taken = settlement.take_back(opened, 0, -change, decimals, hours=False)
        items.browse([part.key for part in taken])._take_from_prebills()
        plan = [
            self._prepare_settlement(part, "bill", "edit", amount=-part.amount) for part in taken
        ]
        change += sum(part.amount for part in taken)
        return plan + (self._plan_raise(items, 0, change) if change else [])

    def _get_open(self, items):
        """Return what is open of the work this line, or the one it replaces, billed: oldest first."""
        items |= self.billing_origin_line_id.billing_settlement_ids.item_id
        return [
            settlement.Billed(
                item.id,
                rounding.quantize(item.open_quantity, 6),
                rounding.money(item.open_amount, item.currency_id.decimal_places),
            )
            for item in items.filtered("is_open").sorted(lambda item: (item.date, item.id))
        ]

    def _get_quantity_change(self, items, hours, sign=1):
        """Return how much more (or less) than `hours` this line's quantity says, in hours.

        The parts of an agreed fee have no quantity of their own.
        """
        if items[:1].kind != "time":
            return rounding.decimal(0)
        uom = items[0].uom_id
        if self.billing_hours_per_unit:
            expected = float(hours) / self.billing_hours_per_unit
        else:
            expected = uom._compute_quantity(
                float(hours), self.product_uom_id, rounding_method="HALF-UP"
            )
        change = rounding.quantize(sign * self.quantity - expected, 6)
        if not change:
            return change
        return self._to_hours(change, uom) if self.quantity else -hours

    def _to_hours(self, quantity, uom):
        """Return a quantity of this line in hours, the items' unit `uom`."""
        if self.billing_hours_per_unit:
            return rounding.quantize(float(quantity) * self.billing_hours_per_unit, 6)
        return rounding.quantize(
            self.product_uom_id._compute_quantity(float(quantity), uom, round=False), 6
        )

    @staticmethod
    def _subtract(entries, freed):
        left = {entry.key: entry for entry in entries}
        for part in freed:
            entry = left.get(part.key) or settlement.Billed(part.key, 0, 0)
            left[part.key] = settlement.Billed(
                part.key, entry.quantity - part.quantity, entry.amount - part.amount
            )
        return [entry for entry in left.values() if entry.quantity or entry.amount]

    def _plan_credit(self, entries):
        """Return the settlements of this credit note line on the invoice line it stems from.

        A credit at the invoice's own price frees hours and their value; one at another price is
        money only, and leaves the item open by that amount for a person to decide on.
        """
        origin = self.billing_origin_line_id
        # A progress claim that goes down stands on its invoice with a quantity below zero.
        sign = -1 if origin.quantity < 0 else 1
        same_price = not rounding.quantize(
            rounding.decimal(self.price_unit) * (100 - rounding.decimal(self.discount))
            - rounding.decimal(origin.price_unit) * (100 - rounding.decimal(origin.discount)),
            6,
        )
        if same_price and sign * self.quantity >= sign * origin.quantity:
            freed = entries
        else:
            quantity = origin._get_item_quantity(self.quantity, entries) if same_price else 0
            freed = settlement.free_newest(
                entries, quantity, self._get_price_amount(), self.currency_id.decimal_places
            )
        return [
            self._prepare_settlement(
                part,
                "credit",
                "credit_note",
                invoice_line_id=origin.id,
                date=self.move_id.invoice_date,
            )
            for part in freed
        ]
