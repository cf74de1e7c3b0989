"""Compare our bills with Odoo's own on the orders of a database, for instance Odoo's demo data.

    ./dev install DB --demo
    ./dev shell DB < devtools/scripts/compare_stock.py

Every order with something to invoice is billed twice, each time in a savepoint that is rolled back:
first as it is, by Odoo's wizard; then with our rule on each of its service lines, by pre-bills.
Nothing in the database changes. What we hold back is shown with its reason, as milestones that add
up to more than the fee. The last line says how many orders are billed the same.
"""

import sys
import traceback

from odoo.exceptions import UserError

RULES = {
    "delivered_timesheet": "time_materials",
    "delivered_milestones": "milestone",
    "ordered_prepaid": "fixed_fee",
}


class Back(Exception):
    """Ends a savepoint: all it did is rolled back."""


def undone(job, order):
    """Return what `job` says of `order`, and undo what it did."""
    result = None
    try:
        with env.cr.savepoint():
            result = job(order)
            raise Back
    except Back:
        pass
    env.invalidate_all()
    return result


def eligible(order):
    """Lines that Odoo would invoice now, has not invoiced yet, and one of our rules can bill."""
    return order.order_line.filtered(
        lambda line: (
            line.product_id.type == "service"
            and line.product_id.service_policy in RULES
            and line.qty_to_invoice > 0
            and not line.qty_invoiced
            and not line.is_downpayment
            and not line.is_expense
        )
    )


def bill_ours(order):
    for line in eligible(order):
        line.billing_rule = RULES[line.product_id.service_policy]
    return wizard(order), held_back(order)


def held_back(order):
    """Return {order line id: the reasons its open work is not billed}."""
    items = env["billing.item"].search(
        [("order_id", "=", order.id), ("is_open", "=", True), ("blocked_reason", "!=", False)]
    )
    return {
        line.id: sorted(set(mine.mapped("blocked_reason")))
        for line, mine in items.grouped("order_line_id").items()
    }


def wizard(order):
    before = order.invoice_ids
    env.flush_all()
    env["sale.advance.payment.inv"].create(
        {"advance_payment_method": "delivered", "sale_order_ids": [(6, 0, order.ids)]}
    ).create_invoices()
    return sorted(
        (
            line.sale_line_ids.ids,
            line.quantity,
            line.price_unit,
            line.discount,
            sorted(line.tax_ids.ids),
            line.price_subtotal,
            line.price_total,
        )
        for line in (order.invoice_ids - before).invoice_line_ids
        if line.display_type == "product"
    )


def compare():
    orders = env["sale.order"].search(
        [("invoice_status", "=", "to invoice"), ("is_engagement", "=", False)], order="id"
    )
    same, held, different = [], [], []
    for order in orders.filtered(eligible):
        theirs = undone(wizard, order)
        try:
            ours, reasons = undone(bill_ours, order)
        except UserError:
            ours, reasons = [], {}
            print(traceback.format_exc(limit=-1))
        if theirs == ours:
            same.append(order.name)
            continue
        print(f"{order.name}: {order.partner_id.display_name}")
        open_rows = [row for row in theirs if row not in ours]
        explained = [row for row in open_rows if any(line_id in reasons for line_id in row[0])]
        for row in theirs:
            reason = "".join(str(reasons.get(line_id, "")) for line_id in row[0])
            print(f"  stock {row} held back {reason}" if row in open_rows else f"  both  {row}")
        extra = [row for row in ours if row not in theirs]
        for row in extra:
            print(f"  ours  {row}")
        (held if open_rows == explained and not extra else different).append(order.name)
    env.cr.rollback()
    print(
        f"compare_stock: {len(same)} orders billed the same, {len(held)} with work held back "
        f"({', '.join(held) or 'none'}), {len(different)} different ({', '.join(different) or 'none'})"
    )
    return 1 if different or not same else 0


sys.exit(compare())
