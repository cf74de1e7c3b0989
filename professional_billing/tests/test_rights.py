from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common_rights import RightsCommon


@tagged("post_install", "-at_install")
class TestRights(RightsCommon):
    """Who may see and do what. Nothing here is done as superuser but the set-up."""

    # -- consultant -----------------------------------------------------------------------------

    def test_consultant_logs_time(self):
        """Somebody with a timesheet and nothing else logs, changes and deletes time."""
        Time = self.env["account.analytic.line"].with_user(self.consultant)
        time = Time.create(
            {
                "name": "Work",
                "project_id": self.line.task_id.project_id.id,
                "task_id": self.line.task_id.id,
                "unit_amount": 1.5,
                "date": self.today,
            }
        )
        time.unit_amount = 2.5
        item = self._items(self.order).filtered(lambda item: item.timesheet_id == time)
        self.assertItem(item, quantity=2.5, amount=250, employee_id=self.employee.id)
        time.unlink()
        self.assertFalse(item.exists())

    def test_consultant_keeps_off_billing(self):
        """They read no work in progress, pre-bill, settlement, instalment or run."""
        for record in self._with_each_record():
            own = record.with_user(self.consultant)
            with self.subTest(model=record._name):
                with self.assertRaises(AccessError):
                    own.search([])
                with self.assertRaises(AccessError):
                    own.read(["display_name"])
                with self.assertRaises(AccessError):
                    own.create({})
                with self.assertRaises(UserError):
                    own.write({"create_uid": self.consultant.id})
                with self.assertRaises(AccessError):
                    own.unlink()

    def test_consultant_sees_no_rate(self):
        """Neither through their own time entry nor through the order line it stands on."""
        time = self.time.with_user(self.consultant)
        with self.assertRaises(AccessError):
            time.billing_item_ids.mapped("rate")
        with self.assertRaises(AccessError):
            time.search([("billing_item_ids.rate", ">", 0)])
        with self.assertRaises(AccessError):
            time.so_line.read(["price_unit", "billing_open_amount"])

    def test_consultant_is_told_what_blocks(self):
        """An entry on a bill cannot be changed; the sentence names the entry and no money."""
        self._bill(self.order)
        with self.assertRaisesRegex(UserError, "Credit it first"):
            self.time.with_user(self.consultant).unit_amount = 9
        with self.assertRaisesRegex(UserError, "Credit it first"):
            self.time.with_user(self.consultant).unlink()
        self.assertEqual(self.time.unit_amount, 2)

    # -- reviewer -------------------------------------------------------------------------------

    def test_reviewer_sees_own_projects(self):
        """Work and pre-bill lines of a project somebody else manages stay hidden."""
        other = self._create_engagement([self.hours])
        other.project_ids.user_id = self.manager
        self._log_time(other.order_line, 5)
        prebills = self._prebill(self.order + other)
        Item = self.env["billing.item"].with_user(self.reviewer)
        theirs = Item.search([("order_id", "in", (self.order + other).ids)])
        self.assertEqual(theirs.order_id.ids, self.order.ids)
        with self.assertRaises(AccessError):
            self._items(other).with_user(self.reviewer).read(["amount"])
        Line = self.env["billing.prebill.line"].with_user(self.reviewer)
        lines = Line.search([("prebill_id", "in", prebills.ids)])
        self.assertEqual(lines.item_id.order_id.ids, self.order.ids)
        Prebill = self.env["billing.prebill"].with_user(self.reviewer)
        self.assertEqual(Prebill.search([("id", "in", prebills.ids)]).order_ids.ids, self.order.ids)
        self.assertTrue(self.order.with_user(self.reviewer).action_make_prebill())
        with self.assertRaises(AccessError):
            other.with_user(self.reviewer).action_make_prebill()
        hidden = prebills.filtered(
            lambda prebill: prebill.order_ids == other.with_env(prebills.env)
        )
        for record in (hidden, hidden.line_ids):
            with self.assertRaises(AccessError):
                record.with_user(self.reviewer).read(["display_name"])
            with self.assertRaises(AccessError):
                record.with_user(self.reviewer).write({"create_uid": 1})

    def test_reviewer_reviews(self):
        """They change the lines of their own projects, and neither invoice nor run."""
        prebill = self._prebill(self.order).with_user(self.reviewer)
        line = prebill.line_ids.filtered(lambda line: line.kind == "time")
        line.write({"quantity": 1, "narrative": "Advice on the contract"})
        with self.assertRaises(AccessError):
            prebill.action_invoice()
        with self.assertRaises(AccessError):
            self.env["billing.run"].with_user(self.reviewer).create({})
        with self.assertRaises(AccessError):
            prebill.unlink()
        self.assertFalse(self.order.invoice_ids)

    # -- salesperson ----------------------------------------------------------------------------

    def test_salesperson_sets_contracts(self):
        """They make the order, its rules and instalments, in the form, and confirm it."""
        form = Form(self.env["sale.order"].with_user(self.salesperson))
        form.partner_id = self.customer
        with form.order_line.new() as line:
            line.product_id = self.fee
            self.assertEqual(line.billing_rule, "fixed_fee")
        order = form.save()
        self.env["billing.installment"].with_user(self.salesperson).create(
            [
                {
                    "order_id": order.id,
                    "order_line_id": order.order_line.id,
                    "name": f"Half {number}",
                    "date": self.today,
                    "percentage": 50,
                }
                for number in (1, 2)
            ]
        )
        order.action_confirm()
        self.assertEqual(order.order_line.billing_open_amount, 9000)
        self.assertEqual(len(order.billing_item_ids), 2)

    def test_salesperson_does_not_invoice(self):
        """No way through: the pre-bill, Odoo's wizard, or a remote call."""
        order = self.order.with_user(self.salesperson)
        with self.assertRaises(AccessError):
            order.action_make_prebill()
        with self.assertRaises(AccessError):
            self._bill_by_wizard(self.order, user=self.salesperson)
        with self.assertRaises(AccessError):
            order._create_invoices()
        prebill = self._prebill(self.order)
        for method in ("action_invoice", "action_approve", "action_submit", "action_cancel"):
            with self.subTest(method=method), self.assertRaises(AccessError):
                self._rpc(self.salesperson, "billing.prebill", method, prebill.ids)
        self.assertFalse(self.order.invoice_ids)
        self.assertEqual(prebill.state, "draft")

    def test_salesperson_sees_own_orders(self):
        """Work in progress of a colleague's order is not theirs to read."""
        colleague = self._new_user("colleague", "sales_team.group_sale_salesman")
        self.assertTrue(self._items(self.order).with_user(self.salesperson).mapped("amount"))
        with self.assertRaises(AccessError):
            self._items(self.order).with_user(colleague).read(["amount"])
        with self.assertRaises(AccessError):
            self.order.billing_installment_ids.with_user(colleague).write({"percentage": 5})

    def test_people_read_odoos_records_whole(self):
        """What hangs on Odoo's own records does not keep those who see them from reading them."""
        order = self._create_engagement([self.hours])
        time = self._log_time(order.order_line, 2)
        move = self._bill(order, post=True)
        self._log_time(order.order_line, 1)
        self._prebill(order)
        accountant = self._new_user("accountant", "account.group_account_invoice")
        for user, records in (
            (self.consultant, time),
            (self.salesperson, order),
            (self.reviewer, order.order_line.task_id),
            (accountant, move),
            (accountant, move.line_ids),
        ):
            with self.subTest(user=user.login, model=records._name):
                self.env.invalidate_all()
                self.assertTrue(records.with_user(user).read())

    def test_salesperson_sees_no_settlement(self):
        """They read what is open and billed, not who wrote what off."""
        self._bill(self.order)
        item = self._items(self.order)[0].with_user(self.salesperson)
        self.assertTrue(item.read(["amount", "billed_amount"]))
        with self.assertRaises(AccessError):
            item.allocation_ids.mapped("kind")

    # -- officer --------------------------------------------------------------------------------

    def test_officer_runs_to_posted_invoices(self):
        """Without any right on projects, timesheets or sales: preview, bill, post."""
        for group in (
            "project.group_project_user",
            "hr_timesheet.group_hr_timesheet_user",
            "sales_team.group_sale_salesman",
        ):
            self.assertFalse(self.officer.has_group(group))
        form = Form(self.env["billing.run"].with_user(self.officer))
        form.cutoff_date = self.today
        form.mode = "post"
        form.partner_ids.add(self.customer)
        run = form.save()
        run.action_preview()
        self.assertEqual(run.line_ids.order_id.ids, self.order.ids)
        self.assertEqual(run.line_ids.amount, 9200)
        run.action_start()
        self.assertRecordValues(run.line_ids, [{"state": "done", "error": False}])
        self.assertRecordValues(run.move_ids, [{"state": "posted", "amount_untaxed": 9200}])
        self.assertTrue(run.prebill_ids.line_ids.read())
        self.assertTrue(self._items(self.order).with_user(self.officer).read())
        self.assertLedger(self.order)

    def test_officer_reviews_and_credits(self):
        """The whole life of a bill by an officer alone: edit, invoice, post, credit, reopen."""
        prebill = self._prebill(self.order)
        line = prebill.line_ids.filtered(lambda line: line.kind == "time")
        line.write({"quantity": 1.5})
        line.reason_id = self.reason
        line.action_write_off_rest()
        move = prebill.action_invoice()
        move.action_post()
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.officer)
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": self.today})
        )
        refund = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
        refund.with_user(self.officer).action_post()
        self.assertLedger(self.order)
        refund.with_user(self.officer).button_draft()
        self.assertLedger(self.order)
        self.assertEqual(sum(self._items(self.order).mapped("billed_amount")), 9150)

    def test_officer_sets_up_nothing(self):
        """Reasons are the manager's; the instalments of the contract are sales'."""
        with self.assertRaises(AccessError):
            self.reason.with_user(self.officer).name = "Mine"
        with self.assertRaises(AccessError):
            self.order.billing_installment_ids.with_user(self.officer).percentage = 1
        self.reason.with_user(self.manager).name = "Ours"
