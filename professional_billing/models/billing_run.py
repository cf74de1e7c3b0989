from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

BACKGROUND_FROM = 40
MODES = [
    ("prebill", "Pre-bills"),
    ("draft", "Draft invoices"),
    ("post", "Posted invoices"),
    ("send", "Posted and sent invoices"),
]


class BillingRun(models.Model):
    """Bill many engagements at once: choose, look at what would be billed and what not, start."""

    _name = "billing.run"
    _description = "Billing run"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(string="Number", required=True, readonly=True, default="/", copy=False)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    cutoff_date = fields.Date(
        string="Bill work up to", required=True, default=lambda self: self._default_cutoff_date()
    )
    invoice_date = fields.Date(help="Leave empty to date the invoices on the day they are posted.")
    partner_ids = fields.Many2many(
        "res.partner", string="Customers", help="Leave empty to bill every customer."
    )
    mode = fields.Selection(
        MODES,
        string="Make",
        default="prebill",
        required=True,
    )
    state = fields.Selection(
        [("draft", "To prepare"), ("ready", "Preview"), ("running", "Running"), ("done", "Done")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    line_ids = fields.One2many("billing.run.line", "run_id", readonly=False, copy=False)
    included_count = fields.Integer(compute="_compute_counts", string="Engagements to bill")
    failed_count = fields.Integer(compute="_compute_counts", string="Not billed")
    attention_count = fields.Integer(compute="_compute_counts", string="To look at")
    progress = fields.Float(
        compute="_compute_counts", help="Percent of the engagements dealt with."
    )
    blocked_count = fields.Integer(compute="_compute_counts", string="With work held back")
    total_text = fields.Char(compute="_compute_counts", string="Total")
    move_ids = fields.Many2many("account.move", compute="_compute_documents", string="Invoices")
    prebill_ids = fields.Many2many("billing.prebill", compute="_compute_documents")

    @api.model
    def _default_cutoff_date(self):
        return self.env.company._billing_today().replace(day=1) - relativedelta(days=1)

    @api.depends(
        "state", "line_ids.state", "line_ids.include", "line_ids.amount", "line_ids.blocked_note"
    )
    def _compute_counts(self):
        for run in self:
            lines = run.line_ids
            included = lines.filtered(lambda line: line.include and line.amount)
            counted = included
            if run.state == "done":
                counted = included.filtered(lambda line: line.state == "done")
            run.included_count = len(counted)
            run.failed_count = len(lines.filtered(lambda line: line.state == "failed"))
            run.attention_count = len(
                lines.filtered(lambda line: line.state in ("failed", "waiting"))
            )
            run.blocked_count = len(lines.filtered("blocked_note"))
            settled = included.filtered(lambda line: line.state != "pending")
            run.progress = 100 * len(settled) / len(included) if included else 0.0
            run.total_text = " + ".join(
                currency.format(sum(part.mapped("amount")))
                for currency, part in counted.grouped("currency_id").items()
            )

    @api.depends("line_ids.move_ids", "line_ids.prebill_ids")
    def _compute_documents(self):
        for run in self:
            run.move_ids = run.line_ids.move_ids
            run.prebill_ids = run.line_ids.prebill_ids

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                vals["name"] = self.env["ir.sequence"].next_by_code("billing.run")
        return super().create(vals_list)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_started(self):
        if started := self.filtered(lambda run: run.state not in ("draft", "ready"))[:1]:
            raise UserError(
                self.env._(
                    "Billing run %(name)s has been started and is kept as a record.",
                    name=started.name,
                )
            )

    # -- actions --------------------------------------------------------------------------------

    def action_preview(self):
        """List every engagement with open work: what would be billed, what is held back and why."""
        for run in self:
            run._check_not_started()
            run.line_ids.unlink()
            run.line_ids = [Command.create(vals) for vals in run._plan_lines()]
            run.state = "ready"
        return True

    def action_start(self):
        """Bill the included engagements; large runs go on in the background.

        :raise UserError: when there is nothing to bill
        """
        for run in self:
            if run.state == "draft":
                run.action_preview()
            run._check_not_started()
            if not run._get_pending():
                raise UserError(
                    self.env._(
                        "There is nothing to bill up to %(date)s. See the reasons in the list, or "
                        "choose a later date.",
                        date=run.cutoff_date,
                    )
                )
            run.state = "running"
            run._process_or_queue()
        return True

    def action_resume(self):
        """Try what failed again, once its cause is mended; what is billed stays as it is."""
        for run in self:
            failed = run.line_ids.filtered(lambda line: line.state == "failed")
            failed.write({"state": "pending", "error": False, "attempts": 0})
            run.state = "running"
            run._process_or_queue()
        return True

    def action_back(self):
        self._check_not_started()
        self.line_ids.unlink()
        self.state = "draft"
        return True

    def action_view_attention(self):
        """List what was not billed, or waits for somebody, with what to do."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("To look at"),
            "res_model": "billing.run.line",
            "view_mode": "list",
            "domain": [("run_id", "in", self.ids), ("state", "in", ("failed", "waiting"))],
        }

    def action_view_moves(self):
        return self.move_ids._get_records_action(name=self.env._("Invoices"))

    def action_view_prebills(self):
        return self.prebill_ids._get_records_action(name=self.env._("Pre-bills"))

    def _check_not_started(self):
        if started := self.filtered(lambda run: run.state not in ("draft", "ready"))[:1]:
            raise UserError(
                self.env._("Billing run %(name)s has been started already.", name=started.name)
            )

    # -- plan -----------------------------------------------------------------------------------

    def _get_order_domain(self):
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "sale"),
                ("is_engagement", "=", True),
            ]
        )
        if self.partner_ids:
            domain &= Domain("partner_id", "child_of", self.partner_ids.commercial_partner_id.ids)
        return domain

    def _plan_lines(self):
        """Return the run's lines: one per engagement with open work, without writing anything else."""
        orders = (
            self.env["sale.order"].sudo().search(self._get_order_domain(), order="partner_id, id")
        )
        orders.order_line.filtered("billing_rule")._accrue_billing()
        orders.mapped("currency_id")  # read at once, not order by order as the lines are made
        Item = self.env["billing.item"].sudo()
        mine = Domain("order_id", "in", orders.ids)
        billable = dict(
            Item._read_group(
                mine & Domain(Item._get_billable_domain(self.cutoff_date)),
                ["order_id"],
                ["open_amount:sum"],
            )
        )
        blocked = Item._read_group(
            mine
            & Domain("is_open", "=", True)
            & (Domain("blocked_reason", "!=", False) | Domain("date", ">", self.cutoff_date)),
            ["order_id", "blocked_reason"],
            ["open_amount:sum"],
        )
        notes = self._get_blocked_notes(blocked)
        return [
            {
                "order_id": order.id,
                "amount": billable.get(order, 0.0),
                "include": bool(billable.get(order)),
                "blocked_note": notes.get(order),
                "state": "pending" if billable.get(order) else "nothing",
            }
            for order in orders
            if billable.get(order) or notes.get(order)
        ]

    def _get_blocked_notes(self, groups):
        labels = dict(
            self.env["billing.item"]._fields["blocked_reason"]._description_selection(self.env)
        )
        notes = {}
        for order, reason, amount in groups:
            label = labels[reason] if reason else self.env._("After the cut-off date")
            notes.setdefault(order, []).append(f"{label}: {order.currency_id.format(amount)}")
        return {order: "; ".join(parts) for order, parts in notes.items()}

    # -- processing -----------------------------------------------------------------------------

    def _bills_all(self):
        """Tell whether every pre-bill of the run that needs no approval is invoiced at once."""
        return self.mode != "prebill"

    def _get_pending(self):
        return self.line_ids.filtered(lambda line: line.include and line.state == "pending")

    def _process_or_queue(self):
        if len(self._get_pending()) > BACKGROUND_FROM:
            self._call_workers()
        else:
            self._get_pending().try_lock_for_update(allow_referencing=True)._process()
            self._close()

    def _close(self):
        """Call these runs done, if nothing is left to bill."""
        self.filtered(lambda run: run.state == "running" and not run._get_pending()).state = "done"
