from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_methods import MethodCommon


@tagged("post_install", "-at_install")
class TestMethodProgress(MethodCommon):
    """A line billed by the percentage that is complete."""

    def _claim(self, line, percentage, **vals):
        return self._record("billing.progress", line, percentage=percentage, **vals)

    def test_four_months(self):
        """Claims of 12.5, 40, 60 and 100 %, the fee raised on the way, one claim credited."""
        with self._on(2026, 1, 5):
            line = self._sell(self.building)
        self.assertEqual(line.qty_delivered_method, "billing")
        self.assertEqual(self._post(line), 0)
        with self._on(2026, 1, 31):
            first = self._claim(line, 12.5, name="Outline")
            self.assertEqual(first.amount, 3275.0)
            self.assertEqual(first.state, "due")
            self.assertEqual(line.qty_delivered, 0.13)
            self.assertEqual(self._post(line), 3275.0)
        self.assertEqual(first.state, "billed")
        self.assertExplained(self._items(line.order_id), "12.5 % of 26,200.00 = 3,275.00")
        self.assertRecordValues(
            self._product_lines(self.last_move),
            [{"name": "Outline: 12.5 % complete", "quantity": 1.0, "price_unit": 3275.0}],
        )
        with self._on(2026, 2, 28):
            second = self._claim(line, 40)
            self.assertEqual(self._post(line), 7205.0)
        self.assertExplained(
            second.item_ids,
            "40 % of 26,200.00 = 10,480.00",
            "Less 3,275.00 claimed before",
            "This claim: 7,205.00",
        )
        # The client has the garage built as well.
        with self._on(2026, 3, 10):
            line.with_user(self.salesperson).price_unit = 30000
        self.assertEqual((first | second).mapped("amount"), [3275.0, 7205.0])
        self.assertRecordValues(line, [{"billing_billed_amount": 10480, "billing_open_amount": 0}])
        with self._on(2026, 3, 31):
            third = self._claim(line, 60)
            self.assertEqual(self._post(line), 7520.0)
            march = self.last_move
        self.assertAlmostEqual(line.qty_invoiced, 0.6)
        # The March bill had the wrong address: credited and billed again.
        with self._on(2026, 4, 2):
            self._credit(march)
            self.assertLedger(line.order_id)
            self.assertRecordValues(third, [{"state": "due", "amount": 7520.0}])
            self.assertEqual(self._post(line), 7520.0)
        with self._on(2026, 4, 30):
            self._claim(line, 100, name="Hand-over")
            self.assertEqual(self._post(line), 12000.0)
            self.assertEqual(self._post(line), 0)
        self.assertEqual(line.billing_billed_amount, 30000.0)
        self.assertRecordValues(
            line, [{"qty_invoiced": 1, "qty_delivered": 1, "invoice_status": "invoiced"}]
        )

    def test_in_words(self):
        """The quotation says how it is billed."""
        line = self._sell(self.building, confirm=False)
        self.assertInWords(
            line, "Design of the building: 26,200.00, billed by what is complete of it."
        )

    def test_sums_exactly(self):
        """Thirds of an amount that has none: the last claim makes the line, to the cent."""
        line = self._sell(self.building, price_unit=100.01)
        for percentage in (33.3333, 66.6667, 100):
            self._claim(line, percentage)
        claims = line.billing_progress_ids
        self.assertEqual(claims.mapped("amount"), [33.34, 33.33, 33.34])
        self.assertEqual(self._post(line), 100.01)

    def test_several_claims_open(self):
        """Claims that wait on each other follow when one of them changes or goes."""
        line = self._sell(self.building, price_unit=1000)
        first, second, third = (self._claim(line, part) for part in (10, 30, 60))
        first.with_user(self.reviewer).percentage = 20
        self.assertEqual(line.billing_progress_ids.mapped("amount"), [200, 100, 300])
        second.with_user(self.reviewer).unlink()
        self.assertEqual((first | third).mapped("amount"), [200, 400])
        self.assertEqual(self._post(line), 600)

    def test_claims_at_the_same_time(self):
        """What two people recorded without seeing each other is valued right before it is billed."""
        line = self._sell(self.building, price_unit=1000)
        first, second = self._claim(line, 40), self._claim(line, 60)
        self.env.flush_all()
        self.env.cr.execute("UPDATE billing_progress SET amount = 600 WHERE id = %s", [second.id])
        self.env.invalidate_all()
        self.assertEqual(self._post(line), 600)
        self.assertEqual((first | second).mapped("amount"), [400, 200])

    def test_no_change_bills_nothing(self):
        """The same percentage again is no work to bill, and no line of zero."""
        line = self._sell(self.building)
        self._claim(line, 30)
        self.assertEqual(self._post(line), 7860)
        again = self._claim(line, 30)
        self.assertItem(again.item_ids, amount=0, is_open=False)
        self.assertEqual(self._post(line), 0)

    def test_claim_of_the_future(self):
        """A claim planned for next month waits for its day, and is in the list with the reason."""
        line = self._sell(self.building)
        claim = self._claim(line, 50, date=self._day(20))
        self.assertEqual(claim.state, "planned")
        self.assertItem(claim.item_ids, blocked_reason="future", open_amount=13100)
        self.assertEqual(self._post(line), 0)

    # -- going down -----------------------------------------------------------------------------

    def _billed_60(self):
        """Return the progress line of an order with time as well, 60 % of 10,000 billed."""
        line = self._sell(self.building, price_unit=10000, others=[self.hours])
        self._claim(line, 60)
        self.assertEqual(self._post(line), 6000)
        return line, line.order_id.order_line[1]

    def test_decrease_needs_confirmation(self):
        """Less than before is refused until somebody says that it is agreed."""
        line, _hours = self._billed_60()
        with self.assertRefused("less than the 60 % claimed before"):
            self._claim(line, 50)
        claim = self._claim(line, 50, decrease_confirmed=True)
        self.assertEqual(claim.amount, -1000)
        with self.assertRefused("Tick “Decrease agreed”"):
            claim.with_user(self.reviewer).decrease_confirmed = False
        self.assertExplained(claim.item_ids, "50 % of 10,000.00", "This claim: -1,000.00")

    def test_decrease_waits_for_a_bill(self):
        """Alone it would make a bill below zero: held back, with the reason, until there is more."""
        line, hours = self._billed_60()
        claim = self._claim(line, 50, decrease_confirmed=True)
        item = claim.item_ids
        self.assertItem(item, open_amount=-1000, blocked_reason="negative_bill")
        self.assertEqual(self._post(line), 0)
        self.assertEqual(line.invoice_status, "no")
        with self.assertRefused("The bill would be below zero"):
            line.order_id.with_user(self.officer).action_make_prebill()
        # Four hours do not outweigh it: they are billed, it waits.
        self._log_time(hours, 4)
        self.assertEqual(self._post(line), 400)
        self.assertItem(item, open_amount=-1000, blocked_reason="negative_bill")
        self._log_time(hours, 12)
        self.assertEqual(self._post(line), 200)
        self.assertRecordValues(
            self._product_lines(self.last_move),
            [
                {"quantity": -0.1, "price_unit": 10000, "price_subtotal": -1000},
                {"quantity": 12, "price_unit": 100, "price_subtotal": 1200},
            ],
        )
        self.assertItem(item, billed_amount=-1000, open_amount=0, is_open=False)
        self.assertEqual(claim.state, "billed")
        self.assertEqual(line.billing_billed_amount, 5000)
        self.assertEqual(line.qty_invoiced, 0.5)
        # The next claim makes up the difference.
        self._claim(line, 100)
        self.assertEqual(self._post(line), 5000)
        self.assertEqual(line.invoice_status, "invoiced")

    def test_decrease_in_a_run(self):
        """A run's preview shows it as held back and bills nothing of it."""
        line, _hours = self._billed_60()
        self._claim(line, 50, decrease_confirmed=True)
        run = self.env["billing.run"].with_user(self.officer).create({"cutoff_date": self.today})
        run.action_preview()
        mine = run.line_ids.filtered(lambda row: row.order_id == line.order_id)
        self.assertIn("below zero", mine.blocked_note)
        self.assertFalse(mine.amount)

    def test_decrease_alone_on_a_prebill(self):
        """What would outweigh it is postponed by the reviewer: the bill is refused, in words."""
        line, hours = self._billed_60()
        self._claim(line, 50, decrease_confirmed=True)
        self._log_time(hours, 12)
        prebill = self._prebill(line.order_id)
        self.assertEqual(prebill.amount_bill, 200)
        time = prebill.line_ids.filtered(lambda row: row.kind == "time")
        time.decision = "postpone"
        with self.assertRefused("an invoice cannot be less than zero"):
            prebill.action_invoice()
        self.assertLedger(line.order_id)
        time.decision = "bill"
        move = prebill.action_invoice()
        self.assertEqual(move.amount_untaxed, 200)
        self.assertLedger(line.order_id)

    def test_decrease_credited(self):
        """A credit note of the whole bill opens the decrease again, half of it opens half."""
        line, hours = self._billed_60()
        item = self._claim(line, 50, decrease_confirmed=True).item_ids
        self._log_time(hours, 12)
        self.assertEqual(self._post(line), 200)
        self._credit(self.last_move)
        self.assertLedger(line.order_id)
        self.assertItem(item, open_amount=-1000, open_quantity=1)
        self.assertEqual(self._post(line), 200)
        below = self._product_lines(self.last_move).filtered(lambda row: row.quantity < 0)
        time = self._product_lines(self.last_move) - below
        self._credit(self.last_move, {below: -0.04, time: 6})
        self.assertLedger(line.order_id)
        self.assertItem(item, open_amount=-400, billed_amount=-600)
        self.assertEqual(self._post(line), 200)
        self.assertItem(item, open_amount=0, billed_amount=-1000)

    def test_decrease_on_a_draft(self):
        """On the draft: less of it is open again, more is written up, a deleted line frees it."""
        for price, written_up, left in ((-700, 0, -300), (-1100, -100, 0)):
            with self.subTest(price=price):
                line, hours = self._billed_60()
                item = self._claim(line, 50, decrease_confirmed=True).item_ids
                self._log_time(hours, 15)
                move = self._bill(line.order_id)
                self._edit(move, quantity=1, price_unit=price, discount=0)
                move.action_post()
                self.assertLedger(line.order_id)
                self.assertItem(
                    item, billed_amount=price, written_up_amount=written_up, open_amount=left
                )
        line, hours = self._billed_60()
        item = self._claim(line, 50, decrease_confirmed=True).item_ids
        self._log_time(hours, 15)
        move = self._bill(line.order_id)
        below = self._product_lines(move)[0]
        move.with_user(self.officer).write({"invoice_line_ids": [Command.delete(below.id)]})
        self.assertLedger(line.order_id)
        self.assertItem(item, billed_amount=0, open_amount=-1000)

    def test_decrease_cancelled(self):
        """A bill with a decrease is reset, cancelled and reopened: the ledger follows each time."""
        line, hours = self._billed_60()
        item = self._claim(line, 50, decrease_confirmed=True).item_ids
        self._log_time(hours, 15)
        self.assertEqual(self._post(line), 500)
        move = self.last_move
        move.button_draft()
        self.assertLedger(line.order_id)
        self.assertItem(item, billed_amount=-1000)
        move.button_cancel()
        self.assertLedger(line.order_id)
        self.assertItem(item, billed_amount=0, open_amount=-1000)
        move.button_draft()
        self.assertLedger(line.order_id)
        self.assertItem(item, billed_amount=-1000, open_amount=0)
        move.action_post()
        self.assertLedger(line.order_id)

    def test_decrease_replaced(self):
        """“Reverse and create invoice” credits the decrease and bills it again."""
        line, hours = self._billed_60()
        item = self._claim(line, 50, decrease_confirmed=True).item_ids
        self._log_time(hours, 15)
        self.assertEqual(self._post(line), 500)
        again = self._reverse(self.last_move, "modify_moves")
        again.action_post()
        self.assertLedger(line.order_id)
        self.assertItem(item, billed_amount=-1000, open_amount=0)

    def test_decrease_by_the_wizard(self):
        """Odoo's “Create Invoice” leaves a decrease out, or bills it, just as a pre-bill does."""
        line, hours = self._billed_60()
        self._claim(line, 50, decrease_confirmed=True)
        with self.assertRefused("below zero"):
            self._bill_by_wizard(line.order_id)
        self._log_time(hours, 15)
        move = self._bill_by_wizard(line.order_id)
        self.assertEqual(move.amount_untaxed, 500)
        self.assertLedger(line.order_id)

    def test_decrease_written_off(self):
        """The client waives it: written off with a reason, nothing is left."""
        line, hours = self._billed_60()
        item = self._claim(line, 50, decrease_confirmed=True).item_ids
        self._log_time(hours, 15)
        prebill = self._prebill(line.order_id)
        below = prebill.line_ids.filtered(lambda row: row.kind == "progress")
        below.write({"decision": "write_off", "reason_id": self.reason.id})
        prebill.action_invoice()
        self.assertLedger(line.order_id)
        self.assertItem(item, written_off_amount=-1000, is_open=False)

    def test_fee_lowered(self):
        """A lower fee makes a higher percentage a decrease: held back until it is confirmed."""
        line, hours = self._billed_60()
        line.price_unit = 8000
        self.assertEqual(line.billing_progress_ids.amount, 6000)
        claim = self._claim(line, 65)
        self.assertItem(claim.item_ids, amount=-800, blocked_reason="decrease")
        self._log_time(hours, 10)
        self.assertEqual(self._post(line), 1000)
        claim.with_user(self.reviewer).decrease_confirmed = True
        self._log_time(hours, 10)
        self.assertEqual(self._post(line), 200)
        self._claim(line, 100)
        self.assertEqual(self._post(line), 2800)
        self.assertEqual(line.billing_billed_amount, 8000)

    # -- what is refused ------------------------------------------------------------------------

    def test_billed_claim_is_frozen(self):
        """Billed, a claim is neither changed nor deleted nor overtaken by one dated before it."""
        line = self._sell(self.building)
        claim = self._claim(line, 30)
        self._post(line)
        own = claim.with_user(self.reviewer)
        for vals in ({"percentage": 20}, {"date": self._day(3)}):
            with self.subTest(vals=vals), self.assertRefused("is frozen"):
                own.write(vals)
        with self.assertRefused("is frozen"):
            own.unlink()
        with self.assertRefused("has been billed. Date it later."):
            self._claim(line, 20, date=self._day(-5))
        own.name = "Outline"
        self.assertEqual(claim.amount, 7860)

    def test_zero_fee(self):
        """An order of nothing is not confirmed."""
        line = self._sell(self.building, confirm=False, price_unit=0)
        with self.assertRefused("the fee is zero"):
            line.order_id.action_confirm()

    def test_percentage_out_of_range(self):
        """Below 0 and above 100 % the database refuses."""
        line = self._sell(self.building)
        for percentage in (-1, 100.5):
            with (
                self.subTest(percentage=percentage),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError) as caught,
            ):
                self._claim(line, percentage)
            message = self.env["billing.progress"]._sql_error_to_message(caught.exception)
            self.assertIn("between 0 and 100", message)

    def test_other_rule(self):
        """A claim needs a line that is billed by progress."""
        line = self._sell(self.hours)
        with self.assertRaises(ValidationError) as caught:
            self._claim(line, 10)
        self.assertIn("billing rule “Progress”", str(caught.exception))

    def test_rights(self):
        """Project managers record on what they lead, officers in their company, others nothing."""
        line = self._sell(self.building)
        claim = self._claim(line, 10)
        self._claim(line, 20, user=self.officer)
        self._claim(line, 30, user=self.salesperson)
        for user in (self.consultant, self.other_officer):
            self.assertKeptOff(claim, user, "read", "write", "create", "unlink", percentage=50)
        stranger = self._new_user(
            "stranger", "project.group_project_manager,professional_billing.group_billing_reviewer"
        )
        colleague = self._new_user("colleague", "sales_team.group_sale_salesman")
        for user in (stranger, colleague):
            self.assertKeptOff(claim, user, "read", "write", "unlink")
            with self.assertRaises(AccessError):
                self._claim(line, 40, user=user)
        self.assertEqual(line.billing_progress_ids.mapped("percentage"), [10, 20, 30])
