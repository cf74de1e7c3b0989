import datetime

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common_deductions import DeductionsCommon
from .test_collection_charge import ChargeCommon
from .test_collection_common import DUE, day

# The due date of these tests is a Monday: these are the Sunday and the Tuesday after it.
SUNDAY, TUESDAY = 6, 8


class EdgesCommon(ChargeCommon):
    """What a run of a day comes to."""

    def _reason(self, on):
        return self._propose(day(on)).line_ids.skip_reason

    def _reached(self, on):
        return self._send(day(on)).line_ids.event_id.level_name

    def _holiday(self, on, days=1):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Holiday",
                "company_id": self.company.id,
                "date_from": datetime.datetime.combine(day(on), datetime.time(0)),
                "date_to": datetime.datetime.combine(day(on + days - 1), datetime.time(23, 59)),
            }
        )


@tagged("post_install", "-at_install")
class TestCollectionEdgesDates(EdgesCommon):
    """Days on which something rare happens, by the numbers of the specification."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.resource_calendar_id.tz = "UTC"

    def _discounted(self, paid_on, amount=98):
        """Return an invoice of 100 with 2 % off for ten days, paid in part on a day."""
        term = self.env["account.payment.term"].create(
            {
                "name": "2 % in 10 days",
                "early_discount": True,
                "discount_days": 10,
                "discount_percentage": 2,
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 100, "nb_days": 30})
                ],
            }
        )
        move = self._invoice(100, invoice_payment_term_id=term.id)
        self._register_payment(move, amount=amount, payment_date=paid_on)
        self.assertEqual(move.amount_residual, 100 - amount, "Odoo takes no discount that late")

    def test_case_16_discount_taken_a_little_late(self):
        """Two days after its last day: no reminder of the rest, but the reason why not."""
        self._discounted(day(-18))
        self.assertEqual(self._reason(7), "discount")

    def test_case_16_discount_taken_too_late(self):
        """Four days after its last day: reminded."""
        self._discounted(day(-16))
        self.assertEqual(self._reached(7), "Friendly reminder")

    def test_case_16_rest_above_the_discount(self):
        self._discounted(day(-18), amount=97)
        self.assertEqual(self._reached(7), "Friendly reminder")

    def test_case_36_due_on_a_weekend(self):
        """Section 193 BGB: due on a Sunday is due on Monday, so interest begins on Tuesday."""
        move = self._invoice(36500, day(SUNDAY))
        terms = self._contract(1, day_count="act/365")
        self.assertEqual(self._charge(move, day(TUESDAY), terms).amount, 2)
        terms.due_on_working_day = True
        self.assertEqual(self._charge(move, day(TUESDAY), terms).amount, 1)
        self._holiday(SUNDAY + 1, days=2)
        self.assertFalse(self._charge(move, day(TUESDAY), terms), "Monday and Tuesday are holidays")
        self.assertEqual(self._charge(move, day(TUESDAY + 2), terms).amount, 1)

    def test_case_36_compensation(self):
        move = self._invoice(100, day(SUNDAY))
        terms = self._contract(
            0, compensation="amount", compensation_amount=40, due_on_working_day=True
        )
        self.assertFalse(self._charge(move, day(SUNDAY + 1), terms))
        self.assertEqual(self._charge(move, day(TUESDAY), terms).amount, 40)

    def test_case_41_posted_overdue(self):
        """Back-dated: the first reminder comes so many days after the posting, not the next day."""
        self.policy.posting_days = 10
        move = self._invoice(100, post=False)
        with freeze_time(day(20)):
            move.action_post()
        self.assertEqual(self._reason(29), "not_yet")
        self.assertEqual(self._reached(30), "Friendly reminder")
        with freeze_time(day(31)):
            move.button_draft()
            move.action_post()
        self.assertEqual(self._reached(40), "Second reminder", "corrected, not posted late")

    def test_case_41_posted_in_time(self):
        self.policy.posting_days = 10
        move = self._invoice(100, post=False)
        with freeze_time(DUE):
            move.action_post()
        self.assertEqual(self._reached(7), "Friendly reminder")

    def test_case_62_promise_on_a_holiday(self):
        """Promised for a Sunday before a holiday: it has until Tuesday, and the days of grace."""
        self._holiday(SUNDAY + 1)
        move = self._invoice(100)
        hold = self.env["collection.hold"].create(
            {
                "case_id": move.action_view_collection_case()["res_id"],
                "kind": "promise",
                "date_from": day(1),
                "promise_amount": 100,
                "promise_date": day(SUNDAY),
                "tolerance_days": 1,
            }
        )
        self.assertEqual(hold.date_until, day(TUESDAY + 1))
        self.assertEqual(self._reason(TUESDAY + 1), "promise")
        self._register_payment(move, payment_date=day(TUESDAY + 1))
        self._propose(day(TUESDAY + 2))
        self.assertEqual(hold.state, "kept")

    def test_case_86_reminded_before_its_time(self):
        """A collector may; the log says so, and the next gap counts from that day."""
        self._invoice(100)
        self._send(day(7))
        run = self._propose(day(10))
        self.assertEqual(run.line_ids.skip_reason, "not_yet")
        run.line_ids.action_remind_now()
        run.action_approve()
        run.action_send()
        self._release(run)
        event = run.line_ids.event_id
        self.assertEqual(
            (event.level_id, event.manual, event.letter_id.state), (self.second, True, "done")
        )
        self.assertFalse(run.line_ids.skip_reason)
        gap = self.third.min_gap_days
        self.third.delay_days = 10
        self.assertEqual(self._reason(10 + gap - 1), "gap")
        self.assertEqual(self._reached(10 + gap), "Final notice")

    def test_case_86_not_what_is_on_hold(self):
        move = self._invoice(100)
        move.no_followup = True
        line = self._propose(day(7)).line_ids
        with self.assertRaisesRegex(UserError, "cannot be reminded now"):
            line.action_remind_now()

    def test_case_86_paid_in_between(self):
        """Chosen by hand or not: what is paid when the run is sent is left out."""
        move = self._invoice(100)
        self._send(day(7))
        run = self._propose(day(10))
        run.line_ids.action_remind_now()
        run.action_approve()
        self._register_payment(move, payment_date=day(10))
        run.action_send()
        self.assertEqual(run.line_ids.skip_reason, "paid")

    def test_v22_costs_and_interest_first(self):
        """1,000 paid on 1,200, interest of 33.40 and costs of 130: 363.40 of the 1,200 are left.

        Which document an undirected payment settles is for the bookkeeper to say; where costs and
        interest come first, their invoice is matched first.
        """
        move, charges = self._invoice(1200), self._invoice(163.40)
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 1000,
                "date": day(30),
            }
        )
        payment.action_post()
        for document in (charges, move):
            lines = (payment.move_id | document).line_ids.filtered(
                lambda line: line.account_type == "asset_receivable" and not line.reconciled
            )
            lines.reconcile()
        self.assertEqual((charges.amount_residual, move.amount_residual), (0, 363.40))
        self.assertEqual(self._propose(day(31)).line_ids.amount_residual, 363.40)


@tagged("post_install", "-at_install")
class TestCollectionEdgesDeductions(DeductionsCommon):
    """Deposits and retentions have due dates of their own."""

    def _propose(self, on):
        self.env.user.group_ids |= self.env.ref("professional_billing.group_collection_manager")
        run = self.env["collection.run"].create({"date": on})
        run.action_propose()
        return run.line_ids

    def test_case_29_deposit_and_retention(self):
        """What is held back is not owed before its release; a deposit is due on its own day."""
        order = self._create_engagement([self.hours], retention_percent=10)
        self._log_time(order.order_line, 1)
        invoice = self._bill(order, post=True)
        deposit = self._deposit(order, 50)
        for move in invoice | deposit:
            move.line_ids.filtered("date_maturity").date_maturity = self.today
        late = self.today + datetime.timedelta(days=20)
        lines = self._propose(late)
        self.assertEqual(lines.move_id, invoice | deposit)
        asked = {line.move_id: line.amount_residual for line in lines}
        self.assertEqual(asked[invoice], invoice.amount_total, "less the retention")
        held = order.retention_held
        self.assertGreater(held, 0)
        release = self.env["billing.retention.release"].create({"order_id": order.id})
        release = self.env["account.move"].browse(release.action_release()["res_id"])
        release.invoice_payment_term_id = False
        release.invoice_date_due = late
        release.action_post()
        self.assertNotIn(release, self._propose(late).move_id)
        lines = self._propose(late + datetime.timedelta(days=7))
        found = lines.filtered(lambda line: line.move_id == release)
        self.assertEqual((found.amount_residual, bool(found.level_id)), (held, True))
