from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import BillingCommon


@tagged("post_install", "-at_install")
class TestReconciliation(BillingCommon):
    """The check that everything adds up finds nothing in sound books, and each thing that is wrong."""

    def _find(self):
        """Return {check: what is wrong by it}, of the checks that found something."""
        report = self.env["billing.reconciliation"].with_user(self.officer).create({})
        return {line.name: line.res_ids for line in report.line_ids if line.count}

    def _history(self):
        """Bills, an edited draft, a credit note, a write-off, a cancelled draft, a limit."""
        order = self._create_engagement([self.hours, self.fee], billing_cap_amount=20000)
        for hours in (1, 2.345, 3):
            self._log_time(order.order_line[0], hours, -1)
        move = self._bill(order)
        self._product_lines(move)[0].quantity = 5
        move.action_post()
        self._credit(move, {self._product_lines(move)[0]: 1})
        self._log_time(order.order_line[0], 2)
        prebill = self._prebill(order)
        prebill.line_ids[0].write({"decision": "write_off", "reason_id": self.reason.id})
        prebill.with_user(self.manager).action_approve()
        prebill.action_invoice()
        self._log_time(order.order_line[0], 4)
        self._bill(order).button_cancel()
        return order

    def test_sound_books(self):
        order = self._history()
        self.assertLedger(order)
        self.assertEqual(self._find(), {})

    def test_what_is_wrong_is_found(self):
        order = self._history()
        items = self._items(order).filtered("timesheet_id")
        self.env.flush_all()
        wrongs = (
            ("is in work in progress", "UPDATE billing_item SET timesheet_id = NULL WHERE id = %s"),
            ("as many hours", "UPDATE billing_item SET worked_quantity = 99 WHERE id = %s"),
            (
                "billed, written off and open",
                "UPDATE billing_item SET open_amount = 7 WHERE id = %s",
            ),
        )
        for words, query in wrongs:
            with self.subTest(words):
                savepoint = self.cr.savepoint()
                self.cr.execute(query, [items[0].id])
                self.env.invalidate_all()
                [(name, ids)] = self._find().items()
                self.assertIn(words, name)
                self.assertEqual(len(ids), 1)
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_wrong_invoice_line(self):
        order = self._history()
        line = order.invoice_ids.filtered(
            lambda move: move.state == "posted" and move.move_type == "out_invoice"
        ).invoice_line_ids.filtered("billing_settlement_ids")[:1]
        self.env.flush_all()
        self.cr.execute(
            "UPDATE account_move_line SET price_unit = price_unit + 1 WHERE id = %s", [line.id]
        )
        self.env.invalidate_all()
        [(name, ids)] = self._find().items()
        self.assertIn("bill exactly the work", name)
        self.assertEqual(ids, line.ids)

    def test_rights(self):
        for user in (self.reviewer, self.consultant):
            with self.assertRaises(AccessError):
                self.env["billing.reconciliation"].with_user(user).create({})
