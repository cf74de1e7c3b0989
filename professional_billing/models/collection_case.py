from collections import defaultdict
from datetime import date

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class CollectionCase(models.Model):
    """All that one customer owes one company in one currency, and what was done about it.

    Amounts are read from the journal items when they are looked at; nothing of them is stored.
    """

    _name = "collection.case"
    _description = "Collection Case"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "partner_id, company_id, currency_id, id"
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

    due_amount = fields.Monetary(string="Open", compute="_compute_amounts")
    overdue_amount = fields.Monetary(
        string="Overdue", compute="_compute_amounts", search="_search_overdue_amount"
    )
    credit_amount = fields.Monetary(
        string="Unallocated credit",
        compute="_compute_amounts",
        help="Payments and credit notes that are not matched with an invoice yet.",
    )
    oldest_due_date = fields.Date(string="Oldest due date", compute="_compute_amounts")
    days_late = fields.Integer(string="Days late", compute="_compute_amounts", aggregator=None)
    level_name = fields.Char(string="Level reached", compute="_compute_next_action")
    next_action = fields.Char(string="Next step", compute="_compute_next_action")
    open_line_ids = fields.Many2many(
        "account.move.line", string="Open instalments", compute="_compute_open_line_ids"
    )
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
    def _compute_amounts(self):
        today = {company: company._billing_today() for company in self.company_id}
        lines = self._get_receivables()
        for case in self:
            owed = lines[case].filtered(lambda line: line.amount_residual_currency > 0)
            late = owed.filtered(
                lambda line, case=case: line._collection_late_on(today[case.company_id]) > 0
            )
            case.due_amount = sum(owed.mapped("amount_residual_currency"))
            case.overdue_amount = sum(late.mapped("amount_residual_currency"))
            case.credit_amount = abs(sum((lines[case] - owed).mapped("amount_residual_currency")))
            case.oldest_due_date = min(
                (line._collection_due_date() for line in owed), default=False
            )
            case.days_late = max(
                (line._collection_late_on(today[case.company_id]) for line in late), default=0
            )

    def _search_overdue_amount(self, operator, value):
        if operator not in (">", ">=") or not isinstance(value, int | float):
            return NotImplemented
        cases = Domain.FALSE
        Line = self.env["account.move.line"]
        for company in self.env.companies:
            late = Line._collection_domain(company, company._billing_today())
            customers = defaultdict(list)
            for partner, currency in Line._read_group(
                late,
                ["partner_id", "currency_id"],
                having=[("amount_residual_currency:sum", operator, value)],
            ):
                customers[currency].append(partner.commercial_partner_id.id)
            for currency, partner_ids in customers.items():
                cases |= (
                    Domain("company_id", "=", company.id)
                    & Domain("currency_id", "=", currency.id)
                    & Domain("partner_id", "in", partner_ids)
                )
        return cases

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
        lines = self._get_receivables()
        for company, cases in self.grouped("company_id").items():
            today = company._billing_today()
            policy = self.env["collection.policy"]._get_default(company)
            late = self.env["account.move.line"].union(*(lines[case] for case in cases))
            late = late.filtered(
                lambda line, today=today: (
                    line.amount_residual_currency > 0 and line._collection_late_on(today)
                )
            )
            histories = self.env["collection.event"]._get_histories(late)
            decisions = policy._plan(late, today, histories) if policy else {}
            names = {level.id: level.name for level in policy.level_ids}
            for case in cases:
                items = lines[case] & late
                case.level_name = items._collection_level_reached(histories)
                case.next_action = case._describe_next(items, decisions, names)

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_event_ids(self):
        # By customer, not by case: after a merge of contacts the older case keeps its events.
        events = self.env["collection.event"].search(
            [
                (
                    "case_id",
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

    @api.model
    def _open_work_list(self):
        """Open the cases, with one for every customer with something overdue: none stays unseen."""
        Line = self.env["account.move.line"]
        for company in self.env.companies:
            self._for_lines(Line.search(Line._collection_domain(company, company._billing_today())))
        return self.env["ir.actions.act_window"]._for_xml_id(
            "professional_billing.action_collection_case"
        )

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

    def _get_receivables(self):
        """Return the open receivable journal items by case: instalments, payments, credit notes."""
        lines = self.env["account.move.line"].search_fetch(
            Domain("company_id", "in", self.company_id.ids)
            & Domain("partner_id", "child_of", self.partner_id.ids)
            & Domain("parent_state", "=", "posted")
            & Domain("account_type", "=", "asset_receivable")
            & Domain("reconciled", "=", False)
            & Domain("amount_residual_currency", "!=", 0),
            [
                "company_id",
                "partner_id",
                "currency_id",
                "date",
                "date_maturity",
                "amount_residual_currency",
                "move_id",
            ],
        )
        groups = lines.grouped(
            lambda line: (
                line.company_id,
                line.partner_id.commercial_partner_id,
                line.currency_id,
            )
        )
        return {case: groups.get(case._get_key(), lines.browse()) for case in self}

    def _describe_next(self, items, decisions, level_names):
        """Return the most pressing next step among the overdue instalments `items`."""
        self.ensure_one()
        if not items:
            return self.env._("Nothing is overdue")
        if not decisions:
            return self.env._("No follow-up policy is set up for this company")
        found = [(decisions[line], line) for line in items]
        due = [pair for pair in found if pair[0].level]
        if due:
            decision, line = max(due, key=lambda pair: pair[0].level.position)
        else:
            decision, line = min(found, key=lambda pair: pair[0].date or date.max)
        return line._collection_next_text(decision, level_names)

    # -- reminding

    def _get_recipient(self):
        """Return the contact who gets the reminders, or nothing if none has an e-mail address."""
        self.ensure_one()
        invoicing = self.env["res.partner"].browse(
            self.partner_id.address_get(["invoice"])["invoice"]
        )
        return (invoicing | self.partner_id).filtered("email")[:1]

    def _get_recipient_lang(self, recipient):
        """Return the language to write in: the recipient's, else the company's, if active."""
        active = {code for code, _name in self.env["res.lang"].get_installed()}
        wanted = [recipient.lang, self.partner_id.lang, self.company_id.partner_id.lang]
        return next((code for code in wanted if code in active), self.env.lang)

    def _get_reminder_lines(self):
        """Return the instalments a message speaks of: those of the run, else all overdue."""
        self.ensure_one()
        ids = self.env.context.get("collection_line_ids")
        if ids is not None:
            return self.env["account.move.line"].browse(ids)
        today = self.company_id._billing_today()
        return self.open_line_ids.filtered(lambda line: line._collection_late_on(today))

    def _get_reminder_date(self):
        return self.env.context.get("collection_date") or self.company_id._billing_today()

    def _render_reminder_table(self):
        """Return the table of overdue instalments for e-mail templates, as HTML."""
        self.ensure_one()
        lines = self._get_reminder_lines()
        return self.env["ir.qweb"]._render(
            "professional_billing.collection_reminder_table",
            {
                "case": self,
                "lines": lines.sorted(lambda line: (line._collection_due_date(), line.id)),
                "date": self._get_reminder_date(),
                "total": sum(lines.mapped("amount_residual_currency")),
            },
        )

    def _remind(self, level, lines, on):
        """Perform `level` for the instalments `lines`.

        :return: (mail.message or empty, recipient or empty): both empty for an activity
        :raise UserError: when the template cannot be rendered
        """
        self.ensure_one()
        case = self.with_context(collection_line_ids=lines.ids, collection_date=on)
        if level.channel == "email":
            recipient = self._get_recipient()
            return case._send_email(level.mail_template_id, recipient), recipient
        case._assign(
            "mail.mail_activity_data_call"
            if level.channel == "call"
            else "mail.mail_activity_data_todo",
            level.name,
        )
        return self.env["mail.message"], self.env["res.partner"]

    def _send_email(self, template, recipient):
        """Post the template on the case; the mail waits in Odoo's queue."""
        lang = self._get_recipient_lang(recipient)
        template = template.with_env(self.env)
        try:
            subject = template._render_field("subject", self.ids, set_lang=lang)[self.id]
            body = template._render_field(
                "body_html", self.ids, set_lang=lang, options={"post_process": True}
            )[self.id]
        except UserError as error:
            raise UserError(
                self.env._(
                    "The e-mail template “%(template)s” has an error. Correct it, then make "
                    "another follow-up run.",
                    template=template.name,
                )
            ) from error
        return self.with_context(lang=lang).message_post(
            subject=subject,
            body=Markup(body),
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=recipient.ids,
            email_layout_xmlid="mail.mail_notification_light",
            email_add_signature=False,
            force_email_lang=lang,
            # The head of the mail says "Your account", not the name of our model.
            model_description=self.with_context(lang=lang).env._("account"),
            force_send=False,
            notify_skip_followers=True,
            mail_headers={"Auto-Submitted": "auto-generated"},
        )

    def _assign(self, activity_type, summary):
        """Give the collector an activity listing the instalments."""
        self.activity_schedule(
            activity_type,
            user_id=(self.user_id or self.env.user).id,
            summary=summary,
            note=self._render_reminder_table(),
        )

    def _assign_missing_email(self):
        """Ask the collector for an e-mail address, unless that is asked already."""
        self.ensure_one()
        todo = self.env.ref("mail.mail_activity_data_todo")
        if not self.activity_ids.filtered(
            lambda activity: activity.automated and activity.activity_type_id == todo
        ):
            self._assign("mail.mail_activity_data_todo", self.env._("Find an e-mail address"))

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
