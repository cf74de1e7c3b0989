from psycopg2.errors import UniqueViolation

from odoo.tests import tagged
from odoo.tools import mute_logger

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

    def test_tax_that_comes_back_is_no_cost(self):
        self.hotel.supplier_taxes_id = self.tax_purchase_a
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.hotel, 115)
        self.assertItem(item, standard_amount=100, amount=100)
        self.assertIn("cost", item.explanation)
        self.assertEqual(item.order_line_id.price_unit, 100)
        self.assertEqual(self._bill(order).amount_untaxed, 100)

    def test_markup(self):
        order = self._create_engagement([self.hours])
        term = self._terms(order, self.hotel, markup=10)
        item = self._expense(order, self.hotel, 120)
        self.assertItem(item, standard_amount=120, amount=132, rate=132, expense_term_id=term.id)
        self.assertEqual(
            item.explanation.split("\n"),
            [
                f"Cost {order.currency_id.format(120)}",
                f"+10 % mark-up = {order.currency_id.format(132)}",
            ],
        )
        self.assertEqual(item.order_line_id.price_unit, 132)
        line = self._product_lines(self._bill(order))
        self.assertEqual((line.quantity, line.price_unit), (1, 132))
        self.assertNotIn("mark-up", line.name)
        self.assertLedger(order)

    def test_own_category_before_all_others(self):
        order = self._create_engagement([self.hours])
        self._terms(order, None, markup=5)
        self._terms(order, self.hotel, markup=10)
        self.assertEqual(self._expense(order, self.hotel, 100).amount, 110)
        self.assertEqual(self._expense(order, self.meals, 100).amount, 105)

    def test_sales_price(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.mileage, markup=10)
        item = self._expense(order, self.mileage, quantity=120)
        self.assertItem(item, quantity=120, standard_amount=60, amount=66)
        self.assertEqual(item.uom_id, self.mileage.uom_id)
        line = self._product_lines(self._bill(order, post=True))
        self.assertEqual((line.quantity, line.price_unit, line.price_subtotal), (120, 0.55, 66))
        self.assertEqual(item.order_line_id.qty_invoiced, 120)
        self.assertLedger(order)

    def test_terms_go_before_the_category(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.mileage, pricing="cost")
        self.assertEqual(self._expense(order, self.mileage, quantity=100).amount, 30)

    def test_price_that_does_not_divide(self):
        self.hotel.standard_price = 33.335
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.hotel, quantity=3)
        self.assertEqual(item.amount, 100.01)
        line = self._product_lines(self._bill(order, post=True))
        self.assertEqual((line.quantity, line.price_unit), (1, 100.01))
        self.assertLedger(order)

    def test_no_sales_price(self):
        self.mileage.list_price = 0
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.mileage, quantity=100)
        self.assertItem(item, blocked_reason="no_price", amount=0)
        self.assertIn("Mileage", item.explanation)

    def test_not_billed(self):
        order = self._create_engagement([self.hours])
        term = self._terms(order, self.meals, pricing="none")
        item = self._expense(order, self.meals, 80)
        self.assertItem(
            item, blocked_reason="non_billable", standard_amount=80, amount=0, is_open=False
        )
        self.assertIn("Meals is not billed", item.explanation)
        with self.assertRefused("nothing to bill"):
            order.with_user(self.officer)._create_invoices()
        term.with_user(self.salesperson).pricing = "cost"
        self.assertItem(item, blocked_reason=False, amount=80, is_open=True)
        self.assertEqual(self._bill(order).amount_untaxed, 80)

    def test_discount_of_the_order_line(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, markup=10, billing_cap_amount=100)
        item = self._expense(order, self.hotel, 120)
        item.order_line_id.with_user(self.salesperson).discount = 5
        self.assertEqual(item.amount, 95)
        self.assertIn("Less 5 % discount", item.explanation)
        self.assertEqual(item.order_line_id.price_subtotal, 95)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 95)
        self.assertLedger(order)

    def test_price_is_not_changed_by_hand(self):
        order = self._create_engagement([self.hours])
        line = self._expense(order, self.hotel, 120).order_line_id.with_user(self.salesperson)
        for vals in ({"price_unit": 100}, {"product_uom_qty": 2}):
            with self.assertRefused("follow from the expense"):
                line.write(vals)
        line.write({"price_unit": 120, "name": "Hotel"})

    def test_new_terms_value_what_is_not_billed(self):
        order = self._create_engagement([self.hours])
        billed = self._expense(order, self.hotel, 100)
        self._bill(order, post=True)
        waiting = self._expense(order, self.hotel, 200)
        term = self._terms(order, self.hotel, markup=10)
        self.assertEqual((billed.amount, waiting.amount), (100, 220))
        self.assertEqual(waiting.order_line_id.price_unit, 220)
        self.assertEqual(billed.order_line_id.price_unit, 100)
        term.markup = 20
        self.assertEqual((billed.amount, waiting.amount), (100, 240))
        term.unlink()
        self.assertEqual((billed.amount, waiting.amount), (100, 200))
        self.assertEqual(waiting.order_line_id.price_unit, 200)
        self.assertLedger(order)

    def test_review(self):
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.hotel, 120)
        prebill = self._prebill(order, user=self.reviewer)
        line = prebill.line_ids.with_user(self.reviewer)
        line.write({"rate": 100, "reason_id": self.reason.id})
        invoice = prebill.with_user(self.officer).action_invoice()
        self.assertEqual(invoice.amount_untaxed, 100)
        self.assertItem(item, billed_amount=100, written_off_amount=20, open_amount=0)
        self.assertLedger(order)

    def test_credit_opens_it_again(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, markup=10)
        item = self._expense(order, self.hotel, 120)
        invoice = self._bill(order, post=True)
        self._credit(invoice)
        self.assertItem(item, billed_amount=0, open_amount=132, open_quantity=1)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 132)
        self.assertLedger(order)

    def test_paid_by_the_company(self):
        order = self._create_engagement([self.hours])
        expense = self._spend(order, self.hotel, 120, payment_mode="company_account")
        # Odoo makes the order line of these as the one who posts, who needs rights on sales.
        item = self._post(expense, self.env.user).billing_item_ids
        self.assertItem(item, amount=120, blocked_reason=False)
        self.assertEqual(self._bill(order).amount_untaxed, 120)

    def test_together_with_time(self):
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line[0], 2)
        self._expense(order, self.hotel, 120)
        invoice = self._bill(order, post=True)
        self.assertEqual(invoice.amount_untaxed, 320)
        self.assertEqual(len(self._product_lines(invoice)), 2)
        self.assertLedger(order)

    # -- currencies -----------------------------------------------------------------------------

    def _foreign(self, code, *rates):
        """Return a currency that costs 1 / rate, from each day on."""
        currency = self.env["res.currency"].with_context(active_test=False)
        currency = currency.search([("name", "=", code)])
        currency.active = True
        currency.rate_ids.unlink()
        self.env["res.currency.rate"].create(
            [
                {
                    "currency_id": currency.id,
                    "company_id": self.company.id,
                    "name": self._day(day),
                    "rate": rate,
                }
                for day, rate in rates
            ]
        )
        return currency

    def _create_foreign_engagement(self, currency):
        pricelist = self.env["product.pricelist"].create(
            {"name": currency.name, "currency_id": currency.id}
        )
        return self._create_engagement([self.hours], pricelist_id=pricelist.id)

    def test_order_in_another_currency(self):
        francs = self._foreign("CHF", (-100, 1.0), (-20, 2.0), (-5, 4.0))
        order = self._create_foreign_engagement(francs)
        item = self._expense(order, self.hotel, 50, date=self._day(-10))
        self.assertItem(item, amount=100, currency_id=francs.id)
        self.assertIn("At 2 on", item.explanation)
        self.assertEqual(item.order_line_id.price_unit, 100)

    def test_paid_in_the_currency_of_the_order(self):
        francs = self._foreign("CHF", (-100, 1.37))
        order = self._create_foreign_engagement(francs)
        item = self._expense(order, self.hotel, 99.99, currency_id=francs.id)
        self.assertEqual(item.amount, 99.99, "no conversion, no cent lost")

    def test_three_currencies(self):
        francs = self._foreign("CHF", (-100, 2.0))
        pounds = self._foreign("GBP", (-100, 0.5))
        order = self._create_foreign_engagement(francs)
        item = self._expense(order, self.hotel, 10, currency_id=pounds.id)
        self.assertEqual(item.amount, 40)
        self.assertIn("booked at", item.explanation)

    def test_no_exchange_rate_of_the_order(self):
        francs = self._foreign("CHF", (-5, 2.0))
        order = self._create_foreign_engagement(francs)
        item = self._expense(order, self.hotel, 50, date=self._day(-10))
        self.assertItem(item, blocked_reason="no_currency_rate", amount=0)
        self.assertIn("no exchange rate for CHF", item.explanation)
        self.assertFalse(self._prebill(order).line_ids)
        francs.rate_ids.name = self._day(-10)
        self.assertEqual(self._bill(order).amount_untaxed, 100)

    def test_no_exchange_rate_of_the_expense(self):
        pounds = self._foreign("GBP")
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.hotel, 50, currency_id=pounds.id)
        self.assertItem(item, blocked_reason="no_currency_rate", amount=0)
        self.assertIn("GBP", item.explanation)

    def test_currency_without_decimals(self):
        yen = self._foreign("JPY", (-100, 100.0))
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.hotel, 12345, currency_id=yen.id)
        self.assertEqual(item.amount, 123.45, "what the books say, cents included")

    # -- taking back ----------------------------------------------------------------------------

    def test_reset_takes_open_work_away(self):
        order = self._create_engagement([self.hours])
        expense = self._post(self._spend(order, self.hotel, 120))
        line = expense.sale_order_line_id
        prebill = self._prebill(order)
        self.assertEqual(prebill.amount_bill, 120)
        self._take_back(expense)
        self.assertFalse(self._items(order))
        self.assertFalse(prebill.line_ids)
        self.assertEqual((line.product_uom_qty, line.qty_delivered, line.qty_to_invoice), (0, 0, 0))
        expense.with_user(self.consultant).action_submit()
        expense.with_user(self.approver)._do_approve()
        self.assertEqual(self._post(expense).billing_item_ids.amount, 120)
        self.assertLedger(order)

    def test_billed_is_not_taken_back(self):
        order = self._create_engagement([self.hours])
        expense = self._post(self._spend(order, self.hotel, 120))
        invoice = self._bill(order, post=True)
        with self.assertRefused(f"on {invoice.name}"):
            self._take_back(expense)
        with self.assertRefused("Credit it there"):
            self._reverse(expense.account_move_id)
        self._credit(invoice)
        self._take_back(expense)
        self.assertFalse(self._items(order).filtered("is_open"))
        self.assertLedger(order)

    def test_written_off_is_taken_back(self):
        order = self._create_engagement([self.hours])
        expense = self._post(self._spend(order, self.hotel, 120))
        item = expense.billing_item_ids
        prebill = self._prebill(order)
        prebill.line_ids.write({"decision": "write_off", "reason_id": self.reason.id})
        prebill.action_invoice()
        self.assertItem(item, written_off_amount=120, open_amount=0)
        self._take_back(expense)
        self.assertItem(item, written_off_amount=120, amount=120, open_amount=0)
        self.assertLedger(order)

    def test_category_no_longer_reinvoiced(self):
        order = self._create_engagement([self.hours])
        item = self._expense(order, self.hotel, 120)
        self.hotel.expense_policy = "no"
        self.assertTrue(item.expense_line_id.sale_order_line_id)
        self.assertEqual(self._bill(order).amount_untaxed, 120)

    # -- who ------------------------------------------------------------------------------------

    def test_salesperson_agrees_on_terms(self):
        order = self._create_engagement([self.hours])
        term = self._terms(order, self.hotel).with_user(self.salesperson)
        term.markup = 15
        item = self._expense(order, self.hotel, 100)
        self.assertEqual(item.amount, 115)
        for user in (self.officer, self.reviewer):
            self.assertEqual(term.with_user(user).markup, 15)
            self.assertFalse(term.with_user(user).has_access("write"))
        self.assertFalse(term.with_user(self.consultant).has_access("read"))
        self.assertFalse(term.with_user(self.other_officer).has_access("read"))

    def test_terms_once_for_each_category(self):
        order = self._create_engagement([self.hours])
        for category in (self.hotel, None):
            self._terms(order, category)
            with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
                self._terms(order, category)

    def test_summary(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, markup=10, billing_cap_amount=100)
        self._terms(order, None, pricing="none")
        self._expense(order, self.hotel, 100)
        sentences = order.billing_summary.split("\n")
        limit = order.currency_id.format(100)
        self.assertEqual(
            sentences[1:],
            [
                f"Hotel: at cost plus 10 %, not more than {limit} each.",
                "All other expenses: not billed.",
            ],
        )

    # -- many -----------------------------------------------------------------------------------

    def test_queries_do_not_grow_with_the_expenses(self):
        francs = self._foreign("CHF", (-100, 2.0))
        orders = self._create_foreign_engagement(francs) | self._create_foreign_engagement(francs)
        for order, count in zip(orders, (2, 12), strict=True):
            self._terms(order, None, markup=10, billing_cap_amount=1000)
            expenses = self.env["hr.expense"]
            for number in range(count):
                expenses |= self._spend(order, self.hotel, 100 + number)
            self._post(expenses)
        counts = []
        for order in (orders[0], *orders):  # the first time fills caches
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            order.order_line._accrue_billing()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
