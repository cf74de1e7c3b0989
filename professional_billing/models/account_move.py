from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..rules import rounding, settlement
from .account_move_batch import POSTED_AT_ONCE
from .field_groups import BILLING_STAFF

BILL_TYPES = ("out_invoice", "out_refund")


class AccountMove(models.Model):
    _inherit = "account.move"

    is_professional_bill = fields.Boolean(
        string="Bills an engagement",
        readonly=True,
        help="Set on invoices that bill work in progress, and on their credit notes.",
    )
    billing_item_count = fields.Integer(compute="_compute_billing_counts", compute_sudo=True)
    prebill_ids = fields.Many2many(
        "billing.prebill", string="Pre-bills", copy=False, groups=BILLING_STAFF
    )

    @api.depends("is_professional_bill")
    def _compute_billing_counts(self):
        for move in self:
            move.billing_item_count = (
                len(move.line_ids.billing_allocation_ids.item_id)
                if move.is_professional_bill
                else 0
            )

    def action_view_billing_items(self):
        self.ensure_one()
        items = self.sudo().line_ids.billing_allocation_ids.item_id
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_item"
        )
        return {**action, "domain": [("id", "in", items.ids)], "context": {}}

    def action_view_billing_prebills(self):
        self.ensure_one()
        return self.prebill_ids._get_records_action(name=self.env._("Pre-bills"))

    # -- chatter --------------------------------------------------------------------------------

    def message_post_with_source(self, source_ref, **kwargs):
        # EXTENDS mail: what invoices are made from is said of all at once, by `_log_origin`.
        if source_ref == "mail.message_origin_link" and self.env["billing.prebill"]._is_invoicing():
            return self.env["mail.message"]
        return super().message_post_with_source(source_ref, **kwargs)

    def _log_origin(self, post):
        """Say in the chatter of these new invoices what they were made from.

        :param post: they are posted next, of which Odoo is told to say nothing
        """
        links = {}
        bodies = {}
        for move in self:
            orders = move.line_ids.sale_line_ids.order_id
            for order in orders:
                if order not in links:
                    links[order] = order._get_html_link()
            names = Markup(", ").join(links[order] for order in orders)
            bodies[move.id] = Markup("<p>%s</p>") % (
                self.env._("Invoice created and posted from: %(orders)s", orders=names)
                if post
                else self.env._("Invoice created from: %(orders)s", orders=names)
            )
        if bodies:
            self._message_log_batch(bodies)

    # -- life of a bill -------------------------------------------------------------------------

    def _get_professional_bills(self, *move_types):
        return self.filtered(
            lambda move: move.is_professional_bill and move.move_type in move_types
        ).sudo()

    def _post(self, soft=True):
        # EXTENDS account: whichever button, wizard or cron posts, the ledger follows the document.
        if not self._is_batch(POSTED_AT_ONCE):
            self._get_professional_bills("out_invoice")._check_billing_currency()
        posted = super()._post(soft)
        posted._get_professional_bills(*BILL_TYPES).invoice_line_ids._settle_edits()
        posted._get_professional_bills("out_refund")._settle_credit_notes()
        return posted

    def _get_next_sequence_format(self):
        # EXTENDS account: of invoices posted together only the first looks for the last number; from
        # there on Odoo counts, and holds the lock on it.
        formats = self.env.context.get("billing_number_formats")
        if formats is None:
            return super()._get_next_sequence_format()
        key = self.journal_id, self.date, self.move_type
        if key not in formats:
            formats[key] = super()._get_next_sequence_format()
        format_string, values = formats[key]
        return format_string, dict(values)

    def _check_billing_currency(self):
        groups = self.env["billing.allocation"]._read_group(
            [("move_line_id", "in", self.invoice_line_ids.ids)],
            ["move_line_id.move_id", "item_id.currency_id"],
        )
        for move, currency in groups:
            if currency != move.currency_id:
                raise UserError(
                    self.env._(
                        "%(move)s bills an engagement in %(currency)s. Set its currency back to "
                        "%(currency)s, or delete it and bill again.",
                        move=move.display_name,
                        currency=currency.name,
                    )
                )

    def _settle_credit_notes(self):
        """Free what these credit notes credit, and only that: newest work first."""
        lines = self.invoice_line_ids.filtered("billing_origin_line_id")
        billed = lines.billing_origin_line_id._get_billed_entries()
        vals_list = []
        for line in lines:
            origin = line.billing_origin_line_id
            plan = line._plan_credit(billed[origin])
            freed = [
                settlement.Freed(
                    vals["item_id"],
                    rounding.quantize(vals["quantity"], 6),
                    rounding.money(vals["amount"], line.currency_id.decimal_places),
                )
                for vals in plan
            ]
            billed[origin] = line._subtract(billed[origin], freed)
            vals_list += plan
        if vals_list:
            self.env["billing.item"]._settle(vals_list)

    def button_draft(self):
        # EXTENDS account
        cancelled = self.filtered(lambda move: move.state == "cancel")
        credit_notes = self.filtered(lambda move: move.state == "posted")
        result = super().button_draft()
        credit_notes._get_professional_bills("out_refund")._undo(("credit_note",))
        cancelled._get_professional_bills(*BILL_TYPES)._undo(("cancel",))
        return result

    def button_cancel(self):
        # EXTENDS account: a posted move passes through `button_draft` on its way.
        result = super().button_cancel()
        self._get_professional_bills(*BILL_TYPES).line_ids._free_all("cancel")
        return result

    def action_post(self):
        # EXTENDS sale_timesheet: it lets go of all time on a credited invoice, we of what is credited.
        result = super().action_post()
        credited = self._get_professional_bills("out_refund").reversed_entry_id.invoice_line_ids
        credited.billing_settlement_ids.item_id._sync_timesheet_invoice()
        return result

    def action_switch_move_type(self):
        # EXTENDS account: Odoo itself turns a bill below zero, after a large down payment.
        for move in self.filtered("is_professional_bill"):
            if move.amount_total >= 0:
                raise UserError(
                    self.env._(
                        "%(move)s bills or credits an engagement and stays what it is. Delete it, and "
                        "bill or credit again.",
                        move=move.display_name,
                    )
                )
        return super().action_switch_move_type()

    def _undo(self, causes):
        """Bill again what these documents freed by `causes`.

        :raise UserError: when that work has been billed or written off elsewhere since
        """
        if not self:
            # Odoo resets its own documents all the time: they cost no query.
            return
        freed = self._get_freed(causes)
        lines = self.env["account.move.line"].browse(
            [row["invoice_line_id"] for row in freed if row["invoice_line_id"]]
        )
        alive = set(lines.filtered(lambda line: line.parent_state != "cancel").ids)
        if "cancel" in causes:
            alive.update(lines.ids)
        rows = [row for row in freed if row["invoice_line_id"] in alive]
        gone = [row for row in freed if row["invoice_line_id"] not in alive]
        items = self.env["billing.item"].browse([row["item_id"] for row in rows])
        left = {item.id: [item.open_quantity, item.open_amount] for item in items}
        for row in rows:
            item = items.browse(row["item_id"])
            left[item.id][0] -= row["quantity"]
            left[item.id][1] -= row["amount"]
            taken = (
                rounding.quantize(left[item.id][0], 6) * rounding.decimal(item.quantity or 1) < 0
                or item.currency_id.round(left[item.id][1]) * (item.amount or 1) < 0
            )
            if taken:
                raise UserError(
                    self.env._(
                        "%(move)s cannot be reopened: “%(item)s” has been billed or written off since. "
                        "Credit that bill first.",
                        move=", ".join(self.mapped("display_name")),
                        item=item.display_name,
                    )
                )
        items._take_from_prebills()
        vals_list = [{**row, "kind": "bill"} for row in rows]
        for row in gone:
            # The invoice was cancelled or deleted meanwhile: what it would bill again is free at once.
            cancelled = {"cause": "cancel", "move_line_id": row["invoice_line_id"]}
            vals_list += [{**row, "kind": "bill"}, {**row, **cancelled, "kind": "credit"}]
        self.env["billing.item"]._settle(vals_list)

    def _rebill_replaced(self):
        """Let these replacement drafts bill what the credit notes of their originals freed."""
        vals_list = []
        for line in self.invoice_line_ids.filtered("billing_origin_line_id"):
            credited = line.billing_origin_line_id.billing_settlement_ids.filtered(
                lambda row: row.kind == "credit" and row.cause == "credit_note"
            )
            latest = credited.filtered(
                lambda row, last=credited[-1:]: row.move_line_id == last.move_line_id
            )
            for row in latest:
                entry = settlement.Billed(row.item_id.id, row.quantity, row.amount)
                vals_list.append(line._prepare_settlement(entry, "bill", "rebill"))
        self.is_professional_bill = True
        if vals_list:
            self.env["billing.item"]._settle(vals_list)

    def _get_freed(self, causes):
        """Return what these documents' lines freed by `causes` and have not taken back."""
        self.env["billing.allocation"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT allocation.item_id, allocation.move_line_id, allocation.invoice_line_id,
                       allocation.cause,
                       SUM(CASE allocation.kind WHEN 'credit' THEN 1 ELSE -1 END * allocation.quantity)
                           AS quantity,
                       SUM(CASE allocation.kind WHEN 'credit' THEN 1 ELSE -1 END * allocation.amount)
                           AS amount
                  FROM billing_allocation allocation
                  JOIN account_move_line line ON line.id = allocation.move_line_id
                 WHERE line.move_id IN %(moves)s
                   AND allocation.cause IN %(causes)s
                   AND allocation.kind IN ('bill', 'credit')
              GROUP BY 1, 2, 3, 4
                """,
                moves=tuple(self.ids) or (0,),
                causes=tuple(causes),
            )
        )
        for row in rows:
            row["quantity"] = float(rounding.quantize(row["quantity"], 6))
            row["amount"] = float(row["amount"])
        return [row for row in rows if row["quantity"] or row["amount"]]
