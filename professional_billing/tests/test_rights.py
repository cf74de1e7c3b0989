from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw, get_public_method
from odoo.tests import Form, tagged

from .common import BillingCommon

#: What billing keeps, and which only people of billing (and sales, where it is theirs) may read.
MODELS = (
    "billing.allocation",
    "billing.installment",
    "billing.item",
    "billing.prebill",
    "billing.prebill.line",
    "billing.reason",
    "billing.run",
    "billing.run.line",
)


@tagged("post_install", "-at_install")
class TestRights(BillingCommon):
    """Who may see and do what. Nothing here is done as superuser but the set-up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_engagement(
            [cls.hours, {"product_id": cls.fee.id, "installments": [{"percentage": 100}]}]
        )
        cls.line = cls.order.order_line[0]
        cls.time = cls._log_time(cls.line, 2)

    def _with_each_record(self):
        """Bill and write off something, so that every model has a record; return one of each."""
        self.company.billing_write_off_limit = 10000
        prebill = self._prebill(self.order)
        prebill.line_ids[0].write({"decision": "write_off", "reason_id": self.reason.id})
        prebill.action_invoice()
        run = self.env["billing.run"].create({"cutoff_date": self.today})
        self._log_time(self.line, 3)
        run.action_preview()
        records = [self.env[model].search([], limit=1) for model in MODELS]
        self.assertTrue(all(records), records)
        return records

    def _rpc(self, user, model, method, *args, **kwargs):
        """Call as a remote client does."""
        return call_kw(self.env[model].with_user(user), method, list(args), kwargs)

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

    # -- approval -------------------------------------------------------------------------------

    def test_nobody_approves_what_they_submitted(self):
        """When approval is required: neither officer, nor project manager, nor billing manager."""
        self.order.billing_approval = "manager"
        for user in (self.officer, self.manager, self.reviewer):
            prebill = self._prebill(self.order).with_user(user)
            prebill.action_submit()
            with self.subTest(user=user.login), self.assertRaises(UserError):
                prebill.action_approve()
            self.assertEqual(prebill.state, "review")
            prebill.with_user(self.officer).action_cancel()
        prebill = self._prebill(self.order)
        prebill.action_submit()
        prebill.with_user(self.reviewer).action_approve()
        self.assertEqual(prebill.approved_by_id, self.reviewer)

    def test_required_approval_cannot_be_passed(self):
        """An officer neither approves nor invoices it, by no way."""
        self.order.billing_approval = "manager"
        prebill = self._prebill(self.order)
        with self.assertRaisesRegex(UserError, "approved by its project manager"):
            prebill.action_approve()
        with self.assertRaisesRegex(UserError, "must be approved"):
            prebill.action_invoice()
        with self.assertRaisesRegex(UserError, "must be approved"):
            self.order.with_user(self.officer)._create_invoices()
        for values in ({"state": "approved"}, {"approved_by_id": self.reviewer.id}):
            with self.subTest(values=values), self.assertRaises(UserError):
                self._rpc(self.officer, "billing.prebill", "write", prebill.ids, values)
        with self.assertRaises(UserError):
            self._rpc(self.reviewer, "billing.prebill", "write", prebill.ids, {"state": "approved"})
        self.assertFalse(self.order.invoice_ids)

    def test_own_time_is_written_off_by_others(self):
        """The reviewer's own hours: written off by somebody else, whoever asks for it."""
        self._log_time(self.line, 4, employee=self.partner_employee)
        prebill = self._prebill(self.order).with_user(self.reviewer)
        own = prebill.line_ids.filtered(lambda line: line.employee_id == self.partner_employee)
        own.write({"decision": "write_off", "reason_id": self.reason.id})
        with self.assertRaisesRegex(UserError, "own time"):
            prebill.action_approve()
        own.write({"decision": "bill", "rate": 10})
        with self.assertRaisesRegex(UserError, "own time"):
            prebill.action_approve()
        prebill.with_user(self.officer).action_approve()
        self.assertEqual(prebill.state, "approved")

    def test_write_off_limit(self):
        """Over the company's limit a billing manager approves."""
        self.company.billing_write_off_limit = 100
        prebill = self._prebill(self.order)
        line = prebill.line_ids.filtered(lambda line: line.kind == "time")
        line.write({"decision": "write_off", "reason_id": self.reason.id})
        for user in (self.officer, self.reviewer):
            with self.subTest(user=user.login), self.assertRaisesRegex(UserError, "more than"):
                prebill.with_user(user).action_approve()
        with self.assertRaisesRegex(UserError, "more than"):
            prebill.action_invoice()
        self.assertFalse(self.order.invoice_ids)
        prebill.with_user(self.manager).action_approve()
        prebill.action_invoice()
        self.assertEqual(sum(self._items(self.order).mapped("written_off_amount")), 200)

    def test_limit_counts_both_ways_of_giving(self):
        """Giving away by rate counts as writing off, and a raise elsewhere does not hide it."""
        self._log_time(self.line, 4)
        self.company.billing_write_off_limit = 100
        prebill = self._prebill(self.order)
        given, raised = prebill.line_ids.filtered(lambda line: line.kind == "time")
        given.write({"rate": 0, "reason_id": self.reason.id})
        raised.write({"rate": 1000, "reason_id": self.reason.id})
        with self.assertRaisesRegex(UserError, "more than"):
            prebill.action_approve()

    # -- companies ------------------------------------------------------------------------------

    def test_companies_are_apart(self):
        """Officer of B: search, read, write and actions on A's records, each model."""
        records = self._with_each_record()
        for record in records:
            if not record._fields.get("company_id") or not record.company_id:
                continue
            own = record.with_user(self.other_officer)
            with self.subTest(model=record._name):
                self.assertFalse(own.search([("id", "=", record.id)]))
                self.assertFalse(own.search_count([("company_id", "=", self.company.id)]))
                with self.assertRaises(AccessError):
                    own.read(["display_name"])
                with self.assertRaises(UserError):
                    own.write({"create_uid": self.other_officer.id})
                with self.assertRaises(AccessError):
                    own.unlink()

    def test_companies_are_apart_through_relations(self):
        """No way in through an order, invoice, project or partner of A."""
        self._with_each_record()
        other = self.other_officer
        for record, name in (
            (self.order, "billing_item_ids"),
            (self.order, "prebill_ids"),
            (self.order.invoice_ids[0], "prebill_ids"),
            (self.order.invoice_ids[0].invoice_line_ids[0], "billing_allocation_ids"),
            (self.line, "billing_open_amount"),
        ):
            with self.subTest(field=name), self.assertRaises(AccessError):
                record.with_user(other).read([name])
        run = self.env["billing.run"].with_user(other).create({"cutoff_date": self.today})
        run.action_preview()
        self.assertFalse(run.line_ids)
        with self.assertRaises(AccessError):
            self.order.with_user(other).action_make_prebill()
        with self.assertRaises(AccessError):
            self._bill_by_wizard(self.order, user=other)
        with self.assertRaises(AccessError):
            self.order.with_user(other)._create_invoices()

    def test_run_for_another_company(self):
        """B's officer cannot make a run of A."""
        with self.assertRaises(AccessError):
            self.env["billing.run"].with_user(self.other_officer).create(
                {"company_id": self.company.id, "cutoff_date": self.today}
            )

    def test_run_line_of_another_company(self):
        """B's officer cannot put A's engagement on a run of their own and start it."""
        run = (
            self.env["billing.run"]
            .with_user(self.other_officer)
            .create({"cutoff_date": self.today, "mode": "draft"})
        )
        with self.assertRaises(UserError):
            run.line_ids = [Command.create({"order_id": self.order.id, "amount": 1})]
            run.state = "ready"
            run.action_start()
            if run.line_ids.error:
                raise UserError(run.line_ids.error)
        self.assertFalse(self.order.invoice_ids)
        self.assertFalse(self._items(self.order).prebill_id)

    # -- the ledger -----------------------------------------------------------------------------

    def test_settlements_are_for_good(self):
        """Not even superuser changes or deletes one, and nobody writes one by hand."""
        self._bill(self.order)
        allocations = self._items(self.order).allocation_ids
        for user in (self.env.ref("base.user_root"), self.env.user, self.manager, self.officer):
            own = allocations.with_user(user)
            with self.subTest(user=user.login):
                with self.assertRaises(UserError):
                    own.write({"amount": 0})
                with self.assertRaises(UserError):
                    own.unlink()
                if user.id != SUPERUSER_ID:
                    with self.assertRaises(AccessError):
                        own.create({"item_id": allocations.item_id[0].id, "kind": "write_off"})
        self.assertLedger(self.order)

    def test_work_in_progress_is_not_edited(self):
        """Items follow their sources; nobody writes, makes or deletes one by hand."""
        item = self._items(self.order)[0]
        for user in (self.manager, self.officer, self.reviewer, self.salesperson):
            own = item.with_user(user)
            with self.subTest(user=user.login):
                for values in ({"amount": 1}, {"prebill_id": False}, {"billed_amount": 5}):
                    with self.assertRaises(AccessError):
                        own.write(values)
                with self.assertRaises(AccessError):
                    own.unlink()
                with self.assertRaises(AccessError):
                    own.create({"order_line_id": self.line.id})

    def test_values_of_a_prebill_cannot_be_forged(self):
        """What was open and agreed, the state and who approved come from the program alone."""
        prebill = self._prebill(self.order)
        line = prebill.line_ids[0]
        for record, values in (
            (line, {"open_amount": 1}),
            (line, {"open_quantity": 99}),
            (line, {"agreed_rate": 1}),
            (line, {"item_id": prebill.line_ids[1].item_id.id}),
            (prebill, {"state": "invoiced"}),
            (prebill, {"submitted_by_id": self.manager.id}),
            (prebill, {"move_ids": [Command.clear()]}),
            (prebill, {"order_ids": [Command.clear()]}),
            (prebill, {"currency_id": self.env.ref("base.JPY").id}),
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                self._rpc(self.officer, record._name, "write", record.ids, values)

    def test_duplicating_needs_no_right_of_ours(self):
        """What of ours is copied with Odoo's records is readable by whoever may duplicate them."""
        ours = ("professional_billing", "professional_billing_expense")
        enough = {"sales_team.group_sale_salesman", "hr.group_hr_user", "base.group_user"}
        found = 0
        for model in self.env.values():
            if model._abstract or model._transient or model._original_module in ours:
                continue
            for field in model._fields.values():
                if field._module in ours and field.copy and field.store:
                    found += 1
                    groups = set((field.groups or "").split(",")) - {""}
                    self.assertTrue(not groups or groups & enough, str(field))
        self.assertGreater(found, 20)

    def test_private_methods_are_private(self):
        """What does the work is not callable from outside."""
        for model, methods in {
            "billing.allocation": ("_unlink_never",),
            "billing.item": ("_settle", "_accrue", "_apply_accrual", "_update_accrued"),
            "billing.prebill": ("_invoice", "_gather", "_write_off", "_finish"),
            "billing.prebill.line": ("_refresh", "_prepare_write_offs"),
            "billing.run": ("_cron_process", "_process_or_queue"),
            "billing.run.line": ("_process", "_bill"),
            "sale.order": ("_gather_prebills", "_create_invoices", "_lock_for_billing"),
            "sale.order.line": ("_accrue_billing", "_rerate_billing"),
            "account.move": ("_undo", "_settle_credit_notes", "_rebill_replaced"),
            "account.move.line": ("_free_all", "_settle_edits"),
        }.items():
            for method in methods:
                self.assertTrue(hasattr(self.env[model], method), f"{model}.{method}")
                with self.subTest(method=f"{model}.{method}"), self.assertRaises(AccessError):
                    get_public_method(self.env[model], method)

    def test_context_forges_nothing(self):
        """The pre-bills being invoiced travel in the context: naming them there invoices nothing."""
        prebill = self._prebill(self.order)
        self.order.billing_approval = "manager"
        context = {"billing_prebill_ids": tuple(prebill.ids), "billing_prebills_only": True}
        with self.assertRaises(UserError):
            self.order.with_user(self.officer).with_context(**context)._create_invoices()
        self.assertFalse(self.order.invoice_ids)
        self.assertFalse(self._items(self.order).allocation_ids)
