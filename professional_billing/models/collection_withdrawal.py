from odoo import fields, models

from .collection_run_line import SKIP_REASONS


class CollectionWithdrawal(models.Model):
    """Says of a collection event that it was not sent after all. The event itself stays."""

    _name = "collection.withdrawal"
    _description = "Withdrawn Reminder"
    _inherit = ["collection.log"]
    _rec_name = "event_id"

    event_id = fields.Many2one(
        "collection.event", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(related="event_id.company_id")
    reason = fields.Selection(SKIP_REASONS, required=True, readonly=True)

    _once = models.Constraint("UNIQUE(event_id)", "This reminder has been withdrawn already.")
