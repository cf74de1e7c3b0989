import datetime

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCommon

MONDAY = datetime.date(2026, 3, 16)


@tagged("post_install", "-at_install")
class TestTimeTerms(BillingCommon):
    """What of the hours worked is billed: steps and minimum, treatment, approval, closed periods."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_engagement(
            [{"product_id": cls.hours.id, "price_unit": 150}],
            date_order=datetime.datetime(2025, 12, 1),
        )
        cls.line = cls.order.order_line

    def _value(self, minutes, date=MONDAY, employee=None, **vals):
        return self._log_time(self.line, minutes / 60, date, employee, **vals).billing_item_ids

    def _round(self, mode="up", increment=6, minimum=0, per="entry"):
        self.order.write(
            {
                "time_rounding": mode,
                "time_increment": increment,
                "time_minimum": minimum,
                "time_rounding_per": per,
            }
        )

    # -- steps ----------------------------------------------------------------------------------

    def test_6_37_steps_of_six_minutes(self):
        self._round()
        for minutes, hours in ((5, 0.1), (7, 0.2), (9, 0.2), (70, 1.2), (45, 0.8)):
            item = self._value(minutes)
            self.assertItem(item, quantity=hours, amount=hours * 150)
            self.assertAlmostEqual(item.worked_quantity, minutes / 60, 6)

    def test_6_24_minimum_and_steps(self):
        """70 min, at least 30, steps of 15, 150/h: 1.25 h = 187.50; 45 of 120 min: 112.50."""
        self._round(increment=15, minimum=30)
        item = self._value(70)
        self.assertItem(item, quantity=1.25, amount=187.5)
        self.assertIn("1.17 h rounded to 1.25 h", item.explanation)
        self.assertItem(self._value(10), quantity=0.5, amount=75.0)
        item = self._value(120, billing_hours=0.75)
        self.assertItem(item, worked_quantity=2.0, quantity=0.75, amount=112.5)
        self.assertIn("2.00 h worked, 0.75 h to bill by decision", item.explanation)

    def test_per_day_the_last_entry_takes_the_difference(self):
        self._round(increment=30, per="day")
        first, second = self._value(10), self._value(10)
        other_day = self._value(10, MONDAY + datetime.timedelta(days=1))
        other_person = self._value(10, employee=self.partner_employee)
        self.assertAlmostEqual(first.quantity, 1 / 6, 6)
        self.assertAlmostEqual(first.quantity + second.quantity, 0.5, 6)
        for single in (other_day, other_person):
            self.assertItem(single, quantity=0.5)
        third = self._value(10)
        self.assertAlmostEqual(second.quantity, 1 / 6, 6)
        self.assertAlmostEqual(sum((first | second | third).mapped("quantity")), 0.5, 6)
        third.timesheet_id.unlink()
        self.assertAlmostEqual(first.quantity + second.quantity, 0.5, 6)
        second.timesheet_id.date = other_day.date
        self.assertItem(first, quantity=0.5)
        self.assertAlmostEqual(second.quantity + other_day.quantity, 0.5, 6)

    def test_per_day_what_is_billed_stays_and_the_rest_makes_up(self):
        self._round(increment=60, per="day")
        first = self._value(30)
        self._bill(self.order, post=True)
        second = self._value(40)
        self.assertItem(first, quantity=1.0, billed_quantity=1.0)
        self.assertItem(second, quantity=1.0)
        self.assertLedger(self.order)

    def test_a_change_of_steps_values_open_time_again(self):
        billed = self._value(7)
        self._bill(self.order, post=True)
        item = self._value(7)
        self._round(increment=15)
        self.assertItem(item, quantity=0.25, amount=37.5)
        self.assertAlmostEqual(billed.quantity, 7 / 60, 6)
        self.assertLedger(self.order)

    # -- treatment ------------------------------------------------------------------------------

    def test_complimentary_time_shows_at_zero(self):
        self._value(60)
        free = self._value(120, billing_treatment="complimentary", name="Hand-over")
        self.assertItem(free, quantity=2.0, amount=0.0, standard_amount=300.0, blocked_reason=False)
        self.assertIn("Complimentary", free.explanation)
        move = self._bill(self.order, post=True)
        lines = self._product_lines(move).sorted("price_subtotal")
        self.assertEqual(lines.mapped("price_subtotal"), [0.0, 150.0])
        self.assertEqual(lines[0].quantity, 2.0)
        self.assertFalse(free.is_open)
        self.assertLedger(self.order)

    def test_non_billable_time_does_not_show(self):
        item = self._value(60)
        item.timesheet_id.with_user(self.reviewer).billing_treatment = "non_billable"
        self.assertItem(
            item, quantity=0.0, amount=0.0, standard_amount=150.0, blocked_reason="non_billable"
        )
        self.assertFalse(self._prebill(self.order))

    def test_description_required(self):
        self.order.narrative_required = True
        item = self._value(60, name="/")
        self.assertItem(item, blocked_reason="no_narrative")
        item.timesheet_id.name = "Reviewed the lease"
        self.assertItem(item, blocked_reason=False)

    # -- approval -------------------------------------------------------------------------------

    def test_time_waits_for_its_project_manager(self):
        self.order.time_approval = True
        item = self._value(60)
        own = self._value(60, employee=self.partner_employee)
        self.assertItem(item, blocked_reason="unapproved")
        with self.assertRaises(AccessError):
            item.with_user(self.officer).action_approve_time()
        with self.assertRefused("your own time"):
            own.with_user(self.reviewer).action_approve_time()
        with self.assertRaises(AccessError):
            item.timesheet_id.with_user(self.reviewer).billing_approved_by_id = self.reviewer
        item.with_user(self.reviewer).action_approve_time()
        self.assertItem(item, blocked_reason=False)
        self.assertEqual(item.timesheet_id.billing_approved_by_id, self.reviewer)
        own.with_user(self.manager).action_approve_time()
        self.assertItem(own, blocked_reason=False)

    def test_time_of_an_invoice_is_not_new_work(self):
        """Time that Odoo ties to an invoice is billed, whoever tied it: it is not valued once more."""
        item = self._value(60)
        entry = item.timesheet_id.sudo()
        item.sudo().unlink()
        entry.timesheet_invoice_id = entry.env["account.move"].create({"move_type": "out_invoice"})
        self.line._accrue_billing()
        self.assertFalse(entry.billing_item_ids)
        entry.timesheet_invoice_id = False
        self.line._accrue_billing()
        self.assertItem(entry.billing_item_ids, quantity=1.0, amount=150.0)

    def test_time_gone_behind_our_back(self):
        """Open work whose entry another program deleted or moved is open no longer."""
        gone, moved, kept = self._value(60), self._value(90), self._value(120)
        elsewhere = self._create_engagement([{"product_id": self.hours.id, "billing_rule": False}])
        self.env.flush_all()
        self.cr.execute(
            "UPDATE account_analytic_line SET so_line = %s WHERE id = %s",
            [elsewhere.order_line.id, moved.timesheet_id.id],
        )
        self.cr.execute("DELETE FROM account_analytic_line WHERE id = %s", [gone.timesheet_id.id])
        self.env.invalidate_all()
        self.line._accrue_billing()
        self.assertEqual(self.line.billing_item_ids, kept)
        self.line._accrue_billing()
        self.assertItem(kept, quantity=2.0, amount=300.0)

    def test_a_change_needs_approval_again(self):
        self.order.time_approval = True
        item = self._value(60)
        item.with_user(self.reviewer).action_approve_time()
        item.timesheet_id.with_user(self.consultant).name = "Another text"
        self.assertItem(item, blocked_reason=False)
        item.timesheet_id.with_user(self.consultant).unit_amount = 3
        self.assertItem(item, blocked_reason="unapproved", quantity=3.0)

    # -- closed periods -------------------------------------------------------------------------

    def test_closed_period(self):
        time = self._log_time(self.line, 1, MONDAY)
        self.company.billing_time_lock_date = MONDAY
        own = time.with_user(self.consultant)
        for change in (
            lambda: own.write({"unit_amount": 2}),
            lambda: own.write({"date": MONDAY + datetime.timedelta(days=1)}),
            own.unlink,
            lambda: own.copy({"name": "Late"}),
        ):
            with self.assertRefused("closed up to"), self.cr.savepoint():
                change()
        late = own.copy({"name": "Next day", "date": MONDAY + datetime.timedelta(days=1)})
        with self.assertRefused("closed up to"), self.cr.savepoint():
            late.date = MONDAY
        self.consultant.group_ids = [
            Command.link(self.env.ref("professional_billing.group_billing_time_unlock").id)
        ]
        own.unit_amount = 2
        self.assertEqual(time.billing_item_ids.quantity, 2.0)

    def test_closed_period_is_for_engagements_only(self):
        stock = self._create_engagement([{"product_id": self.hours.id, "billing_rule": False}])
        self.company.billing_time_lock_date = MONDAY
        time = self._log_time(stock.order_line, 1, MONDAY).with_user(self.consultant)
        time.unit_amount = 2
        self.assertEqual(time.unit_amount, 2)

    def test_bad_numbers(self):
        time = self._log_time(self.line, 1, MONDAY)
        for values in ({"billing_hours": -1}, {"billing_rate_override": -1}):
            with self.assertRaisesRegex(UserError, "less than zero"), self.cr.savepoint():
                time.write(values)
