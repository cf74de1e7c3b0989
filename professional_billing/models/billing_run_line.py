from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class BillingRunLine(models.Model):
    """One engagement in a billing run, and what became of it."""

    _name = "billing.run.line"
    _description = "Engagement in a billing run"
    _order = "run_id, id"
    _rec_name = "order_id"

    run_id = fields.Many2one("billing.run", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="run_id.company_id", store=True, precompute=True)
    order_id = fields.Many2one(
        "sale.order",
        string="Engagement",
        required=True,
        index=True,
        ondelete="cascade",
        readonly=True,
    )
    partner_id = fields.Many2one(related="order_id.partner_id", string="Customer")
    currency_id = fields.Many2one(related="order_id.currency_id")
    include = fields.Boolean(string="Bill", default=True)
    amount = fields.Monetary(string="To bill", readonly=True)
    blocked_note = fields.Char(string="Held back, and why", readonly=True)
    state = fields.Selection(
        [
            ("pending", "To do"),
            ("nothing", "Nothing to bill"),
            ("done", "Billed"),
            ("waiting", "Waits for approval"),
            ("failed", "Not billed"),
        ],
        default="pending",
        required=True,
        readonly=True,
    )
    error = fields.Char(string="What to do", readonly=True)
    prebill_ids = fields.Many2many("billing.prebill", string="Pre-bills", readonly=True)
    move_ids = fields.Many2many("account.move", string="Invoices", readonly=True)

    def _process(self):
        """Bill each engagement on its own: one that fails says why and does not hold up the others."""
        for line in self:
            try:
                with self.env.cr.savepoint():
                    line.write(line._bill())
            except UserError as error:
                line.invalidate_recordset()
                line.write({"state": "failed", "error": str(error)})

    def _bill(self):
        """Gather, and go as far as the run's mode says.

        :return: the values that tell what became of the engagement
        """
        run = self.run_id
        prebills = self.order_id._gather_prebills(run.cutoff_date)
        values = {"state": "done", "prebill_ids": [Command.set(prebills.ids)]}
        if not prebills:
            return {**values, "state": "nothing"}
        if run.invoice_date:
            prebills.sudo().invoice_date = run.invoice_date
        if run.mode == "prebill":
            return values
        if waiting := prebills.filtered(
            lambda prebill: prebill.needs_approval and prebill.state != "approved"
        ):
            message = self.env._(
                "Pre-bill %(names)s waits for approval.", names=", ".join(waiting.mapped("name"))
            )
            return {**values, "state": "waiting", "error": message}
        moves = prebills.action_invoice()
        if run.mode == "post":
            moves._post(soft=False)
        return {**values, "move_ids": [Command.set(moves.ids)]}

    def action_view_order(self):
        self.ensure_one()
        return self.order_id._get_records_action()
