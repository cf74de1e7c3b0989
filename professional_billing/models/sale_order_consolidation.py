from dataclasses import dataclass, field
from decimal import Decimal

from odoo import fields, models
from odoo.fields import Command

from ..rules import payers, rounding, settlement

CONSOLIDATIONS = [
    ("order", "One invoice per engagement"),
    ("project", "One invoice per project"),
    ("po", "One invoice per purchase order"),
    ("bill_to", "One invoice per billing address"),
    ("customer", "One invoice per customer"),
]
# What invoices must have in common to become one.
IN_COMMON = (
    "company_id",
    "currency_id",
    "fiscal_position_id",
    "invoice_payment_term_id",
    "journal_id",
    "invoice_date",
    "move_type",
)
# The company's way, or who presses the button: a customer's own wish goes before it.
BY_BUTTON = "billing_consolidation"


@dataclass
class Bill:
    """An invoice that is about to be made: its values, and whose work it bills."""

    vals: dict
    orders: models.Model
    heading: str = ""
    # The orders that somebody else pays here than their own customer.
    others: set = field(default_factory=set)
    # {order id: the part of its discount that comes off this invoice}, where it has several.
    discounts: dict = field(default_factory=dict)

    @property
    def lines(self):
        return self.vals["invoice_line_ids"]

    def with_lines(self, lines, **vals):
        values = {**self.vals, **vals, "invoice_line_ids": lines}
        return Bill(values, self.orders, self.heading, set(self.others))


def _work(lines):
    """Return those of these commands that bill work in progress."""
    return [line for line in lines if line[2].get("billing_allocation_ids")]


def _is_product(line):
    return line[2].get("display_type", "product") == "product"


def _line_amount(line, decimals):
    vals = line[2]
    return settlement.line_amount(
        vals["quantity"], vals["price_unit"], vals.get("discount", 0), decimals
    )


def _pick(lines, wanted):
    """Return the `wanted` of these commands, {index: its command here}, under their headings.

    A note goes with the line above it.
    """
    result, headings, note = [], [], True
    for index, line in enumerate(lines):
        kind = line[2].get("display_type")
        if kind == "line_section":
            headings = [line]
        elif kind == "line_subsection":
            above = [head for head in headings if head[2]["display_type"] == "line_section"]
            headings = [*above, line]
        elif kind == "line_note":
            result += [_copy(line)] if note and not headings else []
        else:
            note = index in wanted
            if note:
                result += [*map(_copy, headings), wanted[index]]
                headings = []
    return result


def _copy(line):
    return Command.create({**line[2]})


class ResCompany(models.Model):
    _inherit = "res.company"

    billing_consolidation = fields.Selection(
        CONSOLIDATIONS,
        string="Invoices of engagements",
        default="order",
        required=True,
        help="How engagements are put together on invoices, unless the customer wants it otherwise.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_consolidation = fields.Selection(
        related="company_id.billing_consolidation", readonly=False
    )


class ResPartner(models.Model):
    _inherit = "res.partner"

    billing_consolidation = fields.Selection(
        CONSOLIDATIONS,
        string="Engagements are invoiced",
        company_dependent=True,
        help="How this customer wants engagements put together on invoices: those of the same company, "
        "currency, fiscal position and payment terms. Empty: as the company does it.",
    )


class SaleOrderConsolidation(models.Model):
    """Which invoices the bills of engagements become: one for each, one for several, or several."""

    _inherit = "sale.order"

    def _create_invoices(self, grouped=False, final=False, date=None):
        # EXTENDS sale: Odoo puts together by what it knows, one for all or one for each.
        if not self.env["billing.prebill"]._is_invoicing():
            return super()._create_invoices(grouped=grouped, final=final, date=date)
        button = "order" if grouped else "bill_to"
        if not any(order._is_invoiced_apart() for order in self):
            return super()._create_invoices(grouped=grouped, final=final, date=date)
        orders = self.with_context(**{BY_BUTTON: button})
        moves = super(SaleOrderConsolidation, orders)._create_invoices(
            grouped=True, final=final, date=date
        )
        return moves.with_env(self.env)

    def _is_invoiced_apart(self):
        """Tell whether this order is not simply one invoice, or one with others, as Odoo does it."""
        return self.has_payers or self._get_wish(self.partner_invoice_id, "order") != "order"

    def _get_wish(self, partner, otherwise):
        """Return how the invoices of `partner` are put together."""
        customer = partner.commercial_partner_id.with_company(self.company_id)
        standard = self.company_id.billing_consolidation
        return customer.billing_consolidation or (otherwise if standard == "order" else standard)

    def _create_account_invoices(self, invoice_vals_list, final):
        # EXTENDS sale: from one invoice for each order to those its payers and customers want.
        if BY_BUTTON not in self.env.context or not self.env["billing.prebill"]._is_invoicing():
            return super()._create_account_invoices(invoice_vals_list, final)
        bills = [self._prepare_bill(vals) for vals in invoice_vals_list]
        bills = [part for bill in bills for part in bill.orders._split_by_payer(bill)]
        bills = self._consolidate(
            [part for bill in bills for part in bill.orders._split_by_project(bill)]
        )
        for order in self.filtered("bill_discount_type"):
            order._share_discount([bill for bill in bills if order in bill.orders])
        moves = self.env["account.move"]
        # What comes off an engagement's bill depends on its bills before: they follow each other.
        for batch in self._get_rounds(bills):
            orders = self.with_context(
                billing_paid_by_others={order_id for bill in batch for order_id in bill.others},
                billing_discounts={k: v for bill in batch for k, v in bill.discounts.items()},
            )
            made = super(SaleOrderConsolidation, orders)._create_account_invoices(
                [bill.vals for bill in batch], final
            )
            moves += made.with_env(self.env)
        for move in moves:
            move._put_deductions_with_their_work()
        return moves

    def _prepare_bill(self, vals):
        order_line_ids = [
            command[1]
            for line in vals["invoice_line_ids"]
            for command in line[2].get("sale_line_ids", ())
        ]
        return Bill(vals, self.env["sale.order.line"].browse(order_line_ids[:1]).order_id)

    @staticmethod
    def _get_rounds(bills):
        """Return these bills in as few batches as let no engagement be twice in one."""
        rounds = []
        for bill in bills:
            for batch in rounds:
                if not any(bill.orders & other.orders for other in batch):
                    batch.append(bill)
                    break
            else:
                rounds.append([bill])
        return rounds

    # -- payers ---------------------------------------------------------------------------------

    def _split_by_payer(self, bill):
        """Return the bills of the payers of this engagement; each line is shared to the cent."""
        if not self.has_payers or not _work(bill.lines):
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
            if any(_is_product(line) for line in wanted.values()):
                lines = _pick(bill.lines, wanted)
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
            whole = _line_amount(lines[index], decimals)
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
            for line in _work(lines):
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
                    _line_amount(line, decimals)
                    for line in _work(bill.lines)
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

    # -- projects -------------------------------------------------------------------------------

    def _split_by_project(self, bill):
        """Return a bill for each project, where that is what is wanted; work without one is another."""
        partner = self.env["res.partner"].browse(bill.vals["partner_id"])
        if self._get_wish(partner, "order") != "project":
            return [bill]
        by_project = {}
        for index, line in enumerate(bill.lines):
            if _is_product(line):
                by_project.setdefault(self._get_line_project(line), {})[index] = line
        bills = []
        for project, wanted in by_project.items():
            part = bill.with_lines(_pick(bill.lines, wanted))
            part.heading = project.display_name or ""
            part.vals["billing_project_id"] = project.id
            bills.append(part)
        return bills

    def _get_line_project(self, line):
        rows = line[2].get("billing_allocation_ids")
        if rows:
            return self.env["billing.item"].browse(rows[0]["item_id"]).project_id
        return self.env["project.project"]

    # -- together -------------------------------------------------------------------------------

    def _consolidate(self, bills):
        """Put the bills together that are to be one invoice."""
        together = {}
        for bill in bills:
            together.setdefault(bill.orders._get_consolidation_key(bill), []).append(bill)
        return [self._merge_bills(group) for group in together.values()]

    def _get_consolidation_key(self, bill):
        """Return what the bills of one invoice have in common."""
        partner = self.env["res.partner"].browse(bill.vals["partner_id"])
        wish = self._get_wish(partner, self.env.context[BY_BUTTON])
        project = bill.vals.pop("billing_project_id", False)
        if wish == "order":
            return partner, self
        if wish == "customer":
            customer = partner.commercial_partner_id
            partner = partner.browse(customer.address_get(["invoice"])["invoice"])
            bill.vals["partner_id"] = partner.id
        number = bill.vals["ref"] if wish == "po" and self._has_number(bill) else self.id
        apart = {"project": project or self, "po": number}.get(wish)
        common = tuple(bill.vals.get(name) for name in IN_COMMON)
        return partner, wish, apart, common

    def _has_number(self, bill):
        return self.client_po_number or bill.others

    def _merge_bills(self, bills):
        """Return one bill of these, the work of each engagement under a heading of its own."""
        first = bills[0]
        if len(bills) == 1 and not first.heading:
            return first
        lines, orders, others = [], first.orders.browse(), set()
        for bill in bills:
            lines += bill.orders._get_block(bill)
            orders |= bill.orders
            others |= bill.others
        for sequence, line in enumerate(lines, start=1):
            # Room for what comes off each engagement's work, once the invoice's totals are known.
            line[2]["sequence"] = 10 * sequence
        references = {
            name: ", ".join(dict.fromkeys(b.vals[name] for b in bills if b.vals.get(name)))
            for name in ("ref", "invoice_origin")
        }
        payment = {bill.vals.get("payment_reference") for bill in bills}
        vals = {
            **first.vals,
            **{name: text[:2000] for name, text in references.items()},
            "payment_reference": payment.pop() if len(payment) == 1 else False,
            "invoice_line_ids": lines,
        }
        return Bill(vals, orders, others=others)

    def _get_block(self, bill):
        """Return the lines of one engagement on an invoice of several, under its heading."""
        heading = bill.heading or self._get_invoice_heading()
        lines = [Command.create({"display_type": "line_section", "name": heading})]
        for line in bill.lines:
            if line[2].get("display_type") == "line_section":
                line[2]["display_type"] = "line_subsection"
        return lines + bill.lines

    def _get_invoice_heading(self):
        number = self.client_po_number
        return f"{self.name} – {number}" if number else self.name

    def _groups_plain_time(self):
        # EXTENDS: work that is shared, or kept apart by its project, is looked at piece by piece.
        return (
            super()._groups_plain_time()
            and not self.has_payers
            and not self._is_invoiced_by_project()
        )

    def _is_invoiced_by_project(self):
        partners = self.partner_invoice_id
        if self.has_payers:
            partners |= self.billing_payer_ids.partner_id
        return any(self._get_wish(partner, "order") == "project" for partner in partners)


class BillingMethodTimeMaterials(models.AbstractModel):
    _inherit = "billing.method.time_materials"

    def _prepare_bill_lines(self, line, prebill_lines):
        # EXTENDS: time of several projects is not added up where each has its own invoice.
        if not line.order_id._is_invoiced_by_project():
            return super()._prepare_bill_lines(line, prebill_lines)
        result = []
        for part in prebill_lines.grouped(lambda part: part.item_id.project_id).values():
            result += super()._prepare_bill_lines(line, part)
        return result


class AccountMove(models.Model):
    _inherit = "account.move"

    def _put_deductions_with_their_work(self):
        """Let discount and retention of each engagement stand below its work, under its heading."""
        orders = self.invoice_line_ids.sale_line_ids.order_id
        if len(orders) < 2:
            return
        for order in orders:
            lines = self.invoice_line_ids.filtered(
                lambda line, order=order: (
                    line.sale_line_ids.order_id == order and not line.is_downpayment
                )
            )
            last = max(lines.mapped("sequence"), default=0)
            for step, name in enumerate(
                ("billing_discount_order_id", "billing_retention_order_id"), start=1
            ):
                self.invoice_line_ids.filtered(
                    lambda line, name=name, order=order: line[name] == order
                ).sequence = last + step
