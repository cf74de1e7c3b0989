from odoo import api, models
from odoo.tools import SQL

from .collection_case import TODO

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


class CollectionCaseWork(models.Model):
    """The collector's work list: a case for whoever owes something, and what to do first."""

    _inherit = "collection.case"

    @api.model
    def _open_work_list(self):
        """Open the cases, with one for every customer with something overdue: none stays unseen."""
        for company in self.env.companies:
            self._make_missing(company, company._billing_today())
        self.search([("company_id", "in", self.env.companies.ids)])._refresh_work()
        return self.env["ir.actions.act_window"]._for_xml_id(
            "professional_billing.action_collection_case"
        )

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
