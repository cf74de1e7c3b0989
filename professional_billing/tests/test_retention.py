from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common_deductions import DeductionsCommon


@tagged("post_install", "-at_install")
class TestRetention(DeductionsCommon):
    """What clients hold back of each bill: on the bill, after a credit, when it is released."""

    def _engage(self, product=None, percent=10, maximum=0, **vals):
        return self._create_engagement(
            [product or self.hours],
            retention_percent=percent,
            retention_maximum=maximum,
            **vals,
        )

    def _bill_fee(self, order, price, post=True):
        """Bill one hour at `price`."""
        order.order_line.price_unit = price
        self._log_time(order.order_line, 1)
        return self._bill(order, post=post)

    def _held(self, order):
        order.invalidate_recordset(["retention_held", "retention_releasable"])
        return order.retention_held

    def _release(self, order, user=None, post=False, **vals):
        wizard = self.env["billing.retention.release"].with_user(user or self.officer)
        action = wizard.create({"order_id": order.id, **vals}).action_release()
        move = self.env["account.move"].browse(action["res_id"])
        if post:
            move.action_post()
        return move

    def test_6_14_held_and_released(self):
        """80,000 at 10 %: 8,000 held, 72,000 payable, released later."""
        order = self._engage()
        order.order_line.price_unit = 80000
        self._log_time(order.order_line, 1)
        prebill = self._prebill(order)
        expected = {
            "amount_bill": 80000.0,
            "amount_untaxed": 80000.0,
            "amount_retention": 8000.0,
            "amount_payable": 72000.0,
        }
        self.assertRecordValues(prebill, [expected])
        move = prebill.action_invoice().with_env(self.env)
        self.assertRecordValues(prebill, [expected])
        line = self._retention(move)
        self.assertRecordValues(
            line,
            [{"price_subtotal": -8000.0, "account_id": self.retention_account.id, "tax_ids": []}],
        )
        self.assertEqual(
            line.name,
            f"Retention 10 % of {order.currency_id.format(80000)} "
            f"(held so far {order.currency_id.format(0)})",
        )
        # Tax is due on the whole bill.
        self.assertRecordValues(move, [{"amount_untaxed": 72000.0, "amount_tax": 12000.0}])
        self.assertEqual(self._held(order), 8000)
        self.assertEqual(order.retention_releasable, 0)
        with self.assertRefused("no posted invoice holds back"):
            self._release(order)
        move.action_post()
        release = self._release(order)
        self.assertEqual(release.state, "draft")
        self.assertRecordValues(release, [{"amount_untaxed": 8000.0, "amount_tax": 0.0}])
        self.assertEqual(release.invoice_line_ids.account_id, self.retention_account)
        release.action_post()
        self.assertEqual(self._held(order), 0)
        self.assertEqual(sum(line.balance for line in order.retention_line_ids), 0)
        self.assertLedger(order)

    def test_maximum_binds_inside_a_claim(self):
        order = self._engage(maximum=500)
        self.assertEqual(self._retention(self._bill_fee(order, 4000)).price_subtotal, -400)
        move = self._bill_fee(order, 3000)
        self.assertEqual(self._retention(move).price_subtotal, -100)
        self.assertIn("at most", self._retention(move).name)
        self.assertFalse(self._retention(self._bill_fee(order, 1000)))
        self.assertEqual(self._held(order), 500)
        # What is released makes room again, until the maximum is lowered.
        self._release(order, mode="amount", amount=200, post=True)
        self.assertEqual(self._retention(self._bill_fee(order, 1000)).price_subtotal, -100)
        self.assertLedger(order)

    def test_tax_included(self):
        """The retention is of the work before tax, also where prices include it."""
        tax = self.percent_tax(25.0, price_include_override="tax_included")
        service = self._new_service("Hours, tax in", "time_materials", 1250, taxes_id=tax.ids)
        order = self._engage(service)
        self._log_time(order.order_line, 2)
        prebill = self._prebill(order)
        self.assertRecordValues(
            prebill,
            [
                {
                    "amount_bill": 2500.0,
                    "amount_untaxed": 2000.0,
                    "amount_retention": 200.0,
                    "amount_payable": 1800.0,
                }
            ],
        )
        move = prebill.action_invoice()
        self.assertRecordValues(
            move, [{"amount_untaxed": 1800.0, "amount_tax": 500.0, "amount_total": 2300.0}]
        )
        self.assertLedger(order)

    def test_after_limit_and_discount(self):
        """1,000 less 10 % = 900, limited to 600: 60 is held."""
        order = self._engage(billing_cap_amount=600)
        order.order_line.write({"price_unit": 1000, "discount": 10})
        self._log_time(order.order_line, 1)
        prebill = self._prebill(order)
        self.assertRecordValues(
            prebill,
            [
                {
                    "amount_open": 900.0,
                    "amount_over_cap": 300.0,
                    "amount_bill": 600.0,
                    "amount_retention": 60.0,
                    "amount_payable": 540.0,
                }
            ],
        )
        move = prebill.action_invoice()
        self.assertRecordValues(move, [{"amount_untaxed": 540.0, "amount_tax": 90.0}])
        self.assertLedger(order)

    def test_currencies_with_0_and_3_decimals(self):
        for decimals, price, held in ((0, 1235, 124), (3, 1234.567, 123.457)):
            with self.subTest(decimals=decimals):
                order = self._engage(pricelist_id=self._new_pricelist(decimals).id)
                move = self._bill_fee(order, price)
                self.assertAlmostEqual(self._retention(move).price_subtotal, -held, decimals)
                self.assertAlmostEqual(self._retention(move).price_unit, -held, decimals)
                self.assertAlmostEqual(self._held(order), held, decimals)
                release = self._release(order, mode="percent", percent=50)
                half = 62 if decimals == 0 else 61.729
                self.assertAlmostEqual(release.amount_total, half, decimals)
                self.assertLedger(order)

    def test_full_credit(self):
        order = self._engage()
        move = self._bill_fee(order, 1000)
        credit = self._credit(move, post=False)
        self.assertEqual(self._held(order), 0)
        self.assertEqual(self._retention(credit).billing_retention_order_id, order)
        credit.action_post()
        self.assertEqual(credit.amount_total, move.amount_total)
        self.assertEqual(self._held(order), 0)
        self.assertEqual(self._retention(self._bill(order, post=True)).price_subtotal, -100)
        self.assertEqual(self._held(order), 100)
        self.assertLedger(order)

    def test_partial_credit(self):
        order = self._engage()
        move = self._bill_fee(order, 1000)
        lines = self._product_lines(move)
        self._credit(move, dict.fromkeys(lines, 0.25))
        self.assertEqual(self._held(order), 75)
        self.assertLedger(order)

    def test_reverse_and_create_invoice(self):
        order = self._engage()
        move = self._bill_fee(order, 1000)
        again = self._reverse(move, "modify_moves")
        self.assertEqual(self._retention(again).price_subtotal, -100)
        self.assertEqual(self._held(order), 100)
        again.action_post()
        self.assertLedger(order)

    def test_deleted_and_cancelled_drafts_hold_nothing(self):
        order = self._engage()
        move = self._bill_fee(order, 1000, post=False)
        move.unlink()
        self.assertEqual(self._held(order), 0)
        move = self._bill(order)
        self.assertEqual(self._held(order), 100)
        move.button_cancel()
        self.assertEqual(self._held(order), 0)
        self.assertLedger(order)

    def test_released_in_parts(self):
        order = self._engage()
        self._bill_fee(order, 5000)
        self.assertEqual(self._release(order, mode="percent", percent=20).amount_total, 100)
        self.assertEqual(
            self._release(order, mode="amount", amount=150, post=True).amount_total, 150
        )
        self.assertEqual(self._held(order), 250)
        self.assertEqual(self._release(order).amount_total, 250)
        with self.assertRefused("no posted invoice holds back"):
            self._release(order)

    def test_more_than_held_is_refused(self):
        order = self._engage()
        self._bill_fee(order, 5000)
        for values in (
            {"mode": "amount", "amount": 500.01},
            {"mode": "amount", "amount": -1},
            {"mode": "amount"},
            {"mode": "percent", "percent": 101},
        ):
            with self.subTest(values), self.assertRefused("is held. Release an amount above"):
                self._release(order, **values)
        release = self._release(order)
        release.invoice_line_ids.price_unit = 600
        with self.assertRefused("more than is held"):
            release.action_post()

    def test_credit_after_release_is_refused(self):
        """What was released is not given back once more: the client has paid the whole bill."""
        order = self._engage()
        move = self._bill_fee(order, 1000)
        self._release(order, post=True)
        credit = self._credit(move, post=False)
        with self.assertRefused("Lower or delete the retention line"):
            credit.action_post()
        self._retention(credit).unlink()
        credit.action_post()
        self.assertEqual(credit.amount_untaxed, 1000)
        self.assertEqual(self._held(order), 0)
        self.assertLedger(order)

    def test_credit_of_a_release_holds_again(self):
        order = self._engage()
        self._bill_fee(order, 1000)
        release = self._release(order, post=True)
        self._credit(release)
        self.assertEqual(self._held(order), 100)
        self.assertEqual(order.retention_releasable, 100)

    def test_duplicate_holds_nothing(self):
        order = self._engage()
        move = self._bill_fee(order, 1000)
        move.copy()
        self.assertEqual(self._held(order), 100)

    def test_several_engagements_on_one_invoice(self):
        orders = self._engage() | self._engage(percent=5) | self._engage(percent=0)
        for order in orders:
            self._log_time(order.order_line, 10)
        self._gather_consolidated(orders)
        self.assertEqual([self._held(order) for order in orders], [100, 50, 0])
        self.assertLedger(orders)

    def _gather_consolidated(self, orders):
        move = self._bill_by_wizard(orders, consolidated_billing=True)
        self.assertEqual(len(move), 1)
        self.assertEqual(len(self._retention(move)), 2)

    def test_no_work_no_retention(self):
        """An invoice without work of ours has no retention, nor have other lines on one with it."""
        goods = self._new_service(
            "Licence", False, 50.0, self.uom_unit, service_policy="ordered_prepaid"
        )
        order = self._create_engagement(
            [self.hours, {"product_id": goods.id, "product_uom_qty": 2}], retention_percent=10
        )
        move = self._bill_by_wizard(order)
        self.assertEqual(move.amount_untaxed, 100)
        self.assertFalse(self._retention(move))
        self._log_time(order.order_line[0], 3)
        move.unlink()
        move = self._bill_by_wizard(order)
        self.assertEqual(self._retention(move).price_subtotal, -30)
        self.assertLedger(order)

    def test_stock_order_is_untouched(self):
        goods = self._new_service(
            "Licence", False, 50.0, self.uom_unit, service_policy="ordered_prepaid"
        )
        order = self._create_engagement([goods], retention_percent=10)
        self.assertFalse(order.is_engagement)
        move = order._create_invoices()
        self.assertEqual(len(move.invoice_line_ids), 1)
        self.assertEqual(order.retention_held, 0)

    def test_account_missing(self):
        order = self._engage()
        self._log_time(order.order_line, 1)
        self.company.billing_retention_account_id = False
        prebill = self._prebill(order)
        self.assertEqual(prebill.amount_retention, 10)
        with self.assertRefused("has no account for it"):
            prebill.action_invoice()

    def test_terms_out_of_range(self):
        order = self._engage()
        for name, value in (("percent", 101), ("percent", -1), ("maximum", -1)):
            with (
                self.subTest(name, value=value),
                self.assertRefused("retain" if name == "maximum" else "retention"),
            ):
                order[f"retention_{name}"] = value

    def test_in_words_and_in_the_check(self):
        order = self._engage()
        self.assertIn("10 % of each bill is retained.", order.billing_summary)
        order.retention_maximum = 5000
        self.assertIn(
            f"is retained, up to {order.currency_id.format(5000)}.", order.billing_summary
        )
        self.company.billing_retention_account_id = False
        findings = order._get_billing_findings()
        self.assertIn("has no account for it", findings[0]["message"])

    def test_from_a_template(self):
        template = self.env["sale.order.template"].create(
            {
                "name": "Works",
                "is_engagement": True,
                "retention_percent": 5,
                "deposit_policy": "final",
            }
        )
        order = self.env["sale.order"].new({"sale_order_template_id": template.id})
        order._onchange_sale_order_template_id()
        self.assertEqual((order.retention_percent, order.deposit_policy), (5, "final"))

    def test_currency_of_a_release(self):
        order = self._engage()
        self._bill_fee(order, 1000)
        release = self._release(order)
        release.currency_id = self._new_pricelist(2).currency_id
        with self.assertRefused("Set its currency back"):
            release.action_post()

    def test_rights(self):
        """The salesperson agrees on it, the officer releases."""
        order = self._create_engagement([self.hours], confirm=False)
        with Form(order.with_user(self.salesperson)) as form:
            form.retention_percent = 10
            form.retention_maximum = 5000
        order.action_confirm()
        order.project_ids.user_id = self.reviewer
        self._bill_fee(order, 1000)
        self.assertEqual(order.with_user(self.salesperson).retention_held, 100)
        for user in (self.salesperson, self.reviewer, self.consultant):
            with self.subTest(user.name), self.assertRaises(AccessError):
                self._release(order, user=user)
        action = order.with_user(self.officer).action_release_retention()
        with Form.from_action(self.env(user=self.officer.id), action) as form:
            self.assertEqual(form.release_amount, 100)
            form.mode = "percent"
            form.percent = 130
            self.assertEqual(form.release_amount, 0)
            form.percent = 25
            self.assertEqual(form.release_amount, 25)
        action = form.record.action_release()
        self.assertEqual(self.env["account.move"].browse(action["res_id"]).amount_total, 25)
        action = order.with_user(self.officer).action_view_retention()
        self.assertEqual(len(self.env["account.move"].search(action["domain"])), 2)

    def test_lower_on_the_prebill_lowers_the_retention(self):
        """What is shown follows the review before it is saved."""
        order = self._engage()
        self._log_time(order.order_line, 10)
        prebill = self._prebill(order).with_user(self.officer)
        with Form(prebill) as form:
            with form.line_ids.edit(0) as line:
                line.quantity = 5
            self.assertEqual(form.amount_retention, 50)
            self.assertEqual(form.amount_payable, 450)
