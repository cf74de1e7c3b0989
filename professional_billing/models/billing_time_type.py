from odoo import fields, models


class BillingTimeType(models.Model):
    """Time that costs the client more or less than usual: overtime, night, weekend, travel."""

    _name = "billing.time.type"
    _description = "Kind of time"
    _order = "sequence, name, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        help="Leave empty for all companies.",
        index="btree_not_null",
    )
    factor = fields.Float(
        string="% of the rate",
        default=150.0,
        required=True,
        aggregator=None,
        help="150 bills an hour at one and a half times its rate, 50 at half of it.",
    )
    weekend = fields.Boolean(
        string="All weekend work",
        help="Entries of a Saturday or Sunday are of this kind unless their author says otherwise.",
    )

    _factor_positive = models.Constraint(
        "CHECK(factor > 0)",
        "The percentage of the rate is more than 0. For free work, mark the entry complimentary.",
    )
