from odoo import fields, models

from .billing_run import MODES

CONSOLIDATIONS = [
    ("order", "One invoice per engagement"),
    ("project", "One invoice per project"),
    ("po", "One invoice per purchase order"),
    ("bill_to", "One invoice per billing address"),
    ("customer", "One invoice per customer"),
]


class ResCompany(models.Model):
    _inherit = "res.company"

    billing_write_off_limit = fields.Monetary(
        string="Write-off limit",
        default=1000.0,
        help="Most that one pre-bill may write off without a billing manager.",
    )
    billing_consolidation = fields.Selection(
        CONSOLIDATIONS,
        string="Invoices of engagements",
        default="order",
        help="How engagements are put together on invoices, unless the customer wants it otherwise.",
    )
    billing_stale_wip_days = fields.Integer(
        string="Remind of old work after",
        default=60,
        help="Days after which project managers are reminded of work that could be billed. 0: never.",
    )
    billing_time_lock_date = fields.Date(
        string="Time closed up to",
        help="Entries on engagements up to this day are neither made nor changed any more, except by "
        "people who may change closed periods.",
    )
    billing_rate_card_id = fields.Many2one(
        "billing.rate.card",
        string="Rate card",
        domain="[('company_id', '=', id), ('partner_id', '=', False)]",
        ondelete="restrict",
        help="The company's standard rates. They hold where neither the contract nor the client has "
        "its own, and are what realisation is measured against.",
    )
    billing_schedule_mode = fields.Selection(
        MODES,
        string="Scheduled runs make",
        default="prebill",
        help="What becomes of engagements whose next billing date has come.",
    )
    billing_schedule_max_amount = fields.Monetary(
        string="Posted by themselves up to",
        help="Most that an invoice of a scheduled run comes to before tax without anybody looking at "
        "it. What is more stays a pre-bill.",
    )
    billing_schedule_max_deviation = fields.Float(
        string="Deviation from the last bill",
        help="Percent that an invoice of a scheduled run differs at most from the engagement's last "
        "bill without anybody looking at it; a first bill is looked at. 0: not compared.",
    )
    billing_retention_account_id = fields.Many2one(
        "account.account",
        string="Retention account",
        domain=[("account_type", "in", ("asset_current", "asset_non_current"))],
        help="Where invoices put what clients hold back until it is released.",
    )

    def _billing_today(self):
        """Return today's date where the company is (its contact's time zone, else the user's)."""
        self.ensure_one()
        tz = self.partner_id.tz or self.env.context.get("tz") or self.env.user.tz or "UTC"
        return fields.Date.context_today(self.with_context(tz=tz))

    def _get_people(self, group):
        """Return the people of a group who work for this company.

        :param group: XML id of the group
        """
        return (
            self.env.ref(group)
            .sudo()
            .all_user_ids.filtered(
                lambda user: user.active and not user.share and self in user.company_ids
            )
        )

    def _has_exchange_rate(self, currency, date):
        """Tell whether there is a rate of `currency` by `date`: Odoo takes a later one, or 1."""
        self.ensure_one()
        if currency == self.currency_id:
            return True
        rates = self.env["res.currency.rate"].search_count(
            [
                ("currency_id", "=", currency.id),
                ("company_id", "in", [self.root_id.id, False]),
                ("name", "<=", date),
            ],
            limit=1,
        )
        return bool(rates)
