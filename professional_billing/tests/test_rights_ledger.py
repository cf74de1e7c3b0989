from odoo import SUPERUSER_ID
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import get_public_method
from odoo.tests import tagged

from .common_rights import RightsCommon


@tagged("post_install", "-at_install")
class TestLedgerRights(RightsCommon):
    """What nobody may do: pass an approval, reach another company, or forge what is settled."""

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
