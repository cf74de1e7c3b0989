from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

MANAGERS = "professional_billing.group_collection_manager"
ACTIVITY = "professional_billing.mail_activity_type_bad_debt"


class CollectionWriteOff(models.Model):
    """What is open on some invoices, given up: at once within one's limit, else by a second person.

    The entries are made by `collection_write_off_entry.py`.
    """

    _name = "collection.write.off"
    _description = "Write-off of Receivables"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    case_id = fields.Many2one(
        "collection.case",
        string="Customer",
        required=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    company_id = fields.Many2one(related="case_id.company_id")
    currency_id = fields.Many2one(related="case_id.currency_id")
    partner_id = fields.Many2one(related="case_id.partner_id", string="Owed by")
    move_ids = fields.Many2many(
        "account.move",
        string="Invoices",
        required=True,
        domain="[('company_id', '=', company_id), ('commercial_partner_id', '=', partner_id),"
        " ('currency_id', '=', currency_id), ('state', '=', 'posted'),"
        " ('move_type', 'in', ('out_invoice', 'out_receipt')), ('amount_residual', '>', 0)]",
    )
    kind = fields.Selection(
        [
            ("credit", "Commercial credit note"),
            ("bad_debt", "Bad debt"),
            ("bad_debt_tax", "Bad debt, with its tax"),
        ],
        string="How",
        required=True,
        default="credit",
        help="A credit note says that the price was lower: the claim is gone, and so is its tax. A bad "
        "debt is an expense and keeps the claim; its tax stays due unless the law gives it back.",
    )
    reason = fields.Char(required=True)
    amount = fields.Monetary(compute="_compute_amount", store=True, help="What is open on them.")
    user_id = fields.Many2one("res.users", string="Requested by", readonly=True)
    approver_id = fields.Many2one("res.users", string="Approved by", readonly=True, copy=False)
    date = fields.Date(string="Written off on", readonly=True, copy=False)
    state = fields.Selection(
        [
            ("draft", "New"),
            ("requested", "To approve"),
            ("done", "Written off"),
            ("declined", "Declined"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
    )
    document_ids = fields.Many2many(
        "account.move",
        relation="collection_write_off_document_rel",
        string="Documents",
        readonly=True,
        copy=False,
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("move_ids")
    def _compute_amount(self):
        for write_off in self:
            write_off.amount = sum(write_off.move_ids.mapped("amount_residual"))

    @api.depends("case_id", "kind")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for write_off in self:
            name = write_off.case_id.display_name or ""
            write_off.display_name = f"{kinds.get(write_off.kind, '')}: {name}"

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS mail: nobody requests in another's name, or has it approved from the start
        mine = {"user_id": self.env.uid, "state": "draft", "approver_id": False}
        return super().create([{**vals, **mine} for vals in vals_list])

    def write(self, vals):
        # EXTENDS mail: what was decided is decided, by the buttons only
        if not self.env.su and (
            vals.keys() & {"state", "user_id", "approver_id", "date", "document_ids"}
            or any(write_off.state != "draft" for write_off in self)
        ):
            raise UserError(
                self.env._("A write-off is changed only before it is requested. Make another one.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_new_only(self):
        if any(write_off.state != "draft" for write_off in self):
            raise UserError(self.env._("Write-offs stay as a record of what was decided."))

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_submit(self):
        """Write off what the user may; ask the collection managers for the rest."""
        for write_off in self:
            write_off._check_state("draft")
            write_off._check_open()
            if write_off._may_alone():
                write_off._write_off()
            else:
                write_off.sudo().state = "requested"
                write_off._ask_managers()
        return {"type": "ir.actions.act_window_close"}

    def action_approve(self):
        """Write off what somebody else has requested.

        :raise AccessError: for who is no collection manager
        :raise UserError: for one's own request
        """
        for write_off in self:
            write_off._check_state("requested")
            if not self.env.user.has_group(MANAGERS):
                raise AccessError(
                    self.env._("Write-offs are approved by a collection manager. Ask one.")
                )
            if write_off.user_id == self.env.user:
                raise UserError(
                    self.env._("You requested this write-off yourself: somebody else approves it.")
                )
            write_off._check_open()
            write_off.sudo().approver_id = self.env.user
            write_off._write_off()

    def action_decline(self):
        """Go on collecting; the requester withdraws it, or a manager says no."""
        for write_off in self:
            write_off._check_state("requested")
            if write_off.user_id != self.env.user and not self.env.user.has_group(MANAGERS):
                raise AccessError(
                    self.env._("Write-offs are declined by a collection manager. Ask one.")
                )
            write_off.sudo().state = "declined"
            write_off._end_request()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _check_state(self, state):
        self.check_access("write")
        self.sudo().lock_for_update()
        self.invalidate_recordset()
        if self.state != state:
            states = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(write_off)s is in state “%(state)s”.",
                    write_off=self.display_name,
                    state=states[self.state],
                )
            )

    def _check_open(self):
        """See that nothing but these invoices, and no more than was looked at, is given up."""
        for move in self.move_ids:
            if (
                move.state != "posted"
                or move.move_type not in ("out_invoice", "out_receipt")
                or (move.company_id, move.commercial_partner_id, move.currency_id)
                != (self.company_id, self.partner_id, self.currency_id)
                or move.currency_id.is_zero(move.amount_residual)
            ):
                raise UserError(
                    self.env._(
                        "%(move)s is not an open invoice of %(case)s. Take it off.",
                        move=move.display_name,
                        case=self.case_id.display_name,
                    )
                )
            if move.is_late_charge and self.kind == "credit":
                raise UserError(
                    self.env._(
                        "%(move)s bills late charges: waive those instead, in Collection > Interest "
                        "and charges.",
                        move=move.display_name,
                    )
                )
        now = sum(self.move_ids.mapped("amount_residual"))
        if self.currency_id.compare_amounts(now, self.amount) > 0:
            raise UserError(
                self.env._(
                    "%(now)s are open by now, more than was requested (%(amount)s). Request it anew.",
                    now=self.currency_id.format(now),
                    amount=self.currency_id.format(self.amount),
                )
            )

    def _may_alone(self):
        """Tell whether the user needs nobody else: up to their limit, by customer and month."""
        company = self.company_id
        today = company._billing_today()
        limit = (
            company.collection_manager_write_off_limit
            if self.env.user.has_group(MANAGERS)
            else company.collection_agent_write_off_limit
        )
        before = self.search(
            [
                ("case_id.partner_id", "=", self.partner_id.id),
                ("case_id.company_id", "=", company.id),
                ("user_id", "=", self.env.uid),
                ("approver_id", "=", False),
                ("state", "=", "done"),
                ("date", ">=", today.replace(day=1)),
            ]
        )
        total = sum(
            each.currency_id._convert(each.amount, company.currency_id, company, today)
            for each in before | self
        )
        return company.currency_id.compare_amounts(total, limit) <= 0

    def _write_off(self):
        documents = self._make_documents()
        self.sudo().write(
            {
                "state": "done",
                "date": self.company_id._billing_today(),
                "document_ids": [Command.set(documents.ids)],
            }
        )
        self._end_request()
        self.case_id._message_log(
            body=self.env._(
                "%(amount)s written off (%(kind)s): %(reason)s",
                amount=self.currency_id.format(self.amount),
                kind=dict(self._fields["kind"]._description_selection(self.env))[self.kind],
                reason=self.reason,
            )
        )
        self.case_id._refresh_work()

    def _ask_managers(self):
        for manager in self.company_id._get_collection_managers() - self.env.user:
            self.case_id.activity_schedule(
                ACTIVITY,
                summary=self.env._(
                    "%(user)s asks to write off %(amount)s",
                    user=self.env.user.name,
                    amount=self.currency_id.format(self.amount),
                ),
                note=self.reason,
                user_id=manager.id,
            )

    def _end_request(self):
        waiting = self.search_count(
            [("case_id", "=", self.case_id.id), ("state", "=", "requested")], limit=1
        )
        if not waiting:
            self.case_id.sudo().activity_feedback([ACTIVITY])


class CollectionCaseWriteOff(models.Model):
    _inherit = "collection.case"

    def action_write_off(self):
        """Give up what is overdue, or some of it."""
        self.ensure_one()
        return self._new_write_off(self._get_overdue_lines().move_id)

    def _get_overdue_lines(self):
        """Return the instalments of this case that are late."""
        self.ensure_one()
        today = self.company_id._billing_today()
        lines = self.open_line_ids & self.open_line_ids.move_id._collection_instalments()
        return lines.filtered(lambda line: line._collection_late_on(today))

    def _new_write_off(self, moves):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Write off"),
            "res_model": "collection.write.off",
            "view_mode": "form",
            "views": [(self.env.ref("professional_billing.write_off_view_dialog").id, "form")],
            "target": "new",
            "context": {"default_case_id": self.id, "default_move_ids": moves.ids},
        }


class AccountMoveWriteOff(models.Model):
    _inherit = "account.move"

    def action_collection_write_off(self):
        """Give up what is open on this invoice."""
        case = self.env["collection.case"].browse(self.action_view_collection_case()["res_id"])
        return case._new_write_off(self)
