from odoo import api, fields, models


class SaleOrderSummary(models.Model):
    """What an engagement agrees on, in sentences: on the screen, and on the quotation."""

    _inherit = "sale.order"

    billing_summary = fields.Text(
        string="In words", compute="_compute_billing_summary", compute_sudo=True
    )

    @api.depends_context("lang")
    @api.depends(
        "order_line.billing_rule",
        "order_line.price_unit",
        "order_line.product_uom_qty",
        "order_line.rate_source",
        "order_line.recurring_unit",
        "order_line.recurring_interval",
        "order_line.recurring_start",
        "order_line.recurring_end",
        "order_line.recurring_timing",
        "order_line.unit_minimum",
        "order_line.success_percentage",
        "order_line.tier_mode",
        "order_line.tier_ids.up_to",
        "order_line.tier_ids.price_unit",
        "billing_cap_amount",
        "billing_cap_hours",
        "billing_cap_policy",
        "billing_cap_period",
        "client_po_id.billing_cap_amount",
        "client_po_id.billing_cap_hours",
        "rate_card_id",
        "time_rounding",
        "time_increment",
        "time_minimum",
        "billing_time_type_ids",
    )
    def _compute_billing_summary(self):
        for order in self:
            order.billing_summary = "\n".join(order._get_billing_sentences())

    def _get_billing_sentences(self):
        """Return what is agreed, a sentence each, in the words of the client's bill."""
        lines = self.order_line.filtered("billing_rule")
        sentences = [line._get_billing_method()._describe(line) for line in lines]
        limited = lines.filtered(lambda line: line.billing_cap_amount or line.billing_cap_hours)
        sentences += [
            self.env._(
                "%(line)s: %(limit)s", line=line._get_bill_label(), limit=line._describe_cap()
            )
            for line in limited
        ]
        if self.billing_cap_amount or self.billing_cap_hours:
            sentences.append(self._describe_cap())
        if self.client_po_id and (
            self.client_po_id.billing_cap_amount or self.client_po_id.billing_cap_hours
        ):
            sentences.append(
                self.env._(
                    "Purchase order %(number)s, for all its engagements: %(limit)s",
                    number=self.client_po_id.name,
                    limit=self.client_po_id._describe_cap(),
                )
            )
        if "time_materials" in lines.mapped("billing_rule"):
            sentences += self._describe_time()
        return sentences

    def _describe_time(self):
        texts = {
            "up": self.env._("Time is rounded up to full %(increment)s minutes"),
            "nearest": self.env._("Time is rounded to the nearest %(increment)s minutes"),
            "down": self.env._("Time is rounded down to full %(increment)s minutes"),
        }
        if self.time_rounding in texts:
            text = texts[self.time_rounding] % {"increment": self.time_increment}
            if self.time_rounding_per == "day":
                text += self.env._(" by the day")
            if self.time_minimum:
                text += self.env._(", at least %(minimum)s minutes", minimum=self.time_minimum)
            yield text + "."
        for kind in self.billing_time_type_ids:
            yield self.env._(
                "%(kind)s: %(factor)s %% of the rate.", kind=kind.name, factor=f"{kind.factor:g}"
            )
