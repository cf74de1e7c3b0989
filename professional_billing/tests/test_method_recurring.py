import datetime

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_methods import MethodCommon


def day(month, number, year=2026):
    return datetime.date(year, month, number)


@tagged("post_install", "-at_install")
class TestMethodRecurring(MethodCommon):
    """A line billed once for each period."""

    def _plan(self, start, unit="month", **terms):
        return {"recurring_start": start, "recurring_unit": unit, **terms}

    def _periods(self, line):
        """Return (first day, last day, amount, due) of the line's periods, oldest first."""
        return [
            (item.period_start, item.period_last_day, item.amount, not item.blocked_reason)
            for item in self._items(line.order_id)
        ]

    def test_four_months_in_arrears(self):
        """From 10 March to 20 June by calendar months, a higher fee from May, April credited."""
        with self._on(2026, 3, 9):
            line = self._sell(
                self.support,
                self._plan(day(3, 10), recurring_timing="arrears", recurring_anchor_day=1),
            )
            self.assertEqual(
                self._periods(line), [(day(3, 10), day(3, 31), 1703.23, False)], "the next one only"
            )
        with self._on(2026, 3, 30):
            self.assertEqual(self._post(line), 0)
        # 22 of 31 days of 2,400.00 (practice.md 2.11).
        with self._on(2026, 3, 31):
            self.assertEqual(self._post(line), 1703.23)
        self.assertExplained(
            self._items(line.order_id)[0],
            "Fee for the period 03/01/2026 to 03/31/2026: 2,400.00",
            "Of it 03/10/2026 to 03/31/2026, 22 of 31 days, counted by actual days: 1,703.23",
        )
        self.assertRecordValues(
            self._product_lines(self.last_move),
            [
                {
                    "name": "Support plan: service period 03/10/2026 to 03/31/2026",
                    "quantity": 1,
                    "price_unit": 1703.23,
                }
            ],
        )
        with self._on(2026, 4, 30):
            self.assertEqual(self._post(line), 2400)
            april = self.last_move
        self.assertRecordValues(line, [{"qty_invoiced": 2, "qty_delivered": 2}])
        with self._on(2026, 5, 5):
            self._credit(april)
            self.assertLedger(line.order_id)
            self.assertEqual(line.invoice_status, "to invoice")
            self.assertEqual(self._post(line), 2400)
        with self._on(2026, 5, 15):
            line.with_user(self.salesperson).price_unit = 2500
        with self._on(2026, 5, 31):
            self.assertEqual(self._post(line), 2500)
        self.assertEqual(line.invoice_status, "no")
        with self._on(2026, 6, 12):
            line.with_user(self.salesperson).recurring_end = day(6, 20)
        with self._on(2026, 6, 20):
            self.assertEqual(self._post(line), 1666.67)
        self.assertEqual(
            self._periods(line),
            [
                (day(3, 10), day(3, 31), 1703.23, True),
                (day(4, 1), day(4, 30), 2400, True),
                (day(5, 1), day(5, 31), 2500, True),
                (day(6, 1), day(6, 20), 1666.67, True),
            ],
        )
        self.assertEqual(line.billing_billed_amount, 8269.9)
        self.assertEqual(line.invoice_status, "invoiced")
        with self._on(2026, 9, 1):
            self.env["billing.item"]._cron_accrue()
            self.assertEqual(self._post(line), 0)

    def test_in_advance(self):
        """Billed on the first day of each period; the daily job makes the next one billable."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1), "quarter"))
            self.assertEqual(
                self._periods(line),
                [(day(1, 1), day(3, 31), 2400, True), (day(4, 1), day(6, 30), 2400, False)],
            )
            self.assertEqual(self._post(line), 2400)
            self.assertEqual(self._post(line), 0)
        with self._on(2026, 4, 1):
            self.assertEqual(line.invoice_status, "no")
            self.env["billing.item"]._cron_accrue()
            self.assertEqual(line.invoice_status, "to invoice")
            self.assertEqual(line.qty_to_invoice, 1)
            self.assertEqual(self._post(line), 2400)
        self.assertEqual(len(self._items(line.order_id)), 3)

    def test_in_words(self):
        """The quotation says what is billed when."""
        line = self._sell(self.support, confirm=False)
        self.assertInWords(line, "Support plan: 2,400.00 every month, in advance.")
        line.with_user(self.salesperson).write(
            {
                "recurring_unit": "week",
                "recurring_interval": 2,
                "recurring_timing": "arrears",
                "recurring_start": day(1, 5),
                "recurring_end": day(6, 30),
            }
        )
        self.assertInWords(
            line,
            "Support plan: 2,400.00 every 2 weeks, in arrears, from 01/05/2026 to 06/30/2026.",
        )

    def test_month_end(self):
        """From the 31st: the last day of shorter months, and the 31st again; nothing drifts."""
        with self._on(2027, 12, 31):
            line = self._sell(self.support, self._plan(day(12, 31, 2027)))
        with self._on(2028, 5, 1):
            line._accrue_billing()
            starts = [start for start, *_rest in self._periods(line)]
        self.assertEqual(
            starts,
            [
                day(12, 31, 2027),
                day(1, 31, 2028),
                day(2, 29, 2028),
                day(3, 31, 2028),
                day(4, 30, 2028),
                day(5, 31, 2028),
            ],
        )
        self.assertEqual({amount for _s, _e, amount, _due in self._periods(line)}, {2400})

    def test_catch_up(self):
        """Four months nobody billed are four lines on one bill, in their order, once."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
        with self._on(2026, 4, 15):
            self.assertEqual(self._post(line), 9600)
            names = self._product_lines(self.last_move).mapped("name")
            self.assertEqual(
                [name[-24:] for name in names],
                [
                    "01/01/2026 to 01/31/2026",
                    "02/01/2026 to 02/28/2026",
                    "03/01/2026 to 03/31/2026",
                    "04/01/2026 to 04/30/2026",
                ],
            )
            self.assertEqual(self._post(line), 0)
        self.assertEqual(line.qty_invoiced, 4)

    def test_published_proration(self):
        """3,950 a month from 8 April to 30 June make 10,928.33 (practice.md 2.11)."""
        with self._on(2026, 7, 1):
            line = self._sell(
                self.support,
                self._plan(day(4, 8), recurring_end=day(6, 30), recurring_anchor_day=1),
                price_unit=3950,
            )
            self.assertEqual([row[2] for row in self._periods(line)], [3028.33, 3950, 3950])
            self.assertEqual(self._post(line), 10928.33)
        self.assertEqual(line.invoice_status, "invoiced")

    def test_ways_of_proration(self):
        """From 15 February to its end, by each way of counting."""
        amounts = {"none": 2400, "actual": 1200, "fixed_30": 1280, "30_360": 1280}
        for proration, amount in amounts.items():
            with self.subTest(proration=proration), self._on(2026, 2, 15):
                line = self._sell(
                    self.support,
                    self._plan(day(2, 15), recurring_anchor_day=1, recurring_proration=proration),
                )
                self.assertEqual(self._periods(line)[0][2], amount)

    def test_weeks_and_years(self):
        """Every two weeks, every year."""
        with self._on(2026, 1, 30):
            weeks = self._sell(self.support, self._plan(day(1, 5), "week", recurring_interval=2))
            years = self._sell(self.support, self._plan(day(2, 28, 2024), "year"))
        self.assertEqual(
            [row[:2] for row in self._periods(weeks)],
            [
                (day(1, 5), day(1, 18)),
                (day(1, 19), day(2, 1)),
                (day(2, 2), day(2, 15)),
            ],
        )
        self.assertEqual(
            [row[0] for row in self._periods(years)],
            [day(2, 28, 2024), day(2, 28, 2025), day(2, 28, 2026)],
        )

    def test_discount_and_quantity(self):
        """Three seats with 10 % off are three at the line's price and discount on each invoice."""
        with self._on(2026, 1, 1):
            line = self._sell(
                self.support,
                self._plan(day(1, 1)),
                price_unit=100,
                product_uom_qty=3,
                discount=10,
            )
            self.assertEqual(self._post(line), 270)
        self.assertRecordValues(
            self._product_lines(self.last_move),
            [{"quantity": 3, "price_unit": 100, "discount": 10, "price_subtotal": 270}],
        )
        self.assertEqual(line.qty_invoiced, 3)

    def test_shortened(self):
        """Periods after a new last day go; one that was billed stays, and once credited goes too."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
        with self._on(2026, 3, 1):
            self.assertEqual(self._post(line), 7200)
            march = self.last_move
            line.with_user(self.salesperson).recurring_end = day(2, 14)
            self.assertLedger(line.order_id)
            items = self._items(line.order_id)
            self.assertEqual(items.mapped("amount"), [2400, 2400, 2400], "billed: as they were")
            self._credit(march)
            self.assertLedger(line.order_id)
            line._accrue_billing()
            # January in full, half of February, nothing of March.
            self.assertEqual(self._items(line.order_id).mapped("open_amount"), [2400, 1200, 0])
            self.assertEqual(self._post(line), 3600)
        self.assertEqual(line.invoice_status, "invoiced")

    def test_extended_again(self):
        """A last day that is taken back brings the periods back, each one once."""
        with self._on(2026, 2, 10):
            line = self._sell(self.support, self._plan(day(1, 1), recurring_end=day(1, 31)))
            self.assertEqual(self._post(line), 2400)
            line.with_user(self.salesperson).recurring_end = False
            self.assertEqual(self._post(line), 2400)
        self.assertEqual(len(self._items(line.order_id)), 3)

    def test_unique_in_the_database(self):
        """Two items of one period: the database refuses, whoever tries."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
        item = self._items(line.order_id)[0]
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError) as caught,
        ):
            item.sudo().copy()
        message = self.env["billing.item"]._sql_error_to_message(caught.exception)
        self.assertIn("already in WIP", message)

    def test_accrual_twice(self):
        """Accruing again changes nothing; not even the language of who does it."""
        with self._on(2026, 2, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
            items = self._items(line.order_id)
            before = items.read()
            self.env.flush_all()
            line.with_context(lang=False)._accrue_billing()
            self.assertEqual(self._items(line.order_id), items)
            self.assertEqual(items.read(), before)

    def test_rhythm_is_frozen(self):
        """Once a period is billed, when periods begin is settled; the fee and the end are not."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
            own = line.with_user(self.salesperson)
            own.recurring_start = day(1, 15)
            own.recurring_start = day(1, 1)
            self._post(line)
            for vals in (
                {"recurring_start": day(1, 15)},
                {"recurring_unit": "year"},
                {"recurring_interval": 2},
                {"recurring_anchor_day": 5},
            ):
                with self.subTest(vals=vals), self.assertRefused("cannot change any more"):
                    own.write(vals)
            own.write({"recurring_start": day(1, 1), "recurring_end": day(12, 31)})
        self.assertEqual(line.recurring_unit, "month")

    def test_first_day_taken_away(self):
        """Confirmed, a fee has a first day."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
            with self.assertRefused("needs a first day"):
                line.with_user(self.salesperson).recurring_start = False

    def test_line_added_later(self):
        """A fee added to a confirmed order starts that day until somebody says otherwise."""
        with self._on(2026, 2, 10):
            order = self._sell(self.hours).order_id
            order.with_user(self.salesperson).write(
                {"order_line": [Command.create({"product_id": self.support.id})]}
            )
            line = order.order_line[1]
            self.assertEqual(line.recurring_start, day(2, 10))
            line.with_user(self.salesperson).recurring_start = day(3, 1)
            self.assertEqual(self._periods(line), [(day(3, 1), day(3, 31), 2400, False)])

    def test_order_cancelled(self):
        """A cancelled order bills no more periods; what was billed stays."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
            self.assertEqual(self._post(line), 2400)
            line.order_id._action_cancel()
            self.assertEqual(len(self._items(line.order_id)), 1)
        with self._on(2026, 3, 1):
            self.env["billing.item"]._cron_accrue()
            self.assertEqual(self._post(line), 0)
        self.assertLedger(line.order_id)

    def test_setup_errors(self):
        """What is missing is said when the order is confirmed, in words."""
        self.assertIn(
            "choose the day from which the fee is billed", self._confirm_error(self.support)
        )
        message = self._confirm_error(self.support, self._plan(day(1, 1)), price_unit=0)
        self.assertIn("the recurring fee is zero", message)

    def test_contradictions(self):
        """Terms that cannot be are refused as they are written."""
        line = self._sell(self.support, confirm=False).with_user(self.salesperson)
        self.assertRecordValues(
            line,
            [
                {
                    "recurring_unit": "month",
                    "recurring_interval": 1,
                    "recurring_timing": "advance",
                    "recurring_proration": "actual",
                }
            ],
        )
        for vals, words in (
            ({"recurring_interval": 0}, "every 1 to 60"),
            ({"recurring_interval": 61}, "every 1 to 60"),
            ({"recurring_anchor_day": 32}, "between 1 and 31"),
            ({"recurring_anchor_day": -1}, "between 1 and 31"),
            ({"recurring_unit": "week", "recurring_anchor_day": 5}, "weeks neither begin"),
            ({"recurring_unit": "week", "recurring_proration": "fixed_30"}, "months of 30 days"),
            ({"recurring_unit": False}, "by week, month"),
            ({"recurring_start": day(2, 1), "recurring_end": day(1, 31)}, "before the first one"),
        ):
            with self.subTest(vals=vals), self.assertRaises(ValidationError) as caught:
                line.write(vals)
            self.assertIn(words, str(caught.exception))

    def test_other_rules_have_no_terms(self):
        """A line with another rule, or none, carries none of these terms."""
        line = self._sell(self.hours)
        self.assertFalse(line.recurring_unit or line.recurring_interval or line.tier_mode)

    def test_copied_order(self):
        """A copied quotation takes the rhythm, not the dates."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1), "year"))
        copy = line.order_id.copy().order_line
        self.assertRecordValues(copy, [{"recurring_unit": "year", "recurring_start": False}])

    def test_rights(self):
        """Only sales changes the terms."""
        with self._on(2026, 1, 1):
            line = self._sell(self.support, self._plan(day(1, 1)))
        for user in (self.consultant, self.reviewer):
            with self.subTest(user=user.name), self.assertRaises(UserError):
                line.with_user(user).recurring_end = day(3, 1)
