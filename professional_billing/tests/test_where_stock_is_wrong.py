"""Where Odoo's own invoicing and ours differ on purpose."""

from odoo.tests import tagged

from .common_stock import StockCommon


@tagged("post_install", "-at_install")
class TestWhereStockIsWrong(StockCommon):
    """Each case shows Odoo's own behaviour, so that we notice when it is mended, and then ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = cls._pair("Hours", "time_materials", 100)
        cls.projects = [cls._create_project("Stock"), cls._create_project("Ours")]

    def _worked(self, *entries):
        """Return two orders with the same [(hours, days from today)]."""
        pair = self._create_pair([(self.service, {"product_uom_qty": 10})])
        for order, project in zip(pair, self.projects, strict=True):
            self.env["account.analytic.line"].create(
                [
                    self._prepare_time(project, order.order_line, hours, self._day(days))
                    for hours, days in entries
                ]
            )
        return pair

    def _bill_both(self, pair, **vals):
        return [self._bill_by_wizard(order, **vals) for order in pair]

    def _entries(self, order):
        return self.env["account.analytic.line"].search([("so_line", "=", order.order_line.id)])

    def _quantity(self, move):
        return sum(self._product_lines(move).mapped("quantity"))

    def test_credit_one_hour(self):
        """Bill 8 h, credit 1 h, bill the period again: Odoo bills 8 h, we bill 1 h."""
        pair = self._worked((8, -1))
        period = {
            "date_start_invoice_timesheet": self._day(-30),
            "date_end_invoice_timesheet": self.today,
        }
        for move in self._bill_both(pair, **period):
            move.action_post()
            self._credit(move, {self._product_lines(move): 1})
        theirs, ours = self._bill_both(pair, **period)
        self.assertEqual(self._quantity(theirs), 8)
        self.assertEqual(self._quantity(ours), 1)
        self.assertLedger(pair[1])

    def test_write_off(self):
        """Bill 8 of 10 h and give up 2: Odoo says for ever that 2 h are to invoice, we do not."""
        stock, engagement = self._worked((4, -2), (6, -1))
        theirs = self._bill_by_wizard(stock)
        self._edit(theirs, quantity=8)
        theirs.action_post()
        self.assertEqual(stock.order_line.qty_to_invoice, 2)
        self.assertEqual(stock.invoice_status, "to invoice")
        prebill = self._prebill(engagement)
        line = prebill.line_ids.filtered(lambda row: row.quantity == 6).with_env(self.env)
        line.write({"quantity": 4})
        line.action_write_off_rest()
        prebill.line_ids.filtered(lambda row: row.decision == "write_off").reason_id = self.reason
        ours = prebill.with_env(self.env).action_invoice()
        ours.action_post()
        self.assertEqual(self._quantity(ours), 8)
        self.assertEqual(engagement.order_line.qty_to_invoice, 0)
        self.assertEqual(engagement.order_line.untaxed_amount_to_invoice, 0)
        self.assertNotEqual(engagement.invoice_status, "to invoice")
        self.assertLedger(engagement)

    def test_period_then_all(self):
        """Bill a period, then all: the hours before and after it are still there, once."""
        pair = self._worked((3, -40), (5, -10), (2, -1))
        for move in self._bill_both(pair, **self._period()):
            self.assertEqual(self._quantity(move), 5)
        self.assertEqual(pair[1].order_line.qty_to_invoice, 5)
        self.assertEqual(pair[1].invoice_status, "to invoice")
        for move in self._bill_both(pair):
            self.assertEqual(self._quantity(move), 5)
        self.assertLedger(pair[1])

    def test_line_outside_period(self):
        """A line without work in the period: Odoo does not bill its hours any more, we do."""
        pair = self._create_pair([(self.service, {})] * 2)
        for order, project in zip(pair, self.projects, strict=True):
            first, second = order.order_line
            self.env["account.analytic.line"].create(
                [
                    self._prepare_time(project, first, 5, self._day(-10)),
                    self._prepare_time(project, second, 3, self._day(-40)),
                ]
            )
        for move in self._bill_both(pair, **self._period()):
            self.assertEqual(self._quantity(move), 5)
        self.assertEqual(pair[0].order_line[1].qty_to_invoice, 0)
        with self.assertRefused():
            self._bill_by_wizard(pair[0])
        self.assertEqual(pair[1].order_line[1].qty_to_invoice, 3)
        self.assertEqual(pair[1].invoice_status, "to invoice")
        self.assertEqual(self._quantity(self._bill_by_wizard(pair[1])), 3)
        self.assertLedger(pair[1])

    def _period(self):
        return {
            "date_start_invoice_timesheet": self._day(-20),
            "date_end_invoice_timesheet": self._day(-5),
        }

    def test_credit_notes_posted_otherwise(self):
        """A credit note frees the hours however it is posted; Odoo only knows its own button."""
        ways = {
            "mass posting": self._post_by_wizard,
            "list action": lambda refund: refund.action_validate_moves_with_confirmation(),
        }
        for name, post in ways.items():
            with self.subTest(way=name):
                pair = self._worked((8, -1))
                for move in self._bill_both(pair):
                    move.action_post()
                    refund = self._credit(move, post=False)
                    post(refund)
                    self.assertEqual(refund.state, "posted")
                self._check_freed(pair)

    def test_credit_note_posted_by_code(self):
        """The same for a credit note that other code makes and posts."""
        pair = self._worked((8, -1))
        for move in self._bill_both(pair):
            move.action_post()
            move._reverse_moves(cancel=True)
        self._check_freed(pair)

    def test_credit_note_posted_by_cron(self):
        """The same for a credit note that waits for its date."""
        pair = self._worked((8, -1))
        for move in self._bill_both(pair):
            move.action_post()
            refund = self._credit(move, post=False)
            refund.auto_post = "at_date"
            with self.enter_registry_test_mode():
                self.env.ref("account.ir_cron_auto_post_draft_entry").method_direct_trigger()
            self.assertEqual(refund.state, "posted")
        self._check_freed(pair)

    def _post_by_wizard(self, refund):
        wizard = (
            self.env["validate.account.move"]
            .with_context(active_model="account.move", active_ids=refund.ids)
            .create({"force_post": True})
        )
        wizard.validate_move()

    def _check_freed(self, pair):
        items = self._items(pair[1])
        self.assertEqual(items.open_quantity, 8)
        self.assertTrue(self._entries(pair[0]).timesheet_invoice_id, "Odoo keeps the hours linked")
        self.assertFalse(self._entries(pair[1]).timesheet_invoice_id)
        self._entries(pair[1]).unit_amount = 7
        self.assertEqual(pair[1].order_line.qty_to_invoice, 7)
        self.assertEqual(self._quantity(self._bill_by_wizard(pair[1])), 7)
        self.assertLedger(pair[1])

    def test_milestone_unreached(self):
        """A billed milestone that is un-reached: Odoo wants to invoice less than nothing."""
        service = self._pair(
            "Stages", "milestone", 1000, self.uom_unit, service_policy="delivered_milestones"
        )
        pair = self._create_pair([(service, {"product_uom_qty": 10})])
        for order, project in zip(pair, self.projects, strict=True):
            order.order_line.project_id = project
            self._set_milestones(order.order_line, (40, 60))
            milestones = self.env["project.milestone"].search(
                [("sale_line_id", "=", order.order_line.id)], order="id"
            )
            milestones[0].is_reached = True
            self._bill_by_wizard(order).action_post()
            milestones[0].is_reached = False
        self.assertEqual(pair[0].order_line.qty_to_invoice, -4)
        self.assertEqual(pair[0].invoice_status, "to invoice")
        self.assertEqual(self._bill_by_wizard(pair[0]).move_type, "out_refund")
        self.assertEqual(pair[1].order_line.qty_to_invoice, 0)
        with self.assertRefused("nothing to bill"):
            self._bill_by_wizard(pair[1])
        self.assertLedger(pair[1])

    def test_milestone_cent(self):
        """Stages that round up: Odoo bills a cent more than was agreed, our last stage absorbs it."""
        service = self._pair(
            "Stages", "milestone", 999.9, self.uom_unit, service_policy="delivered_milestones"
        )
        pair = self._create_pair([(service, {"product_uom_qty": 10, "discount": 10})])
        for order, project in zip(pair, self.projects, strict=True):
            order.order_line.project_id = project
            self._set_milestones(order.order_line, (10, 25, 65))
            for milestone in self.env["project.milestone"].search(
                [("sale_line_id", "=", order.order_line.id)], order="id"
            ):
                milestone.is_reached = True
                self._bill_by_wizard(order).action_post()
        stock, ours = (sum(order.invoice_ids.mapped("amount_untaxed")) for order in pair)
        self.assertAlmostEqual(pair[0].amount_untaxed, 8999.10)
        self.assertAlmostEqual(stock, 8999.11)
        self.assertAlmostEqual(ours, 8999.10)
        self.assertLedger(pair[1])

    def test_rounding_of_three_bills(self):
        """Twenty minutes three times on three bills: what rounding leaves is less than 0.01 h."""
        stock, ours = self._worked()
        for number in range(3):
            for order, project in zip((stock, ours), self.projects, strict=True):
                self.env["account.analytic.line"].create(
                    self._prepare_time(project, order.order_line, 1 / 3, self._day(number - 3))
                )
            self._bill_by_wizard(stock).action_post()
            self._bill(ours, post=True)
        self.assertAlmostEqual(stock.order_line.qty_invoiced, 1.0)
        self.assertAlmostEqual(sum(self._quantity(move) for move in ours.invoice_ids), 0.99)
        self.assertLedger(ours)
