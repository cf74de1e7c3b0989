from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from ..rules import reference_rates
from ..rules.rounding import decimal

# Time there is to enter a rate after the day it begins.
DAYS_TO_ENTER = 15


class CollectionRateTable(models.Model):
    """Reference rates that late interest is built on, by the day they begin, with their source."""

    _name = "collection.rate.table"
    _description = "Reference Rates"
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    source = fields.Char(required=True, help="Who publishes the rates.")
    source_url = fields.Char(string="Published at")
    months = fields.Integer(
        string="Published every (months)",
        default=6,
        required=True,
        help="So many months after the newest rate began, and two weeks, the table counts as out of "
        "date, and no interest is charged for later days. 0: the newest rate holds for ever.",
    )
    rate_ids = fields.One2many("collection.rate", "table_id", string="Rates", copy=True)
    valid_until = fields.Date(
        string="Good until",
        compute="_compute_valid_until",
        help="Last day for which interest is charged by this table. Enter the next rate to go on.",
    )

    _months_not_negative = models.Constraint(
        "CHECK(months >= 0)", "The months between two rates must be zero or more."
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("rate_ids.date_from", "months")
    def _compute_valid_until(self):
        for table in self:
            table.valid_until = table._get_stale_after(table._get_rates())

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_rates(self):
        """Return [(first day, percentage a year)], as `rules.interest` takes them."""
        return [(rate.date_from, decimal(rate.percent)) for rate in self.rate_ids if rate.date_from]

    def _get_stale_after(self, rates):
        if not self.months or not rates:
            return None
        return reference_rates.stale_after(rates, self.months, DAYS_TO_ENTER)

    def _describe_missing(self, day):
        """Return the sentence that says what to do about a day without a rate."""
        return self.env._(
            "“%(table)s” has no rate for %(day)s. Look it up at %(address)s and add it in Billing > "
            "Configuration > Reference rates, then propose again.",
            table=self.name,
            day=format_date(self.env, day),
            address=self.source_url or self.source,
        )


class CollectionRate(models.Model):
    """A percentage a year that holds from a day until the next row of its table begins."""

    _name = "collection.rate"
    _description = "Reference Rate"
    _order = "table_id, date_from desc, id"
    _rec_name = "date_from"

    table_id = fields.Many2one(
        "collection.rate.table", required=True, ondelete="cascade", index=True
    )
    date_from = fields.Date(string="From", required=True)
    percent = fields.Float(string="Percent a year", digits=(8, 4), required=True)

    @api.constrains("table_id", "date_from")
    def _check_one_a_day(self):
        for rate in self:
            twins = rate.table_id.rate_ids.filtered(
                lambda other, rate=rate: other.date_from == rate.date_from and other != rate
            )
            if twins and self.env.context.get("install_mode"):
                twins.unlink()  # entered by hand before an update of this module brought it
            elif twins:
                raise ValidationError(
                    self.env._(
                        "“%(table)s” has a rate from %(day)s already. Change that one.",
                        table=rate.table_id.name,
                        day=format_date(self.env, rate.date_from),
                    )
                )
