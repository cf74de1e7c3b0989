from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from ..hooks import uninstall_hook
from .common import ExpenseCommon


@tagged("post_install", "-at_install")
class TestExpenseStock(ExpenseCommon):
    """Beside Odoo's own way: untouched where there is no rule, never both."""

    def _create_stock_order(self):
        service = self._new_service("Plain service", False, 100)
        return self._create_engagement([service])

    def test_order_without_rules(self):
        order = self._create_stock_order()
        self._terms(order, self.hotel, markup=10)
        expense = self._post(self._spend(order, self.hotel, 120, receipt="hotel.pdf"))
        line = expense.sale_order_line_id
        self.assertRecordValues(
            line,
            [{"billing_rule": False, "price_unit": 120, "qty_delivered": 1, "qty_to_invoice": 1}],
        )
        self.assertEqual(line.qty_delivered_method, "analytic")
        self.assertFalse(expense.billing_item_ids)
        invoice = order._create_invoices()
        self.assertEqual(invoice.amount_untaxed, 120)
        self.assertFalse(invoice.billing_receipt_ids)
        invoice.action_post()
        self._take_back(expense)
        self.assertFalse(line.expense_ids)

    def test_the_same_bill_as_stock(self):
        """At cost and at the sales price, without terms, the client pays what Odoo asks for."""
        self.hotel.supplier_taxes_id = self.tax_purchase_a
        invoices = []
        for order in (self._create_stock_order(), self._create_engagement([self.hours])):
            self._expense(order, self.hotel, 115.55)
            self._expense(order, self.mileage, quantity=37)
            self.assertEqual(order.order_line[1:].mapped("price_subtotal"), [100.48, 18.5])
            invoices.append(order.with_user(self.officer).sudo()._create_invoices())
        stock, ours = [
            [
                (line.product_id, line.quantity, line.price_subtotal, line.tax_ids, line.account_id)
                for line in self._product_lines(invoice)
            ]
            for invoice in invoices
        ]
        self.assertEqual(ours, stock)

    def test_one_line_never_two(self):
        order = self._create_engagement([self.hours])
        self._expense(order, self.hotel, 120)
        self.assertEqual(len(order.order_line), 2)
        invoice = self._bill_by_wizard(order)
        self.assertEqual(invoice.amount_untaxed, 120)
        with self.assertRefused():
            order._create_invoices()

    def test_rule_is_not_for_other_lines(self):
        order = self._create_engagement([self.hours])
        with self.assertRaisesRegex(ValidationError, "lines of employees' expenses"):
            order.order_line.billing_rule = "expense"

    def test_copy_of_an_order(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, markup=10)
        self._expense(order, self.hotel, 120)
        copy = order.copy()
        self.assertEqual(copy.order_line.product_id, self.hours)
        self.assertEqual(copy.expense_term_ids.markup, 10)

    def test_cancelled_order(self):
        order = self._create_engagement([self.hours])
        self._expense(order, self.hotel, 120)
        order._action_cancel()
        self.assertFalse(self._items(order))
        order.action_draft()
        order.action_confirm()
        self.assertEqual(self._items(order).amount, 120)

    def test_uninstalled(self):
        """What is not billed goes Odoo's way again, what is billed stays in the ledger."""
        order = self._create_engagement([self.hours])
        billed = self._expense(order, self.hotel, 120)
        self._bill(order, post=True)
        waiting = self._expense(order, self.meals, 50)
        line = waiting.order_line_id
        uninstall_hook(self.env)
        self.assertFalse(waiting.exists())
        self.assertRecordValues(line, [{"billing_rule": False, "qty_to_invoice": 1}])
        self.assertItem(billed, billed_amount=120, open_amount=0)

    def test_goods_as_a_category(self):
        goods = self._new_category("Cables", type="consu")
        order = self._create_engagement([self.hours])
        self._expense(order, goods, 30)
        self.assertEqual(self._bill(order).amount_untaxed, 30)

    def test_vendor_bill(self):
        """A supplier's bill is re-invoiced by Odoo, on a line without rule."""
        order = self._create_engagement([self.hours])
        account = order.project_ids.account_id or self.env["account.analytic.account"].create(
            order._prepare_analytic_account_data()
        )
        order.project_ids.account_id = account
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.partner_b.id,
                "invoice_date": self.today,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": self.hotel.id,
                            "price_unit": 75,
                            "tax_ids": [Command.clear()],
                            "analytic_distribution": {str(account.id): 100},
                        }
                    )
                ],
            }
        )
        bill.action_post()
        self.assertFalse(any(order.order_line[1:].mapped("billing_rule")))
        self.assertFalse(self._items(order))
