from odoo import SUPERUSER_ID, api, models


class BillingRun(models.Model):
    _inherit = "billing.run"

    @api.model
    def _call_workers(self, at=None):
        # EXTENDS professional_billing: a job is a worker like any other; rows are locked, so that it
        # shares a run with the scheduled actions, which go on even where no job runner does.
        result = super()._call_workers(at)
        for number in range(1, len(self._get_workers()) + 1):
            self.with_user(SUPERUSER_ID).with_delay(
                eta=at,
                description=self.env._("Billing runs, worker %(number)s", number=number),
                identity_key=f"professional_billing.billing_run.{number}",
            )._cron_process()
        return result
