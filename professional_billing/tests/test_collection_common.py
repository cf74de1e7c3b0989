import datetime

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user

from .common_kept import KeptCommon

# The day on which the invoices of these tests are due.
DUE = datetime.date(2026, 3, 2)


def day(offset):
    """Return the day `offset` days after the due date."""
    return DUE + datetime.timedelta(days=offset)


class CollectionCommon(KeptCommon):
    """A collector with her own rights, a policy of three levels at 7, 21 and 35 days."""

    @classmethod
    def get_default_groups(cls):
        # Whoever prepares the tests looks into our records; the runs are made by the agent.
        manager = cls.env.ref("professional_billing.group_collection_manager")
        return super().get_default_groups() | manager

    @classmethod
    def _create_kept(cls):
        cls.agent = cls._new_user("collector", "professional_billing.group_collection_agent")
        cls.manager = cls._new_user("chief", "professional_billing.group_collection_manager")
        cls.consultant = cls._new_user("consultant", "base.group_user")
        cls.customer = cls.env["res.partner"].create(
            {"name": "Late Payers Ltd", "is_company": True, "email": "accounts@late.example.com"}
        )
        cls.policy = cls.env.ref("professional_billing.policy_standard")
        cls.first, cls.second, cls.third = cls.policy.level_ids

    @classmethod
    def _new_user(cls, login, groups, companies=None):
        companies = companies or cls.company
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            email=f"{login}@example.com",
            company_id=companies[0].id,
            company_ids=[Command.set(companies.ids)],
        )

    @classmethod
    def _invoice(cls, amount=100.0, due=DUE, partner=None, post=True, **values):
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": (partner or cls.customer).id,
                "invoice_date": due - datetime.timedelta(days=30),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Advice", "price_unit": amount, "tax_ids": [Command.clear()]}
                    )
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    def _propose(self, on, user=None, **values):
        run = self.env["collection.run"].with_user(user or self.agent)
        run = run.create({"date": fields.Date.to_date(on), **values})
        run.action_propose()
        return run

    def _send(self, on, user=None, **values):
        run = self._propose(on, user, **values)
        if run.line_ids.filtered("include"):
            run.action_approve()
            run.action_send()
            self._release(run)
        return run

    def _release(self, run):
        """Write the reminders of a run, as the cron does right after it."""
        run.sudo().letter_ids.filtered(lambda letter: letter.state == "queued")._release()
        self.env.invalidate_all()

    def _results(self, run):
        """Return (invoice amount, level reminded, reason) of each line, in order of due dates."""
        return [
            (
                line.event_id.amount or line.amount_residual,
                line.event_id.level_name,
                line.skip_reason,
            )
            for line in run.line_ids.sorted(lambda line: (line.due_date, line.id))
        ]

    def _mails(self, run):
        return self.env["mail.mail"].search(
            [("mail_message_id", "in", run.line_ids.event_id.mail_message_id.ids)]
        )
