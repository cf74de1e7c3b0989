from odoo import models


class BillingRunConsolidation(models.Model):
    """Engagements that become one invoice are billed together, or not at all."""

    _inherit = "billing.run.line"

    def _split(self, sentence, patient):
        # EXTENDS: what is one invoice is not halved to find out which engagement stopped it.
        groups = list(self.grouped(self._get_invoice_group).values())
        if len(groups) == len(self) or self.run_id.mode == "prebill":
            return super()._split(sentence, patient)
        self.invalidate_recordset()
        if len(groups) == 1:
            self._fail(
                self.env._(
                    "%(error)s (One invoice with %(orders)s.)",
                    error=sentence,
                    orders=", ".join(self.order_id.mapped("name")),
                )
            )
            return None
        half = len(groups) // 2
        for part in (groups[:half], groups[half:]):
            self.browse([line.id for lines in part for line in lines])._try(patient)
        return None

    @staticmethod
    def _get_invoice_group(line):
        """Return what the lines of one customer's invoice have in common, else the line itself."""
        order = line.order_id.sudo()
        wish = order._get_wish(order.partner_invoice_id, "order")
        if wish in ("order", "project"):
            return line
        return order.partner_invoice_id.commercial_partner_id
