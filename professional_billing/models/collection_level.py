from odoo import api, fields, models
from odoo.exceptions import ValidationError

WRITTEN = ("email", "letter")


class CollectionLevel(models.Model):
    """One step of a follow-up policy: when, how and from what amount on."""

    _name = "collection.level"
    _description = "Follow-up Level"
    _order = "policy_id, sequence, id"

    policy_id = fields.Many2one("collection.policy", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(default=10, required=True)
    name = fields.Char(required=True, translate=True)
    delay_days = fields.Integer(
        string="Days late",
        default=7,
        required=True,
        help="The level is due this many days after the due date of the instalment. Below zero, it "
        "is a courtesy that many days before it.",
    )
    min_gap_days = fields.Integer(
        string="Days between",
        default=7,
        required=True,
        help="Least number of days since the reminder before, so that customers have time to pay.",
    )
    min_amount = fields.Monetary(
        string="Minimum overdue",
        help="The level waits until the customer owes at least this much overdue, "
        "in the company's currency.",
    )
    min_percent = fields.Float(
        string="Minimum share",
        digits=(5, 2),
        help="The level waits until at least this percentage of all that the customer has open is "
        "overdue.",
    )
    currency_id = fields.Many2one(related="policy_id.currency_id")
    channel = fields.Selection(
        [
            ("email", "E-mail"),
            ("letter", "Letter"),
            ("call", "Phone call"),
            ("activity", "To-do"),
        ],
        required=True,
        default="email",
        help="E-mail writes to the customer, and so does a letter, which you print and post. A phone "
        "call or to-do is an activity on the collection case.",
    )
    mail_template_id = fields.Many2one(
        "mail.template",
        string="Text",
        ondelete="restrict",
        domain=[("model", "=", "collection.case")],
        help="E-mail template with the text of the e-mail or letter.",
    )
    attach_invoices = fields.Boolean(
        string="Attach invoices",
        help="The e-mail carries the PDF of each invoice it asks for, as it was sent first.",
    )
    fee_amount = fields.Monetary(
        string="Fee",
        help="Claimed for each instalment that reaches this level, in the company's currency. Bill it "
        "with the button Charges of the follow-up run.",
    )
    charge_interest = fields.Boolean(
        string="Interest",
        help="Late interest is claimed from this level on, by the policy's late-payment terms. Bill it "
        "with the button Charges of the follow-up run.",
    )
    approval = fields.Boolean(
        string="Approved by manager",
        help="Only a collection manager can approve a follow-up run with this level in it.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        domain=[("share", "=", False)],
        help="Gets the phone calls and to-dos of this level. If empty, the collector of the case "
        "does.",
    )
    add_activity = fields.Boolean(
        string="Call as well",
        help="Besides the e-mail or letter, the responsible gets a phone call to make.",
    )
    credit_hold = fields.Boolean(
        string="Credit hold",
        help="Puts the customer on credit hold: new orders are confirmed only for a reason that a "
        "manager gives, as long as something is overdue.",
    )

    _gap_not_negative = models.Constraint(
        "CHECK(min_gap_days >= 0)", "Days between must be zero or more."
    )
    _share_is_percentage = models.Constraint(
        "CHECK(min_percent BETWEEN 0 AND 100)", "The minimum share must be between 0 and 100 %."
    )
    _no_claim_before_due_date = models.Constraint(
        "CHECK(delay_days > 0 OR (COALESCE(fee_amount, 0) = 0 AND charge_interest IS NOT TRUE))",
        "Nothing can be claimed for being late by the due date: set Days late to 1 or more, or take "
        "the fee and interest away.",
    )

    def unlink(self):
        # EXTENDS base: no key of the database does it
        lines = self.env["collection.run.line"].sudo()
        for name in ("level_id", "next_level_id"):
            lines.search([(name, "in", self.ids)]).write({name: False})
        return super().unlink()

    @api.constrains("channel", "mail_template_id")
    def _check_mail_template(self):
        for level in self:
            if level.channel in WRITTEN and not level.mail_template_id:
                raise ValidationError(
                    self.env._(
                        "The level “%(level)s” is written to the customer: choose its text, an "
                        "e-mail template.",
                        level=level.name,
                    )
                )
