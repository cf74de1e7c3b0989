from odoo import SUPERUSER_ID, fields
from odoo.tests import tagged

from odoo.addons.professional_billing.tests.common import BillingCommon
from odoo.addons.queue_job.job import Job


@tagged("post_install", "-at_install")
class TestBillingRunJob(BillingCommon):
    """A run that is too long for its button is processed by jobs."""

    def setUp(self):
        super().setUp()
        # The queue's runner is the administrator; those who bill need no rights on it.
        self.queue = self.env(user=SUPERUSER_ID)

    def _get_jobs(self):
        return self.queue["queue.job"].search(
            [("model_name", "=", "billing.run"), ("method_name", "=", "_cron_process")]
        )

    def test_run_by_job(self):
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line, 3)
        run = (
            self.env["billing.run"]
            .with_user(self.officer)
            .create({"mode": "post", "cutoff_date": fields.Date.today()})
        )
        run.partner_ids = order.partner_id
        run.action_preview()
        run.state = "running"
        run._call_workers()
        jobs = self._get_jobs()
        self.assertEqual(len(jobs), len(run._get_workers()))
        self.assertEqual(set(jobs.mapped("channel")), {"root.professional_billing"})
        run._call_workers()
        self.assertEqual(self._get_jobs(), jobs, "one waiting for each worker")
        with self.enter_registry_test_mode():
            Job.load(self.queue, jobs[0].uuid).perform()
        self.assertEqual(run.state, "done")
        self.assertEqual(order.invoice_ids.mapped("state"), ["posted"])
