import datetime

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common_review import ReviewCommon


@tagged("post_install", "-at_install")
class TestReviewValues(ReviewCommon):
    """Standard, agreed and billed value side by side; the bill before."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        card = cls.env["billing.rate.card"].create(
            {"name": "Standard", "rate_ids": [Command.create({"price_unit": 125})]}
        )
        cls.company.billing_rate_card_id = card

    def test_side_by_side(self):
        """An hour is 125 by the firm's card and 100 by the contract."""
        prebill = self._work(2, 6)
        self.assertRecordValues(
            prebill,
            [
                {
                    "amount_standard": 1000,
                    "amount_agreed": 800,
                    "amount_billed": 800,
                    "realisation": 80,
                }
            ],
        )
        first, second = prebill.line_ids.sorted("date")
        self.assertRecordValues(
            first, [{"standard_amount": 250, "agreed_amount": 200, "realisation": 80}]
        )
        second.write({"rate": 75, "reason_id": self.reason.id})
        self.assertEqual(second.realisation, 60)
        self.assertRecordValues(prebill, [{"amount_billed": 650, "realisation": 65}])
        second.write({"decision": "write_off", "rate": 100})
        self.assertEqual(second.realisation, 0)
        self.assertRecordValues(prebill, [{"amount_standard": 1000, "realisation": 20}])

    def test_postponed_is_left_out(self):
        """What stays in WIP lowers no figure of this bill."""
        prebill = self._work(2, 6)
        first, second = prebill.line_ids.sorted("date")
        second.decision = "postpone"
        first.write({"rate": 125, "reason_id": self.reason.id})
        self.assertRecordValues(
            prebill,
            [{"amount_standard": 250, "amount_agreed": 200, "realisation": 100}],
        )
        second.write({"decision": "bill", "quantity": 3})
        self.assertEqual(prebill.amount_standard, 250 + 375)

    def test_billed_in_parts(self):
        """Two bills of one entry share its standard value; a raised quantity adds none."""
        prebill = self._work(4)
        prebill.line_ids.quantity = 1
        prebill.with_user(self.officer).action_invoice()
        self.assertEqual(prebill.amount_standard, 125)
        rest = self._prebill(self.order)
        self.assertEqual(rest.amount_standard, 375)
        rest.line_ids.write({"quantity": 5, "reason_id": self.reason.id})
        self.assertRecordValues(rest, [{"amount_standard": 375, "amount_billed": 500}])

    def test_discount_lowers_it(self):
        self.order.write({"bill_discount_type": "fixed", "bill_discount_amount": 100})
        prebill = self._work(8)
        self.assertRecordValues(prebill, [{"amount_billed": 700, "realisation": 70}])
        prebill.with_user(self.officer).action_invoice()
        self.assertRecordValues(prebill, [{"amount_billed": 700, "realisation": 70}])

    def test_standard_rate_changed(self):
        """Refreshing takes over a new standard value; what was edited stays."""
        prebill = self._work(8)
        prebill.line_ids.write({"rate": 90, "reason_id": self.reason.id})
        prebill.line_ids.item_id.sudo().standard_amount = 1600
        prebill.action_refresh()
        self.assertRecordValues(prebill, [{"amount_standard": 1600, "amount_bill": 720}])

    def test_last_bill(self):
        """Beside it stands the bill before of the same engagement, cancelled ones aside."""
        first = self._work(8)
        self.assertFalse(first.last_bill_note)
        first.with_user(self.officer).invoice_date = datetime.date(self.today.year - 1, 10, 5)
        first.with_user(self.officer).action_invoice()
        second = self._work(2)
        note = second.last_bill_note
        for part in ("800.00", f"5 October {self.today.year - 1}", "80.0 %"):
            self.assertIn(part, note)
        self.assertFalse(first.last_bill_note)
        first.move_ids.sudo().button_cancel()
        self.env.invalidate_all()
        self.assertFalse(second.last_bill_note)

    def test_others_of_the_client(self):
        """Another engagement's bill is not the last one of this."""
        other = self._create_engagement([self.hours])
        self._work(3, line=other.order_line).with_user(self.officer).action_invoice()
        self.assertFalse(self._work(2).last_bill_note)

    def test_queries(self):
        """The figures of four times the pre-bills cost no query more."""
        prebills = self.env["billing.prebill"]
        for _number in range(8):
            order = self._create_engagement([self.hours])
            self._log_time(order.order_line, 1)
            self._bill(order)
            self._log_time(order.order_line, 2)
            prebills |= self._prebill(order)
        counts = []
        for some in (prebills, prebills[:2], prebills):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            some.mapped("amount_standard")
            some._get_last_bills()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])


@tagged("post_install", "-at_install")
class TestReviewHistory(ReviewCommon):
    """Every change of a line is told in the pre-bill's chatter: who, what, why."""

    def test_one_note_per_save(self):
        prebill = self._work(10, 6)
        first, second = prebill.line_ids.sorted("date")
        first.write({"quantity": 8, "narrative": "Task zero, better told"})
        second.write({"rate": 90, "reason_id": self.reason.id, "reason_note": "Junior staff"})
        self._save()
        [note] = self._notes(prebill)
        for part in (
            "Anna Associate",
            "“Task 0”",
            "Quantity 10.00 → 8.00",
            "Task 0 → Task zero, better told",
            "Rate 100.00 → 90.00",
            "Reason – → Courtesy",
            "Why – → Junior staff",
        ):
            self.assertIn(part, note)
        message = prebill.sudo().message_ids.filtered(lambda one: "better told" in one.body)
        self.assertEqual(message.author_id, self.reviewer.partner_id)

    def test_nothing_when_nothing_changed(self):
        prebill = self._work(10)
        prebill.line_ids.write({"quantity": 10, "narrative": "Task 0", "decision": "bill"})
        prebill.line_ids.quantity = 8
        prebill.line_ids.quantity = 10
        prebill.action_refresh()
        self._save()
        self.assertFalse(self._notes(prebill))

    def test_scissors_and_deletion(self):
        """New lines and lines taken off are told too."""
        prebill = self._work(10, 5)
        line = prebill.line_ids.sorted("date")[0]
        line.quantity = 8
        line.action_write_off_rest()
        prebill.line_ids.filtered(lambda line: line.decision == "write_off").reason_id = self.reason
        self._save()
        [note] = self._notes(prebill)
        self.assertIn("new line, Write off, 2.00, Courtesy", note)
        prebill.line_ids.sorted("date")[-1].unlink()
        self._save()
        self.assertIn("taken off", self._notes(prebill)[1])

    def test_deleted_line_keeps_the_rest(self):
        """Taking one of two lines of a piece of work off leaves the other on the pre-bill."""
        prebill = self._work(10)
        prebill.line_ids.quantity = 8
        prebill.line_ids.action_write_off_rest()
        prebill.line_ids.filtered(lambda line: line.decision == "write_off").unlink()
        self.assertEqual(self._items(self.order).prebill_id.ids, prebill.ids)
        prebill.line_ids.unlink()
        self.assertFalse(self._items(self.order).prebill_id)

    def test_two_people(self):
        """Changes of two people in one transaction are two notes, each under its name."""
        prebill = self._work(10, 6)
        first, second = prebill.line_ids.sorted("date")
        first.quantity = 8
        second.with_user(self.officer).quantity = 5
        self._save()
        messages = prebill.sudo().message_ids.filtered(lambda one: "Task" in one.body)
        self.assertEqual(messages.author_id, self.reviewer.partner_id | self.officer.partner_id)

    def test_form(self):
        """The form's own save of two lines makes one note, with the reason kept."""
        prebill = self._work(10, 6)
        with Form(prebill) as form:
            for index in (0, 1):
                with form.line_ids.edit(index) as line:
                    line.quantity = 5
        self._save()
        self.assertEqual(len(self._notes(prebill)), 1)


@tagged("post_install", "-at_install")
class TestReviewDecisions(ReviewCommon):
    """Many lines at once, each decision with its reason where value is given up or added."""

    def test_free_of_charge(self):
        """On the bill at zero; the value is written off with the reason, to the cent."""
        prebill = self._work(3, 5)
        free = prebill.line_ids.sorted("date")[0]
        self._wizard(free, "complimentary", reason_note="As promised")
        self.assertRecordValues(
            prebill, [{"amount_bill": 500, "amount_written_off": 300, "amount_postponed": 0}]
        )
        move = prebill.with_user(self.officer).action_invoice().with_env(self.env)
        lines = self._product_lines(move).sorted("price_unit")
        self.assertRecordValues(
            lines, [{"quantity": 3, "price_unit": 0}, {"quantity": 5, "price_unit": 100}]
        )
        self.assertIn("Free of charge", lines[0].name)
        item = free.item_id.with_env(self.env)
        self.assertItem(item, open_quantity=0, billed_quantity=3, written_off_amount=300)
        write_off = item.allocation_ids.filtered(lambda row: row.kind == "write_off")
        self.assertRecordValues(
            write_off, [{"reason_id": self.reason.id, "note": "As promised", "amount": 300}]
        )
        self.assertLedger(self.order)
        move.action_post()
        self._credit(move)
        self.assertLedger(self.order)
        self.assertItem(item, open_quantity=3, open_amount=0)

    def test_part_free_of_charge(self):
        """Five hours of eight billed, three free: two lines of one piece of work."""
        prebill = self._work(8)
        line = prebill.line_ids
        line.quantity = 5
        line.action_write_off_rest()
        rest = prebill.line_ids - line
        rest.write({"decision": "complimentary", "reason_id": self.reason.id})
        self.assertEqual(prebill.amount_bill, 500)
        prebill.with_user(self.officer).action_invoice()
        self.assertLedger(self.order)
        self.assertItem(
            self._items(self.order), billed_quantity=8, billed_amount=500, open_amount=0
        )

    def test_fee_free_of_charge(self):
        order = self._create_engagement(
            [{"product_id": self.fee.id, "installments": [{"percentage": 50}, {"percentage": 50}]}]
        )
        prebill = self._prebill(order)
        self._wizard(prebill.line_ids[0], "complimentary", user=self.officer)
        move = prebill.action_invoice()
        self.assertEqual(sorted(self._product_lines(move).mapped("price_subtotal")), [0, 4500])
        self.assertLedger(order)

    def test_bulk(self):
        """Write off three, leave two in WIP, take it back: one reason for all."""
        prebill = self._work(1, 2, 3, 4, 5)
        lines = prebill.line_ids.sorted("date")
        self._wizard(lines[:3], "write_off")
        self.assertEqual(lines[:3].reason_id, self.reason)
        lines[3:].action_postpone()
        self.assertRecordValues(
            prebill, [{"amount_bill": 0, "amount_written_off": 600, "amount_postponed": 900}]
        )
        lines[3:].action_bill()
        lines[0].action_bill()
        self.assertFalse(lines[0].reason_id)
        self.assertRecordValues(prebill, [{"amount_bill": 1000, "amount_written_off": 500}])
        prebill.with_user(self.officer).action_invoice()
        self.assertLedger(self.order)

    def test_bulk_joins_split_lines(self):
        """Writing off the rest of a line that was split makes one write-off of it."""
        prebill = self._work(8)
        prebill.line_ids.quantity = 5
        prebill.line_ids.action_write_off_rest()
        self._wizard(prebill.line_ids, "write_off")
        self.assertRecordValues(prebill.line_ids, [{"decision": "write_off", "quantity": 8}])
        self.assertEqual(self._items(self.order).prebill_id.ids, prebill.ids)

    def test_write_up_needs_reason(self):
        """More hours or a higher rate: a reason, which the settlement keeps."""
        prebill = self._work(8)
        prebill.line_ids.quantity = 9
        self.assertTrue(prebill.line_ids.needs_reason)
        with self.assertRefused("choose the reason"):
            prebill.action_approve()
        prebill.line_ids.write({"reason_id": self.reason.id, "reason_note": "Travel agreed"})
        prebill.with_user(self.officer).action_invoice()
        write_up = self._items(self.order).allocation_ids.filtered(
            lambda row: row.kind == "write_up"
        )
        self.assertRecordValues(
            write_up, [{"reason_id": self.reason.id, "note": "Travel agreed", "amount": 100}]
        )
        self.assertLedger(self.order)

    def test_rights(self):
        """Not on a decided pre-bill, not on others' projects, and own time needs somebody else."""
        prebill = self._work(2, 3, employee=self.partner_employee)
        self._wizard(prebill.line_ids[0], "complimentary")
        with self.assertRefused("own time"):
            prebill.action_approve()
        with self.assertRaises(AccessError):
            prebill.line_ids.with_user(self.salesperson).action_postpone()
        prebill.with_user(self.officer).action_approve()
        with self.assertRefused("is decided"):
            prebill.line_ids.action_postpone()
        with self.assertRefused("is decided"):
            self._wizard(prebill.line_ids[1], "write_off")
        other = self._create_engagement([self.hours])
        other.project_ids.user_id = self.manager
        self._log_time(other.order_line, 5)
        hidden = self._prebill(other).line_ids.with_user(self.reviewer)
        with self.assertRaises(AccessError):
            hidden.action_postpone()

    def test_limit_counts_free_work(self):
        self.company.billing_write_off_limit = 100
        prebill = self._work(2, 3)
        self._wizard(prebill.line_ids[0], "complimentary")
        with self.assertRefused("more than"):
            prebill.action_approve()

    def test_list_opens(self):
        """The list of lines groups by person, task and day, for officer and project manager."""
        prebill = self._work(2, 3)
        action = prebill.action_edit_lines()
        for user in (self.reviewer, self.officer):
            lines = self.env["billing.prebill.line"].with_user(user)
            for group in ("employee_id", "task_id", "date:day"):
                found = lines.formatted_read_group(
                    action["domain"], [group], ["amount:sum", "standard_amount:sum"]
                )
                self.assertEqual(sum(row["amount:sum"] for row in found), 500)
