"""What the tests of rights share: an engagement with time, and a record of every model."""

from odoo.service.model import call_kw

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


class RightsCommon(BillingCommon):
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
