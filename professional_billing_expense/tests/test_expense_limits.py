from odoo.tests import tagged

from .common import ExpenseCommon


@tagged("post_install", "-at_install")
class TestExpenseLimits(ExpenseCommon):
    """The most that is billed: of one expense, of a category, of the engagement."""

    def test_each_expense(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, markup=10, billing_cap_amount=100)
        item = self._expense(order, self.hotel, 120)
        money = order.currency_id.format
        self.assertItem(item, standard_amount=120, amount=100, blocked_reason=False)
        self.assertEqual(
            item.explanation.split("\n"),
            [
                f"Cost {money(120)}",
                f"+10 % mark-up = {money(132)}",
                f"Hotel is billed up to {money(100)}: {money(32)} is not billed",
            ],
        )
        self._expense(order, self.hotel, 90)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 199)
        self.assertLedger(order)

    def test_category_in_all(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, billing_cap_amount=500, billing_cap_period="total")
        later = self._expense(order, self.hotel, 300, date=self.today)
        first = self._expense(order, self.hotel, 300, date=self._day(-3))
        meal = self._expense(order, self.meals, 50)
        self.assertIn("together", first.explanation)
        prebill = self._prebill(order)
        self.assertEqual((prebill.amount_bill, prebill.amount_over_cap), (550, 100))
        invoice = prebill.action_invoice()
        invoice.action_post()
        self.assertItem(first, billed_amount=300)
        self.assertItem(later, billed_amount=200, written_off_amount=100, open_amount=0)
        self.assertEqual(later.allocation_ids.filtered(lambda row: row.cause == "cap").amount, 100)
        self.assertItem(meal, billed_amount=50)
        self.assertLedger(order)

    def test_category_across_bills(self):
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, billing_cap_amount=500, billing_cap_period="total")
        self._expense(order, self.hotel, 400)
        invoice = self._bill(order, post=True)
        self._expense(order, self.hotel, 300)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 100)
        self._credit(invoice)
        self.assertEqual(self._bill(order).amount_untaxed, 400, "a credit gives room back")
        self.assertLedger(order)

    def test_category_that_waits(self):
        order = self._create_engagement([self.hours])
        term = self._terms(
            order,
            self.hotel,
            billing_cap_amount=100,
            billing_cap_period="total",
            billing_cap_policy="park",
        )
        item = self._expense(order, self.hotel, 150)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 100)
        self.assertItem(item, open_amount=50)
        term.billing_cap_amount = 200
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 50)
        self.assertLedger(order)

    def test_category_each_month(self):
        order = self._create_engagement([self.hours])
        self._terms(order, None, billing_cap_amount=100, billing_cap_period="month")
        last_month = self.today.replace(day=1)
        self._expense(order, self.hotel, 80, date=self.today)
        self._expense(order, self.meals, 80, date=self.today)
        self._expense(order, self.meals, 80, date=last_month.replace(year=last_month.year - 1))
        self.assertEqual(self._bill(order).amount_untaxed, 180)

    def test_engagement_without_expenses(self):
        """By default expenses come on top of the limit, and do not use it up."""
        order = self._create_engagement([self.hours], billing_cap_amount=500)
        self._expense(order, self.hotel, 400)
        self._log_time(order.order_line[0], 6)
        prebill = self._prebill(order)
        self.assertEqual((prebill.amount_bill, prebill.amount_over_cap), (900, 100))
        self.assertEqual(order._get_cap_earned((None, None)), {order.id: 600})

    def test_engagement_with_expenses(self):
        order = self._create_engagement(
            [self.hours], billing_cap_amount=500, billing_cap_expenses=True
        )
        self._expense(order, self.hotel, 400, date=self._day(-1))
        self._log_time(order.order_line[0], 6)
        prebill = self._prebill(order)
        self.assertEqual((prebill.amount_bill, prebill.amount_over_cap), (500, 500))
        self.assertEqual(order._get_cap_earned((None, None)), {order.id: 1000})

    def test_two_engagements_at_once(self):
        """What is counted is decided for each engagement."""
        orders = self.env["sale.order"]
        for included in (True, False):
            order = self._create_engagement(
                [self.hours], billing_cap_amount=1000, billing_cap_expenses=included
            )
            self._expense(order, self.hotel, 400)
            orders |= order
        self.assertEqual(orders._get_cap_earned((None, None)), {orders[0].id: 400})

    def test_both_limits(self):
        order = self._create_engagement(
            [self.hours], billing_cap_amount=250, billing_cap_expenses=True
        )
        self._terms(order, self.hotel, billing_cap_amount=200, billing_cap_period="total")
        self._expense(order, self.hotel, 300)
        self._expense(order, self.meals, 100)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 250)
        self.assertLedger(order)

    def test_words(self):
        order = self._create_engagement([self.hours], billing_cap_amount=500)
        self.assertNotIn("xpenses", order.billing_summary, "not a word where there is none")
        self._terms(order, self.hotel)
        self.assertIn("Expenses come on top.", order.billing_summary)
        order.billing_cap_expenses = True
        self.assertIn("Expenses count towards it.", order.billing_summary)
