import datetime

import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common_methods import MethodCommon


def day(month, number):
    return datetime.date(2026, month, number)


@tagged("post_install", "-at_install")
class TestMethodPrepaid(MethodCommon):
    """Blocks of hours or money: billed when sold, used in their order, filled up when low."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prepaid = cls._new_service("Prepaid advice", "prepaid", 150.0, uom=cls.uom_hour)

    def _buy(self, hours=40, **terms):
        return self._sell(self.prepaid, terms, product_uom_qty=hours)

    def _work(self, line, hours, date, **vals):
        return self._log_time(line, hours, date, **vals).billing_item_ids

    def _add_block(self, line, **vals):
        return self._record("billing.block", line, self.salesperson, **vals)

    def test_over_four_months(self):
        """40 h for 6,000.00; 15, 15 and 15 h used: 5 h beyond at 150.00; 20 h more, 12 h used."""
        with self._on(2026, 1, 10):
            line = self._buy()
            self.assertEqual(self._post(line), 6000)
            fee = self._product_lines(self.last_move)
            self.assertRecordValues(fee, [{"quantity": 40.0, "price_unit": 150.0}])
        for month in (1, 2):
            with self._on(2026, month, 28):
                item = self._work(line, 15, day(month, 20))
                self.assertItem(item, quantity=0.0, amount=0.0, blocked_reason="included")
                self.assertEqual(item.standard_amount, 2250)
                self.assertEqual(self._post(line), 0)
        with self._on(2026, 3, 28):
            item = self._work(line, 15, day(3, 20))
            self.assertItem(item, quantity=5.0, amount=750.0, worked_quantity=15.0)
            self.assertExplained(
                item,
                "Taken from the block of 01/10/2026: 10.00 h of 40.00 h",
                "Not covered by a block valid on that day: 5.00 h",
                "5.00 h × 150.00 = 750.00",
            )
            self.assertEqual(self._post(line), 750)
        with self._on(2026, 4, 1):
            self._add_block(line, quantity=20)
            self.assertEqual(self._post(line), 3000)
            self.assertItem(self._work(line, 12, day(4, 1)), quantity=0.0)
            self.assertEqual(line.billing_block_ids.sorted("date").mapped("left"), [0, 8])
            self._credit(self.last_move)
            self.assertLedger(line.order_id)

    def test_first_block_first_and_what_runs_out(self):
        with self._on(2026, 1, 10):
            line = self._buy(10)
            first = line.billing_block_ids
            first.with_user(self.salesperson).date_to = day(1, 31)
            second = self._add_block(line, quantity=10, date=day(1, 15))
        with self._on(2026, 2, 28):
            self._work(line, 6, day(1, 20))
            self.assertEqual((first.left, second.left), (4, 10))
            self._work(line, 6, day(2, 1))
            (first | second).invalidate_recordset(["left"])
            self.assertEqual((first.left, second.left), (4, 4))

    def test_a_new_block_covers_open_work(self):
        with self._on(2026, 1, 10):
            line = self._buy(10)
            item = self._work(line, 14, day(1, 10))
            self.assertItem(item, quantity=4.0, blocked_reason=False)
            block = self._add_block(line, quantity=10)
            self.assertItem(item, quantity=0.0, blocked_reason="included")
            block.unlink()
            self.assertItem(item, quantity=4.0, blocked_reason=False)

    def test_what_is_billed_is_frozen(self):
        with self._on(2026, 1, 10):
            line = self._buy(10)
            self._post(line)
            block = line.billing_block_ids.with_user(self.salesperson)
            for vals in ({"quantity": 12}, {"price": 1}, {"date": day(1, 1)}):
                with self.subTest(vals), self.assertRaises(UserError):
                    block.write(vals)
            with self.assertRaises(UserError):
                block.unlink()
            block.date_to = day(12, 31)

    def test_money(self):
        """A block of 3,000.00, work at 180.00: 10 and 8 h use 1,800.00 and 1,200.00 of it."""
        with self._on(2026, 1, 10):
            line = self._sell(
                self.prepaid,
                {"retainer_measure": "money", "overage_price": 180},
                product_uom_qty=20,
            )
            self.assertEqual(self._post(line), 3000)
            self.assertItem(self._work(line, 10, day(1, 10)), amount=0.0, rate=180.0)
            item = self._work(line, 8, day(1, 10))
            self.assertItem(item, amount=240.0)
            self.assertExplained(
                item,
                "8.00 h × 180.00 = 1,440.00",
                "Taken from the block of 01/10/2026: 1,200.00 of 3,000.00",
                "Not covered by a block valid on that day: 240.00",
            )
            self.assertEqual(self._post(line), 240)

    def test_evergreen(self):
        """Smokeball's two parameters: below 10 h it is filled up to 30 h, once."""
        with self._on(2026, 1, 10):
            line = self._buy(30, prepaid_minimum=10, prepaid_target=30)
            self.assertEqual(self._post(line), 4500)
            self._work(line, 20, day(1, 10))
            self.assertEqual(self._post(line), 0)
            self._work(line, 2, day(1, 10))
            self.assertEqual(self._post(line), 3300)
            self.assertEqual(self._post(line), 0)
            self.env["billing.item"]._cron_accrue()
            self.assertEqual(line.billing_block_ids.sorted("number").mapped("quantity"), [30, 22])
            self.assertExplained(
                line.billing_block_ids.item_ids.sorted("id")[-1],
                "8.00 h left, less than 10.00 h: filled up to 30.00 h with 22.00 h",
            )

    @mute_logger("odoo.sql_db")
    def test_filled_up_once(self):
        """Two workers that saw the same balance: the second one's block is refused."""
        with self._on(2026, 1, 10):
            line = self._buy(10)
            with self.assertRaises(psycopg2.errors.UniqueViolation), self.cr.savepoint():
                self.cr.execute(
                    "INSERT INTO billing_block (order_line_id, number, date, quantity) "
                    "VALUES (%s, 1, now(), 1)",
                    [line.id],
                )

    def test_terms_that_cannot_be(self):
        with self._on(2026, 1, 10):
            line = self._buy(10)
            for terms, words in (
                ({"prepaid_minimum": 10, "prepaid_target": 5}, "filled up to at least as much"),
                ({"overage_price": -1}, "zero or more"),
                ({"product_uom_id": self.uom_unit.id}, "sold in hours or days"),
            ):
                with self.subTest(terms), self.assertRaises(ValidationError) as caught:
                    line.write(terms)
                self.assertIn(words, str(caught.exception))
            self.assertIn("costs nothing", self._confirm_error(self.prepaid, price_unit=0))
            money = {"retainer_measure": "money"}
            self.assertIn("enter the price of an hour", self._confirm_error(self.prepaid, money))

    def test_rights(self):
        with self._on(2026, 1, 10):
            block = self._buy(10).billing_block_ids
            self.assertKeptOff(block, self.consultant, "read", "write", "create", "unlink")

    def test_dialog_and_words(self):
        with self._on(2026, 1, 10):
            line = self._sell(self.prepaid, confirm=False, product_uom_qty=40)
            view = "professional_billing.sale_order_line_view_form_billing"
            with Form(line.with_user(self.salesperson), view=view) as form:
                form.prepaid_minimum = 5
                form.prepaid_target = 40
                form.overage_price = 180
            self.assertInWords(
                line,
                "Prepaid advice: 40.00 h paid ahead for 6,000.00. When less than 5.00 h is left, a new "
                "block fills it up to 40.00 h. Time beyond costs 180.00 an hour.",
            )
