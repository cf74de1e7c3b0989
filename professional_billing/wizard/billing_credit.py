from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..rules import rounding, settlement


class BillingCredit(models.TransientModel):
    """Credit chosen lines of a posted bill; their work is open again, for a corrected bill."""

    _name = "billing.credit"
    _description = "Credit and bill again"

    move_id = fields.Many2one("account.move", string="Invoice", required=True, readonly=True)
    company_id = fields.Many2one(related="move_id.company_id")
    currency_id = fields.Many2one(related="move_id.currency_id")
    reason_id = fields.Many2one(
        "billing.reason", required=True, domain="[('company_id', 'in', [False, company_id])]"
    )
    note = fields.Char(string="Why", help="Printed on the credit note.")
    makes_prebill = fields.Boolean(
        string="Make a pre-bill of it",
        default=True,
        help="The work is put on a pre-bill at once, with what else can be billed, to be corrected. "
        "Otherwise it waits in work in progress.",
    )
    line_ids = fields.One2many("billing.credit.line", "wizard_id", string="Lines")
    amount = fields.Monetary(string="To credit before tax", compute="_compute_amount")

    @api.model
    def default_get(self, fields):
        # EXTENDS web
        result = super().default_get(fields)
        move = self.env["account.move"].browse(self.env.context.get("active_id"))
        if self.env.context.get("active_model") == "account.move" and move:
            result["move_id"] = move.id
            result["line_ids"] = [
                Command.create({"move_line_id": line.id, "quantity": line._get_uncredited()})
                for line in move._get_creditable_lines()
            ]
        return result

    @api.depends("line_ids.is_selected", "line_ids.quantity")
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = sum(
                float(line._get_amount()) for line in wizard.line_ids if line.is_selected
            )

    def action_credit(self):
        """Post the credit note of what is selected and open what can be corrected now."""
        self.ensure_one()
        chosen = self.line_ids.filtered(lambda line: line.is_selected and line.quantity)
        self._check(chosen)
        move = self.move_id
        reversal = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        reversal = reversal.create(
            {
                "journal_id": move.journal_id.id,
                "date": move.company_id._billing_today(),
                "reason": self.note or self.reason_id.name,
            }
        )
        reversal.reverse_moves()
        refund = reversal.new_move_ids
        self._keep_chosen(refund, chosen)
        refund.with_context(
            billing_credit_reason_id=self.reason_id.id,
            billing_credit_note=self.note,
            billing_credit_item_ids=chosen.item_ids.ids,
        ).action_post()
        self._match(refund)
        if not self.makes_prebill:
            return refund._get_records_action()
        orders = chosen.move_line_id.sudo().sale_line_ids.order_id.sudo(False)
        prebills = orders._gather_prebills()
        return (prebills or refund)._get_records_action()

    def _check(self, chosen):
        if not self.env.user.has_group("professional_billing.group_billing_officer"):
            raise AccessError(
                self.env._("Bills are credited by a billing officer. Ask one to credit this one.")
            )
        if self.move_id.state != "posted":
            raise UserError(
                self.env._(
                    "%(move)s is not posted: change its lines instead.",
                    move=self.move_id.display_name,
                )
            )
        if not chosen:
            raise UserError(self.env._("Select the lines to credit, and how much of them."))
        for line in chosen:
            most = line.move_line_id._get_uncredited()
            if not 0 < line.quantity <= most:
                raise UserError(
                    self.env._(
                        "“%(line)s”: credit more than zero and no more than %(most)s, what is not "
                        "credited yet.",
                        line=line.move_line_id.name,
                        most=f"{most:g}",
                    )
                )

    def _keep_chosen(self, refund, chosen):
        """Bring a credit note of the whole bill down to what is chosen.

        What was held back of the work goes back with it. Discounts and deposits stay where they are:
        the corrected bill has had them.
        """
        quantities = {line.move_line_id: line.quantity for line in chosen}
        work = self.move_id._get_creditable_lines()
        if all(quantities.get(line) == line.quantity for line in work):
            return
        commands = []
        for line in refund.invoice_line_ids:
            order = line.billing_retention_order_id
            if line.billing_origin_line_id in quantities:
                vals = {"quantity": quantities[line.billing_origin_line_id]}
                commands.append(Command.update(line.id, vals))
            elif order and (share := self._get_retention_share(line, order, work, chosen)):
                commands.append(Command.update(line.id, {"price_unit": float(share)}))
            else:
                commands.append(Command.delete(line.id))
        refund.write({"invoice_line_ids": commands})

    def _get_retention_share(self, retention, order, work, chosen):
        """Return the part of a retention that belongs to the credited part of its work."""
        decimals = self.currency_id.decimal_places
        mine = work.filtered(lambda line: line.sale_line_ids.order_id == order)
        whole = sum(line._get_price_amount() for line in mine)
        credited = sum(line._get_amount() for line in chosen if line.move_line_id in mine)
        return settlement.share(retention.price_unit, credited, whole, decimals)

    def _match(self, refund):
        """Let the credit reduce what the client owes of the bill."""
        lines = (self.move_id | refund).line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled
        )
        if lines.move_id == self.move_id | refund:
            lines.reconcile()


class BillingCreditLine(models.TransientModel):
    _name = "billing.credit.line"
    _description = "Line to credit"

    wizard_id = fields.Many2one("billing.credit", required=True, ondelete="cascade")
    move_line_id = fields.Many2one("account.move.line", required=True, readonly=True)
    name = fields.Char(related="move_line_id.name", string="Line")
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    billed_quantity = fields.Float(related="move_line_id.quantity", string="Billed")
    price_unit = fields.Float(related="move_line_id.price_unit")
    is_selected = fields.Boolean(string="Credit")
    quantity = fields.Float(string="Credited quantity")
    item_ids = fields.Many2many(
        "billing.item",
        string="Only this work",
        domain="[('id', 'in', billed_item_ids)]",
        help="Empty: the newest work first.",
    )
    billed_item_ids = fields.Many2many("billing.item", compute="_compute_billed_item_ids")

    @api.depends("move_line_id")
    def _compute_billed_item_ids(self):
        entries = self.move_line_id.sudo()._get_billed_entries()
        for line in self:
            line.billed_item_ids = [entry.key for entry in entries[line.move_line_id.sudo()]]

    @api.onchange("item_ids")
    def _onchange_item_ids(self):
        """Credit as much as was billed of the chosen work."""
        origin = self.move_line_id._origin.sudo()
        chosen = [
            entry
            for entry in origin._get_billed_entries()[origin]
            if entry.key in self.item_ids._origin.ids
        ]
        if chosen:
            self.is_selected = True
            self.quantity = origin._get_billed_part(chosen)

    def _get_amount(self):
        """Return what this credits, before tax or with it as the line's price is, as Decimal."""
        line = self.move_line_id
        return settlement.line_amount(
            self.quantity, line.price_unit, line.discount, self.currency_id.decimal_places
        )


class AccountMoveCredit(models.Model):
    _inherit = "account.move"

    def action_credit_lines(self):
        """Choose lines to credit, whose work is billed again."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Credit and bill again"),
            "res_model": "billing.credit",
            "view_mode": "form",
            "target": "new",
            "context": {"active_model": "account.move", "active_id": self.id},
        }

    def _get_creditable_lines(self):
        """Return the lines of this bill that bill work which is not all credited."""
        return self.invoice_line_ids.filtered(
            lambda line: line.sudo().billing_settlement_ids and line._get_uncredited() > 0
        )


class AccountMoveLineCredit(models.Model):
    _inherit = "account.move.line"

    def _get_uncredited(self):
        """Return the quantity of this line that no posted credit note of it has taken back."""
        self.ensure_one()
        credited = self.sudo().search(
            [
                ("billing_origin_line_id", "=", self.id),
                ("parent_state", "=", "posted"),
                ("move_type", "=", "out_refund"),
            ]
        )
        left = rounding.decimal(self.quantity) - sum(
            rounding.decimal(line.quantity) for line in credited
        )
        return float(rounding.quantize(left, 6))

    def _get_billed_part(self, entries):
        """Return the quantity of this line that bills `entries`."""
        item = self.env["billing.item"].browse(entries[0].key)
        quantity = float(sum(entry.quantity for entry in entries))
        if item.kind != "time":
            return self.quantity
        if self.billing_hours_per_unit:
            return float(rounding.quantize(quantity / self.billing_hours_per_unit, 6))
        return item.uom_id._compute_quantity(
            quantity, self.product_uom_id, rounding_method="HALF-UP"
        )

    def _plan_credit(self, entries):
        # EXTENDS: work that a person has picked is freed before any other.
        picked = set(self.env.context.get("billing_credit_item_ids") or ())
        return super()._plan_credit(sorted(entries, key=lambda entry: entry.key not in picked))

    def _prepare_settlement(self, entry, kind, cause, quantity=None, amount=None, **vals):
        # EXTENDS: a credit by hand keeps its reason.
        if cause == "credit_note" and (reason := self.env.context.get("billing_credit_reason_id")):
            note = self.env.context.get("billing_credit_note")
            vals = {"reason_id": reason, "note": note, **vals}
        return super()._prepare_settlement(entry, kind, cause, quantity, amount, **vals)
