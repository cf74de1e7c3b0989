from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.tools import format_date


class BillingWipDate(models.TransientModel):
    """The day as of which work in progress is shown."""

    _name = "billing.wip.date"
    _description = "Work in progress as of a date"

    date = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(day=1, days=-1),
        help="The end of this day.",
    )

    def action_show(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_wip_as_of"
        )
        name = self.env._("WIP as of %(date)s", date=format_date(self.env, self.date))
        return {
            **action,
            "name": name,
            "display_name": name,
            "context": {"billing_as_of": fields.Date.to_string(self.date)},
            "target": "main",
        }
