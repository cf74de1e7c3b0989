from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class BillingItemBill(models.Model):
    """Work that is billed by itself, chosen in the list of work in progress."""

    _inherit = "billing.item"

    def action_bill_now(self):
        """Invoice what can be billed of the selected work, and nothing else, and open the drafts."""
        orders = self.order_id
        if waiting := orders.sudo().prebill_ids.filtered("is_open"):
            raise UserError(
                self.env._(
                    "%(orders)s already has the pre-bill %(prebills)s. Invoice or cancel it first.",
                    orders=", ".join(waiting.order_ids.mapped("name")),
                    prebills=", ".join(waiting.mapped("name")),
                )
            )
        orders._check_gather_rights()
        last_day = max(self.mapped("date"), default=None)
        chosen = orders.with_context(billing_only_item_ids=self.ids)
        prebills = chosen._gather_prebills(last_day).with_env(self.env)
        if not prebills:
            raise UserError(orders._get_nothing_to_bill_message())
        return prebills.action_invoice()._get_records_action(name=self.env._("Invoices"))

    @api.model
    def _search_billable(self, domain, by_order):
        # EXTENDS: of the engagement's work only what was chosen.
        chosen = self.env.context.get("billing_only_item_ids")
        if chosen is not None:
            domain &= Domain("id", "in", chosen)
        return super()._search_billable(domain, by_order)
