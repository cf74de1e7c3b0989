from odoo import fields, models

from .field_groups import COLLECTORS


class SaleOrder(models.Model):
    _inherit = "sale.order"

    collection_policy_id = fields.Many2one(
        "collection.policy",
        string="Follow-up policy",
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
        groups=COLLECTORS,
        help="How invoices of this engagement are reminded. If empty, the customer decides.",
    )
