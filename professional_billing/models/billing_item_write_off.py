from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from .field_kept import Many2oneKept

REQUESTED = "write_off_requested"
ACTIVITY = "professional_billing.mail_activity_type_write_off"
MANAGERS = "professional_billing.group_billing_manager"


class BillingItemWriteOff(models.Model):
    """Work given up from the list of work in progress, at once or once a billing manager agrees."""

    _inherit = "billing.item"

    blocked_reason = fields.Selection(selection_add=[(REQUESTED, "Write-off requested")])
    write_off_reason_id = Many2oneKept("billing.reason", ondelete="restrict")
    write_off_note = fields.Char(string="Write-off because")
    write_off_user_id = Many2oneKept("res.users", string="Write-off requested by")

    # -- actions --------------------------------------------------------------------------------

    def action_write_off(self):
        """Ask why the open part of this work is given up."""
        self._check_hold_rights()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Write off"),
            "res_model": "billing.item.write.off",
            "view_mode": "form",
            "target": "new",
            "context": {"default_item_ids": self.ids},
        }

    def action_approve_write_off(self):
        """Write off what was requested of this work, as somebody who may."""
        requested = self._get_requested()
        for item in requested.sudo():
            if not self.env.user.has_group(MANAGERS):
                raise AccessError(
                    self.env._("Requested write-offs are approved by a billing manager. Ask one.")
                )
            if item.write_off_user_id == self.env.user or item._is_own_time():
                raise UserError(
                    self.env._(
                        "“%(item)s”: you requested this write-off, or the time is your own. Somebody "
                        "else approves it.",
                        item=item.display_name,
                    )
                )
        requested.sudo()._write_off_requested()
        return True

    def action_decline_write_off(self):
        """Let this work be billed after all."""
        requested = self._get_requested()
        requested._check_hold_rights()
        requested.sudo()._end_request(accrue=True)
        return True

    def _get_requested(self):
        requested = self.filtered(lambda item: item.blocked_reason == REQUESTED)
        if not requested:
            raise UserError(self.env._("No write-off is requested of the selected work."))
        return requested

    def _is_own_time(self):
        return self.env.user in self.employee_id.user_id

    # -- request and write-off ------------------------------------------------------------------

    def _request_write_off(self, reason, note=False):
        """Write this work off where the user may; of the rest, ask billing managers.

        What is requested leaves its pre-bill, so that the others can be billed, and stays in WIP.

        :return: the items that wait for a billing manager
        """
        self._check_hold_rights()
        waiting = self.browse()
        for order, items in self.sudo().grouped("order_id").items():
            if closed := items.filtered(
                lambda item: not item.is_open or item.prebill_id.state == "approved"
            )[:1]:
                raise UserError(
                    self.env._(
                        "“%(item)s” is settled, or on an approved pre-bill. Reopen that first.",
                        item=closed.display_name,
                    )
                )
            items._take_from_prebills()
            items.write(
                {
                    "write_off_reason_id": reason.id,
                    "write_off_note": note,
                    "write_off_user_id": self.env.uid,
                }
            )
            if items._may_write_off(order):
                items._write_off_requested()
            else:
                items.blocked_reason = REQUESTED
                items._ask_managers(order)
                waiting |= items
        return waiting.sudo(False)

    def _may_write_off(self, order):
        """Tell whether the user needs nobody else: up to the limit in a month, never own time."""
        if any(item._is_own_time() for item in self):
            return False
        if self.env.user.has_group(MANAGERS):
            return True
        today = order.company_id._billing_today()
        [(before,)] = self.env["billing.allocation"]._read_group(
            [
                ("item_id.order_id", "=", order.id),
                ("cause", "=", "wip"),
                ("user_id", "=", self.env.uid),
                ("date", ">=", today.replace(day=1)),
            ],
            [],
            ["amount:sum"],
        )
        limit = order.company_id.currency_id._convert(
            order.company_id.billing_write_off_limit, order.currency_id, order.company_id, today
        )
        return (before or 0) + sum(self.mapped("open_amount")) <= limit

    def _write_off_requested(self):
        self.env["billing.item"]._settle(
            [
                {
                    "item_id": item.id,
                    "kind": "write_off",
                    "cause": "wip",
                    "quantity": item.open_quantity,
                    "amount": item.open_amount,
                    "reason_id": item.write_off_reason_id.id,
                    "note": item.write_off_note,
                    "user_id": self.env.uid,
                }
                for item in self
            ]
        )
        self._end_request()

    def _end_request(self, accrue=False):
        orders = self.order_id
        asked = self.filtered(lambda item: item.blocked_reason == REQUESTED)
        asked.blocked_reason = False
        self.write(
            {"write_off_reason_id": False, "write_off_note": False, "write_off_user_id": False}
        )
        if accrue:
            asked.order_line_id._accrue_billing(asked.timesheet_id, asked.filtered("timesheet_id"))
        still = self.search(
            [("order_id", "in", orders.ids), ("blocked_reason", "=", REQUESTED)]
        ).order_id
        (orders - still).activity_feedback([ACTIVITY])

    def _ask_managers(self, order):
        for manager in order.company_id._get_people(MANAGERS) - self.env.user:
            order.activity_schedule(
                ACTIVITY,
                summary=self.env._(
                    "%(user)s asks to write off %(amount)s",
                    user=self.env.user.name,
                    amount=order.currency_id.format(sum(self.mapped("open_amount"))),
                ),
                user_id=manager.id,
            )

    def _update_accrued(self, vals):
        # EXTENDS: what is asked for is not billed because its entry is looked at again.
        if self.blocked_reason == REQUESTED:
            vals = {**vals, "blocked_reason": REQUESTED}
        return super()._update_accrued(vals)
