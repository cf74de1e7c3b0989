from odoo import api, fields, models
from odoo.exceptions import UserError

from .field_kept import Many2oneKept
from .field_unchecked import Many2oneUnchecked


class BillingAllocation(models.Model):
    """One settlement of one item: billed, credited, written off or up. Never changed after.

    Amounts and quantities are positive in the direction of their kind, except the rounding of an
    invoice line, a write-up that may be negative. `invoice_line_id` is the invoice line whose bill
    the row changes; `move_line_id` the document line that caused it (a credit note's line, or the
    same invoice line), so that one group-by tells what an invoice line still bills of an item.
    """

    _name = "billing.allocation"
    _inherit = ["billing.bulk"]
    _description = "Settlement of work in progress"
    _order = "date, id"
    _rec_name = "item_id"
    _inverses_kept_in_step = ("billing.item.allocation_ids",)  # by `billing.item._refresh_balances`

    item_id = Many2oneKept("billing.item", required=True, index=True, ondelete="restrict")
    company_id = Many2oneUnchecked("res.company", required=True)  # by the item
    currency_id = fields.Many2one(related="item_id.currency_id")
    kind = fields.Selection(
        [
            ("bill", "Billed"),
            ("credit", "Credited"),
            ("write_off", "Written off"),
            ("write_up", "Written up"),
        ],
        required=True,
    )
    cause = fields.Selection(
        [
            ("review", "Pre-bill"),
            ("wip", "Written off in work in progress"),
            ("cap", "Beyond the contract's limit"),
            ("rounding", "Rounding of the invoice line"),
            ("edit", "Changed on the draft invoice"),
            ("delete", "Draft invoice deleted"),
            ("cancel", "Invoice cancelled or reopened"),
            ("credit_note", "Credit note"),
            ("rebill", "Credited and billed again"),
        ],
        required=True,
    )
    date = fields.Date(required=True)
    quantity = fields.Float(required=True)
    amount = fields.Monetary(required=True)
    # Pre-bills that settle work are invoiced, and those are never deleted.
    prebill_line_id = Many2oneUnchecked("billing.prebill.line", index="btree_not_null")
    move_line_id = Many2oneKept(
        "account.move.line", string="Document line", index="btree_not_null", ondelete="set null"
    )
    invoice_line_id = Many2oneKept("account.move.line", index="btree_not_null", ondelete="set null")
    move_id = fields.Many2one(related="move_line_id.move_id", string="Document")
    reason_id = Many2oneKept("billing.reason", ondelete="restrict")
    note = fields.Char()
    user_id = Many2oneKept("res.users", required=True, default=lambda self: self.env.user)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            # A bill made with its invoice line learns that line from the One2many it comes by.
            if vals.get("move_line_id") and "invoice_line_id" not in vals:
                vals["invoice_line_id"] = vals["move_line_id"]
        return super().create(vals_list)

    def write(self, vals):
        if self and vals:
            raise UserError(
                self.env._(
                    "Settlements are never changed. Credit the invoice or write off instead."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if self:
            raise UserError(
                self.env._(
                    "Settlements are never deleted. Credit the invoice or write off instead."
                )
            )
