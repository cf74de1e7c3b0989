from odoo import fields, models


class BillingPrebillPostpone(models.Model):
    _inherit = "billing.prebill"

    def _finish(self, moves):
        """What was postponed until a date goes on hold with the bill it is not on."""
        result = super()._finish(moves)
        postponed = self.line_ids.search(
            [
                ("prebill_id", "in", self.ids),
                ("decision", "=", "postpone"),
                ("hold_until", "!=", False),
                ("item_id.is_open", "=", True),
            ]
        )
        for (date, note), lines in postponed.grouped(
            lambda line: (line.hold_until, line.reason_id.name)
        ).items():
            if date > lines.company_id._billing_today():
                lines.item_id._hold(date, note)
        return result


class BillingPrebillLinePostpone(models.Model):
    _inherit = "billing.prebill.line"

    hold_until = fields.Date(
        string="Until",
        help="Leave in WIP until this day; it is not gathered before. Empty: until the next pre-bill.",
    )
