import datetime

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common_methods import MethodCommon


def day(month, number):
    return datetime.date(2026, month, number)


@tagged("post_install", "-at_install")
class TestMethodRetainer(MethodCommon):
    """A fee with hours included: drawn in the order of the work, carried over, billed beyond."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.retained = cls._new_service("Retained advice", "retainer", 2000.0, uom=cls.uom_unit)

    def _retain(self, hours=10, price=150, **terms):
        return self._sell(
            self.retained,
            {
                "recurring_start": day(1, 1),
                "retainer_hours": hours,
                "overage_price": price,
                **terms,
            },
        )

    def _work(self, line, hours, date, **vals):
        return self._log_time(line, hours, date, **vals).billing_item_ids

    def test_6_7_one_period_rollover(self):
        """10 h a month; 6, 15 and 11 h used: 0, 1 and 1 h beyond."""
        with self._on(2026, 1, 1):
            line = self._retain(retainer_rollover="one_period")
            self.assertEqual(self._post(line), 2000)
        with self._on(2026, 1, 31):
            january = self._work(line, 6, day(1, 20))
            self.assertItem(january, amount=0.0, quantity=0.0, blocked_reason="included")
            self.assertEqual(january.standard_amount, 900)
        with self._on(2026, 2, 28):
            first, second = self._work(line, 10, day(2, 5)), self._work(line, 5, day(2, 6))
            self.assertItem(first, amount=0.0, blocked_reason="included")
            self.assertItem(second, amount=150.0, quantity=1.0, worked_quantity=5.0)
            self.assertEqual(self._post(line), 2150)
        with self._on(2026, 3, 31):
            march = self._work(line, 11, day(3, 2))
            self.assertItem(march, quantity=1.0)
            self.assertEqual(self._post(line), 2150)
        self.assertLedger(line.order_id)

    def test_6_8_overage_price(self):
        """10 h and 2 h carried over, 15 h used at 150.00: 450.00 and why."""
        with self._on(2026, 2, 28):
            line = self._retain(retainer_rollover="one_period")
            self._work(line, 8, day(1, 10))
            self._work(line, 9, day(2, 3))
            item = self._work(line, 6, day(2, 4))
            self.assertItem(item, quantity=3.0, amount=450.0, worked_quantity=6.0)
            self.assertExplained(
                item,
                "15.00 h − (10.00 h + 2.00 h) = 3.00 h; 3.00 h of this entry lie beyond",
                "Price beyond the allowance: 150.00 / Hours",
                "3.00 h × 150.00 = 450.00",
            )
            self.assertEqual(self._post(line), 4450)
            time = self._product_lines(self.last_move).filtered(
                lambda line: line.product_uom_id == self.uom_hour
            )
            self.assertRecordValues(time, [{"quantity": 3.0, "price_unit": 150.0}])
            self.assertIn("Time beyond the hours included", time.name)

    def test_6_11_capped_rollover(self):
        """8 h a month, at most 4 carried: 3 h then 9 h used, nothing beyond; 1 h was lost."""
        with self._on(2026, 2, 28):
            line = self._retain(8, retainer_rollover="capped", retainer_rollover_cap=4)
            self._work(line, 3, day(1, 10))
            item = self._work(line, 9, day(2, 10))
            self.assertItem(item, quantity=0.0, blocked_reason="included")
            self.assertItem(self._work(line, 4, day(2, 11)), quantity=1.0)
            self.assertLedger(line.order_id)

    def test_without_rollover(self):
        with self._on(2026, 2, 28):
            line = self._retain()
            self._work(line, 3, day(1, 10))
            self.assertItem(self._work(line, 11, day(2, 10)), quantity=1.0, amount=150.0)

    def test_order_of_the_work_not_of_the_entry(self):
        """An earlier entry that comes late takes the hours; what is deleted gives them back."""
        with self._on(2026, 1, 31):
            line = self._retain()
            late = self._work(line, 10, day(1, 20))
            self.assertItem(late, quantity=0.0)
            early = self._work(line, 4, day(1, 5))
            self.assertItem(early, quantity=0.0)
            self.assertItem(late, quantity=4.0, amount=600.0, blocked_reason=False)
            early.timesheet_id.unlink()
            self.assertItem(late, quantity=0.0, amount=0.0, blocked_reason="included")
            self.assertLedger(line.order_id)

    def test_billed_entries_keep_their_part(self):
        with self._on(2026, 1, 31):
            line = self._retain()
            billed = self._work(line, 12, day(1, 20))
            self.assertEqual(self._post(line), 2300)
            late = self._work(line, 3, day(1, 5))
            self.assertItem(billed, quantity=2.0, billed_amount=300.0)
            self.assertItem(late, quantity=3.0, amount=450.0)
            self.assertEqual(self._post(line), 450)
            self._credit(self.last_move)
            self.assertItem(late, open_amount=450.0, open_quantity=3.0)
            self.assertLedger(line.order_id)

    def test_credit_of_hours_beyond(self):
        with self._on(2026, 1, 31):
            line = self._retain()
            item = self._work(line, 14, day(1, 20))
            self.assertEqual(self._post(line), 2600)
            time = self._product_lines(self.last_move).filtered(
                lambda line: line.product_uom_id == self.uom_hour
            )
            self._credit(self.last_move, {time: 1})
            self.assertItem(item, open_amount=150.0, open_quantity=1.0, billed_quantity=3.0)
            self.assertLedger(line.order_id)
            self.assertEqual(self._post(line), 150)

    def test_odd_hours_beyond_are_added_up(self):
        with self._on(2026, 1, 31):
            line = self._retain()
            self._work(line, 9.5, day(1, 2))
            for number in range(3, 7):
                self._work(line, 1 / 3, day(1, number))
            beyond = self._items(line.order_id).filtered("timesheet_id").mapped("quantity")
            # 30 minutes are left for the first and half of the second.
            self.assertEqual([round(hours, 4) for hours in beyond], [0, 0, 0.1667, 0.3333, 0.3333])
            self.assertEqual(self._post(line), 2124.5)
            time = self._product_lines(self.last_move).filtered(
                lambda line: line.product_uom_id == self.uom_hour
            )
            self.assertRecordValues(time, [{"quantity": 0.83, "price_unit": 150.0}])

    def test_overage_waits_for_approval(self):
        with self._on(2026, 1, 31):
            line = self._retain(overage_policy="ask")
            item = self._work(line, 12, day(1, 20))
            self.assertItem(item, quantity=2.0, amount=300.0, blocked_reason="overage_ask")
            self.assertExplained(item, "2.00 h × 150.00 = 300.00")
            self.assertEqual(self._post(line), 2000)
            with self.assertRaises(AccessError):
                item.with_user(self.consultant).action_approve_time()
            own = self._work(line, 1, day(1, 21), employee=self.partner_employee)
            with self.assertRefused("your own time"):
                own.with_user(self.reviewer).action_approve_time()
            own.timesheet_id.unlink()
            item.with_user(self.reviewer).action_approve_time()
            self.assertItem(item, blocked_reason=False, quantity=2.0)
            # More than what was approved waits again.
            self._work(line, 1, day(1, 2))
            self.assertItem(item, blocked_reason="overage_ask", quantity=3.0)
            item.with_user(self.reviewer).action_approve_time()
            self.assertEqual(self._post(line), 450)
            self.assertLedger(line.order_id)

    def test_rates_of_cards(self):
        with self._on(2026, 1, 31):
            card = self.env["billing.rate.card"].create(
                {"name": "Firm", "rate_ids": [Command.create({"price_unit": 210})]}
            )
            self.company.billing_rate_card_id = card
            line = self._retain(rate_source="card", price=0)
            item = self._work(line, 11, day(1, 20))
            self.assertItem(item, quantity=1.0, amount=210.0)
            card.rate_ids.unlink()
            other = self._retain(rate_source="card", price=0)
            self.assertItem(self._work(other, 11, day(1, 20)), amount=0.0, blocked_reason="no_rate")
            other.overage_price = 99
            self.assertItem(other.billing_item_ids.filtered("timesheet_id"), amount=99.0)

    def test_terms_changed(self):
        with self._on(2026, 1, 31):
            line = self._retain()
            item = self._work(line, 12, day(1, 20))
            line.retainer_hours = 12
            self.assertItem(item, quantity=0.0, blocked_reason="included")
            line.write({"retainer_hours": 5, "overage_price": 100})
            self.assertItem(item, quantity=7.0, amount=700.0)

    def test_before_the_first_day(self):
        with self._on(2026, 1, 31):
            line = self._retain(recurring_start=day(1, 10))
            item = self._work(line, 2, day(1, 5))
            self.assertItem(item, quantity=2.0, amount=300.0)
            self.assertExplained(item, "includes nothing on that day")

    def test_terms_that_cannot_be(self):
        with self._on(2026, 1, 31):
            sentence = self._confirm_error(self.retained, {"recurring_start": day(1, 1)})
            self.assertIn("enter the hours that the fee of each period includes", sentence)
            line = self._retain()
            for terms, words in (
                ({"retainer_hours": -1}, "zero or more"),
                ({"retainer_rollover": "capped"}, "carried to the next period at most"),
            ):
                with self.subTest(terms), self.assertRaises(ValidationError) as caught:
                    line.write(terms)
                self.assertIn(words, str(caught.exception))

    def test_minimum_fee(self):
        """A fee of 2,000.00 as a minimum: the bill is the larger of the fee and the work."""
        with self._on(2026, 1, 31):
            line = self._retain(retainer_measure="money", hours=0, price=180)
            self._work(line, 10, day(1, 12))
            last = self._work(line, 3, day(1, 20))
            # 1,800.00 and 540.00 are 340.00 more than the fee.
            self.assertItem(last, amount=340.0, rate=180.0, worked_quantity=3.0)
            self.assertExplained(
                last,
                "Price agreed for time: 180.00 / Hours\n3.00 h × 180.00 = 540.00",
                "2,340.00 − (2,000.00 + 0.00) = 340.00; 340.00 of this entry lie beyond",
            )
            self.assertEqual(self._post(line), 2340)
        with self._on(2026, 2, 28):
            self.assertItem(self._work(line, 11, day(2, 3)), amount=0.0, blocked_reason="included")
            self.assertEqual(self._post(line), 2000)
            self.assertLedger(line.order_id)

    def test_minimum_fee_carried_over(self):
        with self._on(2026, 2, 28):
            line = self._retain(
                retainer_measure="money",
                hours=0,
                price=100,
                retainer_rollover="capped",
                retainer_rollover_cap=500,
            )
            self._work(line, 10, day(1, 12))
            item = self._work(line, 26, day(2, 3))
            self.assertItem(item, amount=100.0, quantity=1.0)
            self.assertEqual(self._post(line), 4100)

    def test_minimum_fee_at_rates_that_rise(self):
        """A later price changes what is open, not what a billed fee has covered."""
        with self._on(2026, 2, 10):
            line = self._retain(retainer_measure="money", hours=0, price=100)
            january = self._work(line, 18, day(1, 12))
            self.assertEqual(self._post(line), 4000)
            february = self._work(line, 18, day(2, 3))
            line.overage_price = 200
            self.assertItem(january, amount=0.0, rate=100.0, blocked_reason="included")
            self.assertItem(february, amount=0.0, rate=100.0, blocked_reason="included")
            late = self._work(line, 3, day(1, 13))
            # 1,800.00 and 600.00 are 400.00 more than January's fee.
            self.assertItem(late, amount=400.0, rate=200.0, quantity=2.0)
            self.assertEqual(self._post(line), 400)

    def test_minimum_fee_to_the_cent(self):
        """Hours that are no hundredths do not move the bill off the larger of fee and work."""
        with self._on(2026, 1, 31):
            line = self._retain(retainer_measure="money", hours=0, price=150)
            for number in range(2, 9):
                self._work(line, 2 + 1 / 3, day(1, number))
            # 7 × 350.00 = 2,450.00; of the sixth entry 100.00 lie beyond.
            beyond = self._items(line.order_id).filtered("timesheet_id").sorted("date")[-2:]
            self.assertEqual(beyond.mapped("amount"), [100, 350])
            self.assertEqual(self._post(line), 2450)
            self._credit(self.last_move)
            self.assertEqual(sum(beyond.mapped("open_amount")), 450)
            self.assertLedger(line.order_id)

    def test_minimum_fee_needs_a_price(self):
        with self._on(2026, 1, 31):
            sentence = self._confirm_error(
                self.retained, {"recurring_start": day(1, 1), "retainer_measure": "money"}
            )
            self.assertIn("enter the price of an hour", sentence)

    def test_an_entry_looks_at_its_own_periods(self):
        """Old periods are not read again for new work."""
        with self._on(2026, 6, 30):
            line = self._retain(retainer_rollover="one_period")
            for month in range(1, 6):
                self._work(line, 5, day(month, 10))
            entry = self._log_time(line, 14, day(6, 10))
            self.assertItem(entry.billing_item_ids, quantity=0.0)
            shared = self.env["billing.item"]._with_same_day(entry)
            self.assertEqual(shared.mapped("date"), [day(6, 10)])
            late = self._log_time(line, 12, day(4, 11))
            self.assertItem(late.billing_item_ids, quantity=2.0)
            self.assertEqual(len(self.env["billing.item"]._with_same_day(late)), 4)

    def test_dialog_and_words(self):
        with self._on(2026, 1, 1):
            line = self._sell(self.retained, confirm=False)
            view = "professional_billing.sale_order_line_view_form_billing"
            with Form(line.with_user(self.salesperson), view=view) as form:
                form.recurring_start = day(1, 1)
                form.retainer_hours = 10
                form.retainer_rollover = "capped"
                form.retainer_rollover_cap = 5
                form.overage_price = 150
            self.assertInWords(
                line,
                "Retained advice: 2,000.00 every month, in advance, from 01/01/2026. It includes 10 h "
                "each period. Up to 5 unused hours can be used in the next period. Time beyond costs "
                "150.00 an hour.",
            )
