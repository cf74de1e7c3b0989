from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL


class BillingReconciliation(models.TransientModel):
    """Does everything add up, from the work to the posted invoices? Each check with what it found."""

    _name = "billing.reconciliation"
    _description = "Reconciliation of billing"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company
    )
    line_ids = fields.One2many("billing.reconciliation.line", "reconciliation_id", readonly=True)
    problem_count = fields.Integer(compute="_compute_problem_count")

    @api.depends("line_ids.count")
    def _compute_problem_count(self):
        for report in self:
            report.problem_count = sum(report.line_ids.mapped("count"))

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        company = self.env["res.company"].browse(values.get("company_id"))
        if company:
            values["line_ids"] = [Command.create(vals) for vals in self._get_findings(company)]
        return values

    @api.model
    def _get_findings(self, company):
        """Return the checks as `billing.reconciliation.line` values, with what each has found."""
        for model in ("billing.item", "billing.allocation", "account.move.line"):
            self.env[model].flush_model()
        self.env["account.analytic.line"].flush_model()
        return [
            self._prepare_finding(title, model, query)
            for title, model, query in self._get_checks(company)
        ]

    def _prepare_finding(self, title, model, query):
        ids = [row[0] for row in self.env.execute_query(query)]
        return {"name": title, "res_model": model, "res_ids": ids, "count": len(ids)}

    @api.model
    def _get_checks(self, company):
        """Yield (title, model, query of the ids that are wrong), from the work to the invoice."""
        yield (
            self.env._("Every time entry of an engagement is in work in progress"),
            "account.analytic.line",
            SQL(
                """
                SELECT timesheet.id
                  FROM account_analytic_line timesheet
                  JOIN sale_order_line line ON line.id = timesheet.so_line
             LEFT JOIN billing_item item ON item.timesheet_id = timesheet.id
                 WHERE line.billing_rule IS NOT NULL AND timesheet.project_id IS NOT NULL
                   AND line.company_id = %s AND item.id IS NULL
                """,
                company.id,
            ),
        )
        yield (
            self.env._("Work in progress is as many hours as were worked"),
            "billing.item",
            SQL(
                """
                SELECT item.id
                  FROM billing_item item
                  JOIN account_analytic_line timesheet ON timesheet.id = item.timesheet_id
                 WHERE item.company_id = %s AND timesheet.so_line = item.order_line_id
                   AND ABS(item.worked_quantity - timesheet.unit_amount) > 0.000001
                """,
                company.id,
            ),
        )
        yield (
            self.env._("Agreed and written up = billed, written off and open"),
            "billing.item",
            SQL(
                """
                SELECT item.id
                  FROM billing_item item
             LEFT JOIN (
                           SELECT item_id,
                                  SUM(CASE kind WHEN 'bill' THEN amount WHEN 'credit' THEN -amount
                                      ELSE 0 END) AS billed,
                                  SUM(CASE kind WHEN 'write_off' THEN amount ELSE 0 END) AS off,
                                  SUM(CASE kind WHEN 'write_up' THEN amount ELSE 0 END) AS up
                             FROM billing_allocation
                            WHERE company_id = %(company)s
                         GROUP BY item_id
                       ) settled ON settled.item_id = item.id
                 WHERE item.company_id = %(company)s
                   AND (ABS(COALESCE(item.billed_amount, 0) - COALESCE(settled.billed, 0)) > 0.0005
                     OR ABS(COALESCE(item.written_off_amount, 0) - COALESCE(settled.off, 0)) > 0.0005
                     OR ABS(COALESCE(item.amount, 0) + COALESCE(settled.up, 0)
                            - COALESCE(settled.billed, 0) - COALESCE(settled.off, 0)
                            - COALESCE(item.open_amount, 0)) > 0.0005)
                """,
                company=company.id,
            ),
        )
        yield (
            self.env._("Nothing is billed without an invoice that exists"),
            "billing.item",
            SQL(
                """
                SELECT allocation.item_id
                  FROM billing_allocation allocation
             LEFT JOIN account_move_line line ON line.id = allocation.invoice_line_id
                 WHERE allocation.company_id = %s AND allocation.kind IN ('bill', 'credit')
                   AND (line.id IS NULL OR line.parent_state = 'cancel')
              GROUP BY allocation.item_id
                HAVING ABS(SUM(CASE allocation.kind WHEN 'bill' THEN allocation.amount
                               ELSE -allocation.amount END)) > 0.0005
                """,
                company.id,
            ),
        )
        yield (
            self.env._("Posted invoice lines bill exactly the work they were made of"),
            "account.move.line",
            SQL(
                """
                SELECT line.id
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                  JOIN res_currency currency ON currency.id = line.currency_id
                  JOIN (
                           SELECT invoice_line_id,
                                  SUM(CASE kind WHEN 'bill' THEN amount ELSE -amount END) AS billed
                             FROM billing_allocation
                            WHERE company_id = %(company)s AND kind IN ('bill', 'credit')
                              AND cause IS DISTINCT FROM 'credit_note'
                         GROUP BY invoice_line_id
                       ) settled ON settled.invoice_line_id = line.id
                 WHERE line.parent_state = 'posted'
                   AND ABS(CASE move.move_type WHEN 'out_refund' THEN -1 ELSE 1 END
                           * ROUND((line.quantity * line.price_unit
                                    * (1 - COALESCE(line.discount, 0) / 100))::numeric,
                                   currency.decimal_places)
                           - settled.billed) > 0.0005
                """,
                company=company.id,
            ),
        )
        yield (
            self.env._("Pre-bills that are closed hold no work"),
            "billing.item",
            SQL(
                """
                SELECT item.id
                  FROM billing_item item
                  JOIN billing_prebill prebill ON prebill.id = item.prebill_id
                 WHERE item.company_id = %s AND prebill.state IN ('invoiced', 'cancelled')
                """,
                company.id,
            ),
        )


class BillingReconciliationLine(models.TransientModel):
    _name = "billing.reconciliation.line"
    _description = "Check of a reconciliation"
    _order = "id"

    reconciliation_id = fields.Many2one("billing.reconciliation", required=True, ondelete="cascade")
    name = fields.Char(string="Check", required=True)
    count = fields.Integer(string="Found wrong")
    res_model = fields.Char()
    res_ids = fields.Json()

    def action_open(self):
        """Show the records that are wrong."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_ids)._get_records_action(name=self.name)
