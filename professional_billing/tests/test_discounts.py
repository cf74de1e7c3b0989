from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common_deductions import DeductionsCommon

STEPS = [(1000, 5), (3000, 10), (0, 15)]


@tagged("post_install", "-at_install")
class TestDiscounts(DeductionsCommon):
    """A discount on bills: a fixed amount used up bill by bill, percentages of the volume."""

    def _engage(self, lines=None, **vals):
        return self._create_engagement(lines or [self.hours], **vals)

    def _fixed(self, amount, **vals):
        return self._engage(bill_discount_type="fixed", bill_discount_amount=amount, **vals)

    def _by_volume(self, mode=False):
        return self._engage(
            bill_discount_type="volume",
            bill_discount_mode=mode,
            bill_discount_tier_ids=[
                Command.create({"up_to": limit, "percentage": percent}) for limit, percent in STEPS
            ],
        )

    def _work(self, order, hours, post=True):
        """Bill hours at 100.00; return the invoice."""
        self._log_time(order.order_line[0], hours)
        return self._bill(order, post=post)

    def _given(self, order):
        order.invalidate_recordset(["bill_discount_given"])
        return order.bill_discount_given

    def test_fixed_amount(self):
        """500.00 off: 300.00 of the first bill, 200.00 of the second, none of the third."""
        order = self._fixed(500)
        self._log_time(order.order_line, 3)
        prebill = self._prebill(order)
        expected = {
            "amount_bill": 300.0,
            "amount_discount": 300.0,
            "amount_untaxed": 0.0,
            "amount_payable": 0.0,
        }
        self.assertRecordValues(prebill, [expected])
        move = prebill.action_invoice().with_env(self.env)
        self.assertRecordValues(prebill, [expected])
        line = self._discount(move)
        self.assertRecordValues(
            line,
            [
                {
                    "price_subtotal": -300.0,
                    "tax_ids": self.tax_sale_a.ids,
                    "account_id": self._work_line(move).account_id.id,
                }
            ],
        )
        self.assertIn(f"{order.currency_id.format(500)} agreed", line.name)
        move.action_post()
        self.assertEqual(self._work(order, 10).amount_untaxed, 800)
        self.assertEqual(self._work(order, 10).amount_untaxed, 1000)
        self.assertEqual(self._given(order), 500)
        self.assertLedger(order)

    def _work_line(self, move):
        return move.invoice_line_ids.filtered("billing_allocation_ids")[:1]

    def test_credit_gives_it_back(self):
        order = self._fixed(500)
        move = self._work(order, 10)
        self._credit(move)
        self.assertEqual(self._given(order), 0)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 500)
        draft = self._work(order, 1, post=False)
        self.assertEqual(draft.amount_untaxed, 100)
        self.assertLedger(order)

    def test_cancelled_draft_gives_it_back(self):
        order = self._fixed(500)
        self._work(order, 3, post=False).button_cancel()
        self.assertEqual(self._given(order), 0)
        self.assertEqual(self._bill(order).amount_untaxed, 0)

    def test_by_volume(self):
        """5 % to 1,000, 10 % to 3,000, 15 % beyond: bills of 800, 1,000, 2,200 are 40, 90, 270 less."""
        order = self._by_volume()
        for hours, off in ((8, 40), (10, 90), (22, 270)):
            move = self._work(order, hours)
            self.assertEqual(self._discount(move).price_subtotal, -off)
        self.assertEqual(self._given(order), 400)
        # 800 less again: 15 % of it. Then it is billed again.
        self._credit(move)
        self.assertEqual(self._given(order), 130)
        self.assertEqual(self._discount(self._bill(order)).price_subtotal, -270)
        self.assertLedger(order)

    def test_by_whole_volume(self):
        """Reaching 10 % makes up for the 5 % of before: 40, then 10 % of 1,800 less 40 = 140."""
        order = self._by_volume("whole")
        self.assertEqual(self._discount(self._work(order, 8)).price_subtotal, -40)
        self.assertEqual(self._discount(self._work(order, 10)).price_subtotal, -140)

    def test_two_taxes(self):
        """The discount is split by the taxes of what it is taken off, to the cent."""
        other = self.percent_tax(20.0)
        order = self._fixed(
            100.01,
            lines=[
                {"product_id": self.hours.id},
                {"product_id": self.hours.id, "tax_ids": [Command.set(other.ids)]},
            ],
        )
        self._log_time(order.order_line[0], 2)
        self._log_time(order.order_line[1], 1)
        lines = self._discount(self._bill(order))
        self.assertEqual(
            {line.tax_ids: line.price_unit for line in lines},
            {self.tax_sale_a: -66.67, other: -33.34},
        )

    def test_several_engagements_on_one_invoice(self):
        orders = self._fixed(100) | self._fixed(30)
        for order in orders:
            self._log_time(order.order_line, 2)
        prebills = self._prebill(orders)
        moves = prebills.with_user(self.officer)._invoice(orders=orders, grouped=False, only=True)
        lines = self._discount(moves.with_env(self.env))
        self.assertEqual(lines.mapped("price_unit"), [-100, -30])
        self.assertEqual(lines.billing_discount_order_id, orders)

    def test_stock_order_is_untouched(self):
        order = self._engage(
            [{"product_id": self.product_a.id, "billing_rule": False}], bill_discount_type="fixed"
        )
        order.bill_discount_amount = 10
        move = order._create_invoices()
        self.assertFalse(self._discount(move))

    def test_terms_that_cannot_be(self):
        with self.assertRaises(ValidationError):
            self._fixed(-1)
        with self.assertRaisesRegex(ValidationError, "no discount for more than"):
            self._engage(
                bill_discount_type="volume",
                bill_discount_tier_ids=[Command.create({"up_to": 5, "percentage": 5})],
            )

    def test_screen_and_words(self):
        order = self._engage(confirm=False)
        with Form(order.with_user(self.salesperson)) as form:
            form.bill_discount_type = "volume"
            for limit, percent in STEPS:
                with form.bill_discount_tier_ids.new() as row:
                    row.up_to = limit
                    row.percentage = percent
        one, three = order.currency_id.format(1000), order.currency_id.format(3000)
        self.assertIn(
            f"Discount by what is billed in all: 5 % up to {one}, 10 % up to {three}, 15 % beyond.",
            order.billing_summary,
        )
