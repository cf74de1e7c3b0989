from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CollectionLevel(models.Model):
    """One step of a follow-up policy: when, how and from what amount on."""

    _name = "collection.level"
    _description = "Follow-up Level"
    _order = "policy_id, sequence, id"

    policy_id = fields.Many2one("collection.policy", required=True, ondelete="cascade", index=True)
    sequence = fields.Integer(default=10)
    name = fields.Char(required=True, translate=True)
    delay_days = fields.Integer(
        string="Days late",
        default=7,
        required=True,
        help="The level is due this many days after the due date of the instalment.",
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
    currency_id = fields.Many2one(related="policy_id.currency_id")
    channel = fields.Selection(
        [("email", "E-mail"), ("call", "Phone call"), ("activity", "To-do")],
        required=True,
        default="email",
        help="E-mail writes to the customer. A phone call or to-do is an activity for the "
        "collector on the collection case.",
    )
    mail_template_id = fields.Many2one(
        "mail.template",
        string="E-mail template",
        ondelete="restrict",
        domain=[("model", "=", "collection.case")],
    )

    _after_due_date = models.Constraint(
        "CHECK(delay_days > 0)",
        "A follow-up level starts at least one day after the due date: set Days late to 1 or more.",
    )
    _gap_not_negative = models.Constraint(
        "CHECK(min_gap_days >= 0)", "Days between must be zero or more."
    )

    @api.constrains("channel", "mail_template_id")
    def _check_mail_template(self):
        for level in self:
            if level.channel == "email" and not level.mail_template_id:
                raise ValidationError(
                    self.env._(
                        "The level “%(level)s” goes by e-mail: choose its e-mail template.",
                        level=level.name,
                    )
                )
