from odoo import api, fields, models

from ..rules import rounding


class BillingPrebillPayers(models.Model):
    """Who pays what of a bill to come, when several do."""

    _inherit = "billing.prebill"

    payer_shares = fields.Text(
        string="Paid by",
        compute="_compute_payer_shares",
        compute_sudo=True,
        help="What each payer's invoice bills as things stand, before discount, retention and tax.",
    )

    @api.depends(
        "state",
        "amount_bill",
        "order_ids.has_payers",
        "order_ids.billing_payer_ids.partner_id",
        "order_ids.billing_payer_ids.charge",
        "order_ids.billing_payer_ids.share_type",
        "order_ids.billing_payer_ids.percentage",
        "order_ids.billing_payer_ids.amount",
    )
    def _compute_payer_shares(self):
        for prebill in self:
            shared = prebill.is_open and any(prebill.order_ids.mapped("has_payers"))
            prebill.payer_shares = "\n".join(
                f"{partner.display_name}: {prebill.currency_id.format(float(amount))}"
                for partner, amount in (prebill._get_payer_shares() if shared else {}).items()
            )

    def _get_payer_shares(self):
        """Return {partner: Decimal} that those pay who share this bill, the customer first."""
        lines = self._get_bill_lines().grouped(lambda line: line.order_line_id.order_id)
        shares = dict.fromkeys((order.partner_invoice_id for order in lines), rounding.decimal(0))
        for order, mine in lines.items():
            charges = [{"item_id": line.item_id._origin.id, "amount": line.amount} for line in mine]
            decimals = self.currency_id.decimal_places
            parts = (
                order._origin._apportion(charges)
                if order.has_payers
                else [
                    {order.partner_invoice_id.id: rounding.money(charge["amount"], decimals)}
                    for charge in charges
                ]
            )
            for part in parts:
                for partner_id, amount in part.items():
                    partner = self.env["res.partner"].browse(partner_id)
                    shares[partner] = shares.get(partner, 0) + amount
        return {partner: amount for partner, amount in shares.items() if amount}
