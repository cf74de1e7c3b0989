from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_collection_common import CollectionCommon


@tagged("post_install", "-at_install")
class TestCreditHold(CollectionCommon):
    """Customers on credit hold get nothing new without a reason."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seller = cls._new_user("seller", "sales_team.group_sale_salesman_all_leads")
        cls.head = cls._new_user("head of sales", "sales_team.group_sale_manager")
        cls.invoice = cls._invoice(250)
        lines = cls.invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        cls.case = cls.env["collection.case"]._for_lines(lines)[lines]

    def _quotation(self, partner=None):
        return (
            self.env["sale.order"]
            .with_user(self.seller)
            .create(
                {
                    "partner_id": (partner or self.customer).id,
                    "order_line": [Command.create({"product_id": self.product_a.id})],
                }
            )
        )

    def test_order_of_a_customer_on_hold(self):
        order = self._quotation()
        self.assertFalse(order.credit_hold_note)
        self.case.with_user(self.agent).credit_hold = True
        order.invalidate_recordset()
        self.assertIn("250", order.credit_hold_note)
        with self.assertRaisesRegex(UserError, "Late Payers Ltd is on credit hold"):
            order.action_confirm()
        self.assertEqual(order.state, "draft")

    def test_contact_of_the_customer(self):
        self.case.credit_hold = True
        contact = self.env["res.partner"].create({"name": "Ann", "parent_id": self.customer.id})
        with self.assertRaises(UserError):
            self._quotation(contact).action_confirm()

    def test_reason_of_a_manager(self):
        self.case.credit_hold = True
        order = self._quotation()
        with self.assertRaises(AccessError):
            order.credit_hold_reason = "I want my commission"
        order.with_user(self.head).credit_hold_reason = "Paid by cheque, in the post"
        order.action_confirm()
        self.assertEqual(order.state, "sale")
        self.assertFalse(order.copy().credit_hold_reason)

    def test_nothing_overdue_holds_nothing(self):
        self.case.credit_hold = True
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create({})._create_payments()
        order = self._quotation()
        self.assertFalse(order.credit_hold_note)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_other_customers_are_not_held(self):
        self.case.credit_hold = True
        order = self._quotation(self.partner_b)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_logging_time(self):
        """Whoever logs time is told, without amounts; the time is logged all the same."""
        service = self.env["product.product"].create(
            {
                "name": "Advice",
                "type": "service",
                "service_policy": "delivered_timesheet",
                "service_tracking": "task_in_project",
            }
        )
        order = self._quotation()
        order.order_line.product_id = service
        order.sudo().action_confirm()
        task = order.sudo().order_line.task_id
        worker = self._new_user("worker", "hr_timesheet.group_hr_timesheet_user")
        self.env["hr.employee"].sudo().create({"name": "Worker", "user_id": worker.id})
        timesheet = self.env["account.analytic.line"].with_user(worker)
        vals = {"project_id": task.project_id.id, "task_id": task.id}
        spec = {name: {} for name in (*vals, "name")}
        told = timesheet.onchange(vals, ["task_id"], spec)
        self.assertNotIn("warning", told)
        self.case.credit_hold = True
        self.env.invalidate_all()
        warning = timesheet.onchange(vals, ["task_id"], spec)["warning"]
        self.assertEqual(warning["type"], "notification")
        self.assertIn("Late Payers Ltd is on credit hold", warning["message"])
        self.assertNotIn("250", warning["message"])
        timesheet.create({**vals, "name": "Work", "unit_amount": 1})
