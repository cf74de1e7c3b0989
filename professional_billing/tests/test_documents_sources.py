from odoo.tests import tagged

from .common_documents import DocumentsCommon


@tagged("post_install", "-at_install")
class TestSources(DocumentsCommon):
    """Work, instalments and prices change before, while and after they are billed."""

    # -- time entries ---------------------------------------------------------------------------

    def test_open_entry(self):
        """Open time follows its entry, hours, date and deletion, by its own author."""
        order = self._engagement(3, 5)
        entry = self._items(order)[1].timesheet_id.with_user(self.consultant)
        entry.unit_amount = 4.5
        self.assertEqual(self._open(order), [(3, 300), (4.5, 450)])
        entry.date = self.today.replace(year=self.today.year - 1)
        self.assertEqual(self._open(order), [(4.5, 450), (3, 300)])
        entry.unlink()
        self.assertEqual(self._open(order), [(3, 300)])

    def test_entry_on_prebill(self):
        """An entry on a draft pre-bill may change: the pre-bill shows it before it is invoiced."""
        order = self._engagement(3, 5)
        prebill = self._prebill(order)
        first, second = self._items(order).timesheet_id.sorted("date")
        second.unit_amount = 4
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        self.assertLedger(order)
        self._prebill(order)
        self.assertEqual(prebill.amount_bill, 700)
        first.unlink()
        self.assertEqual(prebill.amount_bill, 400)
        move = prebill.action_invoice()
        self.assertEqual(move.amount_untaxed, 400)
        self.assertEqual(self._open_hours(order), [0])

    def test_entry_on_approved_prebill(self):
        """An entry that changes or goes after approval is not billed as it was approved."""
        order = self._engagement(3, 5)
        prebill = self._prebill(order)
        prebill.with_user(self.manager).action_approve()
        first, second = self._items(order).timesheet_id.sorted("date")
        second.unit_amount = 4
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        self.assertLedger(order)
        prebill.action_reopen()
        prebill.action_refresh()
        prebill.action_approve()
        self.assertEqual(prebill.amount_bill, 700)
        first.unlink()
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        prebill.action_reopen()
        prebill.action_refresh()
        prebill.action_approve()
        self.assertEqual(prebill.action_invoice().amount_untaxed, 400)
        self.assertEqual(sum(self._open_hours(order)), 0)

    def test_billed_entry(self):
        """Billed time is frozen, on a draft too; credited in part it stays so; credited it is free."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        first, second = self._items(order).timesheet_id.sorted("date")
        for _state in ("draft", "posted"):
            for vals in ({"unit_amount": 1}, {"date": self.today}, {"so_line": False}):
                with self.assertRefused():
                    first.write(vals)
            with self.assertRefused():
                first.unlink()
            first.name = "Better words"
            move.state == "draft" and move.action_post()
        self._credit(move, {self._product_lines(move): 1})
        with self.assertRefused():
            second.unit_amount = 1
        with self.assertRefused():
            second.unlink()
        self._credit(move)
        second.unit_amount = 4
        first.unlink()
        self.assertEqual(self._open(order), [(0, 0), (4, 400)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 400)
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_entry_of_given_up_value(self):
        """Billed at a lower rate and credited: the entry's hours cannot change behind the ledger."""
        order = self._engagement(8)
        prebill = self._prebill(order)
        prebill.line_ids.write({"rate": 90, "reason_id": self.reason.id})
        move = prebill.action_invoice().with_env(self.env)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0)])
        self._credit(move)
        self.assertEqual(self._open(order), [(8, 720)])
        with self.assertRefused("is on a bill or written off"):
            self._items(order).timesheet_id.unit_amount = 4
        self.assertLedger(order)

    def test_entry_partly_written_off(self):
        """Two hours written off: the rest is billed, and nothing stays to invoice."""
        order = self._engagement(10)
        prebill = self._prebill(order)
        prebill.line_ids.quantity = 8
        prebill.line_ids.action_write_off_rest()
        prebill.line_ids.filtered(lambda row: row.decision == "write_off").reason_id = self.reason
        move = prebill.action_invoice().with_env(self.env)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0)])
        self.assertEqual(order.order_line.qty_to_invoice, 0)
        self._credit(move)
        self.assertEqual(self._open(order), [(8, 800)])

    # -- prices ---------------------------------------------------------------------------------

    def test_price_changed(self):
        """A new price values open time; what is billed keeps its own, credited or not."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        self._log_time(order.order_line, 2)
        order.order_line.price_unit = 120
        self.assertEqual(self._open(order), [(0, 0), (0, 0), (2, 240)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 240)
        self._credit(move, {self._product_lines(move): 1})
        self.assertEqual(self._open(order), [(0, 0), (1, 100), (0, 0)])
        again = self._bill(order, post=True)
        self.assertEqual(again.amount_untaxed, 100)
        self.assertEqual(self._open_hours(order), [0, 0, 0])

    def test_price_changed_on_prebill(self):
        """A price changed while the pre-bill waits is seen before it is invoiced."""
        order = self._engagement(3, 5)
        prebill = self._prebill(order)
        prebill.with_user(self.manager).action_approve()
        order.order_line.price_unit = 120
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        self.assertEqual(self._open(order), [(3, 360), (5, 600)])

    def test_discount_and_unit_changed(self):
        """A discount or another unit on the order line values open time again."""
        order = self._engagement(4, 4)
        order.order_line.discount = 10
        self.assertEqual(self._open(order), [(4, 360), (4, 360)])
        move = self._bill(order)
        self.assertRecordValues(
            self._product_lines(move), [{"quantity": 8, "price_unit": 100, "discount": 10}]
        )
        self.assertLedger(order)

    def test_rule_on_invoiced_line(self):
        """A line Odoo has invoiced takes no rule: its hours would be billed a second time."""
        plain = self._new_service("Plain advice", False, 70.0)
        order = self._create_engagement([plain])
        line = order.order_line
        self._log_time(line, 3, -1)
        move = self._bill_by_wizard(order)
        with self.assertRefused("billed again"):
            line.billing_rule = "time_materials"
        move.button_cancel()
        line.billing_rule = "time_materials"
        self.assertEqual(self._open(order), [(3, 210)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 210)
        self.assertLedger(order)

    # -- fees -----------------------------------------------------------------------------------

    def _fee(self, *percentages):
        installments = [{"percentage": percentage} for percentage in percentages]
        return self._create_engagement([{"product_id": self.fee.id, "installments": installments}])

    def test_instalment_open(self):
        """An open instalment may change: the fee must still add up before anything is billed."""
        order = self._fee(50, 50)
        first, second = order.billing_installment_ids
        first.percentage = 40
        self.assertEqual(self._items(order).mapped("blocked_reason"), ["schedule_gap"] * 2)
        self.assertFalse(self._prebill(order))
        second.percentage = 60
        self.assertEqual(sorted(self._items(order).mapped("open_amount")), [3600, 5400])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 9000)
        self.assertLedger(order)

    def test_instalment_billed(self):
        """A billed instalment is frozen until it is credited."""
        order = self._fee(50, 50)
        second = order.billing_installment_ids[1]
        second.date = self.today.replace(year=self.today.year + 1)
        move = self._bill(order)
        first = order.billing_installment_ids.filtered("is_billed")
        self.assertEqual(len(first), 1)
        with self.assertRefused("frozen"):
            first.percentage = 10
        with self.assertRefused("frozen"):
            first.unlink()
        move.action_post()
        self.assertLedger(order)
        self._credit(move)
        self.assertLedger(order)
        first.percentage = 30
        second.percentage = 70
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 2700)
        self.assertLedger(order)

    def test_fee_raised(self):
        """A fee raised after the first bill leaves a gap that is named, not billed or lost."""
        order = self._fee(50, 50)
        first, second = order.billing_installment_ids
        second.date = self.today.replace(year=self.today.year + 1)
        self._bill(order, post=True)
        order.order_line.price_unit = 10000
        second.date = self.today
        self.assertEqual(first.amount, 4500)
        self.assertEqual(self._items(order).mapped("billed_amount"), [4500, 0])
        self.assertEqual(self._items(order).filtered("is_open").blocked_reason, "schedule_gap")
        self.assertFalse(self._prebill(order))
        second.write({"percentage": 0, "amount": 5500})
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 5500)
        self.assertLedger(order)
        self.assertEqual(order.order_line.billing_billed_amount, 10000)
        self.assertAlmostEqual(order.order_line.qty_invoiced, 1)

    def test_fee_edited_and_credited(self):
        """A fee lowered on the draft, credited in part by quantity and by price."""
        order = self._fee(100)
        move = self._bill(order)
        self._edit(move, price_unit=8000)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 1000)])
        self._credit(move, {self._product_lines(move): 0.5})
        self.assertLedger(order)
        self.assertEqual(sum(amount for _part, amount in self._open(order)), 5000)
        again = self._bill(order, post=True)
        self.assertLedger(order)
        self.assertEqual(again.amount_untaxed, 5000)
        self.assertEqual(self._open(order), [(0, 0)])

    def test_fee_raised_on_draft(self):
        """A fee raised on the draft is a write-up."""
        order = self._fee(50, 50)
        move = self._bill(order)
        self._edit(move, price_unit=10000)
        move.action_post()
        self.assertLedger(order)
        self.assertEqual(sum(self._items(order).mapped("written_up_amount")), 500)

    def test_fee_quantity_edited(self):
        """Half of an instalment's quantity on the draft: half of its money stays open."""
        order = self._fee(50, 50)
        move = self._bill(order)
        self._edit(move, quantity=0.25)
        move.action_post()
        self.assertLedger(order)
        self.assertEqual(sum(amount for _part, amount in self._open(order)), 2250)
        again = self._bill(order, post=True)
        self.assertEqual(again.amount_untaxed, 2250)
        self.assertLedger(order)

    def test_milestone_unreached(self):
        """A billed milestone un-reached, renamed or deleted makes no negative bill."""
        order = self._create_engagement([{"product_id": self.stages.id, "milestones": [30, 70]}])
        first, second = self.env["project.milestone"].search(
            [("sale_line_id", "=", order.order_line.id)], order="id"
        )
        first.is_reached = True
        move = self._bill(order, post=True)
        self.assertEqual(move.amount_untaxed, 1500)
        first.is_reached = False
        self.assertLedger(order)
        self.assertEqual(order.order_line.qty_to_invoice, 0)
        self.assertFalse(self._prebill(order))
        with self.assertRefused():
            first.unlink()
        second.is_reached = True
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 3500)
        self.assertLedger(order)
        self._credit(move)
        self.assertEqual(self._items(order).mapped("billed_amount").count(0), 1)
        self.assertFalse(self._prebill(order))

    # -- moved work -----------------------------------------------------------------------------

    def _two_lines(self):
        order = self._create_engagement(
            [self.hours, {"product_id": self.hours.id, "price_unit": 150}]
        )
        self._log_time(order.order_line[0], 3, -2)
        return order, order.order_line[0], order.order_line[1]

    def test_task_moved(self):
        """A task moved to another order line takes its open work along, not the billed."""
        order, first, second = self._two_lines()
        self._bill(order, post=True)
        self._log_time(first, 5, -1)
        first.task_id.sale_line_id = second
        self.env.cr.flush()
        self.assertLedger(order)
        self.assertEqual(self._items(order).order_line_id, first | second)
        self.assertRecordValues(
            self._items(order),
            [
                {"order_line_id": first.id, "open_amount": 0, "billed_amount": 300},
                {"order_line_id": second.id, "open_amount": 750, "billed_amount": 0},
            ],
        )
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 750)
        self.assertLedger(order)

    def test_task_moved_after_credit(self):
        """Credited work moves with its task, at the new line's price, and keeps its history."""
        order, first, second = self._two_lines()
        move = self._bill(order, post=True)
        self._credit(move)
        first.task_id.sale_line_id = second
        self.env.cr.flush()
        self.assertEqual(self._items(order).order_line_id, second)
        self.assertEqual(self._open(order), [(3, 450)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 450)
        self.assertLedger(order)

    def test_task_moved_on_approved_prebill(self):
        """Work moved after approval is not billed by the old order, nor twice."""
        order, first, second = self._two_lines()
        other = self._create_engagement([{"product_id": self.hours.id, "price_unit": 150}])
        for target in (second, other.order_line):
            with self.subTest(target=target.order_id == order):
                prebill = self._prebill(order)
                prebill.with_user(self.manager).action_approve()
                first.task_id.sale_line_id = target
                self.env.cr.flush()
                with self.assertRefused():
                    prebill.action_invoice()
                self.assertLedger(order | other)
                first.task_id.sale_line_id = first
                self.env.cr.flush()
                prebill.action_cancel()

    def test_task_moved_off_engagement(self):
        """Work moved to a line that Odoo bills is not billed by us as well, approved or not."""
        plain = self._new_service("Plain advice", False, 70.0)
        order = self._create_engagement([self.hours, plain])
        first, second = order.order_line
        self._log_time(first, 3, -2)
        prebill = self._prebill(order)
        prebill.with_user(self.manager).action_approve()
        first.task_id.sale_line_id = second
        self.env.cr.flush()
        self.assertEqual(second.qty_delivered, 3)
        with self.assertRefused():
            prebill.action_invoice()
        prebill.action_cancel()
        move = self._bill_by_wizard(order)
        self.assertEqual(move.amount_untaxed, 210)
        self.assertEqual(first.billing_open_amount, 0)
        self.assertLedger(order)

    def test_project_moved_to_other_order(self):
        """An entry moved by hand to another engagement is billed there only."""
        order, first, _second = self._two_lines()
        other = self._create_engagement([{"product_id": self.hours.id, "price_unit": 150}])
        entry = self._items(order).timesheet_id
        prebill = self._prebill(order)
        entry.so_line = other.order_line
        self.assertLedger(order | other)
        self.assertFalse(prebill.line_ids)
        self.assertEqual(self._bill(other, post=True).amount_untaxed, 450)
        self.assertFalse(self._prebill(order).line_ids)
        self.assertEqual(first.billing_open_amount, 0)
        self.assertLedger(order | other)
