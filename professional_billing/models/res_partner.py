from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    collection_case_count = fields.Integer(
        compute="_compute_collection_case_count",
        groups="professional_billing.group_collection_agent",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_collection_case_count(self):
        customers = self.commercial_partner_id
        counts = dict(
            self.env["collection.case"]._read_group(
                [("partner_id", "in", customers.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.collection_case_count = counts.get(partner.commercial_partner_id, 0)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_collection_cases(self):
        """Open the collection case of the customer, or the list if there are several."""
        self.ensure_one()
        cases = self.env["collection.case"].search(
            [("partner_id", "=", self.commercial_partner_id.id)]
        )
        return cases._get_records_action(name=self.env._("Collection"))
