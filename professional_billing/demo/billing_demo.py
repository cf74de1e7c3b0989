from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.fields import Command

from . import history, timesheets
from .calendar import Day, back_to_work, month_end
from .engagements import ENGAGEMENTS

START = Day(-4, 2)


class BillingDemo(models.AbstractModel):
    """Loads a consultancy with four months of history, through the add-on's own actions.

    Everything is dated from today. People do what their groups allow them to do: the billing
    officer bills, the project manager approves, the collector reminds.
    """

    _name = "billing.demo"
    _description = "Demonstration data of professional billing"

    @api.model
    def _load_accounting(self):
        """Give the demonstration's company a chart of accounts, a bank and exchange rates."""
        company = self._ref("company_demo")
        if not company.chart_template:
            # `try_loading` warns while modules are loading; the generic chart needs none of them.
            self.env["account.chart.template"]._load("generic_coa", company, install_demo=False)
        for journal in self._bank(company):
            # Payments reach the bank at once: nobody imports statements in a demonstration.
            lines = journal.inbound_payment_method_line_ids
            lines.payment_account_id = journal.default_account_id
        company.billing_retention_account_id = self.env["account.account"].create(
            {
                "name": "Retention held by clients",
                "code": "101900",
                "account_type": "asset_current",
                "company_ids": [Command.set(company.ids)],
            }
        )
        first = company._billing_today().replace(day=1)
        self.env["res.currency.rate"].create(
            [
                {
                    "name": first - relativedelta(months=ago),
                    "currency_id": self.env.ref("base.EUR").id,
                    "company_id": company.id,
                    "rate": rate,
                }
                for ago, rate in zip(
                    range(len(history.EUR_RATES) - 1, -1, -1), history.EUR_RATES, strict=True
                )
            ]
        )

    @api.model
    def _load(self):
        """Make the engagements, the time, the bills, the payments and the reminders."""
        company = self._ref("company_demo")
        self = self.with_company(company).with_context(
            allowed_company_ids=company.ids, tracking_disable=True, mail_notify_force_send=False
        )
        today = company._billing_today()
        orders = self._create_engagements(today)
        worked = timesheets.entries(today)
        for month in history.BILLED_MONTHS:
            end = month_end(today, month)
            # What is not worked yet is not in the runs' list of what is held back.
            self._create_time(orders, [entry for entry in worked if entry.day <= end])
            worked = [entry for entry in worked if entry.day > end]
            self._bill_month(orders, month, today)
        self._create_time(orders, worked)
        self._remind(today)
        self._collect(orders, today)
        self._submit(orders[history.IN_REVIEW], month_end(today, -1))

    # -- help -----------------------------------------------------------------------------------

    def _ref(self, name):
        return self.env.ref(f"professional_billing.{name}")

    def _as(self, person, records=None):
        """Return `records` (the environment's, if none) as seen by one of the firm's people."""
        return (self if records is None else records).with_user(self._ref(f"user_{person}"))

    def _bank(self, company):
        return self.env["account.journal"].search(
            [("company_id", "=", company.id), ("type", "=", "bank")]
        )

    # -- engagements ----------------------------------------------------------------------------

    def _create_engagements(self, today):
        """Return the confirmed orders by key."""
        projects = self.env["project.project"].create(
            [self._prepare_project(engagement) for engagement in ENGAGEMENTS]
        )
        orders = self.env["sale.order"].create(
            [
                self._prepare_order(engagement, project, today)
                for engagement, project in zip(ENGAGEMENTS, projects, strict=True)
            ]
        )
        orders.action_confirm()
        # Confirming dates an order today.
        orders.date_order = self._get_order_time(today)
        for engagement, order in zip(ENGAGEMENTS, orders, strict=True):
            order.project_id.sale_line_id = order.order_line[0]
            self._create_tasks(engagement, order)
            self._create_milestones(engagement, order, today)
            self._create_records(engagement, order, today)
            order.order_line.billing_block_ids.date = START.on(today)
            self._pay_deposit(engagement, order, today)
        return {
            engagement.key: order for engagement, order in zip(ENGAGEMENTS, orders, strict=True)
        }

    def _prepare_project(self, engagement):
        client = self._ref(f"partner_{engagement.client}")
        return {
            "name": f"{client.name.split()[0]}: {engagement.name}",
            "partner_id": client.id,
            "user_id": self._ref(f"user_{engagement.manager}").id,
            "company_id": self.env.company.id,
            "allow_billable": True,
            "allow_timesheets": True,
            "allow_milestones": True,
        }

    def _prepare_order(self, engagement, project, today):
        return {
            "partner_id": project.partner_id.id,
            "company_id": self.env.company.id,
            "user_id": self._ref("user_claire").id,
            "pricelist_id": self._ref(engagement.pricelist).id,
            "client_order_ref": engagement.purchase_order,
            "date_order": self._get_order_time(today),
            "project_id": project.id,
            "billing_approval": engagement.approval,
            "milestone_acceptance": engagement.acceptance,
            **dict(engagement.terms),
            "order_line": [
                Command.create(self._prepare_order_line(line, today)) for line in engagement.lines
            ],
        }

    def _get_order_time(self, today):
        # In the afternoon of UTC it is the same day in Europe and America.
        return datetime.combine(START.on(today), time(15))

    def _prepare_order_line(self, line, today):
        values = {
            "product_id": self._ref(f"product_{line.product}").id,
            "name": line.name,
            "product_uom_qty": line.quantity,
            "price_unit": line.price,
            "discount": line.discount,
        }
        if line.by_role:
            values["rate_source"] = "card"
        values.update(line.terms)
        if line.product in ("recurring", "retainer"):
            values["recurring_start"] = START.on(today)
        values["tier_ids"] = [
            Command.create({"up_to": up_to, "price_unit": price}) for up_to, price in line.tiers
        ]
        if line.product == "fee":
            values["billing_installment_ids"] = [
                Command.create(
                    {"name": part.name, "percentage": part.percentage, "date": part.due.on(today)}
                )
                for part in line.parts
            ]
        return values

    def _create_tasks(self, engagement, order):
        self.env["project.task"].create(
            [
                {
                    "name": task.name,
                    "project_id": order.project_id.id,
                    "sale_line_id": order.order_line[task.line].id,
                    "sequence": number,
                }
                for number, task in enumerate(engagement.tasks)
            ]
        )

    def _create_milestones(self, engagement, order, today):
        for line, order_line in zip(engagement.lines, order.order_line, strict=True):
            if line.product != "milestone":
                continue
            milestones = self.env["project.milestone"].create(
                [self._prepare_milestone(part, order_line, today) for part in line.parts]
            )
            for part, milestone in zip(line.parts, milestones, strict=True):
                if part.reached:
                    # Odoo dates it on the day it is ticked.
                    milestone.reached_date = part.reached.on(today)

    def _pay_deposit(self, engagement, order, today):
        """Have the client pay ahead, with Odoo's own down payment."""
        if not engagement.deposit:
            return
        wizard = (
            self._as("grace")
            .env["sale.advance.payment.inv"]
            .create(
                {
                    "sale_order_ids": [Command.set(order.ids)],
                    "advance_payment_method": "fixed",
                    "fixed_amount": engagement.deposit,
                }
            )
        )
        move = wizard._create_invoices(wizard.sale_order_ids)
        move.invoice_date = START.on(today)
        move.action_post()
        self._pay(move, back_to_work(move.invoice_date_due), move.amount_residual)

    def _create_records(self, engagement, order, today):
        """Record how far the work was, what was used and what was reached until today."""
        for line, order_line in zip(engagement.lines, order.order_line, strict=True):
            done = [record for record in line.records if record.day.on(today) <= today]
            model, field = "billing.usage", "quantity"
            if line.product == "progress":
                model, field = "billing.progress", "percentage"
            self.env[model].create(
                [
                    {
                        "order_line_id": order_line.id,
                        "name": record.name,
                        "date": record.day.on(today),
                        field: record.value,
                    }
                    for record in done
                ]
            )

    def _prepare_milestone(self, part, order_line, today):
        order = order_line.order_id
        return {
            "name": part.name,
            "project_id": order.project_id.id,
            "sale_line_id": order_line.id,
            "quantity_percentage": part.percentage / 100,
            "deadline": part.due.on(today),
            "is_reached": bool(part.reached),
            "accepted_by": part.accepted and order.partner_id.child_ids[:1].id,
            "accepted_date": part.accepted and part.accepted.on(today),
        }

    # -- time -----------------------------------------------------------------------------------

    def _create_time(self, orders, entries):
        internal = self.env.company.internal_project_id
        tasks = {key: order.project_id.task_ids.sorted("sequence") for key, order in orders.items()}
        people = {}
        vals_list = []
        for entry in entries:
            if entry.person not in people:
                people[entry.person] = self._ref(f"employee_{entry.person}").id
            project = orders[entry.engagement].project_id if entry.engagement else internal
            vals_list.append(
                {
                    "employee_id": people[entry.person],
                    "date": entry.day,
                    "project_id": project.id,
                    "task_id": entry.engagement and tasks[entry.engagement][entry.task].id,
                    "unit_amount": entry.hours,
                    "name": entry.text,
                }
            )
        self.env["account.analytic.line"].create(vals_list)

    # -- bills ----------------------------------------------------------------------------------

    def _bill_month(self, orders, month, today):
        """Bill a month's work early in the next one: pre-bills, review, invoices, payments."""
        officer = self._as("grace")
        run = officer.env["billing.run"].create(
            {
                "cutoff_date": month_end(today, month),
                "invoice_date": Day(month + 1, 5).on(today),
                "mode": "prebill",
            }
        )
        run.action_start()
        keys = {order: key for key, order in orders.items()}
        prebills = {keys[line.order_id]: line.prebill_ids for line in run.sudo().line_ids}
        for key, prebill in prebills.items():
            self._review(prebill, history.WRITTEN_OFF.get((key, month)))
        moves = self._as("grace", run.prebill_ids).action_invoice()
        by_key = {key: prebill.move_ids for key, prebill in prebills.items() if prebill.move_ids}
        for key, move in by_key.items():
            self._agree_due_date(move, (key, month), today)
        moves.action_post()
        for key, move in by_key.items():
            self._settle(move, (key, month), today)

    def _review(self, prebill, write_off):
        """Write some hours off, and have approved what needs it."""
        if write_off:
            hours, reason = write_off
            lines = self._as("helen", prebill).line_ids.sorted(lambda line: -line.quantity)
            chosen = lines.filtered(lambda line: line.quantity <= hours)[:1]
            chosen.write({"decision": "write_off", "reason_id": self.env.ref(reason).id})
            self._as("helen", prebill).action_approve()
        elif prebill.needs_approval:
            self._as("grace", prebill).action_submit()
            self._as("ingrid", prebill).action_approve()

    def _agree_due_date(self, move, story, today):
        due = {**history.OVERDUE, **history.PARTLY_PAID, **history.DISPUTED}
        if days := due.get(story):
            move.write(
                {
                    "invoice_payment_term_id": False,
                    "invoice_date_due": today - timedelta(days=days),
                }
            )

    def _settle(self, move, story, today):
        """Let the client pay, pay in part, dispute or wait, as history.py says."""
        if story in history.OVERDUE:
            return
        if story in history.DISPUTED:
            move.no_followup = True
            move.message_post(body=self.env._("The client disputes the scope of this milestone."))
            return
        if story in history.PARTLY_PAID:
            half = move.currency_id.round(move.amount_total / 2)
            self._pay(move, back_to_work(move.invoice_date_due), half)
            return
        if story in history.CREDITED:
            self._credit(move, *history.CREDITED[story])
        paid = back_to_work(move.invoice_date_due + timedelta(days=move.id % 8 - 4))
        if paid <= today:
            self._pay(move, paid, move.amount_residual)

    def _pay(self, move, date, amount):
        wizard = (
            self._as("grace")
            .env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"payment_date": date, "amount": amount})
        )
        wizard.action_create_payments()

    def _credit(self, move, hours, reason):
        """Credit some hours of the first line through Odoo's own wizard."""
        wizard = (
            self._as("grace")
            .env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create(
                {
                    "date": back_to_work(move.invoice_date + timedelta(days=9)),
                    "reason": reason,
                    "journal_id": move.journal_id.id,
                }
            )
        )
        wizard.refund_moves()
        credit_note = wizard.new_move_ids
        kept = credit_note.invoice_line_ids[:1]
        (credit_note.invoice_line_ids - kept).unlink()
        kept.quantity = hours
        credit_note.action_post()

    def _submit(self, order, cutoff):
        self._as("grace", order)._gather_prebills(cutoff).action_submit()

    # -- collection -----------------------------------------------------------------------------

    def _remind(self, today):
        """The collector's last follow-up run; its e-mails count as sent long ago."""
        collector = self._as("owen")
        run = collector.env["collection.run"].create(
            {"date": back_to_work(today - timedelta(days=history.LAST_FOLLOW_UP))}
        )
        run.action_propose()
        run.line_ids.case_id.user_id = collector.env.user
        run.action_approve()
        run.action_send()
        run.sudo().letter_ids._release()
        messages = run.sudo().line_ids.event_id.mail_message_id
        mails = self.env["mail.mail"].search([("mail_message_id", "in", messages.ids)])
        mails.notification_ids.notification_status = "sent"
        mails.state = "sent"

    def _collect(self, orders, today):
        """What else the collector did: a promise noted, a statement sent, interest to review."""
        collector = self._as("owen")
        days = history.PROMISED_IN
        case = self._get_case(collector, orders[history.PROMISED])
        collector.env["collection.hold"].create(
            {
                "case_id": case.id,
                "kind": "promise",
                "promise_amount": case.overdue_amount,
                "promise_date": today + timedelta(days=days),
                "reason": "Told on the phone: the rest comes with the next payment run",
            }
        )
        case = self._get_case(collector, orders[history.STATEMENT])
        end = month_end(today, -1)
        self.env["collection.statement"].create(
            {
                "case_id": case.id,
                "date_to": end,
                "total": float(case._get_statement(end).total),
                "recipient": ", ".join(case._get_recipients().mapped("email_formatted")),
                "scheduled": True,
            }
        )
        order = orders[history.CHARGED]
        terms = self.env["collection.charge.terms"].create(
            {"name": "Contract: 9 % a year", "margin": 9}
        )
        order.collection_policy_id = self.env.ref("professional_billing.policy_standard").copy(
            {
                "name": "Standard, with interest",
                "sequence": 20,
                "charge_terms_id": terms.id,
            }
        )
        collector.env["collection.charge"]._propose(order.invoice_ids, today)

    def _get_case(self, collector, order):
        lines = order.invoice_ids._collection_instalments()[:1]
        return collector.env["collection.case"]._for_lines(lines)[lines]
