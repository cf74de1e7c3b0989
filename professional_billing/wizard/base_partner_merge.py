from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    # EXTENDS base
    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        self.env["collection.case"].sudo()._fold_for_merge(src_partners, dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)

    def _get_fk_on(self, table):
        # EXTENDS base: links that the database keeps without a foreign key move along, too.
        names = self.env.registry.descendants(["billing.bulk"], "_inherit")
        kept = [
            (link["table"], link["column"])
            for model in map(self.env.__getitem__, names)
            if not model._abstract
            for link in model._get_kept_links()
            if link["target"] == table
        ]
        return super()._get_fk_on(table) + kept
