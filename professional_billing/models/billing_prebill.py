from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL

OPEN_STATES = ("draft", "review", "approved")
# What follows from the steps of a pre-bill and from its lines: no user writes these, by no client.
CONTROLLED_FIELDS = {
    "name",
    "company_id",
    "partner_id",
    "currency_id",
    "order_ids",
    "cutoff_date",
    "state",
    "move_ids",
    "reviewer_ids",
    "submitted_by_id",
    "approved_by_id",
    "amount_open",
    "amount_bill",
    "amount_written_off",
    "amount_written_up",
    "amount_postponed",
    "amount_standard",
}


class BillingPrebill(models.Model):
    """A bill under review: what of an engagement's work is billed, postponed or written off."""

    _name = "billing.prebill"
    _description = "Pre-bill"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(string="Number", required=True, readonly=True, default="/", copy=False)
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True, readonly=True
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    order_ids = fields.Many2many("sale.order", string="Engagements", readonly=True)
    cutoff_date = fields.Date(string="Work up to", required=True, readonly=True)
    invoice_date = fields.Date(help="Leave empty to date the invoice on the day it is posted.")
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("review", "In review"),
            ("approved", "Approved"),
            ("invoiced", "Invoiced"),
            ("cancelled", "Cancelled"),
        ],
        default="draft",
        required=True,
        readonly=True,
        tracking=True,
        index=True,
    )
    is_open = fields.Boolean(compute="_compute_is_open", search="_search_is_open")
    line_ids = fields.One2many("billing.prebill.line", "prebill_id", string="Work")
    move_ids = fields.Many2many("account.move", string="Invoices", readonly=True, copy=False)
    move_count = fields.Integer(compute="_compute_move_count", compute_sudo=True)
    reviewer_ids = fields.Many2many(
        "res.users", string="Project managers", compute="_compute_reviewer_ids", store=True
    )
    submitted_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    approved_by_id = fields.Many2one("res.users", readonly=True, copy=False)
    needs_approval = fields.Boolean(compute="_compute_needs_approval", compute_sudo=True)
    other_lines_note = fields.Char(compute="_compute_other_lines_note", compute_sudo=True)
    amount_open = fields.Monetary(string="Agreed value", compute="_compute_amounts", store=True)
    amount_bill = fields.Monetary(string="To bill", compute="_compute_amounts", store=True)
    amount_written_off = fields.Monetary(
        string="Written off", compute="_compute_amounts", store=True
    )
    amount_written_up = fields.Monetary(string="Written up", compute="_compute_amounts", store=True)
    amount_postponed = fields.Monetary(string="Left in WIP", compute="_compute_amounts", store=True)

    @api.depends("state")
    def _compute_is_open(self):
        for prebill in self:
            prebill.is_open = prebill.state in OPEN_STATES

    def _search_is_open(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain("state", "in", OPEN_STATES)

    @api.depends("move_ids")
    def _compute_move_count(self):
        for prebill in self:
            prebill.move_count = len(prebill.move_ids)

    @api.depends("line_ids.item_id.project_id.user_id")
    def _compute_reviewer_ids(self):
        stored = self.filtered("id")
        for prebill in self - stored:
            prebill.reviewer_ids = prebill.line_ids.item_id.project_id.user_id
        reviewers = {}
        for prebill_id, user_id in stored._get_project_managers():
            reviewers.setdefault(prebill_id, []).append(user_id)
        for ids, mine in stored.grouped(lambda one: tuple(reviewers.get(one.id, ()))).items():
            mine.reviewer_ids = self.env["res.users"].browse(ids)

    def _get_project_managers(self):
        """Return [(pre-bill id, user id)] of whom the projects on these pre-bills are managed by."""
        for model in ("billing.prebill.line", "billing.item", "project.project"):
            self.env[model].flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT work.prebill_id, project.user_id
                  FROM (SELECT DISTINCT line.prebill_id, item.project_id
                          FROM billing_prebill_line line
            CROSS JOIN LATERAL (SELECT project_id
                                  FROM billing_item
                                 WHERE id = line.item_id
                                OFFSET 0) item
                         WHERE line.prebill_id = ANY(%s)) work
                  JOIN project_project project ON project.id = work.project_id
                 WHERE project.user_id IS NOT NULL
              GROUP BY work.prebill_id, project.user_id
              ORDER BY work.prebill_id, project.user_id
                """,
                self.ids,
            )
        )

    @api.depends("order_ids.billing_approval")
    def _compute_needs_approval(self):
        for prebill in self:
            prebill.needs_approval = "manager" in prebill.order_ids.mapped("billing_approval")

    @api.depends("order_ids.order_line.qty_to_invoice")
    def _compute_other_lines_note(self):
        for prebill in self:
            others = prebill.order_ids.order_line.filtered(
                lambda line: not line.billing_rule and not line.display_type and line.qty_to_invoice
            )
            prebill.other_lines_note = (
                self.env._(
                    "Not on this pre-bill: %(count)s order line(s) without a billing rule. "
                    "“Create Invoice” on the order bills them too.",
                    count=len(others),
                )
                if others
                else False
            )

    @api.depends("line_ids.decision", "line_ids.amount", "line_ids.open_amount")
    def _compute_amounts(self):
        plain = self._get_plain_totals()
        for prebill in self:
            if prebill.id in plain:
                prebill.amount_open = prebill.amount_bill = plain[prebill.id]
                prebill.amount_written_off = prebill.amount_written_up = 0.0
                prebill.amount_postponed = 0.0
                continue
            lines, plain_rest = prebill._get_lines_to_sum()
            by_item = lines.grouped("item_id").values()
            changes = lines.mapped("rate_write_off")
            written_off = lines.filtered(lambda line: line.decision == "write_off")
            prebill.amount_open = plain_rest + sum(
                same_item[0].open_amount for same_item in by_item
            )
            prebill.amount_written_up = -sum(change for change in changes if change < 0)
            prebill.amount_written_off = sum(written_off.mapped("amount")) + sum(
                change for change in changes if change > 0
            )
            prebill.amount_postponed = sum(
                same_item[0]._get_left_open(same_item) for same_item in by_item
            )
            prebill.amount_bill = plain_rest + sum(
                lines.filtered(lambda line: line.decision == "bill").mapped("amount")
            )

    def _get_lines_to_sum(self):
        """Return the lines of work on which something was decided, and the value of all others.

        The others bill what is open: of thousands, only a few need to be looked at.
        """
        if not isinstance(self.id, int):
            return self.line_ids, 0.0
        Line = self.env["billing.prebill.line"]
        mine = Domain("prebill_id", "=", self.id)
        decided = self._get_decided_lines().item_id
        lines = Line.search(mine & Domain("item_id", "in", decided.ids))
        others = mine & Domain("item_id", "not in", decided.ids)
        [(rest,)] = Line._read_group(others, [], ["amount:sum"])
        return lines, rest or 0.0

    @api.model_create_multi
    def create(self, vals_list):
        unnamed = {}
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                company_id = vals.get("company_id") or self.env.company.id
                unnamed.setdefault(company_id, []).append(vals)
        for company_id, mine in unnamed.items():
            for vals, name in zip(mine, self._get_numbers(company_id, len(mine)), strict=True):
                vals["name"] = name
        return super().create(vals_list)

    @api.model
    def _get_numbers(self, company_id, count):
        """Return the next `count` numbers of pre-bills, from the sequence `next_by_code` finds."""
        domain = [("code", "=", "billing.prebill"), ("company_id", "in", [company_id, False])]
        sequence = self.env["ir.sequence"].sudo().search(domain, order="company_id", limit=1)
        if sequence.implementation != "standard" or sequence.use_date_range:
            return [sequence._next() for _number in range(count)]
        rows = self.env.execute_query(
            SQL(
                "SELECT nextval(%s) FROM generate_series(1, %s)",
                f"ir_sequence_{sequence.id:03d}",
                count,
            )
        )
        return [sequence.get_next_char(number) for [number] in rows]

    def write(self, vals):
        forged = CONTROLLED_FIELDS & set(vals)
        if forged and not self.env.su:
            labels = [self._fields[name]._description_string(self.env) for name in sorted(forged)]
            raise AccessError(
                self.env._(
                    "%(fields)s: not to be written on a pre-bill by hand. Use its buttons.",
                    fields=", ".join(labels),
                )
            )
        return super().write(vals)

    def _step(self, vals):
        """Write what a step of these pre-bills changes."""
        self.check_access("write")
        self.sudo().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_invoiced(self):
        if kept := self.filtered(lambda prebill: prebill.state == "invoiced")[:1]:
            raise UserError(
                self.env._(
                    "Pre-bill %(name)s has been invoiced and explains its invoice. It cannot be deleted.",
                    name=kept.name,
                )
            )
        # What an open pre-bill holds goes back to WIP with it, by the foreign key.

    # -- actions --------------------------------------------------------------------------------

    def action_submit(self):
        """Hand the pre-bill to those who approve it."""
        self._check_state("draft", self.env._("submitted"))
        self._step({"state": "review", "submitted_by_id": self.env.uid})
        return True

    def action_approve(self):
        """Approve the pre-bill for invoicing.

        :raise UserError: when the user may not approve this one, or a line lacks a reason
        """
        self._check_state(("draft", "review"), self.env._("approved"))
        for prebill in self:
            prebill._check_approver()
        self._check_own_write_offs()
        self._check_lines()
        self._step({"state": "approved", "approved_by_id": self.env.uid})
        return True

    def action_invoice(self):
        """Invoice these pre-bills, one invoice per engagement.

        :return: the `account.move` records created
        """
        return self._invoice(orders=self.order_ids, grouped=True, only=True)

    def action_invoice_and_view(self):
        moves = self.action_invoice()
        return moves._get_records_action() if moves else True

    def action_reopen(self):
        """Take an approved pre-bill back into review."""
        self._check_state("approved", self.env._("reopened"))
        self._step({"state": "review", "approved_by_id": False})
        return True

    def action_cancel(self):
        """Give the work back to WIP."""
        self._check_state(OPEN_STATES, self.env._("cancelled"))
        self._step({"state": "cancelled"})
        self.sudo()._release()
        return True

    def action_refresh(self):
        """Take in new and changed work; what the reviewer changed stays."""
        self._check_state(("draft", "review"), self.env._("refreshed"))
        for prebill in self:
            prebill.order_ids._gather_prebills(prebill.cutoff_date)
        return True

    def action_view_moves(self):
        return self.move_ids._get_records_action(name=self.env._("Invoices"))

    def action_view_orders(self):
        return self.order_ids._get_records_action(name=self.env._("Engagements"))

    # -- checks ---------------------------------------------------------------------------------

    def _check_state(self, states, what):
        states = (states,) if isinstance(states, str) else states
        for prebill in self:
            if prebill.state not in states:
                labels = dict(self._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "Pre-bill %(name)s is %(state)s and cannot be %(what)s.",
                        name=prebill.name,
                        state=labels[prebill.state].lower(),
                        what=what,
                    )
                )

    def _check_approver(self):
        """Nobody approves what they submitted, a write-off of their own time, or over the limit."""
        self.ensure_one()
        if self.env.su or self.env.user.has_group("professional_billing.group_billing_manager"):
            is_manager = True
        else:
            is_manager = False
            if self.needs_approval and self.env.user not in self.sudo().reviewer_ids:
                raise UserError(
                    self.env._(
                        "Pre-bill %(name)s is approved by its project manager (%(reviewers)s) or a "
                        "billing manager.",
                        name=self.name,
                        reviewers=", ".join(self.sudo().reviewer_ids.mapped("name")) or "–",
                    )
                )
        if self.needs_approval and self.submitted_by_id == self.env.user and not self.env.su:
            raise UserError(
                self.env._(
                    "You submitted pre-bill %(name)s: somebody else approves it.", name=self.name
                )
            )
        limit = self._get_write_off_limit()
        if not is_manager and self.amount_written_off > limit:
            raise UserError(
                self.env._(
                    "Pre-bill %(name)s writes off %(amount)s, more than the %(limit)s allowed. "
                    "Ask a billing manager to approve it.",
                    name=self.name,
                    amount=self.currency_id.format(self.amount_written_off),
                    limit=self.currency_id.format(limit),
                )
            )

    def _get_write_off_limit(self):
        return self.company_id.currency_id._convert(
            self.company_id.billing_write_off_limit,
            self.currency_id,
            self.company_id,
            self.cutoff_date,
        )

    def _check_own_write_offs(self):
        if self.env.su:
            return
        own = (
            self.sudo()
            ._get_decided_lines()
            .filtered(
                lambda line: (
                    (line.decision == "write_off" or line.rate_write_off > 0)
                    and line.item_id.employee_id.user_id == self.env.user
                )
            )
        )
        if own:
            raise UserError(
                self.env._(
                    "Pre-bill %(name)s writes off your own time. Somebody else approves it.",
                    name=own[0].prebill_id.name,
                )
            )

    def _check_lines(self):
        for line in self.sudo()._get_decided_lines():
            if line._needs_reason() and not line.reason_id:
                raise UserError(
                    self.env._(
                        "Pre-bill %(name)s, %(line)s: choose the reason for the write-off or the "
                        "changed value.",
                        name=line.prebill_id.name,
                        line=line.narrative or line.item_id.display_name,
                    )
                )

    # -- gathering ------------------------------------------------------------------------------

    @api.model
    def _gather(self, orders, cutoff_date, date_from=None, at_once=False):
        """Hold the open, unheld work of `orders` on pre-bills and refresh what they hold already.

        Called as superuser by `sale.order._gather_prebills`, which locks the orders.

        :return: the open pre-bills of `orders`, new ones included
        """
        Item = self.env["billing.item"]
        existing = self.search(
            [("order_ids", "in", orders.ids), ("state", "in", ("draft", "review"))]
        )
        existing._get_lines_to_refresh()._refresh()
        # Room may have come back, by a credit note or a higher limit: they are measured again.
        Item.search(
            [("order_id", "in", orders.ids), ("blocked_reason", "=", "over_cap")]
        ).blocked_reason = False
        domain = Domain(Item._get_billable_domain(cutoff_date, date_from)) & Domain(
            [("order_id", "in", orders.ids), ("prebill_id", "=", False)]
        )
        by_order = {order: prebill for prebill in existing for order in prebill.order_ids}
        items = Item._search_billable(domain, by_order)
        found = {order for [order] in Item._read_group([("id", "in", items.ids)], ["order_id"])}
        missing = [order for order in orders if order in found and order not in by_order]
        # What is invoiced at once says so by its invoice.
        created = self.with_context(mail_create_nolog=at_once).create(
            [self._prepare_prebill(order, cutoff_date) for order in missing]
        )
        created = created.with_env(self.env)
        by_order.update(zip(missing, created, strict=True))
        existing.filtered(
            lambda prebill: prebill.cutoff_date < cutoff_date
        ).cutoff_date = cutoff_date
        mine = {order: by_order[order] for order in found}
        later = {order: prebill for order, prebill in mine.items() if prebill.needs_approval}
        if at_once and later:
            waiting = items.filtered(lambda item: item.order_id in later)
            self._hold(waiting, later)
            self._hold(items - waiting, mine, at_once=True)
        else:
            self._hold(items, mine, at_once)
        (existing | created)._apply_limits()
        lines = self.env["billing.prebill.line"]._read_group(
            [("prebill_id", "in", created.ids)], ["prebill_id"]
        )
        empty = created - self.union(*(prebill for [prebill] in lines))
        gathered = (existing | created) - empty
        empty.unlink()
        return gathered

    @api.model
    def _prepare_prebill(self, order, cutoff_date):
        return {
            "company_id": order.company_id.id,
            "partner_id": order.partner_invoice_id.id,
            "currency_id": order.currency_id.id,
            "order_ids": [Command.link(order.id)],
            "cutoff_date": cutoff_date,
        }
