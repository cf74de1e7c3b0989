from odoo.tests import tagged

from .common_deductions import DeductionsCommon

# By decimals: price and limit without tax, discount, deposit; then what the invoice must say.
CASES = {
    2: {
        "price": 123.45,
        "limit": 1000,
        "discount": 50.50,
        "deposit": 300,
        "agreed": 1111.05,
        "untaxed_work": 949.50,
        "retention": 94.95,
        "untaxed": 554.55,
        "tax": 129.90,
    },
    0: {
        "price": 12345,
        "limit": 100000,
        "discount": 5051,
        "deposit": 30000,
        "agreed": 111105,
        "untaxed_work": 94949,
        "retention": 9495,
        "untaxed": 55454,
        "tax": 12990,
    },
    3: {
        "price": 123.456,
        "limit": 1000,
        "discount": 50.505,
        "deposit": 300,
        "agreed": 1111.104,
        "untaxed_work": 949.495,
        "retention": 94.950,
        "untaxed": 554.545,
        "tax": 129.899,
    },
}


@tagged("post_install", "-at_install")
class TestOneInvoice(DeductionsCommon):
    """All deductions on one invoice: limit, discounts, tax, retention, deposit, in their order."""

    def _check(self, case, decimals, included):
        factor = 1.2 if included else 1
        mode = "tax_included" if included else "tax_excluded"
        tax = self.percent_tax(20.0, price_include_override=mode)
        service = self._new_service("Hours", "time_materials", 1, taxes_id=tax.ids)
        order = self._create_engagement(
            [
                {
                    "product_id": service.id,
                    "product_uom_qty": 100,
                    "price_unit": case["price"] * factor,
                    "discount": 10,
                }
            ],
            pricelist_id=self._new_pricelist(decimals).id,
            retention_percent=10,
        )
        order.write(
            {
                "billing_cap_amount": case["limit"] * factor,
                "bill_discount_type": "fixed",
                "bill_discount_amount": round(case["discount"] * factor, decimals),
            }
        )
        order.order_line.price_unit = case["price"] * factor
        self._deposit(order, case["deposit"])
        self._log_time(order.order_line[0], 10)
        prebill = self._prebill(order)
        self._check_prebill(prebill, case, decimals, factor)
        move = prebill.action_invoice().with_env(self.env)
        self._check_prebill(prebill, case, decimals, factor)
        move.action_post()
        figures = move.amount_untaxed, move.amount_tax, move.amount_total
        wanted = case["untaxed"], case["tax"], case["untaxed"] + case["tax"]
        for figure, value in zip(figures, wanted, strict=True):
            self.assertAlmostEqual(figure, value, decimals + 4)
        self.assertAlmostEqual(
            self._retention(move).price_subtotal, -case["retention"], decimals + 4
        )
        self.assertAlmostEqual(self._draws(move).price_subtotal, -case["deposit"], decimals + 4)
        self._check_order(move)
        self.assertLedger(order)
        return order, move

    def _check_prebill(self, prebill, case, decimals, factor):
        wanted = {
            "amount_open": round(case["agreed"] * factor, decimals),
            "amount_bill": case["limit"] * factor,
            "amount_discount": round(case["discount"] * factor, decimals),
            "amount_untaxed": case["untaxed_work"],
            "amount_retention": case["retention"],
            "amount_deposit": case["deposit"],
            "amount_payable": case["untaxed"],
        }
        for name, value in wanted.items():
            self.assertAlmostEqual(prebill[name], value, decimals + 4, name)

    def _check_order(self, move):
        kinds = [
            "discount"
            if line.billing_discount_order_id
            else "retention"
            if line.billing_retention_order_id
            else "deposit"
            if line.is_downpayment
            else "work"
            for line in self._product_lines(move).sorted("sequence")
        ]
        self.assertEqual(kinds, ["work", "discount", "retention", "deposit"])

    def test_tax_on_top(self):
        for decimals, case in CASES.items():
            with self.subTest(decimals=decimals):
                self._check(case, decimals, included=False)

    def test_tax_in_the_price(self):
        for decimals, case in CASES.items():
            with self.subTest(decimals=decimals):
                self._check(case, decimals, included=True)

    def test_credit_gives_everything_back(self):
        order, move = self._check(CASES[2], 2, included=False)
        credit = self._credit(move)
        self.assertEqual(credit.amount_total, move.amount_total)
        order.invalidate_recordset()
        self.assertEqual(order.retention_held, 0)
        self.assertEqual(order.bill_discount_given, 0)
        self.assertEqual(order.deposit_left, 300)
        self.assertLedger(order)
