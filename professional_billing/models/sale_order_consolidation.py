from odoo import models
from odoo.fields import Command

from .billing_bill import Bill, is_product, pick

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
        standard = self.company_id.billing_consolidation or "order"
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

    # -- projects -------------------------------------------------------------------------------

    def _split_by_project(self, bill):
        """Return a bill for each project, where that is what is wanted; work without one is another."""
        partner = self.env["res.partner"].browse(bill.vals["partner_id"])
        if self._get_wish(partner, "order") != "project":
            return [bill]
        by_project = {}
        for index, line in enumerate(bill.lines):
            if is_product(line):
                by_project.setdefault(self._get_line_project(line), {})[index] = line
        bills = []
        for project, wanted in by_project.items():
            part = bill.with_lines(pick(bill.lines, wanted))
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
