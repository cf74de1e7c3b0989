from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tools import formatLang


class BillingItemMove(models.TransientModel):
    """Moves time to another engagement, where it is valued by that one's terms."""

    _name = "billing.item.move"
    _description = "Move work to another engagement"

    item_ids = fields.Many2many("billing.item", string="Work", required=True)
    company_id = fields.Many2one("res.company", compute="_compute_company_id")
    order_line_id = fields.Many2one(
        "sale.order.line",
        string="Move to",
        required=True,
        domain="[('company_id', '=', company_id), ('billing_rule', '!=', False),"
        " ('state', '=', 'sale')]",
        help="The order line of another engagement that takes the time.",
    )
    note = fields.Char(string="Why")

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        context = self.env.context
        records = self.env[context.get("active_model", "billing.item")].browse(
            context.get("active_ids", [])
        )
        if records._name == "billing.prebill.line":
            records._check_editable()
            records = records.item_id
        if records._name == "billing.item":
            values["item_ids"] = [Command.set(records.ids)]
        return values

    @api.depends("item_ids")
    def _compute_company_id(self):
        for wizard in self:
            wizard.company_id = wizard.item_ids.company_id[:1]

    def action_move(self):
        """Put the time on the chosen order line; it is accrued and rated there.

        :raise UserError: when some of it is billed, is not time, or may not be moved
        """
        self.ensure_one()
        items = self.item_ids
        items.check_access("read")
        items, line = items.sudo(), self.order_line_id.sudo()
        self._check_target(items, line)
        self._check_rights(items, line)
        for item in items:
            self._check_item(item)
        (items.order_id | line.order_id)._lock_for_billing()
        notes = self._get_notes(items, line)
        items.timesheet_id.write({"so_line": line.id, "is_so_line_edited": True})
        orders = self.env["sale.order"].sudo().browse(notes)
        orders._message_log_batch(notes, author_id=self.env.user.partner_id.id)
        return {"type": "ir.actions.act_window_close"}

    def _check_target(self, items, line):
        if not items:
            raise UserError(self.env._("Select the work to move first."))
        if line.company_id != items.company_id:
            raise UserError(
                self.env._("Work is moved between engagements of the same company only.")
            )
        if not line.billing_rule or line.state != "sale":
            raise UserError(
                self.env._(
                    "%(line)s takes no time: choose a line with a billing rule on a confirmed order.",
                    line=line._billing_label(),
                )
            )

    def _check_rights(self, items, line):
        """Officers of the company move all; project managers between engagements they lead."""
        user = self.env.user
        if items.company_id not in self.env.companies:
            raise AccessError(self.env._("This work belongs to another company."))
        if self.env.su or user.has_group("professional_billing.group_billing_officer"):
            return
        leads = line.project_id | line.task_id.project_id | line.order_id.project_ids
        if (
            not user.has_group("professional_billing.group_billing_reviewer")
            or any(item.project_id.user_id != user for item in items)
            or user not in leads.user_id
        ):
            raise AccessError(
                self.env._(
                    "Work is moved to %(line)s by a billing officer, or by somebody who manages both "
                    "projects. Ask one of them.",
                    line=line._billing_label(),
                )
            )

    def _check_item(self, item):
        name = {"name": item.display_name, "order": item.order_id.name}
        if item.kind != "time" or not item.timesheet_id:
            raise UserError(
                self.env._(
                    "“%(name)s” of %(order)s is not time: fees stay where they were agreed.", **name
                )
            )
        if item._is_settled():
            raise UserError(
                self.env._(
                    "“%(name)s” of %(order)s is on a bill or written off and cannot move. Credit it "
                    "first.",
                    **name,
                )
            )
        if item.prebill_id.state == "approved":
            raise UserError(
                self.env._(
                    "“%(name)s” is on pre-bill %(prebill)s, which is approved. Reopen it first.",
                    prebill=item.prebill_id.name,
                    **name,
                )
            )
        if item.order_line_id == self.order_line_id:
            raise UserError(self.env._("“%(name)s” is on this line already.", **name))
        locked = item.company_id.billing_time_lock_date
        if locked and item.date <= locked and not self._may_change_closed_time():
            raise UserError(
                self.env._(
                    "Time is closed up to %(locked)s, and “%(name)s” is dated %(date)s. Ask somebody "
                    "who may change closed periods.",
                    locked=locked,
                    date=item.date,
                    **name,
                )
            )

    def _may_change_closed_time(self):
        return self.env.su or self.env["account.analytic.line"]._may_change_closed_time()

    def _get_notes(self, items, line):
        """Return {order id: note} for the orders that give and the one that takes."""
        notes = {}
        for order, moved in items.grouped("order_id").items():
            text = self.env._(
                "%(hours)s h (%(entries)s entries) moved from %(former)s to %(target)s",
                hours=formatLang(self.env, sum(moved.mapped("worked_quantity")), digits=2),
                entries=len(moved),
                former=order.name,
                target=line._billing_label(),
            )
            if self.note:
                text += f": {self.note}"
            for record in order | line.order_id:
                notes[record.id] = notes.get(record.id, Markup()) + Markup("<p>%s</p>") % text
        return notes
