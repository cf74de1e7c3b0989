from odoo import models
from odoo.exceptions import UserError

from ..rules import rounding


class BillingPrebillProforma(models.Model):
    """The bill as the client would see it, before it is one."""

    _inherit = "billing.prebill"

    def action_send_proforma(self):
        """Open Odoo's mail composer with the proforma attached, in the client's language."""
        self.ensure_one()
        self._check_proforma()
        template = self.env.ref(
            "professional_billing.mail_template_proforma", raise_if_not_found=False
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send proforma"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_template_id": template.id if template else False,
                "default_composition_mode": "comment",
                "default_email_layout_xmlid": "mail.mail_notification_layout",
                "force_email": True,
            },
        }

    def _check_proforma(self):
        """Refuse a proforma of what is billed already, or of nothing."""
        for prebill in self:
            if not prebill.is_open:
                raise UserError(
                    self.env._(
                        "Pre-bill %(name)s is no bill to come any more. Print its invoice instead.",
                        name=prebill.name,
                    )
                )
            if not prebill.sudo()._get_bill_lines():
                raise UserError(
                    self.env._("Pre-bill %(name)s bills nothing yet.", name=prebill.name)
                )

    def _get_proforma(self):
        """Return what a client reads: `lines` as the invoice has them, and `tax_totals`."""
        self.ensure_one()
        self.check_access("read")
        self._check_proforma()
        prebill = self.sudo().with_context(lang=self.partner_id.lang or self.env.lang)
        lines = [vals for order in prebill.order_ids for vals in prebill._get_proforma_of(order)]
        Tax = self.env["account.tax"].sudo()
        base_lines = [
            Tax._prepare_base_line_for_taxes_computation(
                {},
                currency_id=prebill.currency_id,
                partner_id=prebill.partner_id,
                **{name: vals[name] for name in ("tax_ids", "quantity", "price_unit", "discount")},
            )
            for vals in lines
        ]
        Tax._add_tax_details_in_base_lines(base_lines, prebill.company_id)
        Tax._round_base_lines_tax_details(base_lines, prebill.company_id)
        for vals, base_line in zip(lines, base_lines, strict=True):
            vals["subtotal"] = base_line["tax_details"]["total_excluded_currency"]
        totals = Tax._get_tax_totals_summary(
            base_lines=base_lines, currency=prebill.currency_id, company=prebill.company_id
        )
        return {"lines": lines, "tax_totals": totals}

    def _get_proforma_of(self, order):
        """Return the lines that the invoice of `order` would have: work, then what comes off it."""
        mine = self._get_bill_lines().filtered(lambda line: line.order_line_id.order_id == order)
        if not mine:
            return []
        lines = []
        for order_line in mine.order_line_id.sorted(lambda line: (line.sequence, line.id)):
            parts = mine.filtered(lambda line, owner=order_line: line.order_line_id == owner)
            method = order_line._get_billing_method()
            for _parts, vals in method._prepare_bill_lines(order_line, parts):
                lines.append(
                    {
                        "name": vals["name"],
                        "quantity": vals["quantity"],
                        "price_unit": vals["price_unit"],
                        "discount": vals.get("discount", 0.0),
                        "tax_ids": order_line.tax_ids,
                        "uom": self._get_proforma_unit(order_line, vals),
                    }
                )
        return lines + self._get_proforma_deductions(order, mine)

    def _get_proforma_unit(self, order_line, vals):
        uom = order_line.product_uom_id
        if vals.get("product_uom_id"):
            uom = uom.browse(vals["product_uom_id"])
        return "" if vals.get("billing_hours_per_unit") else uom.name

    def _get_proforma_deductions(self, order, lines):
        """Return the lines of discount, retention and deposits, as they stand today."""
        work = [
            (taxes, sum(rounding.decimal(line.amount) for line in mine))
            for taxes, mine in lines.grouped(lambda line: line.order_line_id.tax_ids).items()
        ]
        value = sum(amount for _taxes, amount in work)
        discount = order._get_bill_discount(value)
        parts = self._get_bill_parts(work, discount)
        result = []
        if discount:
            weights = [max(amount, rounding.decimal(0)) for _taxes, amount in work]
            shares = rounding.split_shares(discount, weights, self.currency_id.decimal_places)
            for (taxes, _amount), share in zip(work, shares, strict=True):
                if share:
                    result.append(self._prepare_deduction(self.env._("Discount"), share, taxes))
        retained, _held = order._get_retention(sum(part[1] for part in parts))
        if retained:
            label = self.env._("Retention %(percent)s %%", percent=f"{order.retention_percent:g}")
            result.append(self._prepare_deduction(label, retained, self.env["account.tax"]))
        for line, price in order._plan_deposits(parts, retained) if order._draws_deposits() else ():
            result.append(self._prepare_deduction(line.name, price, line.tax_ids))
        return result

    def _prepare_deduction(self, name, amount, taxes):
        return {
            "name": name,
            "quantity": 1.0,
            "price_unit": -float(amount),
            "discount": 0.0,
            "tax_ids": taxes,
            "uom": "",
        }
