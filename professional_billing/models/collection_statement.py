import logging
from datetime import timedelta

from dateutil.relativedelta import relativedelta
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

FREQUENCIES = [("none", "None"), ("monthly", "Every month"), ("quarterly", "Every quarter")]
MONTHS = {"monthly": 1, "quarterly": 3}
# A statement that could not be sent for so long is left out: the next one is near.
DAYS_TO_SEND = 10


class CollectionStatement(models.Model):
    """A statement of account that was sent to a customer, by hand or after the end of a period."""

    _name = "collection.statement"
    _description = "Statement of Account"
    _order = "date_to desc, id desc"
    _rec_name = "case_id"

    case_id = fields.Many2one(
        "collection.case",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(related="case_id.company_id")
    currency_id = fields.Many2one(related="case_id.currency_id")
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="To", required=True, readonly=True)
    total = fields.Monetary(string="Open", readonly=True)
    scheduled = fields.Boolean(string="Sent by itself", readonly=True)
    state = fields.Selection(
        [("sent", "Sent"), ("failed", "Not sent")], required=True, readonly=True, default="sent"
    )
    error = fields.Char(string="What went wrong", readonly=True)
    recipient = fields.Char(readonly=True)
    mail_message_id = fields.Many2one(
        "mail.message",
        string="Message",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )

    # By case, not by customer: merging contacts deletes rows that break a unique key on a customer.
    _once = models.UniqueIndex(
        "(case_id, date_to) WHERE scheduled IS TRUE",
        "The statement of this period has been sent to this customer already.",
    )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_retry(self):
        """Send statements again that could not be sent."""
        failed = self.filtered(lambda statement: statement.state == "failed")
        if not failed:
            raise UserError(self.env._("These statements have been sent."))
        for statement in failed:
            values = statement.case_id._send_statement(statement.date_to, statement.date_from)
            statement.sudo().write(values)

    # ------------------------------------------------------------
    # CRON
    # ------------------------------------------------------------

    @api.model
    def _cron_send(self):
        """Send the statements of the periods that have ended, each customer's by itself."""
        due = self._get_due()
        self.env["ir.cron"]._commit_progress(remaining=len(due))
        for case, date_from, date_to in due:
            self._send_scheduled(case, date_from, date_to)
            if not self.env["ir.cron"]._commit_progress(1):
                return

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _get_due(self):
        """Return (case, first day, last day) of the statements that are to be sent now."""
        due = []
        for (company,) in self.env["account.move.line"]._read_group(
            self.env["collection.case"]._get_owing_domain(), ["company_id"]
        ):
            today = company._billing_today()
            periods = {
                frequency: period
                for frequency in MONTHS
                if (today - (period := self._get_period(frequency, today))[1]).days <= DAYS_TO_SEND
            }
            for case, frequency in self._get_wanted(company, periods):
                due.append((case, *periods[frequency]))
        sent = {
            (statement.case_id, statement.date_to)
            for statement in self.search(
                [("scheduled", "=", True), ("state", "=", "sent"), ("date_to", ">=", _month_ago())]
            )
        }
        return [row for row in due if (row[0], row[2]) not in sent]

    @api.model
    def _get_period(self, frequency, today):
        """Return the first and the last day of the last month or quarter that has ended."""
        months = MONTHS[frequency]
        following = today.replace(day=1) - relativedelta(months=(today.month - 1) % months)
        return following - relativedelta(months=months), following - timedelta(days=1)

    @api.model
    def _get_wanted(self, company, periods):
        """Return (case, frequency) of the customers who owe something and want a statement."""
        Partner = self.env["res.partner"].with_company(company)
        own = {
            frequency: set(Partner._search([("collection_statement_frequency", "=", frequency)]))
            for frequency, _label in FREQUENCIES
        }
        default = company.collection_statement_frequency
        if not periods or (default not in periods and not any(own[name] for name in periods)):
            return []
        # Who is with a lawyer or insolvent gets nothing by itself.
        silent = self.env["collection.hold"].search(
            [
                ("case_id.company_id", "=", company.id),
                ("kind", "in", ("legal", "insolvency")),
                ("state", "=", "active"),
            ]
        )
        cases = self.env["collection.case"]._get_owing(company)
        cases = cases.filtered(lambda case: case.partner_id not in silent.partner_id)
        decided = set().union(*own.values())
        found = []
        for case in cases:
            customer = case.partner_id.id
            wanted = next((name for name in periods if customer in own[name]), None)
            if customer not in decided and default in periods:
                wanted = default
            if wanted:
                found.append((case, wanted))
        return found

    @api.model
    def _send_scheduled(self, case, date_from, date_to):
        """Send one statement of a period; what goes wrong stays with it."""
        try:
            with self.env.cr.savepoint():
                if not case._get_statement(date_to).items:
                    return
                values = case._send_statement(
                    date_to, date_from, (case.user_id or case.company_id).partner_id
                )
        except OperationalError:
            # The database asks to start over (deadlock, serialization): Odoo does that.
            raise
        except UserError as error:
            values = {"state": "failed", "error": str(error)}
        except Exception:  # one customer must not stop the others
            _logger.exception("The statement of %s failed", case)
            error = self.env._("Unexpected error; your administrator finds it in the server's log.")
            values = {"state": "failed", "error": error}
        key = {"case_id": case.id, "date_to": date_to, "scheduled": True}
        again = self.search([(name, "=", value) for name, value in key.items()])
        if again:
            again.write(values)
        else:
            self.create({**key, "date_from": date_from, **values})


def _month_ago():
    return fields.Date.today() - timedelta(days=40)
