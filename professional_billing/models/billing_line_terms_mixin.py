from odoo import api, fields, models

RECURRING_UNITS = [
    ("week", "Weeks"),
    ("month", "Months"),
    ("quarter", "Quarters"),
    ("year", "Years"),
]
# What the terms of a rule are until somebody says otherwise.
DEFAULTS = {
    "recurring": {
        "recurring_unit": "month",
        "recurring_interval": 1,
        "recurring_timing": "advance",
        "recurring_proration": "actual",
    },
    "retainer": {
        "recurring_unit": "month",
        "recurring_interval": 1,
        "recurring_timing": "advance",
        "recurring_proration": "actual",
    },
    "unit": {"tier_mode": "marginal"},
    "success_fee": {"tier_mode": "marginal"},
}
DEFAULTED_COLUMNS = {
    "recurring_unit": "varchar",
    "recurring_interval": "int4",
    "recurring_timing": "varchar",
    "recurring_proration": "varchar",
    "tier_mode": "varchar",
}


class BillingLineTermsMixin(models.AbstractModel):
    """The terms of a line's billing rule: of an order line, and of a template for one."""

    _name = "billing.line.terms.mixin"
    _description = "Terms of a billing rule"

    rate_source = fields.Selection(
        [
            ("line", "One rate for everybody"),
            ("card", "By person, role and service: the rates below, then the rate cards"),
        ],
        # Not required: see `sale.order.billing_approval`. Empty is the line's price.
        default="line",
        string="Rates",
        help="A blended rate, or what the rate cards say. With rate cards, the line's price (of a "
        "retainer, the price beyond) holds for work they have no rate for; leave it at zero to hold "
        "such work back.",
    )

    recurring_interval = fields.Integer(
        string="Every",
        compute="_compute_billing_terms",
        store=True,
        readonly=False,
        precompute=True,
    )
    recurring_unit = fields.Selection(
        RECURRING_UNITS,
        string="Period",
        compute="_compute_billing_terms",
        store=True,
        readonly=False,
        precompute=True,
    )
    recurring_timing = fields.Selection(
        [("advance", "In advance"), ("arrears", "In arrears")],
        string="Billed when",
        compute="_compute_billing_terms",
        store=True,
        readonly=False,
        precompute=True,
        help="In advance: on the first day of each period. In arrears: on its last day.",
    )
    recurring_anchor_day = fields.Integer(
        string="Periods begin on day",
        help="Day of the month, 1 to 31, on which periods begin; where a month is shorter, on its "
        "last day. 0: the day of the month of the first day, so that nothing is prorated at the "
        "start.",
    )
    recurring_proration = fields.Selection(
        [
            ("none", "Billed in full"),
            ("actual", "By actual days"),
            ("fixed_30", "By days, months of 30"),
            ("30_360", "By days, years of 360"),
        ],
        string="Part of a period",
        compute="_compute_billing_terms",
        store=True,
        readonly=False,
        precompute=True,
        help="What a period costs that the first or the last day of the contract cuts short. By "
        "actual days: the fee × days ÷ days of that period.",
    )

    unit_minimum = fields.Float(
        string="At least",
        min_display_digits="Product Unit",
        help="Least quantity billed for each record of usage. Record once per month to bill a minimum "
        "per month.",
    )
    tier_mode = fields.Selection(
        [
            ("marginal", "Each part by its own row"),
            ("whole", "Everything by the row it ends in"),
        ],
        string="What counts",
        compute="_compute_billing_terms",
        store=True,
        readonly=False,
        precompute=True,
        help="For each record on its own, not for all together.",
    )
    success_percentage = fields.Float(
        string="Percentage of the outcome",
        digits=(16, 4),
        aggregator=None,
        help="0 to 100. Leave at zero to charge by volume.",
    )

    retainer_measure = fields.Selection(
        [("hours", "Hours"), ("money", "Money")],
        string="Paid ahead",
        # Not required, like all terms. Empty: hours.
        help="Hours, whoever works them; or money, from which work is taken at its price. The fee of "
        "a retainer counted in money is a minimum.",
    )
    retainer_hours = fields.Float(
        string="Hours included", help="Hours that the fee of each period includes."
    )
    retainer_rollover = fields.Selection(
        [
            ("none", "Is lost"),
            ("one_period", "Can be used in the next period"),
            ("capped", "Can be used in the next period, up to"),
        ],
        string="What is unused",
        # Not required, like all terms. Empty: it is lost.
        help="Only a period's own allowance is carried over, once: what was carried over and is not "
        "used is lost.",
    )
    retainer_rollover_cap = fields.Float(
        string="Carried at most", help="Hours, or money in the order's currency."
    )
    prepaid_minimum = fields.Float(
        string="When less is left than",
        aggregator=None,
        help="Hours, or money in the order's currency. Empty: a new block is only sold by hand.",
    )
    prepaid_target = fields.Float(string="Fill up to", aggregator=None)
    overage_price = fields.Float(
        string="Price beyond, per hour",
        min_display_digits="Product Price",
        aggregator=None,
        help="Price of an hour that nothing paid ahead covers; where money is paid ahead, of every "
        "hour. With rate cards, for work they have no rate for. Blocks of hours: 0 is their own price.",
    )
    overage_policy = fields.Selection(
        [("bill", "Is billed"), ("ask", "Waits until somebody approves it")],
        string="Time beyond",
        help="Empty: it is billed.",
    )

    @api.depends("billing_rule")
    def _compute_billing_terms(self):
        for line in self:
            defaults = DEFAULTS.get(line.billing_rule, {})
            for name in DEFAULTED_COLUMNS:
                line[name] = line[name] or defaults.get(name, False)

    def _get_line_terms(self):
        """Return the terms as values for another record: a snapshot, not a link."""
        self.ensure_one()
        terms = self.env["billing.line.terms.mixin"]._fields.items()
        return {name: self[name] for name, field in terms if field.store and name != "id"}
