from odoo.fields import Command
from odoo.tests import Form, tagged

from .common_deductions import DeductionsCommon


@tagged("post_install", "-at_install")
class TestDeposits(DeductionsCommon):
    """Down payments drawn down bill by bill, by Odoo's own down payment lines."""

    def _engage(self, product=None, deposits=(5000,), **vals):
        """An engagement of 100 hours with posted down payments of these amounts, before tax."""
        order = self._create_engagement(
            [{"product_id": (product or self.hours).id, "product_uom_qty": 100}], **vals
        )
        for amount in deposits:
            self._deposit(order, amount)
        return order

    def _work(self, order, hours, post=True):
        self._log_time(order.order_line[0], hours)
        return self._bill(order, post=post)

    def _left(self, order):
        order.invalidate_recordset(["deposit_left"])
        return order.deposit_left

    def test_5000_against_a_bill_of_1000_leaves_4000(self):
        order = self._engage()
        self.assertEqual(self._left(order), 5000)
        self._log_time(order.order_line[0], 10)
        prebill = self._prebill(order)
        expected = {"amount_bill": 1000.0, "amount_deposit": 1000.0, "amount_payable": 0.0}
        self.assertRecordValues(prebill, [{**expected, "deposit_left": 4000.0}])
        move = prebill.action_invoice().with_env(self.env)
        self.assertRecordValues(prebill, [expected])
        self.assertRecordValues(
            move, [{"move_type": "out_invoice", "amount_untaxed": 0.0, "amount_total": 0.0}]
        )
        draw = self._draws(move)
        self.assertRecordValues(
            draw,
            [
                {
                    "quantity": -1.0,
                    "price_unit": 1000.0,
                    "price_subtotal": -1000.0,
                    "account_id": self.deposit_account.id,
                    "tax_ids": self.tax_sale_a.ids,
                }
            ],
        )
        self.assertIn(f"left for later bills: {order.currency_id.format(4000)}", draw.name)
        self.assertEqual(self._left(order), 4000)
        move.action_post()
        deposit = order.order_line.filtered(
            lambda line: line.is_downpayment and not line.display_type
        )
        self.assertRecordValues(
            deposit, [{"price_unit": 5000.0, "qty_invoiced": 0.8, "qty_to_invoice": -0.8}]
        )
        move = self._work(order, 30)
        self.assertEqual(move.amount_total, 0)
        self.assertEqual(self._left(order), 1000)
        move = self._work(order, 15)
        self.assertRecordValues(move, [{"amount_untaxed": 500.0, "amount_total": 575.0}])
        self.assertEqual(self._left(order), 0)
        self.assertEqual(deposit.qty_invoiced, 0)
        self.assertEqual(deposit.price_unit, 5000)
        self.assertEqual(self._work(order, 2).amount_untaxed, 200)
        lines = self.env["account.move.line"].search([("account_id", "=", self.deposit_account.id)])
        self.assertAlmostEqual(sum(lines.mapped("balance")), 0)
        self.assertLedger(order)

    def test_several_deposits_the_oldest_first(self):
        """6.5: deposits of 2,000 and 1,500 invoiced, one of 1,000 only prepared."""
        order = self._engage(deposits=(2000, 1500))
        self._deposit(order, 1000, post=False)
        self.assertEqual(self._left(order), 3500)
        move = self._work(order, 25)
        self.assertEqual(sorted(self._draws(move).mapped("price_unit")), [500, 2000])
        self.assertEqual(self._left(order), 1000)
        move = self._work(order, 50)
        self.assertEqual(move.amount_untaxed, 4000)
        self.assertEqual(self._left(order), 0)
        self.assertLedger(order)

    def test_odd_amounts(self):
        """Parts of an odd deposit leave no cent and make no total below zero."""
        order = self._engage(deposits=(333.33,))
        for _bill in range(3):
            move = self._work(order, 1.11)
            self.assertEqual(move.amount_total, 0)
        move = self._work(order, 1)
        self.assertEqual(self._draws(move).price_unit, 0.33)
        self.assertEqual(self._left(order), 0)
        self.assertLedger(order)

    def test_by_the_button_of_odoo(self):
        """“Create Invoice” draws too, unless the user takes the tick off."""
        order = self._engage()
        self._log_time(order.order_line[0], 10)
        move = self._bill_by_wizard(order, deduct_down_payments=False)
        self.assertFalse(self._draws(move))
        move.unlink()
        move = self._bill_by_wizard(order)
        self.assertEqual(self._draws(move).price_unit, 1000)
        self.assertEqual(move.amount_total, 0)
        self.assertLedger(order)

    def test_tax_included(self):
        tax = self.percent_tax(25.0, price_include_override="tax_included")
        service = self._new_service("Hours, tax in", "time_materials", 125, taxes_id=tax.ids)
        order = self._engage(service)
        self.assertEqual(self._left(order), 5000)
        self._log_time(order.order_line[0], 10)
        prebill = self._prebill(order)
        self.assertRecordValues(
            prebill,
            [
                {
                    "amount_bill": 1250.0,
                    "amount_untaxed": 1000.0,
                    "amount_deposit": 1000.0,
                    "amount_payable": 0.0,
                    "deposit_left": 4000.0,
                }
            ],
        )
        move = prebill.action_invoice().with_env(self.env)
        self.assertRecordValues(move, [{"amount_untaxed": 0.0, "amount_total": 0.0}])
        self.assertEqual(self._draws(move).price_unit, 1250)
        move.action_post()
        self.assertEqual(self._left(order), 4000)
        move = self._work(order, 45)
        self.assertRecordValues(move, [{"amount_untaxed": 500.0, "amount_total": 625.0}])
        self.assertEqual(self._left(order), 0)
        self.assertLedger(order)

    def test_cancelled_bill_gives_back(self):
        order = self._engage()
        move = self._work(order, 10, post=False)
        self.assertEqual(self._left(order), 4000)
        move.button_cancel()
        self.assertEqual(self._left(order), 5000)
        move = self._bill(order)
        move.unlink()
        self.assertEqual(self._left(order), 5000)
        self.assertTrue(order.order_line._get_deposits())
        self.assertLedger(order)

    def test_credited_bill_gives_back(self):
        order = self._engage()
        move = self._work(order, 10)
        credit = self._credit(move, post=False)
        self.assertEqual(self._left(order), 4000)
        credit.action_post()
        self.assertEqual(credit.amount_total, 0)
        self.assertEqual(self._left(order), 5000)
        self.assertEqual(self._draws(self._bill(order, post=True)).price_unit, 1000)
        self.assertEqual(self._left(order), 4000)
        self.assertLedger(order)

    def test_credited_in_part(self):
        order = self._engage()
        move = self._work(order, 10)
        self._credit(move, self._halves(move))
        self.assertEqual(self._left(order), 4500)
        self.assertLedger(order)

    def _halves(self, move):
        return {line: line.quantity / 2 for line in self._product_lines(move)}

    def test_credited_deposit(self):
        order = self._engage(deposits=())
        down = self._deposit(order, 5000)
        self._work(order, 10)
        credit = self._credit(down, post=False)
        self.assertLess(self._left(order), 0.01)
        credit.unlink()
        self.assertEqual(self._left(order), 4000)

    def test_limit_retention_and_deposit_on_one_bill(self):
        """Agreed 1,500, limit 1,200, retention 10 % = 120, deposit 500: 580 payable and its tax."""
        for included in (False, True):
            with self.subTest(included=included):
                mode = "tax_included" if included else "tax_excluded"
                tax = self.percent_tax(20.0, price_include_override=mode)
                factor = 1.2 if included else 1
                service = self._new_service(
                    "Hours", "time_materials", 100 * factor, taxes_id=tax.ids
                )
                order = self._engage(
                    service,
                    deposits=(500,),
                    billing_cap_amount=1200 * factor,
                    retention_percent=10,
                )
                self._log_time(order.order_line[0], 15)
                prebill = self._prebill(order)
                expected = {
                    "amount_open": 1500.0 * factor,
                    "amount_over_cap": 300.0 * factor,
                    "amount_bill": 1200.0 * factor,
                    "amount_untaxed": 1200.0,
                    "amount_retention": 120.0,
                    "amount_deposit": 500.0,
                    "amount_payable": 580.0,
                }
                self.assertRecordValues(prebill, [expected])
                move = prebill.action_invoice().with_env(self.env)
                self.assertRecordValues(prebill, [expected])
                self.assertRecordValues(
                    move, [{"amount_untaxed": 580.0, "amount_tax": 140.0, "amount_total": 720.0}]
                )
                kinds = [
                    "retention"
                    if line.billing_retention_order_id
                    else "deposit"
                    if line.is_downpayment
                    else "work"
                    for line in self._product_lines(move).sorted("sequence")
                ]
                self.assertEqual(kinds, ["work", "retention", "deposit"])
                move.action_post()
                self.assertLedger(order)

    def test_credit_gives_back_work_retention_and_deposit(self):
        order = self._engage(retention_percent=10)
        move = self._work(order, 10)
        credit = self._credit(move)
        self.assertEqual(credit.amount_total, move.amount_total)
        self.assertEqual(self._left(order), 5000)
        self.assertEqual(order.retention_held, 0)
        again = self._bill(order, post=True)
        for name in ("amount_untaxed", "amount_tax", "amount_total"):
            self.assertEqual(again[name], move[name])
        self.assertLedger(order)

    def test_two_taxes(self):
        """Each part of a deposit goes to work under its own tax, as long as there is some."""
        other = self.percent_tax(20.0)
        order = self._create_engagement(
            [
                {"product_id": self.hours.id, "product_uom_qty": 50},
                {
                    "product_id": self.hours.id,
                    "product_uom_qty": 50,
                    "tax_ids": [Command.set(other.ids)],
                },
            ]
        )
        self._deposit(order, 2000)
        self.assertEqual(self._left(order), 2000)
        self._log_time(order.order_line[1], 6)
        self._log_time(order.order_line[0], 2)
        move = self._bill(order, post=True)
        self.assertEqual(
            {line.tax_ids: line.price_unit for line in self._draws(move)},
            {self.tax_sale_a: 200, other: 600},
        )
        self.assertEqual(move.amount_total, 0)
        # 800 and 400 are left; 1,000 under the second tax take what they can.
        self._log_time(order.order_line[1], 10)
        move = self._bill(order, post=True)
        self.assertEqual(
            {line.tax_ids: line.price_unit for line in self._draws(move)},
            {self.tax_sale_a: 600, other: 400},
        )
        self.assertAlmostEqual(move.amount_untaxed, 0)
        self.assertAlmostEqual(move.amount_total, 600 * 0.05)
        self.assertEqual(self._left(order), 200)
        self.assertLedger(order)

    def test_tax_rounded_globally(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        order = self._engage(deposits=(777.77,), retention_percent=5)
        for hours in (1.23, 2.57, 3.33, 3.01):
            move = self._work(order, hours)
            self.assertGreaterEqual(move.amount_total, 0)
        self.assertEqual(self._left(order), 0)
        self.assertLedger(order)

    def test_deposit_larger_than_what_retention_leaves(self):
        """The deposit pays what is payable; the tax on what is held back stays due."""
        order = self._engage(retention_percent=10)
        move = self._work(order, 10)
        self.assertEqual(self._draws(move).price_unit, 900)
        self.assertRecordValues(move, [{"amount_untaxed": 0.0, "amount_total": 15.0}])
        self.assertEqual(self._left(order), 4100)
        self.assertLedger(order)

    def test_deposit_without_tax(self):
        """A deposit whose invoice the accountant made without tax: never below zero."""
        order = self._engage(deposits=())
        down = self._deposit(order, 5000, post=False)
        down.invoice_line_ids.tax_ids = [Command.clear()]
        down.action_post()
        move = self._work(order, 10)
        self.assertRecordValues(move, [{"amount_untaxed": 0.0, "amount_total": 150.0}])
        self.assertEqual(self._left(order), 4000)
        self.assertLedger(order)

    def test_currencies_with_0_and_3_decimals(self):
        for decimals, price, left in ((0, 1235, 3765), (3, 1234.567, 3765.433)):
            with self.subTest(decimals=decimals):
                order = self._engage(pricelist_id=self._new_pricelist(decimals).id)
                order.order_line[0].price_unit = price
                move = self._work(order, 1)
                self.assertAlmostEqual(move.amount_total, 0, decimals)
                self.assertAlmostEqual(self._draws(move).price_unit, price, decimals)
                self.assertAlmostEqual(self._left(order), left, decimals)
                self.assertLedger(order)

    def test_only_when_asked(self):
        """The other policy is Odoo's own; what was drawn before is not deducted again."""
        order = self._engage()
        self._work(order, 10)
        order.deposit_policy = "final"
        self.assertFalse(self._draws(self._work(order, 10)))
        self._log_time(order.order_line[0], 10)
        move = self._bill_by_wizard(order)
        self.assertEqual(self._draws(move).price_unit, 4000)
        self.assertRecordValues(move, [{"move_type": "out_refund", "amount_untaxed": 3000.0}])
        self.assertEqual(self._left(order), 0)
        move.action_post()
        self._log_time(order.order_line[0], 1)
        self.assertFalse(self._draws(self._bill_by_wizard(order)))
        self.assertLedger(order)

    def test_one_engagement_does_not_pay_for_another(self):
        orders = self._engage() | self._engage(deposits=(100,))
        for order in orders:
            self._log_time(order.order_line[0], 10)
        move = self._bill_by_wizard(orders, consolidated_billing=True)
        self.assertEqual(len(move), 1)
        self.assertEqual(sorted(self._draws(move).mapped("price_unit")), [100, 1000])
        self.assertEqual(move.amount_untaxed, 900)
        self.assertLedger(orders)

    def test_stock_order_is_untouched(self):
        order = self._create_engagement(
            [{"product_id": self.hours.id, "billing_rule": False, "product_uom_qty": 100}]
        )
        down = self._deposit(order, 5000)
        self._log_time(order.order_line[0], 10)
        move = self._bill_by_wizard(order)
        self.assertRecordValues(move, [{"move_type": "out_refund", "amount_untaxed": 4000.0}])
        self.assertEqual(down.state, "posted")

    def test_screen(self):
        order = self._engage()
        with Form(order.with_user(self.salesperson), view="sale.view_order_form") as form:
            self.assertEqual(form.deposit_left, 5000)
            form.deposit_policy = "final"
        self.assertEqual(order.deposit_policy, "final")
