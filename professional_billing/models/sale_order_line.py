from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL
from odoo.tools.sql import column_exists, create_column

from ..rules import rounding, settlement
from .field_groups import CONTRACT_STAFF
from .product_template import BILLING_RULES

LEDGER_COLUMNS = {
    "billing_billed_quantity": "float8",
    "billing_billed_amount": "numeric",
    "billing_open_quantity": "float8",
    "billing_open_amount": "numeric",
}
PRICING_FIELDS = {
    "price_unit",
    "discount",
    "product_uom_qty",
    "product_uom_id",
    "billing_rule",
    "rate_source",
}


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "billing.cap.mixin"]

    billing_rule = fields.Selection(
        BILLING_RULES,
        compute="_compute_billing_rule",
        store=True,
        readonly=False,
        precompute=True,
        help="Time and materials: hours from timesheets at this line's price. Fixed fee: by "
        "instalments. Milestones: by the project's milestones. Progress: by the percentage that is "
        "complete. Recurring fee: this line's amount for each period. Retainer: the same, with hours "
        "included. Price per unit: by what was "
        "used. Success fee: a percentage of an outcome. Empty: Odoo's standard invoicing.",
    )
    billing_cap_amount = fields.Monetary(
        string="Limit",
        help="Most that is billed, before tax. Empty: no limit in money.",
    )
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
    billing_rate_ids = fields.One2many(
        "billing.rate",
        "order_line_id",
        string="Rates of this line",
        copy=True,
        groups=CONTRACT_STAFF,
    )
    billing_installment_ids = fields.One2many(
        "billing.installment",
        "order_line_id",
        string="Instalments",
        copy=False,
        groups=CONTRACT_STAFF,
    )
    billing_milestone_ids = fields.One2many("project.milestone", "sale_line_id")
    billing_item_ids = fields.One2many("billing.item", "order_line_id", groups=CONTRACT_STAFF)
    billing_billed_quantity = fields.Float(
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )
    billing_billed_amount = fields.Monetary(
        string="Billed",
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )
    billing_open_quantity = fields.Float(
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )
    billing_open_amount = fields.Monetary(
        string="To bill",
        compute="_compute_billing_ledger",
        store=True,
        precompute=True,
        compute_sudo=True,
        copy=False,
    )

    _billing_rule_idx = models.Index("(order_id) WHERE billing_rule IS NOT NULL")

    def _auto_init(self):
        # Existing lines have no rule and nothing earned: spare a big table the ORM's computation.
        if not column_exists(self.env.cr, self._table, "billing_rule"):
            create_column(self.env.cr, self._table, "billing_rule", "varchar")
            for name in ("rate_source", "billing_cap_policy", "billing_cap_period"):
                create_column(self.env.cr, self._table, name, "varchar")
            for name, column_type in LEDGER_COLUMNS.items():
                create_column(self.env.cr, self._table, name, column_type)
        return super()._auto_init()

    # -- computes -------------------------------------------------------------------------------

    @api.depends("product_id")
    def _compute_billing_rule(self):
        for line in self:
            line.billing_rule = line.product_id.billing_rule

    @api.depends(
        "billing_rule",
        "product_uom_qty",
        "billing_item_ids.billed_amount",
        "billing_item_ids.billed_quantity",
        "billing_item_ids.open_amount",
        "billing_item_ids.open_quantity",
        "billing_item_ids.blocked_reason",
    )
    def _compute_billing_ledger(self):
        ruled = self.filtered("billing_rule")
        for name in LEDGER_COLUMNS:
            (self - ruled)[name] = 0.0
        ledger = ruled._get_billing_ledger()
        for line in ruled:
            values = ledger.get(line._origin.id, {})
            method = line._get_billing_method()
            for part in ("billed", "open"):
                total = values.get(part, {"quantity": 0.0, "amount": rounding.decimal(0)})
                line[f"billing_{part}_amount"] = total["amount"]
                line[f"billing_{part}_quantity"] = method._get_billed_order_quantity(line, total)

    def _get_billing_ledger(self):
        """Return {line id: {"billed": totals, "open": totals}}, quantities of time in hours.

        Open is what can be billed: blocked work counts once its reason is gone.
        """
        if not self.ids:
            return {}
        ledger = {}
        groups = (
            self.env["billing.item"]
            .sudo()
            ._read_group(
                [("order_line_id", "in", self.ids)],
                ["order_line_id", "blocked_reason", "uom_id"],
                [
                    "billed_quantity:sum",
                    "billed_amount:sum",
                    "open_quantity:sum",
                    "open_amount:sum",
                ],
            )
        )
        for line, reason, uom, billed_quantity, billed_amount, open_quantity, open_amount in groups:
            totals = ledger.setdefault(line.id, {})
            self._add_to_ledger(totals, "billed", line, uom, billed_quantity, billed_amount)
            if not reason:
                self._add_to_ledger(totals, "open", line, uom, open_quantity, open_amount)
        return ledger

    @api.model
    def _add_to_ledger(self, totals, part, line, uom, quantity, amount):
        hours = self.env["billing.method"]._get_uom("hour")
        if uom != hours and uom._has_common_reference(hours):
            quantity = uom._compute_quantity(quantity, hours, round=False)
        total = totals.setdefault(part, {"quantity": 0.0, "amount": rounding.decimal(0)})
        total["quantity"] += quantity
        total["amount"] += rounding.money(amount, line.currency_id.decimal_places)

    @api.depends("billing_rule")
    def _compute_qty_delivered_method(self):
        # EXTENDS sale: the rule says where the delivered quantity comes from, not the product.
        result = super()._compute_qty_delivered_method()
        for line in self.filtered("billing_rule"):
            method = line._get_billing_method()._qty_delivered_method
            line.qty_delivered_method = method or line.qty_delivered_method
        return result

    @api.depends("billing_rule", "billing_billed_quantity")
    def _compute_qty_invoiced(self):
        return super()._compute_qty_invoiced()

    def _prepare_qty_invoiced(self):
        # EXTENDS sale: what is invoiced is what the ledger says, net of credits.
        ruled = self.filtered("billing_rule")
        quantities = super(SaleOrderLine, self - ruled)._prepare_qty_invoiced()
        until = self.env.context.get("accrual_entry_date")
        past = ruled._get_billed_quantity_at(until) if until else {}
        for line in ruled:
            quantities[line] = past.get(line.id, 0.0) if until else line.billing_billed_quantity
        return quantities

    def _get_billed_quantity_at(self, date):
        """Return {line id: quantity billed net of credits}, by allocations up to `date`."""
        self.env["billing.allocation"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.order_line_id, item.uom_id,
                       SUM(CASE allocation.kind WHEN 'bill' THEN 1 ELSE -1 END * allocation.quantity),
                       SUM(CASE allocation.kind WHEN 'bill' THEN 1 ELSE -1 END * allocation.amount)
                  FROM billing_allocation allocation
                  JOIN billing_item item ON item.id = allocation.item_id
                 WHERE item.order_line_id IN %(lines)s
                   AND allocation.kind IN ('bill', 'credit')
                   AND allocation.date <= %(date)s
              GROUP BY item.order_line_id, item.uom_id
                """,
                lines=tuple(self.ids) or (0,),
                date=date,
            )
        )
        ledger = {}
        for line_id, uom_id, quantity, amount in rows:
            line, uom = self.browse(line_id), self.env["uom.uom"].browse(uom_id)
            totals = ledger.setdefault(line, {})
            self._add_to_ledger(totals, "billed", line, uom, quantity, amount)
        return {
            line.id: line._get_billing_method()._get_billed_order_quantity(line, totals["billed"])
            for line, totals in ledger.items()
        }

    @api.depends("billing_rule", "billing_open_quantity")
    def _compute_qty_to_invoice(self):
        ruled = self.filtered("billing_rule")
        result = super(SaleOrderLine, self - ruled)._compute_qty_to_invoice()
        for line in ruled:
            line.qty_to_invoice = line.billing_open_quantity if line.state == "sale" else 0.0
        return result

    def _recompute_qty_to_invoice(self, start_date, end_date):
        # EXTENDS sale_timesheet: a period is chosen by what is gathered, not by this quantity.
        stock = self.filtered(lambda line: not line.billing_rule)
        return super(SaleOrderLine, stock)._recompute_qty_to_invoice(start_date, end_date)

    @api.depends("billing_rule", "billing_open_amount", "billing_billed_amount")
    def _compute_invoice_status(self):
        ruled = self.filtered(lambda line: line.billing_rule and line.state == "sale")
        result = super(SaleOrderLine, self - ruled)._compute_invoice_status()
        for line in ruled:
            if line.billing_open_quantity or line.billing_open_amount:
                line.invoice_status = "to invoice"
            elif line._get_billing_method()._is_all_billed(line):
                line.invoice_status = "invoiced"
            else:
                line.invoice_status = "no"
        return result

    @api.depends("billing_rule", "billing_open_amount", "billing_billed_amount")
    def _compute_untaxed_amount_to_invoice(self):
        ruled = self.filtered(lambda line: line.billing_rule and line.state == "sale")
        result = super(SaleOrderLine, self - ruled)._compute_untaxed_amount_to_invoice()
        for line in ruled:
            earned = line.billing_open_amount + line.billing_billed_amount
            # As Odoo does: only a tax that prices include changes the untaxed amount.
            if any(tax.price_include or tax.amount_type == "group" for tax in line.tax_ids):
                earned = line._get_earned_taxes()["total_excluded"]
            line.untaxed_amount_to_invoice = earned - line.untaxed_amount_invoiced
        return result

    @api.depends("billing_rule", "billing_open_amount", "billing_billed_amount", "amount_invoiced")
    def _compute_amount_to_invoice(self):
        ruled = self.filtered(lambda line: line.billing_rule and line.state == "sale")
        result = super(SaleOrderLine, self - ruled)._compute_amount_to_invoice()
        for line in ruled:
            earned = line._get_earned_taxes()["total_included"]
            line.amount_to_invoice = earned - line.amount_invoiced
        return result

    def _get_earned_taxes(self):
        """Return the tax totals of what is billed (on drafts too) and of what can be billed."""
        return self.tax_ids.compute_all(
            self.billing_open_amount + self.billing_billed_amount,
            currency=self.currency_id,
            product=self.product_id,
            partner=self.order_id.partner_shipping_id,
        )

    # -- actions --------------------------------------------------------------------------------

    def action_billing_terms(self):
        """Open what is agreed about billing this line."""
        self.ensure_one()
        view = self.env.ref("professional_billing.sale_order_line_view_form_billing")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Billing terms"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(view.id, "form")],
            "target": "new",
        }

    # -- constraints ----------------------------------------------------------------------------

    @api.constrains("billing_rule", "product_uom_id", "product_id")
    def _check_billing_rule(self):
        for line in self.filtered("billing_rule"):
            if error := line._get_billing_method()._get_line_error(line):
                raise ValidationError(error)

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        added = lines.filtered(lambda line: line.billing_rule and line.state == "sale")
        added._complete_confirmed_billing()
        return lines

    def write(self, vals):
        if "billing_rule" in vals:
            self._check_rule_unbilled(vals["billing_rule"])
        result = super().write(vals)
        if PRICING_FIELDS & set(vals) and (
            priced := self.filtered(lambda line: line.billing_rule or "billing_rule" in vals)
        ):
            if "billing_rule" in vals:
                priced.filtered(lambda line: line.state == "sale")._complete_confirmed_billing()
            priced._accrue_billing()
            priced._rerate_billing()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_settled(self):
        if settled := self.sudo().filtered("billing_rule").billing_item_ids.allocation_ids[:1]:
            raise UserError(
                self.env._(
                    "%(line)s has been billed or written off and cannot be deleted.",
                    line=settled.item_id.order_line_id._billing_label(),
                )
            )

    def _check_rule_unbilled(self, rule):
        for line in self.filtered(lambda line: line.billing_rule != rule):
            if line.sudo().billing_item_ids._is_settled():
                raise UserError(
                    self.env._(
                        "%(line)s has been billed by its rule, which cannot change any more. "
                        "Add a new line with the new rule instead.",
                        line=line._billing_label(),
                    )
                )
            if not line.billing_rule and line.qty_invoiced:
                raise UserError(
                    self.env._(
                        "%(line)s has been invoiced without a billing rule: with one, the same work "
                        "would be billed again. Add a new line with the rule instead.",
                        line=line._billing_label(),
                    )
                )

    # -- billing --------------------------------------------------------------------------------

    def _get_billing_method(self):
        """Return the model that knows this line's rule."""
        return self.env["billing.method"]._for_rule(self.billing_rule)

    def _billing_label(self):
        """Return a name a user recognises in a message: order and line."""
        return f"{self.order_id.name} – {self._get_bill_label()}"

    def _get_bill_label(self):
        return (self.name or self.product_id.display_name or "").split("\n")[0]

    def _billing_total(self):
        """Return the agreed fee of the line in the terms of its price, as Decimal."""
        return settlement.line_amount(
            self.product_uom_qty,
            self.price_unit,
            self.discount,
            (self.currency_id or self.env.company.currency_id).decimal_places,
        )

    def _get_billing_errors(self):
        """Return the sentences that say why these lines cannot be billed as they are set up."""
        return [
            error
            for line in self.filtered("billing_rule")
            for error in line._get_billing_method()._get_setup_errors(line)
        ]

    def _complete_confirmed_billing(self):
        for rule, lines in self.filtered("billing_rule").grouped("billing_rule").items():
            self.env["billing.method"]._for_rule(rule)._prepare_confirmation(lines)
        self._accrue_billing()

    def _uses_rate_cards(self):
        """Tell whether rate cards price the time on this line, or say what it would have cost."""
        return (
            self.rate_source == "card"
            or bool(self.company_id.billing_rate_card_id)
            or bool(self.order_id.rate_card_id)
        )

    def _get_described_rates(self, date):
        """Return the rates of this line in force on `date`, else those of its first card with any.

        Rates of single people stay out of what is said to clients.
        """
        order = self.order_id
        cards = (
            order.rate_card_id,
            self.env["billing.rate.card"].search(
                [
                    ("partner_id", "=", order.partner_id.commercial_partner_id.id),
                    ("company_id", "=", order.company_id.id),
                ]
            ),
            order.company_id.billing_rate_card_id,
        )
        for rates in (self.billing_rate_ids, *(card.rate_ids for card in cards)):
            found = rates.filtered(
                lambda rate, rates=rates: (
                    not rate.employee_id
                    and (not rate.date_to or rate.date_to >= date)
                    and rate._is_newest_on(date, rates)
                )
            )
            if found:
                return found
        return self.env["billing.rate"]

    def _accrue_billing(self, timesheets=None, items=None, rerate=False):
        if self:
            self.env["billing.item"]._accrue(self, timesheets, items, rerate)

    def _rerate_billing(self):
        """Value the unsettled time of these lines again, at the price and state they have now."""
        items = (
            self.env["billing.item"]
            .sudo()
            .search(
                [
                    ("order_line_id", "in", self.ids),
                    ("kind", "=", "time"),
                    ("billed_quantity", "=", 0),
                    ("written_off_quantity", "=", 0),
                ]
            )
        )
        if items:
            self._accrue_billing(items.timesheet_id, items, rerate=True)

    def _recompute_qty_to_invoice(self, start_date, end_date):
        # EXTENDS sale_timesheet, which stores a period's quantity for good: lines with a rule are
        # gathered by date instead.
        stock = self.filtered(lambda line: not line.billing_rule)
        return super(SaleOrderLine, stock)._recompute_qty_to_invoice(start_date, end_date)

    def _prepare_invoice_lines_vals_list(self, **optional_values):
        # EXTENDS sale: a line with a rule bills what its pre-bills decided, settlements included.
        self.ensure_one()
        if not self.billing_rule:
            return super()._prepare_invoice_lines_vals_list(**optional_values)
        prebills = self.env["billing.prebill"]._from_context()
        return [
            {**self._prepare_invoice_line(**optional_values), **vals}
            for vals in prebills._prepare_order_line_bill(self)
        ]
