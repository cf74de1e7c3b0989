from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..rules import rounding


class BillingRerate(models.TransientModel):
    """Values unbilled time again after a change of rates, once somebody has seen the difference."""

    _name = "billing.rerate"
    _description = "Value unbilled time again"

    card_ids = fields.Many2many("billing.rate.card", string="Rate cards", readonly=True)
    order_ids = fields.Many2many("sale.order", string="Engagements", readonly=True)
    line_ids = fields.One2many("billing.rerate.line", "wizard_id", readonly=True)
    changed_count = fields.Integer(compute="_compute_changed_count")

    @api.depends("line_ids")
    def _compute_changed_count(self):
        for wizard in self:
            wizard.changed_count = sum(wizard.line_ids.mapped("changed"))

    @api.model
    def default_get(self, fields):
        """Preview what new rates would make of the open work of the selected cards or contracts."""
        values = super().default_get(fields)
        records = self.env[self.env.context.get("active_model", "billing.rate.card")].browse(
            self.env.context.get("active_ids", [])
        )
        field = "card_ids" if records._name == "billing.rate.card" else "order_ids"
        values[field] = [Command.set(records.ids)]
        items = self._get_items(records)
        values["line_ids"] = [Command.create(vals) for vals in self._prepare_lines(items)]
        return values

    @api.model
    def _get_items(self, records):
        """Return the time that nothing was decided on yet, and whose price can have changed."""
        self.env["billing.rate"].check_access("write")
        if records._name == "billing.rate.card":
            return records.sudo()._get_open_items()
        return (
            self.env["billing.item"]
            .sudo()
            .search(
                [
                    ("order_id", "in", records.ids),
                    ("kind", "=", "time"),
                    ("billed_quantity", "=", 0),
                    ("written_off_quantity", "=", 0),
                ]
            )
        )

    @api.model
    def _prepare_lines(self, items):
        planned = {
            vals["timesheet_id"]: vals
            for vals in items._plan_time(items.timesheet_id, items.browse())
        }
        for order, work in items.filtered("timesheet_id").grouped("order_id").items():
            after = [planned[item.timesheet_id.id] for item in work]
            decimals = order.currency_id.decimal_places
            pairs = list(zip(work, after, strict=True))
            before_amount = sum(rounding.money(item.amount, decimals) for item in work)
            after_amount = sum(rounding.money(vals["amount"], decimals) for vals in after)
            changed = sum(item.rate != vals["rate"] for item, vals in pairs)
            if changed:
                yield {
                    "order_id": order.id,
                    "changed": changed,
                    "before_amount": before_amount,
                    "after_amount": after_amount,
                    "no_rate": sum(vals["blocked_reason"] == "no_rate" for vals in after),
                }

    def action_apply(self):
        """Value the open work again; what reviewers changed on pre-bills stays as they left it."""
        self.ensure_one()
        items = self._get_items(self.card_ids or self.order_ids)
        if not items:
            raise UserError(self.env._("There is no unbilled time to value again."))
        items.order_id._lock_for_billing()
        items.order_line_id._accrue_billing(items.timesheet_id, items, rerate=True)
        items.prebill_id.filtered(lambda prebill: prebill.state in ("draft", "review")).mapped(
            "line_ids"
        )._refresh()
        return {"type": "ir.actions.act_window_close"}


class BillingRerateLine(models.TransientModel):
    _name = "billing.rerate.line"
    _description = "Difference of valuing an engagement again"
    _order = "order_id"

    wizard_id = fields.Many2one("billing.rerate", required=True, ondelete="cascade")
    order_id = fields.Many2one("sale.order", string="Engagement", readonly=True)
    partner_id = fields.Many2one(related="order_id.partner_id")
    currency_id = fields.Many2one(related="order_id.currency_id")
    changed = fields.Integer(string="Entries", readonly=True)
    before_amount = fields.Monetary(string="Now", readonly=True)
    after_amount = fields.Monetary(string="By the new rates", readonly=True)
    difference = fields.Monetary(compute="_compute_difference")
    no_rate = fields.Integer(string="Without a rate", readonly=True)

    @api.depends("before_amount", "after_amount")
    def _compute_difference(self):
        for line in self:
            line.difference = line.after_amount - line.before_amount
