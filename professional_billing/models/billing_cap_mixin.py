import datetime

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.fields import Domain

from ..rules import caps, rounding

# Percentages of a limit at which the project manager and the salesperson are told.
THRESHOLDS = (75, 90, 100)
MONTHS = {"month": 1, "quarter": 3, "year": 12}


class BillingCapMixin(models.AbstractModel):
    """A not-to-exceed limit of an engagement or one of its lines, before tax.

    The models that have one add `billing_cap_amount`, in the order's currency.
    """

    _name = "billing.cap.mixin"
    _description = "Not-to-exceed limit"
    # The field of `billing.item` that leads to these records.
    _cap_field = None

    billing_cap_hours = fields.Float(
        string="Limit of hours", help="Most hours that are billed. Empty: no limit in hours."
    )
    billing_cap_policy = fields.Selection(
        [
            ("write_down", "Write off what goes beyond"),
            ("park", "Keep in WIP until the limit is raised"),
            ("notify", "Bill it, and tell us"),
        ],
        string="Beyond the limit",
        help="Work counts towards the limit in the order of its date. A credit note gives room back.",
    )
    billing_cap_period = fields.Selection(
        [
            ("total", "In all"),
            ("month", "Each month"),
            ("quarter", "Each quarter"),
            ("year", "Each year"),
        ],
        string="The limit holds",
        help="Months, quarters and years are those of the date of the work.",
    )
    billing_cap_told = fields.Char(
        copy=False, help="The warnings that are out: period and percent."
    )

    def _describe_cap(self):
        """Return the limit as a sentence a client can read."""
        limits = []
        if self.billing_cap_amount:
            limits.append(self.currency_id.format(self.billing_cap_amount))
        if self.billing_cap_hours:
            limits.append(self.env._("%(hours)s hours", hours=f"{self.billing_cap_hours:g}"))
        period = self.billing_cap_period or "total"
        periods = dict(self._fields["billing_cap_period"]._description_selection(self.env))
        limit = self.env._(" and ").join(limits)
        if self._get_cap_policy() == caps.NOTIFY:
            return self.env._(
                "Expected: %(limit)s %(period)s before tax.",
                limit=limit,
                period=periods[period].lower(),
            )
        return self.env._(
            "Not more than %(limit)s %(period)s, before tax.",
            limit=limit,
            period=periods[period].lower(),
        )

    def _get_cap_policy(self):
        return self.billing_cap_policy or caps.WRITE_DOWN

    def _get_cap_period(self, date):
        """Return the first and last day of the period `date` falls in, or (None, None) for all."""
        months = MONTHS.get(self.billing_cap_period)
        if not months:
            return None, None
        start = date.replace(day=1, month=(date.month - 1) // months * months + 1)
        return start, start + relativedelta(months=months) - datetime.timedelta(days=1)

    def _get_cap_orders(self):
        """Return the engagements whose people are told how far this limit is used."""
        raise NotImplementedError

    def _get_cap_label(self):
        raise NotImplementedError

    def _get_cap_kinds_left_out(self):
        """Return the kinds of work that this limit neither counts nor cuts."""
        return ()

    def _get_cap_domain(self, period):
        domain = Domain.OR(
            Domain(self._cap_field, "in", records.ids) & Domain("kind", "not in", kinds)
            for kinds, records in self.grouped(
                lambda record: record._get_cap_kinds_left_out()
            ).items()
        )
        if period[0]:
            domain &= Domain("date", ">=", period[0]) & Domain("date", "<=", period[1])
        return domain

    def _get_cap_used(self, period, prebill):
        """Return (amount, hours) of the limit that bills, drafts included, and other open pre-bills
        take, as Decimals."""
        domain = self._get_cap_domain(period)
        amount = hours = rounding.decimal(0)
        items = self.env["billing.item"]._read_group(
            domain, ["kind"], ["billed_amount:sum", "billed_quantity:sum"]
        )
        waiting = self.env["billing.prebill.line"]._read_group(
            Domain("prebill_id", "!=", prebill.id)
            & Domain("prebill_id.is_open", "=", True)
            & Domain("decision", "=", "bill")
            & Domain("item_id", "any", domain),
            ["kind"],
            ["amount:sum", "quantity:sum"],
        )
        for kind, billed, quantity in (*items, *waiting):
            amount += rounding.decimal(billed)
            if kind == "time":
                hours += rounding.quantize(quantity, 6)
        return amount, hours

    def _tell_cap_thresholds(self):
        """Tell the project managers and the salesperson, once each, how far a limit is used.

        What counts is what was earned, billed or not: the warning comes before the bill.
        """
        limited = self.filtered("billing_cap_amount")
        periods = limited.grouped(
            lambda record: record._get_cap_period(record.company_id._billing_today())
        )
        for period, records in periods.items():
            earned = records._get_cap_earned(period)
            for record in records:
                record._tell_cap_reached(period, earned.get(record.id, 0.0))

    def _get_cap_earned(self, period):
        """Return {record id: value earned in the period}, billed or not, less what was given up."""
        field = self._cap_field
        groups = self.env["billing.item"]._read_group(
            self._get_cap_domain(period),
            [field],
            ["amount:sum", "written_up_amount:sum", "written_off_amount:sum"],
        )
        return {record.id: amount + up - off for record, amount, up, off in groups}

    def _tell_cap_reached(self, period, earned):
        # Percentages of another limit are other amounts: what was told of it does not count.
        key = f"{period[0] or 'total'} {self.billing_cap_amount:g}"
        told = self._get_cap_told(key)
        reached = caps.crossed(self.billing_cap_amount, 0, earned, THRESHOLDS, told)
        if reached:
            self.billing_cap_told = f"{key}:" + ",".join(map(str, [*told, *reached]))
            self._tell_cap(max(reached))

    def _get_cap_told(self, key):
        period, _colon, told = (self.billing_cap_told or "").partition(":")
        return [int(percent) for percent in told.split(",") if percent] if period == key else []

    def _tell_cap(self, percent):
        orders = self._get_cap_orders()
        users = orders.user_id | orders.project_ids.user_id
        for user in users.filtered(lambda user: not user.share):
            orders[0].activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._(
                    "%(name)s: %(percent)s %% of the limit of %(limit)s is used",
                    name=self._get_cap_label(),
                    percent=percent,
                    limit=self.currency_id.format(self.billing_cap_amount),
                ),
                user_id=user.id,
            )
