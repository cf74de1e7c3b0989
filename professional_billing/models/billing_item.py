from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..rules import rounding
from .field_kept import Many2oneKept
from .field_unchecked import Many2oneUnchecked

BLOCKED_REASONS = [
    ("included", "Included in the fee"),
    ("future", "Not due yet"),
    ("not_reached", "Milestone not reached"),
    ("not_accepted", "Milestone not accepted by the client"),
    ("schedule_gap", "Instalments or milestones do not add up to the fee"),
    ("no_price", "No price"),
    ("no_rate", "No rate"),
    ("no_currency_rate", "No exchange rate"),
    ("no_narrative", "No description"),
    ("unapproved", "Time not approved"),
    ("over_cap", "Beyond the limit"),
    ("on_hold", "On hold"),
    ("missing_po", "No purchase order number"),
    ("non_billable", "Not billable"),
    ("no_hours", "No hours, or less than zero"),
    ("not_confirmed", "Order not confirmed"),
    ("order_cancelled", "Order cancelled"),
    ("price_credit", "Credited by price: write off or bill again"),
    ("overage_ask", "Beyond the allowance: waits for approval"),
    ("decrease", "Less than was claimed before: confirm it on the claim"),
    ("negative_bill", "The bill would be below zero: waits for more work"),
]


class BillingItem(models.Model):
    """What has been earned from a client and what became of it: the WIP sub-ledger.

    Agreed plus written up = billed net of credits + written off + open, in amount and quantity.
    Amounts are in the order's currency and in the terms of its prices: tax is in them only where
    the line's price includes it. Quantities are in `uom_id`, hours for time.
    """

    _name = "billing.item"
    _inherit = ["billing.bulk"]
    _description = "Work in progress"
    _order = "date desc, id desc"
    _rec_name = "description"
    _check_company_auto = True

    company_id = Many2oneUnchecked("res.company", required=True)  # by the order, as those below
    order_line_id = Many2oneKept(
        "sale.order.line", string="Order line", required=True, index=True, ondelete="cascade"
    )
    order_id = Many2oneUnchecked("sale.order", string="Engagement", required=True, index=True)
    partner_id = Many2oneKept("res.partner", string="Customer", required=True)
    project_id = Many2oneKept("project.project", ondelete="set null")
    employee_id = Many2oneKept("hr.employee", string="Person", ondelete="restrict")
    role_id = Many2oneKept("billing.role", ondelete="restrict")
    currency_id = Many2oneUnchecked("res.currency", required=True)
    date = fields.Date(required=True)
    kind = fields.Selection(
        [
            ("time", "Time"),
            ("installment", "Instalment"),
            ("milestone", "Milestone"),
            ("progress", "Progress"),
            ("period", "Recurring fee"),
            ("block", "Prepaid block"),
            ("unit", "Usage"),
            ("success", "Success fee"),
        ],
        required=True,
    )
    timesheet_id = fields.Many2one("account.analytic.line", ondelete="set null")
    installment_id = Many2oneKept("billing.installment", ondelete="set null")
    milestone_id = Many2oneKept("project.milestone", ondelete="set null")
    progress_id = Many2oneKept("billing.progress", ondelete="set null")
    usage_id = Many2oneKept("billing.usage", ondelete="set null")
    block_id = Many2oneKept("billing.block", ondelete="set null")
    period_start = fields.Date(help="First day of the service period of a recurring fee.")
    period_end = fields.Date(help="The day after the service period, the first one not in it.")
    period_last_day = fields.Date(compute="_compute_period_last_day", string="Period to")
    description = fields.Char()
    uom_id = Many2oneKept("uom.uom", string="Unit", required=True)
    worked_quantity = fields.Float(string="Worked")
    quantity = fields.Float(string="Billable")
    standard_rate = fields.Float(aggregator=None)
    rate = fields.Float(string="Agreed rate", aggregator=None)
    standard_amount = fields.Monetary(string="Standard value")
    amount = fields.Monetary(string="Agreed value")
    explanation = fields.Text(string="Why this amount")
    rate_explanation = fields.Text(help="Where the rate comes from: part of the explanation.")
    blocked_reason = fields.Selection(BLOCKED_REASONS, string="Held back because")
    prebill_id = fields.Many2one(
        "billing.prebill",
        string="Pre-bill",
        index="btree_not_null",
        ondelete="set null",
        help="The open pre-bill that holds this work, so that no other bills it.",
    )
    allocation_ids = fields.One2many("billing.allocation", "item_id", string="Settlements")
    billed_quantity = fields.Float(compute="_compute_balance", store=True, precompute=True)
    billed_amount = fields.Monetary(
        string="Billed", compute="_compute_balance", store=True, precompute=True
    )
    written_off_quantity = fields.Float(compute="_compute_balance", store=True, precompute=True)
    written_off_amount = fields.Monetary(
        string="Written off", compute="_compute_balance", store=True, precompute=True
    )
    written_up_quantity = fields.Float(compute="_compute_balance", store=True, precompute=True)
    written_up_amount = fields.Monetary(
        string="Written up", compute="_compute_balance", store=True, precompute=True
    )
    open_quantity = fields.Float(
        string="Open", compute="_compute_balance", store=True, precompute=True
    )
    open_amount = fields.Monetary(
        string="Open value", compute="_compute_balance", store=True, precompute=True
    )
    is_open = fields.Boolean(compute="_compute_balance", store=True, precompute=True)

    _unique_timesheet = models.UniqueIndex(
        "(timesheet_id) WHERE timesheet_id IS NOT NULL", "This time entry is already in WIP."
    )
    _unique_installment = models.UniqueIndex(
        "(installment_id) WHERE installment_id IS NOT NULL", "This instalment is already in WIP."
    )
    _unique_milestone = models.UniqueIndex(
        "(milestone_id) WHERE milestone_id IS NOT NULL", "This milestone is already in WIP."
    )
    _unique_progress = models.UniqueIndex(
        "(progress_id) WHERE progress_id IS NOT NULL", "This progress claim is already in WIP."
    )
    _unique_usage = models.UniqueIndex(
        "(usage_id) WHERE usage_id IS NOT NULL", "This usage is already in WIP."
    )
    _unique_block = models.UniqueIndex(
        "(block_id) WHERE block_id IS NOT NULL", "This prepaid block is already in WIP."
    )
    _unique_period = models.UniqueIndex(
        "(order_line_id, period_start) WHERE kind = 'period'", "This period is already in WIP."
    )
    # Work is looked for while it is open; each index more would be written twice for every entry.
    _fee_idx = models.Index("(order_line_id) WHERE kind != 'time'")
    _open_idx = models.Index("(order_id, date) WHERE is_open IS TRUE")
    _open_date_idx = models.Index("(date DESC, id DESC) WHERE is_open IS TRUE")
    _open_partner_idx = models.Index("(partner_id) WHERE is_open IS TRUE")
    _open_project_idx = models.Index(
        "(project_id) WHERE is_open IS TRUE AND project_id IS NOT NULL"
    )
    _blocked_idx = models.Index("(blocked_reason, date) WHERE blocked_reason IS NOT NULL")

    @api.depends("quantity", "amount", "allocation_ids")
    def _compute_balance(self):
        totals = self._get_settled()
        for item in self:
            settled = totals.get(item.id, {})
            for kind, prefix in (("write_off", "written_off"), ("write_up", "written_up")):
                quantity, amount = settled.get(kind, (0.0, 0.0))
                item[f"{prefix}_quantity"] = quantity
                item[f"{prefix}_amount"] = amount
            bill, credit = settled.get("bill", (0.0, 0.0)), settled.get("credit", (0.0, 0.0))
            item.billed_quantity = rounding.quantize(bill[0] - credit[0], 6)
            item.billed_amount = bill[1] - credit[1]
            item.open_quantity = rounding.quantize(
                item.quantity
                + item.written_up_quantity
                - item.billed_quantity
                - item.written_off_quantity,
                6,
            )
            item.open_amount = (
                item.amount + item.written_up_amount - item.billed_amount - item.written_off_amount
            )
            item.is_open = bool(item.open_quantity) or not item.currency_id.is_zero(
                item.open_amount
            )

    def _get_settled(self):
        """Return {item id: {kind: (quantity, amount)}} of the settlements of these items."""
        if not self.ids:
            return {}
        result = {}
        for item, kind, quantity, amount in (
            self.env["billing.allocation"]
            .sudo()
            ._read_group(
                [("item_id", "in", self.ids)], ["item_id", "kind"], ["quantity:sum", "amount:sum"]
            )
        ):
            result.setdefault(item.id, {})[kind] = (quantity, amount)
        return result

    @api.depends("description", "date", "kind")
    def _compute_display_name(self):
        for item in self:
            item.display_name = item.description or f"{item.date} {item.employee_id.name or ''}"

    @api.depends("period_end")
    def _compute_period_last_day(self):
        for item in self:
            item.period_last_day = item.period_end and item.period_end - timedelta(days=1)

    # -- actions --------------------------------------------------------------------------------

    def action_view_source(self):
        """Open the order: where the work, the instalments and the milestones come together."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "sale.order",
            "res_id": self.order_id.id,
            "view_mode": "form",
        }

    def action_gather(self):
        """Put the selected work's engagements on pre-bills, up to the latest date selected."""
        self.order_id._check_gather_rights()
        prebills = self.order_id._gather_prebills(max(self.mapped("date"), default=None))
        return prebills._get_records_action()

    def action_approve_time(self):
        """Approve the time of the selected work, as its project manager."""
        self.timesheet_id.action_approve_billing_time()
        return True

    # -- settling -------------------------------------------------------------------------------

    @api.model
    def _get_billable_domain(self, cutoff_date, date_from=None):
        domain = [
            ("is_open", "=", True),
            ("blocked_reason", "=", False),
            ("date", "<=", cutoff_date),
        ]
        if date_from:
            domain.append(("date", ">=", date_from))
        return domain

    def _prepare_prebill_line(self, prebill):
        self.ensure_one()
        return {
            "prebill_id": prebill.id,
            "item_id": self.id,
            "open_quantity": self.open_quantity,
            "open_amount": self.open_amount,
            "agreed_rate": self.rate,
            "quantity": self.open_quantity,
            "rate": self.rate,
            "narrative": self.description,
        }

    def _is_settled(self):
        """Tell whether any of these items is billed (on a draft too) or written off."""
        return any(
            item._is_billed() or item.written_off_quantity or item.written_off_amount
            for item in self
        )

    def _is_billed(self):
        return any(item.billed_quantity or item.billed_amount for item in self)

    def _settle(self, vals_list):
        """Write settlements and keep what hangs on them in step.

        :param vals_list: `billing.allocation` values; company and date are filled in
        """
        today = {}
        for vals in vals_list:
            company = self.browse(vals["item_id"]).company_id
            if company not in today:
                today[company] = company._billing_today()
            vals.setdefault("company_id", company.id)
            vals.setdefault("date", today[company])
        allocations = self.env["billing.allocation"].sudo().create(vals_list)
        allocations.item_id._after_settlement()
        return allocations

    def _take_from_prebills(self):
        """Take these items off the pre-bills under review; an approved one is refused when invoiced."""
        lines = self.env["billing.prebill.line"].search(
            [("item_id", "in", self.ids), ("prebill_id.state", "in", ("draft", "review"))]
        )
        lines.unlink()

    def _after_settlement(self):
        self._sync_timesheet_invoice()
        self._block_price_credits()

    def _block_price_credits(self):
        """An amount left open without quantity came from a price credit: a person decides on it."""
        time = [("id", "in", self.ids), ("kind", "=", "time")]
        self.search(
            [
                *time,
                ("is_open", "=", True),
                ("open_quantity", "=", 0),
                ("quantity", "!=", 0),
                ("blocked_reason", "=", False),
            ]
        ).blocked_reason = "price_credit"
        self.search(
            [
                *time,
                ("blocked_reason", "=", "price_credit"),
                "|",
                ("open_quantity", "!=", 0),
                ("is_open", "=", False),
            ]
        ).blocked_reason = False

    def _sync_timesheet_invoice(self):
        """Point Odoo's own link of each time entry at the invoice that bills it, or at none."""
        if not self:
            return
        Time = self.env["account.analytic.line"].sudo()
        self.flush_model()
        Time.flush_model(["timesheet_invoice_id"])
        self.env["billing.allocation"].flush_model()
        # The latest invoice line that still bills the entry. An entry that gets an invoice stays as it is
        # otherwise: nothing is to be computed again.
        linked = self.env.execute_query(
            SQL(
                """
                WITH billed AS (
                     SELECT allocation.item_id, allocation.invoice_line_id,
                            MIN(ARRAY[allocation.date - DATE '2000-01-01', allocation.id]) AS place
                       FROM billing_allocation allocation
                      WHERE allocation.item_id = ANY(%(items)s)
                        AND allocation.kind IN ('bill', 'credit')
                   GROUP BY 1, 2
                     HAVING ROUND(SUM(CASE allocation.kind WHEN 'bill' THEN 1 ELSE -1 END
                                      * allocation.quantity)::numeric, 6) != 0
                ), latest AS (
                     SELECT DISTINCT ON (billed.item_id) item.timesheet_id, line.move_id
                       FROM billed
                       JOIN account_move_line line ON line.id = billed.invoice_line_id
                       JOIN billing_item item ON item.id = billed.item_id
                      WHERE item.billed_quantity != 0
                   ORDER BY billed.item_id, billed.place DESC
                )
                   UPDATE account_analytic_line time
                      SET timesheet_invoice_id = latest.move_id, write_date = %(now)s
                     FROM latest
                    WHERE time.id = latest.timesheet_id
                      AND time.timesheet_invoice_id IS DISTINCT FROM latest.move_id
                RETURNING time.id
                """,
                items=self.ids,
                now=self.env.cr.now(),
            )
        )
        Time.browse([row[0] for row in linked]).invalidate_recordset(
            ["timesheet_invoice_id"], flush=False
        )
        self.env["account.move"].invalidate_model(["timesheet_ids"], flush=False)
        unbilled = self.search([("id", "in", self.ids), ("billed_quantity", "=", 0)]).timesheet_id
        unbilled.filtered("timesheet_invoice_id").timesheet_invoice_id = False

    @api.model
    def _link_plain_time(self, bills):
        """Do the same for time that new invoices bill whole, given as `PlainTime` objects.

        An entry that gets an invoice stays as it is otherwise: nothing is to be computed again.
        """
        if not bills:
            return
        self._execute_by_index(
            SQL(
                """
                UPDATE account_analytic_line time
                   SET timesheet_invoice_id = billed.move_id, write_date = %(now)s
                  FROM (SELECT document.move_id, UNNEST(bill.time_ids::int[]) AS time_id
                          FROM UNNEST(%(times)s, %(lines)s) AS bill (time_ids, line_id)
                          JOIN account_move_line document ON document.id = bill.line_id) billed
                 WHERE time.id = billed.time_id
                """,
                now=self.env.cr.now(),
                times=[bill.time_ids for bill in bills],
                lines=[bill.invoice_line_id for bill in bills],
            )
        )
        self.env["account.analytic.line"].invalidate_model(["timesheet_invoice_id"], flush=False)
        self.env["account.move"].invalidate_model(["timesheet_ids"], flush=False)
