import datetime

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..rules import rates, rounding


class BillingIndexation(models.TransientModel):
    """Raises rates by a percentage from a day on: new dated rates, the old ones stay for old work."""

    _name = "billing.indexation"
    _description = "Raise rates"

    card_ids = fields.Many2many("billing.rate.card", string="Rate cards")
    order_ids = fields.Many2many(
        "sale.order",
        string="Engagements",
        domain=[("is_engagement", "=", True), ("state", "=", "sale")],
        help="Rates agreed on these engagements' own lines; their rate cards are raised apart.",
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: (
            fields.Date.context_today(self) + relativedelta(years=1, month=1, day=1)
        ),
        help="First day of work at the new rates.",
    )
    percentage = fields.Float(
        string="Raise by %", required=True, help="Percentage added to each rate; negative lowers."
    )
    rounding_step = fields.Float(
        string="Round to", default=0.01, help="New rates are multiples of it, e.g. 0.50 or 5."
    )
    line_ids = fields.One2many(
        "billing.indexation.line",
        "wizard_id",
        compute="_compute_line_ids",
        store=True,
        readonly=False,
    )

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        model = self.env.context.get("active_model")
        field = {"billing.rate.card": "card_ids", "sale.order": "order_ids"}.get(model)
        if field:
            values[field] = [Command.set(self.env.context.get("active_ids", []))]
        return values

    @api.depends("card_ids", "order_ids", "date_from", "percentage", "rounding_step")
    def _compute_line_ids(self):
        for wizard in self:
            rows = wizard._prepare_lines() if wizard.date_from else []
            wizard.line_ids = [Command.clear(), *map(Command.create, rows)]

    def _prepare_lines(self):
        lines = self.order_ids._origin.order_line.filtered(
            lambda line: line.billing_rule == "time_materials"
        )
        found = self.env["billing.rate"].search(
            [
                "|",
                ("card_id", "in", self.card_ids._origin.ids),
                ("order_line_id", "in", lines.filtered(lambda ln: ln.rate_source == "card").ids),
                "|",
                ("date_to", "=", False),
                ("date_to", ">=", self.date_from),
            ]
        )
        rows = [
            {"rate_id": rate.id, "old_price": rate.price_unit, "new_price": self._raise(rate)}
            for rate in found
            if rate._is_newest_on(self.date_from, found)
        ]
        for line in lines.filtered(lambda line: line.rate_source != "card" and line.price_unit):
            rows.append(
                {
                    "order_line_id": line.id,
                    "old_price": line.price_unit,
                    "new_price": self._raise(line),
                }
            )
        return rows

    def _raise(self, record):
        step = rounding.decimal(self.rounding_step or 0)
        return float(rates.adjust(record.price_unit, self.percentage, step))

    def action_apply(self):
        """Write the new rates; rates that were changed since the preview are refused."""
        self.ensure_one()
        if not self.line_ids:
            raise UserError(
                self.env._(
                    "No rate to raise: choose rate cards or engagements with rates in force on "
                    "%(date)s.",
                    date=self.date_from,
                )
            )
        for line in self.line_ids:
            line._check_unchanged()
        for line in self.line_ids:
            line._apply()
        for card in self.card_ids:
            card.message_post(body=self._get_message())
        for order in self.order_ids:
            order.message_post(body=self._get_message())
        return {"type": "ir.actions.act_window_close"}

    def _get_message(self):
        return self.env._(
            "Rates raised by %(percentage)s %% for work from %(date)s.",
            percentage=f"{self.percentage:g}",
            date=self.date_from,
        )


class BillingIndexationLine(models.TransientModel):
    _name = "billing.indexation.line"
    _description = "New rate"

    wizard_id = fields.Many2one("billing.indexation", required=True, ondelete="cascade")
    rate_id = fields.Many2one("billing.rate")
    order_line_id = fields.Many2one("sale.order.line")
    place = fields.Char(compute="_compute_place", string="Where")
    whom = fields.Char(compute="_compute_place", string="For")
    old_price = fields.Float(string="Now", digits="Product Price")
    new_price = fields.Float(string="New", digits="Product Price")

    @api.depends("rate_id", "order_line_id")
    def _compute_place(self):
        for line in self:
            rate = line.rate_id
            order_line = line.order_line_id or rate.order_line_id
            line.place = rate.card_id.name or order_line._billing_label()
            line.whom = rate._get_label() if rate else self.env._("Everybody")

    def _check_unchanged(self):
        current = (self.rate_id or self.order_line_id).price_unit
        if current != self.old_price:
            raise UserError(
                self.env._(
                    "%(place)s, %(whom)s changed while you looked at it: %(old)s is %(new)s now. Open "
                    "the wizard again.",
                    place=self.place,
                    whom=self.whom,
                    old=self.old_price,
                    new=current,
                )
            )

    def _apply(self):
        """End the old rate the day before and begin the new one."""
        first = self.wizard_id.date_from
        if not self.rate_id:
            self._apply_to_line(first)
            return
        rate = self.rate_id
        new = {"date_from": first, "date_to": rate.date_to, "price_unit": self.new_price}
        if rate.date_from == first:
            rate.price_unit = self.new_price
            return
        rate.date_to = first - datetime.timedelta(days=1)
        rate.copy(new)

    def _apply_to_line(self, first):
        """Give a line of one price for everybody its price as dated rates."""
        line = self.order_line_id
        common = {"order_line_id": line.id, "uom_id": line.product_uom_id.id}
        self.env["billing.rate"].create(
            [
                {
                    **common,
                    "price_unit": self.old_price,
                    "date_to": first - datetime.timedelta(days=1),
                },
                {**common, "price_unit": self.new_price, "date_from": first},
            ]
        )
        line.rate_source = "card"
