from odoo.tests import tagged

from .common import ExpenseCommon


@tagged("post_install", "-at_install")
class TestExpense(ExpenseCommon):
    """An expense from the employee's hand to the client's bill."""

    def test_at_cost(self):
        order = self._create_engagement([self.hours])
        expense = self._spend(order, self.hotel, 120)
        self.assertFalse(self._items(order), "nothing is earned before it is posted")
        item = self._post(expense).billing_item_ids
        self.assertItem(
            item,
            kind="expense",
            expense_line_id=expense.id,
            employee_id=self.employee.id,
            project_id=order.project_ids.id,
            date=self.today,
            description="Hotel in Lyon",
            standard_amount=120,
            amount=120,
            open_amount=120,
            blocked_reason=False,
        )
        line = item.order_line_id
        self.assertRecordValues(
            line,
            [
                {
                    "billing_rule": "expense",
                    "product_uom_qty": 1,
                    "price_unit": 120,
                    "qty_delivered": 1,
                    "qty_to_invoice": 1,
                    "invoice_status": "to invoice",
                }
            ],
        )
        invoice = self._bill(order, post=True)
        self.assertEqual(invoice.amount_untaxed, 120)
        self.assertIn("Hotel in Lyon", self._product_lines(invoice).name)
        self.assertRecordValues(
            line, [{"qty_invoiced": 1, "qty_to_invoice": 0, "invoice_status": "invoiced"}]
        )
        self.assertItem(item, billed_amount=120, open_amount=0, is_open=False)
        self.assertLedger(order)
