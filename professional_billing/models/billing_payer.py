from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rules import payers, rounding
from .field_groups import CONTRACT_STAFF

# Kinds of work with a name of their own in an agreement; all others are fees.
KINDS = {"time": "time", "expense": "expense"}


class BillingPayer(models.Model):
    """One line of what the payers of an engagement have agreed on: who pays which part of its bills."""

    _name = "billing.payer"
    _description = "Payer of an engagement"
    _order = "order_id, sequence, id"
    _check_company_auto = True

    order_id = fields.Many2one(
        "sale.order", string="Engagement", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="order_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="order_id.currency_id")
    sequence = fields.Integer(default=10)
    partner_id = fields.Many2one(
        "res.partner",
        string="Payer",
        required=True,
        check_company=True,
        ondelete="restrict",
        help="The billing address: taxes and payment terms are those of this payer.",
    )
    charge = fields.Selection(
        [("time", "Time"), ("expense", "Expenses"), ("fee", "Fees")],
        string="Of",
        help="Empty: of everything that no other row speaks of.",
    )
    share_type = fields.Selection(
        [("percent", "A percentage"), ("amount", "Up to an amount")],
        string="Pays",
        default="percent",
        required=True,
        help="Amounts are taken first, in the order of the rows, until they are used up. Percentages "
        "share what is left.",
    )
    percentage = fields.Float(string="Percent", digits=(16, 4))
    amount = fields.Monetary(help="In all, before tax, net of credit notes.")
    client_po_number = fields.Char(
        string="Purchase order", help="The payer's own number. It is the reference of the invoices."
    )

    _unique_row = models.UniqueIndex(
        "(order_id, partner_id, COALESCE(charge, ''))",
        "This payer has a row for that already: change it instead.",
    )

    @api.constrains("share_type", "percentage", "amount", "charge", "order_id")
    def _check_shares(self):
        for payer in self:
            value = payer.percentage if payer.share_type == "percent" else payer.amount
            if value <= 0:
                raise ValidationError(
                    self.env._(
                        "%(order)s: enter what %(payer)s pays, more than zero.",
                        order=payer.order_id.name,
                        payer=payer.partner_id.display_name,
                    )
                )
        for order in self.order_id:
            percents = order.billing_payer_ids.filtered(lambda row: row.share_type == "percent")
            for rows in percents.grouped("charge").values():
                total = sum(rows.mapped("percentage"))
                if total > 100.0001:
                    raise ValidationError(
                        self.env._(
                            "%(order)s: the payers of “%(charge)s” pay %(total)s %% together. Lower "
                            "their percentages to 100 or less; what is left is the customer's.",
                            order=order.name,
                            charge=rows._get_charge_label(),
                            total=f"{total:g}",
                        )
                    )

    def _get_charge_label(self):
        labels = dict(self._fields["charge"]._description_selection(self.env))
        return labels.get(self[0].charge) or self.env._("everything else")

    def _get_amount_left(self):
        """Return what this payer of an amount still pays, in the terms of the order's prices."""
        domain = [
            ("item_id.order_id", "=", self.order_id.id),
            ("invoice_line_id.move_id.partner_id", "=", self.partner_id.id),
        ]
        if self.charge == "fee":
            domain.append(("item_id.kind", "not in", list(KINDS)))
        elif self.charge:
            domain.append(("item_id.kind", "=", self.charge))
        paid = self._sum_bills(domain).values()
        return rounding.decimal(self.amount) - sum(sum(parts.values()) for parts in paid)

    @api.model
    def _sum_bills(self, domain):
        """Return {item id: {partner id: Decimal}} billed net of credits, as far as `domain` goes."""
        groups = self.env["billing.allocation"]._read_group(
            [*domain, ("kind", "in", ("bill", "credit")), ("invoice_line_id", "!=", False)],
            ["item_id", "invoice_line_id.move_id.partner_id", "kind"],
            ["amount:sum"],
        )
        sums = {}
        for item, partner, kind, amount in groups:
            parts = sums.setdefault(item.id, {})
            amount = rounding.money(amount, item.currency_id.decimal_places)
            parts.setdefault(partner.id, rounding.decimal(0))
            parts[partner.id] += amount if kind == "bill" else -amount
        return sums


class SaleOrderPayers(models.Model):
    """An engagement that several pay for, each by invoices of their own."""

    _inherit = "sale.order"

    has_payers = fields.Boolean(
        string="Several payers",
        help="The bills are shared: each payer gets an invoice of their part. What nobody takes is the "
        "customer's.",
    )
    billing_payer_ids = fields.One2many(
        "billing.payer", "order_id", string="Payers", copy=True, groups=CONTRACT_STAFF
    )

    @api.depends(
        "has_payers",
        "billing_payer_ids.partner_id",
        "billing_payer_ids.charge",
        "billing_payer_ids.share_type",
        "billing_payer_ids.percentage",
        "billing_payer_ids.amount",
    )
    def _compute_billing_summary(self):
        return super()._compute_billing_summary()

    def _get_billing_sentences(self):
        return [*super()._get_billing_sentences(), *self._describe_payers()]

    def _describe_payers(self):
        for payer in self.billing_payer_ids if self.has_payers else ():
            values = {
                "payer": payer.partner_id.display_name,
                "charge": payer._get_charge_label() if payer.charge else self.env._("Bills"),
            }
            if payer.share_type == "percent":
                yield self.env._(
                    "%(charge)s: %(payer)s pays %(percent)s %%.",
                    percent=f"{payer.percentage:g}",
                    **values,
                )
            else:
                yield self.env._(
                    "%(charge)s: %(payer)s pays up to %(amount)s in all.",
                    amount=payer.currency_id.format(payer.amount),
                    **values,
                )

    # -- who pays what of a bill ----------------------------------------------------------------

    def _apportion(self, settlements):
        """Return for each of these settlements of a new bill {partner id: Decimal amount}.

        :param settlements: values of `billing.allocation` of kind `bill`, of this engagement
        """
        self.ensure_one()
        rows = self.billing_payer_ids
        items = self.env["billing.item"].browse([vals["item_id"] for vals in settlements])
        before = self._get_paid_items(items.filtered(lambda item: item.billed_amount))
        charges = [
            payers.Charge(vals["amount"], KINDS.get(item.kind, "fee"), before.get(item.id, {}))
            for vals, item in zip(settlements, items, strict=True)
        ]
        agreement = [
            payers.Payer(
                row.partner_id.id,
                row.percentage,
                row._get_amount_left() if row.share_type == "amount" else None,
                row.charge or None,
            )
            for row in rows
        ]
        return payers.apportion(
            charges, agreement, self.partner_invoice_id.id, self.currency_id.decimal_places
        )

    def _get_paid_items(self, items):
        """Return {item id: {partner id: amount}} of what was billed to whom, net of credits."""
        return self.env["billing.payer"]._sum_bills([("item_id", "in", items.ids)])
