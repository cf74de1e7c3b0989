from collections import defaultdict
from datetime import date, timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..rules import ageing
from ..rules.rounding import decimal

CALL = "mail.mail_activity_data_call"

# So long reminders wait for somebody to read a reply.
REPLY_DAYS = 7

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

WORK = """
    WITH owed AS (
        SELECT contact.commercial_partner_id AS partner_id, line.currency_id,
               sum(line.amount_residual) AS late,
               sum(line.amount_residual * (%(on)s::date - line.date_maturity)) AS score
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          JOIN account_account account ON account.id = line.account_id
          JOIN res_partner contact ON contact.id = line.partner_id
         WHERE line.company_id = %(company)s AND line.parent_state = 'posted'
           AND line.display_type = 'payment_term' AND line.reconciled IS NOT TRUE
           AND line.amount_residual_currency > 0 AND line.date_maturity < %(on)s
           AND account.account_type = 'asset_receivable'
           AND move.move_type IN ('out_invoice', 'out_receipt')
      GROUP BY contact.commercial_partner_id, line.currency_id
    ),
    hold AS (
        SELECT case_id,
               bool_or(state = 'active' AND kind = 'reply') AS reply,
               bool_or(state = 'broken' AND resume_date >= %(on)s::date - 14) AS broken,
               bool_or(state = 'active' AND kind = 'dispute' AND deadline < %(on)s) AS dispute_late,
               bool_or(state = 'active' AND pauses AND disputed_amount = 0
                       AND NOT EXISTS (SELECT FROM account_move_collection_hold_rel rel
                                        WHERE rel.collection_hold_id = hold.id)) AS held
          FROM collection_hold hold
         WHERE case_id = ANY(%(cases)s)
      GROUP BY case_id
    ),
    newest AS (
        SELECT DISTINCT ON (case_id) case_id, state, mail_message_id
          FROM collection_letter
         WHERE case_id = ANY(%(cases)s) AND channel IN ('email', 'letter')
      ORDER BY case_id, id DESC
    ),
    letter AS (
        SELECT case_id, state IN ('to_print', 'printed') AS to_print,
               state = 'failed' OR EXISTS (
                   SELECT FROM mail_notification
                    WHERE mail_notification.mail_message_id = newest.mail_message_id
                      AND notification_status IN ('bounce', 'exception')) AS undelivered
          FROM newest
    ),
    activity AS (
        SELECT res_id AS case_id, bool_or(date_deadline <= %(on)s) AS due
          FROM mail_activity
         WHERE res_model = 'collection.case' AND active AND res_id = ANY(%(cases)s)
      GROUP BY res_id
    )
    UPDATE collection_case
       SET todo = (%(names)s)[found.rank], work_rank = found.rank, work_score = found.score
      FROM (SELECT kase.id, COALESCE(owed.score, 0) AS score, CASE %(ranks)s END AS rank
              FROM collection_case kase
         LEFT JOIN owed
                ON owed.partner_id = kase.partner_id AND owed.currency_id = kase.currency_id
         LEFT JOIN hold ON hold.case_id = kase.id
         LEFT JOIN letter ON letter.case_id = kase.id
         LEFT JOIN activity ON activity.case_id = kase.id
             WHERE kase.id = ANY(%(cases)s)) found
     WHERE collection_case.id = found.id
"""


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
    contact_ids = fields.Many2many(
        "res.partner",
        string="Contacts for collection",
        domain="[('id', 'child_of', partner_id)]",
        help="Who gets the reminders. If empty, the contact for invoices or the customer does.",
    )
    credit_hold = fields.Boolean(
        string="On credit hold", tracking=True, help="Set by a follow-up level, or by hand."
    )
    hold_ids = fields.One2many("collection.hold", "case_id", string="Holds")
    age_not_due = fields.Monetary(string="Not due", compute="_compute_ageing")
    age_30 = fields.Monetary(string="1 to 30 days", compute="_compute_ageing")
    age_60 = fields.Monetary(string="31 to 60 days", compute="_compute_ageing")
    age_90 = fields.Monetary(string="61 to 90 days", compute="_compute_ageing")
    age_more = fields.Monetary(string="Over 90 days", compute="_compute_ageing")
    wip_amount = fields.Monetary(
        string="Work not billed",
        compute="_compute_exposure",
        help="Open work in progress, before tax.",
    )
    retainer_amount = fields.Monetary(
        string="Retainers not billed",
        compute="_compute_exposure",
        help="Fees of retainers and other periods that are not billed yet, before tax.",
    )
    exposure_amount = fields.Monetary(
        string="Total exposure",
        compute="_compute_exposure",
        help="Open invoices less unallocated credit, and what is not billed yet.",
    )
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
    def _compute_ageing(self):
        receivables = self._get_receivables()
        for case in self:
            today = case.company_id._billing_today()
            aged = ageing.receivables(
                [
                    (line._collection_due_date(), decimal(line.amount_residual_currency))
                    for line in receivables[case]
                ],
                today,
                bounds=(30, 60, 90),
            )
            case.age_not_due = float(aged.not_due)
            case.age_30, case.age_60, case.age_90, case.age_more = (
                float(bucket.amount) for bucket in aged.buckets
            )

    @api.depends("company_id", "partner_id", "currency_id")
    def _compute_exposure(self):
        # Collectors need not see the work itself, only what it comes to.
        amounts = defaultdict(float)
        for company, partner, currency, kind, amount in (
            self.env["billing.item"]
            .sudo()
            ._read_group(
                Domain("company_id", "in", self.company_id.ids)
                & Domain("partner_id", "child_of", self.partner_id.ids)
                & Domain("is_open", "=", True),
                ["company_id", "partner_id", "currency_id", "kind"],
                ["open_amount:sum"],
            )
        ):
            key = (company.id, partner.commercial_partner_id.id, currency.id, kind == "period")
            amounts[key] += amount
        for case in self:
            key = (case.company_id.id, case.partner_id.id, case.currency_id.id)
            case.wip_amount = amounts[(*key, False)]
            case.retainer_amount = amounts[(*key, True)]
            case.exposure_amount = (
                case.due_amount - case.credit_amount + case.wip_amount + case.retainer_amount
            )

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

    @api.model
    def _open_work_list(self):
        """Open the cases, with one for every customer with something overdue: none stays unseen."""
        for company in self.env.companies:
            self._make_missing(company, company._billing_today())
        self.search([("company_id", "in", self.env.companies.ids)])._refresh_work()
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

    @api.model
    def _make_missing(self, company, on):
        """Give every customer with an open instalment a case: what is not due yet may be soon."""
        self.env.flush_all()
        self.sudo()._insert_select(
            {
                "company_id": SQL("%s", company.id),
                "partner_id": SQL("missing.partner_id"),
                "currency_id": SQL("missing.currency_id"),
                "active": SQL("TRUE"),
                "credit_hold": SQL("FALSE"),
                "work_rank": SQL("0"),
                "work_score": SQL("0"),
            },
            SQL(
                """
                (SELECT contact.commercial_partner_id AS partner_id, line.currency_id
                   FROM account_move_line line
                   JOIN account_move move ON move.id = line.move_id
                   JOIN account_account account ON account.id = line.account_id
                   JOIN res_partner contact ON contact.id = line.partner_id
                  WHERE line.company_id = %(company)s AND line.parent_state = 'posted'
                    AND line.display_type = 'payment_term' AND line.reconciled IS NOT TRUE
                    AND line.amount_residual_currency > 0
                    AND account.account_type = 'asset_receivable'
                    AND move.move_type IN ('out_invoice', 'out_receipt')
                    AND line.date_maturity < %(on)s::date + %(lead)s
                 EXCEPT
                 SELECT partner_id, currency_id FROM collection_case
                  WHERE company_id = %(company)s AND active) missing
                """,
                company=company.id,
                on=on,
                lead=self._get_lead_days(company),
            ),
            conflict=SQL("(company_id, partner_id, currency_id) WHERE active IS TRUE"),
        )

    @api.model
    def _get_lead_days(self, company):
        """Return how many days before an instalment is late the first level may be due."""
        levels = self.env["collection.level"].search(
            [("policy_id.company_id", "in", [company.id, False]), ("delay_days", "<=", 0)],
            order="delay_days",
            limit=1,
        )
        return 1 - levels.delay_days if levels else 0

    def _refresh_work(self):
        """Say of each of these what to do first, and how much it is about."""
        self.env.flush_all()
        for company, cases in self.grouped("company_id").items():
            ranks = SQL(" ").join(
                SQL("WHEN %s THEN %s", SQL(condition), rank)
                for rank, (_name, _label, condition) in enumerate(TODO, 1)
            )
            names = [name for name, _label, _condition in TODO]
            self.env.cr.execute(
                SQL(
                    WORK,
                    ranks=ranks,
                    names=names,
                    company=company.id,
                    on=company._billing_today(),
                    cases=cases.ids,
                )
            )
        self.invalidate_model(["todo", "work_rank", "work_score"])

    def _get_instalments(self):
        """Return the open instalments of customer invoices by case."""
        receivables = self._get_receivables()
        return {
            case: lines & lines.move_id._collection_instalments()
            for case, lines in receivables.items()
        }

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

    # -- reminding

    def _get_recipients(self):
        """Return the contacts who get the reminders, or nothing if none has an e-mail address."""
        self.ensure_one()
        chosen = self.contact_ids.filtered("email")
        if chosen:
            return chosen
        invoicing = self.partner_id.child_ids.filtered(
            lambda contact: contact.type == "invoice" and contact.email
        )
        return invoicing.sorted("id")[:1] or self.partner_id.filtered("email")

    def _get_recipient_lang(self, recipient):
        """Return the language to write in: the recipient's, else the company's, if active."""
        active = {code for code, _name in self.env["res.lang"].get_installed()}
        wanted = [recipient.lang, self.partner_id.lang, self.company_id.partner_id.lang]
        return next((code for code in wanted if code in active), self.env.lang)

    def _get_reminder_lines(self):
        """Return the instalments a message speaks of: those of the run, else all overdue."""
        self.ensure_one()
        amounts = self.env.context.get("collection_amounts")
        if amounts is not None:
            return self.env["account.move.line"].browse(map(int, amounts))
        today = self.company_id._billing_today()
        return self.open_line_ids.filtered(lambda line: line._collection_late_on(today))

    def _get_reminder_date(self):
        return self.env.context.get("collection_date") or self.company_id._billing_today()

    def _render_reminder_table(self):
        """Return the table of overdue instalments for e-mail templates, as HTML."""
        self.ensure_one()
        lines = self._get_reminder_lines()
        amounts = self.env.context.get("collection_amounts") or {}
        asked = {line: amounts.get(line.id, line.amount_residual_currency) for line in lines}
        # Not yet due: what the customer is owed says nothing about it.
        credit = 0 if self.env.context.get("collection_early") else self.credit_amount
        return self.env["ir.qweb"]._render(
            "professional_billing.collection_reminder_table",
            {
                "case": self,
                "lines": lines.sorted(lambda line: (line._collection_due_date(), line.id)),
                "asked": asked,
                "credit": credit,
                "date": self._get_reminder_date(),
                "early": self.env.context.get("collection_early"),
                "total": sum(asked.values()) - credit,
            },
        )

    def _render_text(self, template, recipients):
        """Return (subject, body) of a reminder in the language of its recipients.

        :raise UserError: when the template cannot be rendered
        """
        lang = self._get_recipient_lang(recipients[:1])
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
        return subject, Markup(body)

    def _post_reminder(self, subject, body, recipients, level, lines):
        """Post the reminder on the case; the mail waits in Odoo's queue."""
        lang = self._get_recipient_lang(recipients[:1])
        attachments = lines.move_id.invoice_pdf_report_id if level.attach_invoices else None
        return self.with_context(lang=lang).message_post(
            subject=subject,
            body=body,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=recipients.ids,
            attachment_ids=attachments.ids if attachments else None,
            email_layout_xmlid="mail.mail_notification_light",
            email_add_signature=False,
            force_email_lang=lang,
            # The head of the mail says "Your account", not the name of our model.
            model_description=self.with_context(lang=lang).env._("account"),
            force_send=False,
            notify_skip_followers=True,
            mail_headers={"Auto-Submitted": "auto-generated"},
        )

    def _assign_level(self, level, lines):
        """Give the responsible of a level its activity, listing the instalments."""
        self._assign(
            "mail.mail_activity_data_todo" if level.channel == "activity" else CALL,
            level.name,
            level.user_id,
        )

    def _assign(self, activity_type, summary, user=None):
        """Give the collector an activity listing the instalments."""
        self.activity_schedule(
            activity_type,
            user_id=(user or self.user_id or self.env.user).id,
            summary=summary,
            note=self._render_reminder_table(),
        )

    def _assign_missing_email(self):
        """Ask the collectors for an e-mail address, unless that is asked already."""
        todo = self.env.ref("mail.mail_activity_data_todo")
        for case in self:
            if not case.activity_ids.filtered(
                lambda activity: activity.automated and activity.activity_type_id == todo
            ):
                case._assign("mail.mail_activity_data_todo", self.env._("Find an e-mail address"))

    # -- replies

    def message_update(self, msg_dict, update_vals=None):
        # EXTENDS mail: a person's reply stops the reminders until somebody has read it
        result = super().message_update(msg_dict, update_vals)
        if not self.env.context.get("collection_automatic"):
            for case in self:
                case._pause_for_reply(msg_dict.get("email_from"))
        return result

    def _pause_for_reply(self, sender):
        today = self.company_id._billing_today()
        holds = self.hold_ids.filtered(lambda hold: hold.kind == "reply" and hold.state == "active")
        values = {"date_until": today + timedelta(days=REPLY_DAYS)}
        if holds:
            holds.write(values)
            return
        self.env["collection.hold"].sudo().create(
            {
                **values,
                "case_id": self.id,
                "kind": "reply",
                "date_from": today,
                "user_id": self.user_id.id,
                "reason": self.env._("Reply from %(sender)s", sender=sender),
            }
        )
        if self.user_id:
            self._assign("mail.mail_activity_data_todo", self.env._("Read the customer's reply"))

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
