from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

FOR_WHOM = ("employee_id", "role_id", "product_id", "project_id")


class BillingRate(models.Model):
    """A price of time from a day on: on a rate card, or agreed for one order line.

    Without person, role, service and project it holds for everybody else.
    """

    _name = "billing.rate"
    _description = "Rate"
    _order = "card_id, order_line_id, role_id, employee_id, date_from desc, id"
    _check_company_auto = True

    card_id = fields.Many2one("billing.rate.card", index="btree_not_null", ondelete="cascade")
    order_line_id = fields.Many2one("sale.order.line", index="btree_not_null", ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", compute="_compute_company_id", store=True, precompute=True
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    role_id = fields.Many2one("billing.role", ondelete="restrict", check_company=True)
    employee_id = fields.Many2one(
        "hr.employee", string="Person", ondelete="restrict", check_company=True
    )
    product_id = fields.Many2one(
        "product.product",
        string="Service",
        domain=[("type", "=", "service")],
        ondelete="restrict",
        check_company=True,
    )
    project_id = fields.Many2one("project.project", ondelete="cascade", check_company=True)
    price_unit = fields.Float(string="Rate", required=True, digits="Product Price", aggregator=None)
    uom_id = fields.Many2one(
        "uom.uom",
        string="Per",
        required=True,
        default=lambda self: self.env["billing.method"]._get_uom("hour"),
        domain=lambda self: [("id", "child_of", self.env["billing.method"]._get_uom("hour").ids)],
    )
    date_from = fields.Date(
        string="From", help="First day of work at this rate; empty: from the beginning."
    )
    date_to = fields.Date(string="To", help="Last day of work at this rate; empty: until a newer.")

    _one_place = models.Constraint(
        "CHECK((card_id IS NULL) != (order_line_id IS NULL))",
        "A rate belongs to a rate card or to an order line.",
    )
    _price_positive = models.Constraint(
        "CHECK(price_unit > 0)",
        "A rate is more than zero. For free work, mark the time as complimentary instead.",
    )
    _days_ordered = models.Constraint(
        "CHECK(date_to IS NULL OR date_from IS NULL OR date_from <= date_to)",
        "The last day of a rate is not before its first.",
    )

    @api.depends("card_id.company_id", "order_line_id.company_id")
    def _compute_company_id(self):
        for rate in self:
            rate.company_id = rate.card_id.company_id or rate.order_line_id.company_id

    @api.depends("card_id.currency_id", "order_line_id.currency_id")
    def _compute_currency_id(self):
        for rate in self:
            rate.currency_id = rate.card_id.currency_id or rate.order_line_id.currency_id

    @api.depends(*FOR_WHOM, "price_unit", "uom_id")
    def _compute_display_name(self):
        for rate in self:
            rate.display_name = self.env._(
                "%(whom)s: %(price)s / %(unit)s",
                whom=rate._get_label(),
                price=rate.currency_id.format(rate.price_unit) if rate.currency_id else "",
                unit=rate.uom_id.name,
            )

    @api.constrains(*FOR_WHOM, "card_id", "order_line_id", "date_from", "date_to")
    def _check_overlap(self):
        for place in ("card_id", "order_line_id"):
            rates = self.filtered(place)
            if not rates:
                continue
            domain = Domain(place, "in", rates[place].ids)
            filed = self.search(domain, order="date_from").grouped(
                lambda rate, place=place: (rate[place], *(rate[name] for name in FOR_WHOM))
            )
            for rate in rates:
                same = filed[(rate[place], *(rate[name] for name in FOR_WHOM))]
                if any(rate._overlaps(other) for other in same - rate):
                    raise ValidationError(
                        self.env._(
                            "%(rate)s on %(place)s: there is another rate for the same in these "
                            "days. End one the day before the other begins.",
                            rate=rate.display_name,
                            place=rate.card_id.name or rate.order_line_id._billing_label(),
                        )
                    )

    def _overlaps(self, other):
        """Tell whether both are in force on some day, other than one simply following the other.

        A rate with an open end is followed by the next one; two that begin together are not.
        """
        if self.date_from == other.date_from:
            return True
        first, second = sorted(
            (self, other), key=lambda rate: (bool(rate.date_from), rate.date_from or "")
        )
        return bool(first.date_to and second.date_from and first.date_to >= second.date_from)

    @api.constrains("uom_id")
    def _check_uom(self):
        hour = self.env["billing.method"]._get_uom("hour")
        for rate in self:
            if not rate.uom_id._has_common_reference(hour):
                raise ValidationError(
                    self.env._(
                        "%(rate)s: a rate is per hour or per day, not per “%(unit)s”.",
                        rate=rate.display_name,
                        unit=rate.uom_id.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        rates = super().create(vals_list)
        rates.order_line_id._rerate_billing()
        return rates

    def write(self, vals):
        lines = self.order_line_id
        result = super().write(vals)
        (lines | self.order_line_id)._rerate_billing()
        return result

    def unlink(self):
        lines = self.order_line_id
        result = super().unlink()
        lines.exists()._rerate_billing()
        return result

    def _is_newest_on(self, date, rates):
        """Tell whether this rate is in force on `date` and not followed until then by another."""
        if self.date_from and self.date_from > date:
            return False
        followers = rates.filtered(
            lambda other: (
                all(other[name] == self[name] for name in (*FOR_WHOM, "card_id", "order_line_id"))
                and other.date_from
                and other.date_from <= date
                and (not self.date_from or other.date_from > self.date_from)
            )
        )
        return not followers

    def _get_label(self):
        """Return whom the rate is for, in words."""
        parts = [self[name].display_name for name in FOR_WHOM if self[name]]
        return ", ".join(parts) or self.env._("Everybody else")
