from decimal import Decimal

from odoo import models
from odoo.fields import Command

from ..rules import payers, rounding, settlement
from .billing_bill import get_amount, get_work, is_product, pick


class SaleOrderPayers(models.Model):
    """How a bill is divided among those who pay it: each line is shared to the cent."""

    _inherit = "sale.order"

    def _split_by_payer(self, bill):
        """Return the bills of the payers of this engagement; each line is shared to the cent."""
        if not self.has_payers or not get_work(bill.lines):
            return [bill]
        self._lock_for_billing()
        shares = self._share_lines(bill.lines)
        own = self.partner_invoice_id.id
        partners = dict.fromkeys([own])
        for parts in shares.values():
            partners.update(dict.fromkeys(parts))
        bills = []
        for partner in self.env["res.partner"].browse(partners):
            wanted = {
                index: parts[partner.id] for index, parts in shares.items() if partner.id in parts
            }
            if partner.id == own:
                # Lines without a rule, and deposits, are between the firm and its customer.
                wanted.update(
                    (index, line) for index, line in enumerate(bill.lines) if index not in shares
                )
            if any(is_product(line) for line in wanted.values()):
                lines = pick(bill.lines, wanted)
                bills.append(self._prepare_payer_bill(bill, partner, lines))
        return bills

    def _share_lines(self, lines):
        """Return {index: {partner id: command}} of the lines of work, shared by those who pay."""
        decimals = self.currency_id.decimal_places
        places = [
            (index, row)
            for index, line in enumerate(lines)
            for row in line[2].get("billing_allocation_ids", ())
            if row["kind"] == "bill"
        ]
        parts = self._apportion([vals for _index, vals in places])
        shares = {}
        for (index, vals), amounts in zip(places, parts, strict=True):
            quantities = payers.split_quantity(vals["quantity"], amounts)
            for partner_id, amount in amounts.items():
                row = {**vals, "amount": float(amount), "quantity": float(quantities[partner_id])}
                shares.setdefault(index, {}).setdefault(partner_id, []).append(row)
        own = self.partner_invoice_id.lang or self.env.lang
        for index, by_partner in shares.items():
            self._keep_other_settlements(lines[index], by_partner)
            whole = get_amount(lines[index], decimals)
            for partner_id, rows in by_partner.items():
                order = self._for_payer(partner_id)
                vals = lines[index][2]
                if order.env.lang != own:
                    vals = {**vals, "name": order._get_line_name(lines, index)}
                by_partner[partner_id] = order._prepare_share(vals, rows, whole)
        return shares

    def _for_payer(self, partner_id):
        """Return this order in the language of a payer, for what is printed."""
        partner = self.env["res.partner"].browse(partner_id)
        return self.with_context(lang=partner.lang or self.partner_invoice_id.lang or self.env.lang)

    def _get_line_name(self, lines, index):
        """Return the text of a line of work as it is in the language of this environment."""
        order_line_id = lines[index][2]["sale_line_ids"][0][1]
        mine = [
            number
            for number, line in enumerate(lines)
            if line[2].get("sale_line_ids", [(0, 0)])[0][1] == order_line_id
        ]
        order_line = self.env["sale.order.line"].browse(order_line_id)
        again = order_line._prepare_invoice_lines_vals_list()
        return again[mine.index(index)]["name"]

    @staticmethod
    def _keep_other_settlements(line, by_partner):
        """Let what was rounded on the line stay on it once, with whoever has that work."""
        for other in line[2]["billing_allocation_ids"]:
            if other["kind"] != "bill":
                rows = next(
                    rows
                    for rows in by_partner.values()
                    if any(row["item_id"] == other["item_id"] for row in rows)
                )
                rows.append(other)

    def _prepare_share(self, vals, rows, whole):
        """Return the command of the line that bills `rows` of the line `vals`, which bills `whole`."""
        decimals = self.currency_id.decimal_places
        billed = [row for row in rows if row["kind"] == "bill"]
        amount = sum((rounding.money(row["amount"], decimals) for row in billed), Decimal(0))
        if amount == whole:
            return Command.create({**vals, "billing_allocation_ids": rows})
        hours = sum((rounding.quantize(row["quantity"], 6) for row in billed), Decimal(0))
        quantity, price, discount = self._get_share_price(vals, amount, hours, billed[0])
        share = {
            **vals,
            "name": f"{vals['name'] or ''}\n{self._get_share_label(whole)}".strip(),
            "quantity": float(quantity),
            "price_unit": float(price),
            "discount": float(discount),
            "billing_allocation_ids": rows,
        }
        if quantity == 1 and price == amount and self._is_time(billed[0]):
            share["billing_hours_per_unit"] = float(hours)
        for name in ("balance", "amount_currency"):
            share.pop(name, None)
        return Command.create(share)

    def _get_share_label(self, whole):
        return self.env._("Your share of %(amount)s", amount=self.currency_id.format(float(whole)))

    def _get_share_price(self, vals, amount, hours, row):
        """Return (quantity, price, discount) that come to `amount`, hours that are billed as such."""
        once = Decimal(1), amount, Decimal(0)
        if vals.get("billing_hours_per_unit"):
            return once
        quantity, price, discount = settlement.quantity_and_price(
            amount,
            vals["quantity"],
            vals["price_unit"],
            vals.get("discount", 0),
            decimals=self.currency_id.decimal_places,
            quantity_decimals=self.env["decimal.precision"].precision_get("Product Unit"),
        )
        if self._is_time(row):
            uom = self.env["billing.item"].browse(row["item_id"]).uom_id
            unit = self.env["uom.uom"].browse(vals["product_uom_id"])
            said = uom._compute_quantity(float(hours), unit, rounding_method="HALF-UP")
            if rounding.quantize(said, 6) != rounding.quantize(quantity, 6):
                return once
        return quantity, price, discount

    def _is_time(self, row):
        return self.env["billing.item"].browse(row["item_id"]).kind == "time"

    def _prepare_payer_bill(self, bill, partner, lines):
        """Return the bill of one payer: to their address, by their taxes and terms."""
        if partner == self.partner_invoice_id:
            rows = self.billing_payer_ids.filtered(lambda row: row.partner_id == partner)
            number = next(filter(None, rows.mapped("client_po_number")), None)
            return bill.with_lines(lines, **({"ref": number} if number else {}))
        payer = partner.with_company(self.company_id)
        position = self.env["account.fiscal.position"].with_company(self.company_id)
        position = position._get_fiscal_position(payer)
        rows = self.billing_payer_ids.filtered(lambda row: row.partner_id == partner)
        mine = bill.with_lines(
            lines,
            partner_id=partner.id,
            partner_shipping_id=partner.id,
            fiscal_position_id=position.id,
            invoice_payment_term_id=payer.property_payment_term_id.id,
            preferred_payment_method_line_id=payer.property_inbound_payment_method_line_id.id,
            payment_reference=False,
            transaction_ids=[],
            ref=next(filter(None, rows.mapped("client_po_number")), bill.vals["ref"]),
        )
        if position.id != bill.vals["fiscal_position_id"]:
            for line in get_work(lines):
                line[2]["tax_ids"] = [Command.set(self._get_payer_taxes(line, position).ids)]
                line[2].pop("balance", None)
                line[2].pop("amount_currency", None)
        mine.others.add(self.id)
        return mine

    def _get_payer_taxes(self, line, position):
        order_line = self.order_line.browse(line[2]["sale_line_ids"][0][1])
        taxes = order_line.product_id.taxes_id._filter_taxes_by_company(self.company_id)
        return position.map_tax(taxes)

    def _draws_deposits(self):
        # EXTENDS: a deposit is the customer's own and pays their bill only.
        others = self.env.context.get("billing_paid_by_others", ())
        return self.id not in others and super()._draws_deposits()

    def _get_bill_discount(self, work, volume=None):
        # EXTENDS: of a bill that is several invoices, each takes its part.
        shares = self.env.context.get("billing_discounts", {})
        if volume is not None and self.id in shares:
            return shares[self.id]
        return super()._get_bill_discount(work, volume)

    def _share_discount(self, bills):
        """Let the discount on this engagement's work be shared by its invoices as the work is."""
        if len(bills) < 2:
            return
        decimals = self.currency_id.decimal_places
        values = [
            sum(
                (
                    get_amount(line, decimals)
                    for line in get_work(bill.lines)
                    if line[2]["sale_line_ids"][0][1] in self.order_line.ids
                ),
                Decimal(0),
            )
            for bill in bills
        ]
        discount = self._get_bill_discount(sum(values))
        shares = rounding.split_shares(discount, [max(v, Decimal(0)) for v in values], decimals)
        for bill, share in zip(bills, shares, strict=True):
            bill.discounts[self.id] = share
