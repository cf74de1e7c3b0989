from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..rules import rounding

KINDS = [
    ("interest", "Late interest"),
    ("compensation", "Fixed compensation"),
    ("fee", "Reminder fee"),
]


class CollectionCharge(models.Model):
    """What one instalment costs for being late: interest up to a day, the fixed sum, or a fee.

    Proposed, looked at, then billed or left out. What is billed later is what has come on top: the
    charges of an instalment add up to what is right at the last of them. Below zero it is a credit.
    """

    _name = "collection.charge"
    _description = "Late Charge"
    _order = "date_until desc, case_id, due_date, kind desc, id"
    _rec_name = "move_name"

    case_id = fields.Many2one(
        "collection.case",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(related="case_id.company_id")
    currency_id = fields.Many2one(related="case_id.currency_id")
    kind = fields.Selection(KINDS, required=True, readonly=True)
    # -- the instalment, as it was
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    move_ref = fields.Integer(string="Invoice ID", required=True, readonly=True, aggregator=None)
    move_name = fields.Char(string="Late invoice", required=True, readonly=True)
    due_date = fields.Date(string="Due date", required=True, readonly=True)
    principal = fields.Monetary(
        string="Instalment", readonly=True, help="Original amount of the instalment, with tax."
    )
    # -- the charge
    date_until = fields.Date(
        string="Until", required=True, readonly=True, help="Last day that this charge counts."
    )
    level_ref = fields.Integer(string="Level ID", readonly=True, default=0, aggregator=None)
    level_name = fields.Char(string="Reminder", readonly=True)
    terms_id = fields.Many2one("collection.charge.terms", readonly=True, ondelete="restrict")
    number = fields.Integer(
        required=True,
        readonly=True,
        aggregator=None,
        help="Counts the charges of this kind on the instalment.",
    )
    total_amount = fields.Monetary(
        string="In all", readonly=True, help="What the instalment costs in all until this day."
    )
    amount = fields.Monetary(
        string="To charge",
        readonly=True,
        help="What has come on top of the charges before; below zero, what is given back of them.",
    )
    problem = fields.Char(readonly=True, help="Why this cannot be charged yet.")
    segment_ids = fields.One2many("collection.charge.segment", "charge_id", string="Calculation")
    state = fields.Selection(
        [
            ("draft", "To review"),
            ("invoiced", "Invoiced"),
            ("skipped", "Left out"),
        ],
        required=True,
        readonly=True,
        default="draft",
        index=True,
    )
    reason = fields.Char(string="Given up because", readonly=True)
    invoice_id = fields.Many2one(
        "account.move",
        string="Charged on",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    invoice_line_ids = fields.One2many("account.move.line", "collection_charge_id")
    billed_amount = fields.Monetary(string="Billed", compute="_compute_figures")
    waived_amount = fields.Monetary(string="Waived", compute="_compute_figures")
    collected_amount = fields.Monetary(string="Collected", compute="_compute_figures")

    # Nobody is charged twice, whoever proposes at the same time.
    _once = models.UniqueIndex(
        "(move_ref, due_date, kind, level_ref, number)",
        "This has been charged already. Propose the charges again.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("kind", "move_name")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for charge in self:
            charge.display_name = f"{kinds.get(charge.kind, '')}: {charge.move_name or ''}"

    @api.depends(
        "state",
        "amount",
        "invoice_line_ids.price_subtotal",
        "invoice_line_ids.parent_state",
        "invoice_id.amount_residual",
    )
    def _compute_figures(self):
        for charge in self:
            billed = charge.amount if charge.state == "invoiced" else 0
            left = charge._get_net_amount()
            charge.billed_amount = billed
            if charge.state == "skipped":
                charge.waived_amount = charge.amount
            else:
                charge.waived_amount = charge.currency_id.round(billed - left)
            charge.collected_amount = 0
        for invoice, charges in self.grouped("invoice_id").items():
            charges._share_payments(invoice.sudo())

    def _share_payments(self, invoice):
        """Say of each of these, all billed by one document, what has been paid of it."""
        paid = sum(
            invoice.line_ids.matched_credit_ids.filtered(
                lambda partial: partial.credit_move_id.move_type != "out_refund"
            ).mapped("debit_amount_currency")
        )
        if invoice.move_type != "out_invoice" or not paid:
            return
        all_charges = invoice._get_charges()
        weights = [max(charge._get_net_amount(), 0) for charge in all_charges]
        shares = rounding.split_shares(paid, weights, invoice.currency_id.decimal_places)
        for charge, share in zip(all_charges, shares, strict=True):
            if charge in self:
                self.browse(charge.id).collected_amount = float(share)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_proposals_only(self):
        for charge in self:
            if charge.state != "draft":
                raise UserError(
                    self.env._(
                        "%(charge)s has been decided on and stays as a record of it.",
                        charge=charge.display_name,
                    )
                )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_invoice(self):
        """Open the documents that bill these, and give them back."""
        lines = self.sudo().invoice_line_ids
        moves = lines.move_id.sudo(False)
        if not moves:
            raise UserError(self.env._("It has not been invoiced yet."))
        return moves._get_records_action(name=self.env._("Late charges"))

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_net_amount(self):
        """Return what the documents ask for in this charge's name, less what was given back."""
        lines = self.sudo().invoice_line_ids.filtered(lambda line: line.parent_state != "cancel")
        return self.currency_id.round(
            sum(
                -line.price_subtotal if line.move_type == "out_refund" else line.price_subtotal
                for line in lines
            )
        )

    def _describe(self):
        """Return the text of the invoice line."""
        self.ensure_one()
        values = {
            "invoice": self.move_name,
            "due": format_date(self.env, self.due_date),
            "until": format_date(self.env, self.date_until),
            "level": self.level_name,
        }
        if self.kind == "interest":
            return self.env._(
                "Late interest on %(invoice)s, due on %(due)s, until %(until)s", **values
            )
        if self.kind == "compensation":
            return self.env._(
                "Compensation for late payment of %(invoice)s, due on %(due)s", **values
            )
        return self.env._("Fee of “%(level)s” for %(invoice)s, due on %(due)s", **values)


class CollectionChargeSegment(models.Model):
    """Days with one balance and one rate: how the interest of a charge comes about."""

    _name = "collection.charge.segment"
    _description = "Days of Late Interest"
    _order = "charge_id, date_from, id"

    charge_id = fields.Many2one(
        "collection.charge", required=True, readonly=True, ondelete="cascade", index=True
    )
    currency_id = fields.Many2one(related="charge_id.currency_id")
    date_from = fields.Date(string="From", readonly=True, required=True)
    date_to = fields.Date(string="To", readonly=True, required=True)
    days = fields.Integer(readonly=True)
    balance = fields.Monetary(readonly=True)
    percent = fields.Float(string="Percent a year", digits=(8, 4), readonly=True)
    year_days = fields.Integer(string="Of a year of", readonly=True, aggregator=None)
    amount = fields.Float(
        string="Interest", digits=(16, 4), readonly=True, help="Rounded at the end, with the total."
    )
