from odoo import models


class BillingRunCheck(models.Model):
    """What stands in the way of an invoice and Odoo would not say, or not so that it helps."""

    _inherit = "billing.run.line"

    def _get_obstacles(self):
        obstacles = super()._get_obstacles()
        if self.run_id.mode == "prebill":
            return obstacles
        for line in self.sudo():
            order = line.order_id
            if order.fiscal_position_id and not order.fiscal_position_id.active:
                obstacles[line.sudo(False)] = self.env._(
                    "The fiscal position %(position)s of %(order)s is archived. Choose another one on "
                    "the order, page Other Info, then try again what failed.",
                    position=order.fiscal_position_id.name,
                    order=order.name,
                )
            elif not line._get_receivable_account():
                obstacles[line.sudo(False)] = self.env._(
                    "%(customer)s has no account receivable that is in use. Choose one on the customer, "
                    "page Accounting, then try again what failed.",
                    customer=order.partner_invoice_id.commercial_partner_id.name,
                )
        return obstacles

    def _get_receivable_account(self):
        """Return the account Odoo will put the customer's debt on, if it is in use."""
        order, company = self.order_id, self.company_id
        found = self.env["account.account"]
        for partner in (order.partner_invoice_id.commercial_partner_id, company.partner_id):
            found = found or partner.with_company(company).property_account_receivable_id
        found = found or found.search(
            [("account_type", "=", "asset_receivable"), ("company_ids", "in", company.ids)], limit=1
        )
        return order.fiscal_position_id.map_account(found).filtered("active")
