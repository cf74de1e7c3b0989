from datetime import date

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .account_move_annex import PDF


class CollectionCaseSendStatement(models.Model):
    """How a statement goes to a customer."""

    _inherit = "collection.case"

    def action_statement(self):
        """Print or send the statements of these cases."""
        if not self:
            raise UserError(
                self.env._("Nothing was ever billed to these customers: there is no account.")
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Statement of account"),
            "res_model": "collection.statement.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {"default_case_ids": self.ids},
        }

    @api.model
    def _get_owing(self, company):
        """Return the cases of the company's customers with an open instalment, late or not."""
        self._make_missing(company, date.max)
        owing = {
            (partner.commercial_partner_id, currency)
            for partner, currency in self.env["account.move.line"]._read_group(
                self._get_owing_domain() & Domain("company_id", "=", company.id),
                ["partner_id", "currency_id"],
            )
        }
        return self.search([("company_id", "=", company.id)]).filtered(
            lambda case: (case.partner_id, case.currency_id) in owing
        )

    @api.model
    def _get_owing_domain(self):
        """Return the domain of the journal items by which customers owe something."""
        return (
            Domain("parent_state", "=", "posted")
            & Domain("account_type", "=", "asset_receivable")
            & Domain("reconciled", "=", False)
            & Domain("amount_residual_currency", ">", 0)
            & Domain("partner_id", "!=", False)
        )

    def message_post(self, **kwargs):
        # EXTENDS mail: a statement that somebody worded is noted when it is sent
        period = self.env.context.get("collection_statement")
        message = super(
            CollectionCaseSendStatement, self.with_context(collection_statement=None)
        ).message_post(**kwargs)
        if period:
            date_from, date_to = map(fields.Date.to_date, period)
            self.env["collection.statement"].sudo().create(
                {
                    "case_id": self.id,
                    "date_from": date_from,
                    "date_to": date_to,
                    **self._prepare_statement_sent(date_to, message),
                }
            )
        return message

    def _send_statement(self, date_to, date_from=None, author=None):
        """Mail the customer the statement, through the queue.

        :return: values of the `collection.statement` that says so
        :raise UserError: if there is no e-mail address, or the template has an error
        """
        case, recipients, subject, body = self._word_statement(date_to)
        message = case._post_mail(
            subject,
            body,
            recipients,
            author_id=author.id if author else None,
            attachments=[case._get_statement_file(PDF, date_to, date_from)],
        )
        return self._prepare_statement_sent(date_to, message)

    def _compose_statement(self, date_to, date_from=None):
        """Open Odoo's mail composer with the text of the statement and its PDF, to be changed.

        :raise UserError: if there is no e-mail address, or the template has an error
        """
        case, recipients, subject, body = self._word_statement(date_to)
        name, content = case._get_statement_file(PDF, date_to, date_from)
        attachment = self.env["ir.attachment"].create(
            {"name": name, "raw": content, "res_model": "mail.compose.message", "res_id": 0}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send the statement"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_composition_mode": "comment",
                "default_subject": subject,
                "default_body": body,
                "default_partner_ids": recipients.ids,
                "default_attachment_ids": attachment.ids,
                "default_email_layout_xmlid": "mail.mail_notification_light",
                "default_notify_skip_followers": True,
                "model_description": case.with_context(
                    lang=case._get_recipient_lang(recipients)
                ).env._("account"),
                "collection_statement": [date_from and date_from.isoformat(), date_to.isoformat()],
            },
        }

    def _word_statement(self, date_to):
        """Return the case as the template reads it, who is written to, subject and body."""
        self.ensure_one()
        recipients = self._get_recipients()
        if not recipients:
            raise UserError(
                self.env._(
                    "%(customer)s has no e-mail address. Add one to the contact, or choose contacts "
                    "for collection on the case.",
                    customer=self.partner_id.display_name,
                )
            )
        case = self.with_context(
            allowed_company_ids=self.company_id.ids,
            statement_date=date_to,
            statement_total=float(self._get_statement(date_to).total),
        )
        template = self.env.ref("professional_billing.mail_template_statement")
        return case, recipients, *case._render_text(template, recipients)

    def _prepare_statement_sent(self, date_to, message):
        return {
            "state": "sent",
            "error": False,
            "total": float(self._get_statement(date_to).total),
            "recipient": ", ".join(message.sudo().partner_ids.mapped("email_formatted")),
            "mail_message_id": message.id,
        }
