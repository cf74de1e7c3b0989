"""Compare our bills with Odoo's own on the orders of a database, for instance Odoo's demo data.

    ./dev install DB --demo
    ./dev shell DB < devtools/scripts/compare_stock.py

Every order with something to invoice is billed twice, each time in a savepoint that is rolled back:
first as it is, by Odoo's wizard; then with our rule on each of its service lines, by pre-bills.
Nothing in the database changes. The last line says how many invoices are the same.
"""

import sys
import traceback

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
    return wizard(order)


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
    same, different, refused = [], [], []
    for order in orders:
        if not eligible(order):
            continue
        theirs = undone(wizard, order)
        try:
            ours = undone(bill_ours, order)
        except Exception:
            refused.append(order.name)
            print(f"{order.name}: refused\n{traceback.format_exc(limit=-1)}")
            continue
        if theirs == ours:
            same.append(order.name)
            continue
        different.append(order.name)
        print(f"{order.name}: {order.partner_id.display_name}")
        for row in theirs:
            print(f"  stock {row}" if row not in ours else f"  both  {row}")
        for row in ours:
            if row not in theirs:
                print(f"  ours  {row}")
    env.cr.rollback()
    print(
        f"compare_stock: {len(same)} orders billed the same, {len(different)} otherwise "
        f"({', '.join(different) or 'none'}), {len(refused)} refused ({', '.join(refused) or 'none'})"
    )
    return 1 if different or refused or not same else 0


sys.exit(compare())
