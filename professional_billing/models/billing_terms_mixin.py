from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .field_groups import EMPLOYEES

# Terms that decide on all open work of the contract again.
DECISIVE_TERMS = {
    "client_po_number",
    "client_po_required",
    "rate_card_id",
    "billing_time_type_ids",
    "time_rounding",
    "time_increment",
    "time_minimum",
    "time_rounding_per",
    "narrative_required",
    "time_approval",
    "billing_detail",
}

FREQUENCIES = [
    ("on_demand", "When somebody does"),
    ("weekly", "Every week"),
    ("monthly", "Every month"),
    ("quarterly", "Every quarter"),
]


class BillingTermsMixin(models.AbstractModel):
    """What an engagement agrees on besides its lines: of an order, and of a template for orders."""

    _name = "billing.terms.mixin"
    _description = "Billing terms"

    billing_approval = fields.Selection(
        [("none", "No approval"), ("manager", "Project manager approves")],
        string="Pre-bill approval",
        # Not required, like all terms: a database column that must be filled would stop whoever
        # makes orders while this add-on is not loaded yet. Empty means no approval.
        default="none",
        help="Whether a pre-bill of this engagement must be approved before it is invoiced.",
    )
    rate_card_id = fields.Many2one(
        "billing.rate.card",
        check_company=True,
        help="Rates of this contract, asked before the client's and the company's own.",
    )
    billing_time_type_ids = fields.Many2many(
        "billing.time.type",
        string="Surcharges",
        check_company=True,
        help="Overtime, night or weekend work that this contract charges at its own percentage. "
        "Other kinds of time cost what all time costs.",
        groups=EMPLOYEES,
    )
    billing_detail = fields.Selection(
        [
            ("summary", "One line per rate"),
            ("role", "By role"),
            ("person", "By person"),
            ("task", "By task"),
            ("entry", "Every entry"),
        ],
        string="Detail on invoices",
        default="summary",
        help="How time is put together on the invoice. Different rates are always on lines of their "
        "own.",
    )
    billing_frequency = fields.Selection(
        FREQUENCIES,
        string="Billing rhythm",
        help="The rhythm in which billing runs take the engagement.",
    )
    billing_annex = fields.Selection(
        [("pdf", "As PDF"), ("xlsx", "As a spreadsheet"), ("both", "As both")],
        string="Detail sent along",
        help="Every piece of work that an invoice bills, as a file attached when the invoice is sent.",
    )
    time_rounding = fields.Selection(
        [("none", "As worked"), ("up", "Up"), ("nearest", "To the nearest"), ("down", "Down")],
        default="none",
        string="Round time",
    )
    time_increment = fields.Integer(
        string="Steps of", default=6, help="Minutes: 6 for tenths of an hour, 15 for quarters."
    )
    time_minimum = fields.Integer(
        string="At least", help="Fewest minutes billed for any work, however short."
    )
    time_rounding_per = fields.Selection(
        [("entry", "Each entry"), ("day", "Each person's day")],
        default="entry",
        string="Rounded",
    )
    narrative_required = fields.Boolean(
        string="Description required",
        help="Time without a description waits in WIP until somebody says what was done.",
    )
    time_approval = fields.Boolean(
        string="Approve time",
        help="Each entry waits until a project manager, not its author, has approved it.",
    )
    client_po_required = fields.Boolean(
        string="Purchase order required",
        help="Nothing is billed before the client's purchase order number is entered.",
    )
    milestone_acceptance = fields.Boolean(
        help="Milestones are billed once the client has accepted them, not when they are reached.",
    )
    retention_percent = fields.Float(
        string="Retention (%)",
        help="Percentage of the work on each bill, before tax, after limit and discount, that the client "
        "holds back. Tax is due on the whole bill. Order of the deductions: agreed value, limit, "
        "discount, tax, retention, deposit, payable.",
    )
    deposit_policy = fields.Selection(
        [
            ("draw", "On each bill, as much as it allows"),
            ("final", "Only when asked, by “Create Invoice”"),
        ],
        string="Deduct deposits",
        default="draw",
        help="Down payments of an engagement. On each bill: the oldest first, after the retention, never "
        "more than is payable; the rest stays for later bills. When asked: Odoo deducts all that is left "
        "at once, and makes a credit note of what the bill does not cover.",
    )

    @api.constrains("retention_percent")
    def _check_retention_percent(self):
        for record in self:
            if not 0 <= record.retention_percent <= 100:
                raise ValidationError(
                    self.env._(
                        "%(name)s: the retention is a percentage of each bill, between 0 and 100.",
                        name=record.display_name,
                    )
                )

    @api.constrains("time_increment", "time_minimum")
    def _check_time_steps(self):
        for record in self:
            if record.time_increment < 0 or record.time_minimum < 0:
                raise ValidationError(
                    self.env._(
                        "%(name)s: the steps and the minimum of time are minutes, zero or more.",
                        name=record.display_name,
                    )
                )

    def _get_billing_terms(self):
        """Return the terms as values for another record: a snapshot, not a link."""
        self.ensure_one()
        terms = self.env["billing.terms.mixin"]._fields.items()
        return self._convert_to_write(
            {name: self[name] for name, field in terms if field.store and name != "id"}
        )
