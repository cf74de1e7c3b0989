from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common_methods import MethodCommon


@tagged("post_install", "-at_install")
class TestMethodSuccessFee(MethodCommon):
    """A percentage of an outcome in money."""

    TIERS = ((1000000, 5), (3000000, 10), (0, 15))

    def _tiers(self, rows=TIERS, **terms):
        rows = [Command.create({"up_to": up_to, "price_unit": share}) for up_to, share in rows]
        return {"tier_ids": rows, **terms}

    def _reach(self, line, outcome, **vals):
        return self._record("billing.usage", line, quantity=outcome, **vals)

    def test_four_months(self):
        """Nothing in January, sales in February and March at a lower share, one of them undone."""
        with self._on(2026, 1, 5):
            line = self._sell(self.sale, {"success_percentage": 2.5})
        with self._on(2026, 1, 31):
            self.assertEqual(self._post(line), 0)
            self.assertEqual(line.invoice_status, "no")
        with self._on(2026, 2, 20):
            sold = self._reach(line, 400000, name="Sale of the north wing")
            self.assertEqual(self._post(line), 10000)
            february = self.last_move
        self.assertExplained(sold.item_ids, "2.5 % of 400,000.00 = 10,000.00")
        billed = self._product_lines(february)
        self.assertRecordValues(billed, [{"quantity": 1, "price_unit": 10000}])
        self.assertEqual(
            self._plain(billed.name), "Sale of the north wing\n2.5 % of 400,000.00 = 10,000.00"
        )
        with self._on(2026, 3, 1):
            line.with_user(self.salesperson).success_percentage = 2
            self.assertEqual(sold.amount, 10000)
        with self._on(2026, 3, 15):
            self._reach(line, 123456.78)
            self.assertEqual(self._post(line), 2469.14)
        with self._on(2026, 4, 2):
            # The buyer of February paid 380,000 in the end: credited, billed again at that.
            self._credit(february)
            self.assertLedger(line.order_id)
            sold.with_user(self.reviewer).quantity = 380000
            self.assertEqual(sold.amount, 7600)
            self.assertEqual(self._post(line), 7600)
        with self._on(2026, 4, 30):
            self.assertEqual(self._post(line), 0)
        self.assertEqual(line.billing_billed_amount, 10069.14)
        self.assertRecordValues(
            line, [{"qty_invoiced": 2, "qty_delivered": 2, "invoice_status": "invoiced"}]
        )

    def test_published_figures(self):
        """4,000,000 at 5, 10 and 15 %: 400,000 by parts, 600,000 on the whole (practice.md C18)."""
        for mode, amount, sentences in (
            (
                "marginal",
                400000,
                (
                    "5 % of 1,000,000.00 = 50,000.00",
                    "10 % of 2,000,000.00 = 200,000.00",
                    "15 % of 1,000,000.00 = 150,000.00",
                    "Together 400,000.00",
                ),
            ),
            ("whole", 600000, ("the same for all of it", "15 % of 4,000,000.00")),
        ):
            with self.subTest(mode=mode):
                line = self._sell(self.sale, self._tiers(tier_mode=mode))
                item = self._reach(line, 4000000).item_ids
                self.assertItem(item, amount=amount, quantity=1, kind="success")
                self.assertExplained(item, *sentences)
                self.assertEqual(self._post(line), amount)
                invoice_line = self._product_lines(self.last_move)
                self.assertEqual((invoice_line.quantity, invoice_line.price_unit), (1, amount))

    def test_in_words(self):
        """The quotation says the percentage, or those by volume."""
        line = self._sell(self.sale, {"success_percentage": 2.5}, confirm=False)
        self.assertInWords(line, "Fee on the sale: 2.5 % of the outcome.")
        line = self._sell(self.sale, self._tiers(), confirm=False)
        self.assertInWords(
            line,
            "Fee on the sale: 5 % up to 1,000,000.00, 10 % up to 3,000,000.00, 15 % above.",
        )

    def test_discount(self):
        """The line's discount comes off the fee."""
        line = self._sell(self.sale, {"success_percentage": 10}, discount=50)
        item = self._reach(line, 1000).item_ids
        self.assertItem(item, standard_amount=100, amount=50)
        self.assertExplained(item, "10 % of 1,000.00 = 100.00", "Less 50 % discount: 50.00")
        self.assertEqual(self._post(line), 50)

    def test_part_credited(self):
        """A credit of a part opens that part of the fee, for a person to bill or write off."""
        line = self._sell(self.sale, {"success_percentage": 10})
        item = self._reach(line, 1000).item_ids
        self._post(line)
        self._credit(self.last_move, {self._product_lines(self.last_move): 0.25})
        self.assertLedger(line.order_id)
        self.assertItem(item, billed_amount=75, open_amount=25)
        self.assertEqual(self._post(line), 25)

    def test_setup_errors(self):
        """Neither a percentage nor rows by volume; rows that end, or are no percentages."""
        self.assertIn("enter the percentage of the outcome", self._confirm_error(self.sale))
        message = self._confirm_error(self.sale, self._tiers(((1000, 5),)))
        self.assertIn("end at 1000. Add a row without limit", message)
        message = self._confirm_error(self.sale, self._tiers(((1000, 5), (0, 101))))
        self.assertIn("between 0 and 100", message)

    def test_impossible_percentage(self):
        """More than all of it is refused."""
        line = self._sell(self.sale, confirm=False).with_user(self.salesperson)
        for percentage in (-1, 100.5):
            with self.subTest(percentage=percentage), self.assertRaises(ValidationError) as caught:
                line.success_percentage = percentage
            self.assertIn("between 0 and 100", str(caught.exception))

    def test_percentage_lost_later(self):
        """Taken away on a confirmed line: the outcome waits and says why."""
        line = self._sell(self.sale, {"success_percentage": 10})
        item = self._reach(line, 1000).item_ids
        line.with_user(self.salesperson).success_percentage = 0
        self.assertItem(item, amount=0, blocked_reason="no_price")
        self.assertExplained(item, "enter the percentage of the outcome")
        self.assertEqual(self._post(line), 0)

    def test_rights(self):
        """Outcomes are recorded by the project manager, officer and salesperson, by nobody else."""
        line = self._sell(self.sale, {"success_percentage": 10})
        outcome = self._reach(line, 1000)
        self._reach(line, 1000, user=self.officer)
        for user in (self.consultant, self.other_officer):
            self.assertKeptOff(outcome, user, "read", "write", "create", "unlink")
