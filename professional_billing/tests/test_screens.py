from odoo.tests import Form, tagged

from .common import BillingCommon


@tagged("post_install", "-at_install")
class TestScreens(BillingCommon):
    """Forms open for the people whose job they are, with no more rights than that."""

    def test_officer_opens_an_engagement(self):
        """A billing officer with timesheets, without sales and projects, milestones switched on."""
        everybody = self.env.ref("base.group_user")
        everybody.implied_ids |= self.env.ref("project.group_project_milestone")
        self.officer.group_ids |= self.env.ref("hr_timesheet.group_hr_timesheet_user")
        order = self._create_engagement([self.hours, {"product_id": self.stages.id}])
        form = Form(order.with_user(self.officer), view="sale.view_order_form")
        self.assertEqual(form.name, order.name)

    def test_reviewer_opens_a_prebill_and_its_work(self):
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line, 2)
        prebill = self._prebill(order).with_user(self.reviewer)
        self.assertEqual(Form(prebill).name, prebill.name)
        self.assertEqual(Form(prebill.line_ids.item_id).worked_quantity, 2)

    def test_run_tells_what_it_billed(self):
        """The total of a run that is done leaves out what waits for approval."""
        billed = self._create_engagement([self.hours])
        waiting = self._create_engagement([self.hours], billing_approval="manager")
        for order in billed | waiting:
            self._log_time(order.order_line, 2)
        run = self.env["billing.run"].with_user(self.officer)
        run = run.create({"cutoff_date": self.today, "mode": "draft"})
        run.action_preview()
        self.assertEqual(run.included_count, 2)
        run.action_start()
        self.assertEqual(run.line_ids.mapped("state"), ["done", "waiting"])
        self.assertEqual(run.included_count, 1)
        self.assertEqual(run.total_text, self.env.company.currency_id.format(200))
