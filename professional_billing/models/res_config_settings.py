from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    billing_write_off_limit = fields.Monetary(
        related="company_id.billing_write_off_limit",
        readonly=False,
    )
    billing_rate_card_id = fields.Many2one(
        related="company_id.billing_rate_card_id",
        readonly=False,
    )
    billing_time_lock_date = fields.Date(
        related="company_id.billing_time_lock_date",
        readonly=False,
    )
    billing_schedule_mode = fields.Selection(
        related="company_id.billing_schedule_mode",
        readonly=False,
    )
    billing_schedule_max_amount = fields.Monetary(
        related="company_id.billing_schedule_max_amount",
        readonly=False,
    )
    billing_schedule_max_deviation = fields.Float(
        related="company_id.billing_schedule_max_deviation",
        readonly=False,
    )
    billing_retention_account_id = fields.Many2one(
        related="company_id.billing_retention_account_id",
        readonly=False,
    )
    billing_stale_wip_days = fields.Integer(
        related="company_id.billing_stale_wip_days",
        readonly=False,
    )
    billing_consolidation = fields.Selection(
        related="company_id.billing_consolidation",
        readonly=False,
    )
    collection_statement_frequency = fields.Selection(
        related="company_id.collection_statement_frequency",
        readonly=False,
    )
    collection_run_mode = fields.Selection(
        related="company_id.collection_run_mode",
        readonly=False,
    )
    collection_user_id = fields.Many2one(
        related="company_id.collection_user_id",
        readonly=False,
    )
    collection_calendar_id = fields.Many2one(
        related="company_id.collection_calendar_id",
        readonly=False,
    )
