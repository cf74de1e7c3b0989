"""The steps of the random sequences in `test_ledger_property`, each with its weight."""

from odoo.fields import Command

from .common import BillingCommon

#: How often each step is tried, against the others.
WEIGHTS = {
    "log_time": 5,
    "edit_time": 3,
    "delete_time": 1,
    "move_time": 2,
    "cancel_order": 0.5,
    "confirm_order": 3,
    "gather": 3,
    "refresh": 1,
    "edit_prebill": 4,
    "approve": 1,
    "reopen": 1,
    "bill": 6,
    "bill_by_wizard": 1,
    "cancel_prebill": 1,
    "post": 6,
    "edit_draft": 4,
    "delete_line": 1,
    "delete_draft": 1,
    "cancel_draft": 1,
    "reset_to_draft": 2,
    "credit_part": 4,
    "credit_all": 2,
    "reopen_credit": 2,
    "cancel_credit": 1,
    "rebill": 2,
    "toggle_milestone": 2,
    "change_price": 1,
    "change_instalment": 1,
}


class LedgerSteps(BillingCommon):
    """What people may do to a bill. A step returns what it did, in words, or nothing if it cannot."""

    # -- what there is --------------------------------------------------------------------------

    def _pick(self, records):
        return records[self.dice.randrange(len(records))] if records else records

    def _moves(self, move_type="out_invoice", *states):
        moves = self.env["account.move"].search(
            [
                ("move_type", "=", move_type),
                ("invoice_line_ids.sale_line_ids.order_id", "in", self.orders.ids),
            ],
            order="id",
        )
        return moves.filtered(lambda move: not states or move.state in states)

    def _prebills(self, *states):
        prebills = self.env["billing.prebill"].search(
            [("order_ids", "in", self.orders.ids), ("state", "in", states)], order="id"
        )
        return prebills.with_user(self.officer)

    def _times(self):
        return self.env["account.analytic.line"].search(
            [("order_id", "in", self.orders.ids), ("project_id", "!=", False)], order="id"
        )

    def _hours(self):
        return self.dice.choice((0, 0.1, 0.25, 0.33, 0.5, 1, 1.25, 1.75, 2, 3.3, 7.5))

    # -- steps: work ----------------------------------------------------------------------------

    def _do_log_time(self):
        line = self.dice.choice(self.orders.order_line.filtered("task_id"))
        hours = self._hours()
        time = self._log_time(line, hours, self.dice.randint(-20, 1))
        self.changed_time[time.id] = time.unit_amount
        return f"{time.unit_amount} h on {line.name}, {time.date}"

    def _do_edit_time(self):
        if time := self._pick(self._times()):
            if self.dice.random() < 0.3:
                time.name = "Work told better"
                return f"text of {time.id}"
            before = time.unit_amount
            time.unit_amount = self._hours()
            self.changed_time[time.id] = time.unit_amount
            return f"{before} h to {time.unit_amount} h"
        return None

    def _do_delete_time(self):
        if time := self._pick(self._times()):
            time_id, hours = time.id, time.unit_amount
            time.unlink()
            self.worked.pop(time_id, None)
            return f"{hours} h"
        return None

    def _do_move_time(self):
        """To another line, sometimes of another engagement, which takes part from then on."""
        if time := self._pick(self._times()):
            orders = self.orders
            if self.dice.random() < 0.2:
                orders |= self._pick(self.engagements).with_env(self.env)
            line = self._pick(orders.order_line.filtered("task_id"))
            time.write({"project_id": line.task_id.project_id.id, "task_id": line.task_id.id})
            self.changed_orders = orders
            return f"{time.unit_amount} h to {line.order_id.name} {line.name}"
        return None

    def _do_cancel_order(self):
        order = self._pick(self.orders)
        if order.state != "sale":
            return None
        order._action_cancel()
        return order.name

    def _do_confirm_order(self):
        order = self._pick(self.orders)
        if order.state == "sale":
            return None
        if order.state == "cancel":
            order.action_draft()
        order.action_confirm()
        return order.name

    def _do_toggle_milestone(self):
        milestone = self._pick(self.orders.order_line.billing_milestone_ids)
        if milestone.is_reached and not milestone.accepted_date and self.dice.random() < 0.7:
            milestone.action_accept()
            return f"{milestone.name} accepted"
        milestone.is_reached = not milestone.is_reached
        return f"{milestone.name} reached: {milestone.is_reached}"

    def _do_change_price(self):
        line = self._pick(self.orders.order_line)
        line.price_unit = line.price_unit * self.dice.choice((0.5, 1.1, 2))
        return f"{line.name} at {line.price_unit}"

    def _do_change_instalment(self):
        instalment = self._pick(self.orders.billing_installment_ids)
        instalment.percentage = self.dice.choice((5, 25, 50))
        return f"{instalment.name} {instalment.percentage} %"

    # -- steps: review --------------------------------------------------------------------------

    def _do_gather(self):
        prebills = self._prebill(self.orders)
        again = self._prebill(self.orders)
        self.assertEqual(prebills, again, "gathering again made another pre-bill")
        return f"{len(prebills.line_ids)} lines"

    def _do_refresh(self):
        if prebill := self._pick(self._prebills("draft", "review")):
            prebill.action_refresh()
            return prebill.name
        return None

    def _do_edit_prebill(self):
        lines = self._prebills("draft", "review").line_ids
        if not lines:
            return None
        line = self._pick(lines)
        what = self.dice.choice(
            ("lower", "raise", "rate", "amounts", "postpone", "off", "free", "split")
        )
        line.reason_id = self.reason
        if what == "lower":
            line.quantity = line.open_quantity * self.dice.choice((0, 0.2, 0.5, 0.9))
        elif what == "raise":
            line.quantity = line.open_quantity * self.dice.choice((1.1, 2))
        elif what == "rate":
            line.rate = line.agreed_rate * self.dice.choice((0, 0.5, 1.25))
        elif what == "amounts":
            line.write({"rate": line.agreed_rate * 0.9, "quantity": line.open_quantity * 1.5})
        elif what == "postpone":
            line.decision = "postpone"
        elif what == "off":
            line.decision = "write_off"
        elif what == "free":
            line.decision = "complimentary"
        else:
            line.quantity = line.open_quantity * 0.4
            line.action_write_off_rest()
        if line.exists():
            return f"{what} {line.narrative}: {line.decision} {line.quantity} x {line.rate}"
        return what

    def _do_approve(self):
        if prebill := self._pick(self._prebills("draft", "review")):
            prebill.action_approve()
            return prebill.name
        return None

    def _do_reopen(self):
        if prebill := self._pick(self._prebills("approved")):
            prebill.action_reopen()
            return prebill.name
        return None

    def _do_cancel_prebill(self):
        if prebill := self._pick(self._prebills("draft", "review", "approved")):
            prebill.action_cancel()
            return prebill.name
        return None

    # -- steps: bills ---------------------------------------------------------------------------

    def _do_bill(self):
        prebills = self._prebills("draft", "review", "approved") or self._prebill(self.orders)
        if not prebills:
            return None
        moves = prebills.action_invoice()
        again = self._prebill(self.orders)
        open_items = self._items(self.orders).filtered("prebill_id")
        self.assertFalse(
            again.line_ids.filtered(lambda line: not line.open_quantity and not line.open_amount),
            "gathered work without anything open",
        )
        self.assertEqual(open_items.prebill_id, again.with_env(open_items.env))
        return f"{moves.mapped('amount_untaxed')}"

    def _do_bill_by_wizard(self):
        return f"{self._bill_by_wizard(self.orders).mapped('amount_untaxed')}"

    def _do_post(self):
        move = self._pick(self._moves("out_invoice", "draft") | self._moves("out_refund", "draft"))
        if move:
            move.action_post()
            return f"{move.name} {move.amount_untaxed}"
        return None

    def _do_edit_draft(self):
        if move := self._pick(self._moves("out_invoice", "draft")):
            line = self._pick(move.invoice_line_ids.filtered(lambda line: not line.display_type))
            line = line or self._pick(move.invoice_line_ids)
            if not line:
                return None
            field = self.dice.choice(("quantity", "price_unit", "discount"))
            if field == "discount":
                value = self.dice.choice((0, 10, 50, 100))
            else:
                value = round(line[field] * self.dice.choice((0, 0.5, 0.9, 1.1, 2)), 2)
            before = line[field]
            move.invoice_line_ids = [Command.update(line.id, {field: value})]
            self.changed_drafts |= move
            return f"{field} {before} to {value}"
        return None

    def _do_delete_line(self):
        if move := self._pick(self._moves("out_invoice", "draft")):
            line = self._pick(move.invoice_line_ids)
            if not line:
                return None
            label = f"{line.quantity} x {line.price_unit} of {move.amount_untaxed}"
            move.invoice_line_ids = [Command.delete(line.id)]
            return label
        return None

    def _do_delete_draft(self):
        moves = self._moves("out_invoice", "draft") | self._moves("out_refund", "draft")
        if move := self._pick(moves):
            label = f"{move.move_type} {move.amount_untaxed}"
            move.unlink()
            return label
        return None

    def _do_cancel_draft(self):
        moves = self._moves("out_invoice") | self._moves("out_refund")
        if move := self._pick(moves):
            state = move.state
            if state == "cancel":
                move.button_draft()
            else:
                move.button_cancel()
            return f"{move.move_type} {move.amount_untaxed} from {state} to {move.state}"
        return None

    def _do_reset_to_draft(self):
        if move := self._pick(self._moves("out_invoice", "posted")):
            move.button_draft()
            return f"{move.amount_untaxed}"
        return None

    def _do_credit_part(self):
        if move := self._pick(self._moves("out_invoice", "posted")):
            refund = self._reverse(move)
            line = self._pick(refund.invoice_line_ids)
            commands = [Command.delete(other.id) for other in refund.invoice_line_ids - line]
            what = self.dice.choice(("quantity", "quantity", "price_unit"))
            value = round(line[what] * self.dice.choice((0.25, 0.5, 0.9, 1)), 2)
            refund.invoice_line_ids = [*commands, Command.update(line.id, {what: value})]
            if self.dice.random() < 0.8:
                refund.action_post()
            return f"{refund.amount_untaxed} of {move.amount_untaxed} ({what}), {refund.state}"
        return None

    def _do_credit_all(self):
        if move := self._pick(self._moves("out_invoice", "posted")):
            refund = self._credit(move)
            return f"{refund.amount_untaxed}"
        return None

    def _do_reopen_credit(self):
        if refund := self._pick(self._moves("out_refund", "posted")):
            refund.button_draft()
            return f"{refund.amount_untaxed}"
        return None

    def _do_cancel_credit(self):
        if refund := self._pick(self._moves("out_refund", "posted")):
            refund.button_draft()
            refund.button_cancel()
            return f"{refund.amount_untaxed}"
        return None

    def _do_rebill(self):
        # A second credit note for all of a bill that is credited in part credits too much: the
        # books follow the user there, the ledger cannot.
        moves = self._moves("out_invoice", "posted").filtered(
            lambda move: "posted" not in move.reversal_move_ids.mapped("state")
        )
        if move := self._pick(moves):
            new = self._reverse(move, "modify_moves")
            return f"{new.amount_untaxed} for {move.amount_untaxed}"
        return None
