from datetime import date

from odoo import api, fields, models

CALL = "mail.mail_activity_data_call"

# What to do about a customer, most pressing first, and how the database knows.
TODO = [
    ("reply", "Read the reply", "hold.reply"),
    ("broken", "Call: a promise was broken", "hold.broken"),
    ("bounced", "The last mail did not arrive", "letter.undelivered"),
    ("letter", "Print and post the letter", "letter.to_print"),
    ("dispute", "Settle the dispute, it is past its deadline", "hold.dispute_late"),
    ("activity", "Do what is planned", "activity.due"),
    ("remind", "Remind", "owed.late > 0 AND hold.held IS NOT TRUE"),
    ("wait", "Wait: it is on hold", "owed.late > 0"),
    ("nothing", "Nothing is overdue", "TRUE"),
]


class CollectionCase(models.Model):
    """All that one customer owes one company in one currency, and what was done about it.

    Amounts are read from the journal items when they are looked at; nothing of them is stored.
    """

    _name = "collection.case"
    _description = "Collection Case"
    _inherit = ["mail.thread", "mail.activity.mixin", "collection.bulk"]
    _order = "work_rank, work_score desc, partner_id, company_id, currency_id, id"
    _check_company_auto = True
    _rec_names_search = ["partner_id"]

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True, ondelete="restrict")
    # False only after the customer was merged into another one that had a case already.
    active = fields.Boolean(default=True, readonly=True)
    user_id = fields.Many2one(
        "res.users",
        string="Collector",
        tracking=True,
        domain=[("share", "=", False)],
        help="Gets the phone calls and to-dos of this customer. If empty, whoever sends the "
        "follow-up run gets them.",
    )

    level_name = fields.Char(string="Level reached", compute="_compute_next_action")
    next_action = fields.Char(string="Next step", compute="_compute_next_action")
    open_line_ids = fields.Many2many(
        "account.move.line", string="Open instalments", compute="_compute_open_line_ids"
    )
    contact_ids = fields.Many2many(
        "res.partner",
        string="Contacts for collection",
        domain="[('id', 'child_of', partner_id)]",
        help="Who gets the reminders. If empty, the contact for invoices or the customer does.",
    )
    credit_hold = fields.Boolean(
        string="On credit hold",
        tracking=True,
        help="Set by a follow-up level, or by hand. As long as something is overdue, new orders are "
        "confirmed only for a reason that a manager gives.",
    )
    hold_ids = fields.One2many("collection.hold", "case_id", string="Holds")
    todo = fields.Selection(
        [(name, label) for name, label, _condition in TODO],
        string="To do",
        readonly=True,
        copy=False,
        help="The first thing to do about this customer, as of when the work list was opened.",
    )
    work_rank = fields.Integer(readonly=True, default=0, copy=False, aggregator=None)
    work_score = fields.Float(readonly=True, default=0.0, copy=False, aggregator=None)
    event_ids = fields.Many2many("collection.event", string="History", compute="_compute_event_ids")
    event_count = fields.Integer(compute="_compute_event_ids")
    invoice_count = fields.Integer(compute="_compute_open_line_ids")

    # An index, not a constraint: the contact merge wizard deletes rows that break a unique
    # constraint on a customer, and a case with its messages and log must not be lost. The wizard
    # does not look at indexes; `_fold_for_merge` clears its way before it renames customers.
    _one_per_customer = models.UniqueIndex(
        "(company_id, partner_id, currency_id) WHERE active IS TRUE",
        "This customer has a collection case in this currency already.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("partner_id", "currency_id", "company_id")
    def _compute_display_name(self):
        for case in self:
            name = case.partner_id.display_name or ""
            if case.currency_id != case.company_id.currency_id:
                name = f"{name} ({case.currency_id.name})"
            case.display_name = name

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_open_line_ids(self):
        lines = self._get_receivables()
        for case in self:
            owed = lines[case].filtered(lambda line: line.amount_residual_currency > 0)
            case.open_line_ids = owed.sorted(lambda line: (line._collection_due_date(), line.id))
            case.invoice_count = len(owed.move_id)

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_next_action(self):
        self.level_name = self.next_action = False
        receivables = self._get_receivables()
        for company, cases in self.grouped("company_id").items():
            today = company._billing_today()
            late = self.env["account.move.line"].union(*(receivables[case] for case in cases))
            late = late.filtered(
                lambda line, today=today: (
                    line.amount_residual_currency > 0 and line._collection_late_on(today)
                )
            )
            decisions = self.env["collection.decision"]._decide(late, today)
            last = self.env["collection.event"]._get_last_by_line(late)
            for case in cases:
                items = receivables[case] & late
                reached = [last[line] for line in items if line in last]
                case.level_name = (
                    max(reached, key=lambda event: event.level_sequence).level_name
                    if reached
                    else False
                )
                case.next_action = case._describe_next(items, decisions)

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_event_ids(self):
        # By customer, not by case: after a merge of contacts the older case keeps its events.
        events = self.env["collection.event"].search(
            [
                (
                    "letter_id.case_id",
                    "in",
                    self.with_context(active_test=False)._search(
                        [
                            ("partner_id", "in", self.partner_id.ids),
                            ("company_id", "in", self.company_id.ids),
                        ]
                    ),
                )
            ]
        )
        groups = events.grouped(lambda event: event.case_id._get_key())
        for case in self:
            case.event_ids = groups.get(case._get_key(), False)
            case.event_count = len(case.event_ids)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_invoices(self):
        """Open the invoices with something open on them."""
        self.ensure_one()
        return self.open_line_ids.move_id._get_records_action(
            name=self.env._("Open invoices"), context={"create": False}
        )

    def action_view_partner(self):
        self.ensure_one()
        return self.partner_id._get_records_action()

    def action_view_events(self):
        """Open the log of this case."""
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "professional_billing.action_collection_event"
            ),
            "domain": [("id", "in", self.event_ids.ids)],
        }

    def action_promise(self):
        """Note a promise to pay."""
        self.ensure_one()
        return self._new_hold("promise", default_promise_amount=self.overdue_amount)

    def action_dispute(self):
        """Note that the customer disputes an invoice."""
        self.ensure_one()
        return self._new_hold("dispute")

    def action_pause(self):
        """Stop the reminders for a while, or agree on a plan."""
        self.ensure_one()
        return self._new_hold("manual")

    def action_log_call(self):
        """Note a call: the activity of it is done, or there is a note that it took place."""
        self.ensure_one()
        calls = self.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref(CALL)
        )
        if calls:
            calls.action_feedback(feedback=self.env._("Called."))
        else:
            self._message_log(body=self.env._("Called."))
        self._refresh_work()

    def _new_hold(self, kind, moves=None, **context):
        return {
            "type": "ir.actions.act_window",
            "name": dict(
                self.env["collection.hold"]._fields["kind"]._description_selection(self.env)
            )[kind],
            "res_model": "collection.hold",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_case_id": self.id,
                "default_kind": kind,
                "default_move_ids": moves.ids if moves else [],
                **context,
            },
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_key(self):
        return (self.company_id, self.partner_id, self.currency_id)

    @api.model
    def _for_lines(self, lines):
        """Return the case of each receivable journal item, by item; make those that are missing."""
        keys = {
            line: (line.company_id, line.partner_id.commercial_partner_id, line.currency_id)
            for line in lines
        }
        cases = {
            case._get_key(): case
            for case in self.search(
                [
                    ("company_id", "in", lines.company_id.ids),
                    ("partner_id", "in", lines.partner_id.commercial_partner_id.ids),
                ]
            )
        }
        missing = [key for key in dict.fromkeys(keys.values()) if key not in cases]
        created = self.create(
            [
                {"company_id": company.id, "partner_id": partner.id, "currency_id": currency.id}
                for company, partner, currency in missing
            ]
        )
        cases.update(zip(missing, created, strict=True))
        return {line: cases[key] for line, key in keys.items()}

    def _describe_next(self, items, decisions):
        """Return the most pressing next step among the overdue instalments `items`."""
        self.ensure_one()
        if not items:
            return self.env._("Nothing is overdue")
        due = [line for line in items if decisions[line].level_id]
        if due:
            levels = self.env["collection.level"]
            line = max(
                due,
                key=lambda line: (
                    levels.browse(decisions[line].level_id).sequence,
                    decisions[line].level_id,
                ),
            )
        else:
            line = min(items, key=lambda line: decisions[line].date or date.max)
        return line._collection_next_text(decisions[line])

    # -- merging of contacts

    def _fold_for_merge(self, sources, target):
        """Retire the cases that would be second of their kind once `sources` are `target`.

        Their events and messages stay with them, their open activities move to the case that goes
        on. The history of a case is read by customer, so it shows both.
        """
        cases = self.search([("partner_id", "in", (sources | target).ids)]).sorted(
            lambda case: (case.partner_id != target, case.id)
        )
        for group in cases.grouped(lambda case: (case.company_id, case.currency_id)).values():
            kept, retired = group[:1], group[1:]
            if not retired:
                continue
            retired.active = False
            self.env["mail.activity"].search(
                [("res_model", "=", self._name), ("res_id", "in", retired.ids)]
            ).write({"res_id": kept.id})
            kept._message_log(
                body=self.env._(
                    "The customers %(names)s were merged into this one, with their history.",
                    names=", ".join(retired.partner_id.mapped("display_name")),
                )
            )
        self.flush_model()
