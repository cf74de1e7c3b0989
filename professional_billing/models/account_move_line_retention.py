from odoo import fields, models


class AccountMoveLineRetention(models.Model):
    _inherit = "account.move.line"

    billing_retention_order_id = fields.Many2one(
        "sale.order",
        string="Retention of",
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        help="The engagement whose retention this line holds back, gives back or releases.",
    )

    def _copy_data_extend_business_fields(self, values):
        # EXTENDS account: a credit note gives back what its invoice held.
        if self.billing_retention_order_id:
            values["billing_retention_order_id"] = self.billing_retention_order_id.id
        return super()._copy_data_extend_business_fields(values)
