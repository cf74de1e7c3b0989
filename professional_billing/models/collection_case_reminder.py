from datetime import timedelta

from markupsafe import Markup

from odoo import models
from odoo.exceptions import UserError

from .collection_case import CALL

# So long reminders wait for somebody to read a reply.
REPLY_DAYS = 7
# More invoices than these are not attached to a reminder.
MAX_ATTACHMENTS = 20


class CollectionCaseReminder(models.Model):
    """What is written to a customer, who it goes to, and what comes back."""

    _inherit = "collection.case"

    # -- reminding

    def _get_recipients(self):
        """Return the contacts who get the reminders, or nothing if none can be written to.

        Addresses on the blacklist are left to a person, though Odoo would mail them all the same.
        """
        self.ensure_one()
        chosen = self.contact_ids.filtered(_is_reachable)
        if chosen:
            return chosen
        invoicing = self.partner_id.child_ids.filtered(
            lambda contact: contact.type == "invoice" and _is_reachable(contact)
        )
        return invoicing.sorted("id")[:1] or self.partner_id.filtered(
            lambda partner: partner.active and _is_reachable(partner)
        )

    def _get_recipient_lang(self, recipients):
        """Return the language to write in, one of those that are active.

        That is the recipients', the customer's where they speak several, else the company's: what
        was said to a customer is one text.
        """
        active = {code for code, _name in self.env["res.lang"].get_installed()}
        spoken = set(recipients.mapped("lang"))
        own = spoken if len(spoken) == 1 else ()
        wanted = [*own, self.partner_id.lang, self.company_id.partner_id.lang]
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
        lang = self._get_recipient_lang(recipients)
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
        pdfs = lines.move_id.invoice_pdf_report_id if level.attach_invoices else lines.browse()
        if len(pdfs) > MAX_ATTACHMENTS:  # each invoice has a link in the table
            pdfs = pdfs.browse()
        return self._post_mail(subject, body, recipients, attachment_ids=pdfs.ids or None)

    def _post_mail(self, subject, body, recipients, **values):
        """Post a message to the customer on the case; the mail waits in Odoo's queue."""
        lang = self._get_recipient_lang(recipients)
        return self.with_context(lang=lang).message_post(
            subject=subject,
            body=body,
            message_type="comment",
            subtype_xmlid="mail.mt_comment",
            partner_ids=recipients.ids,
            email_layout_xmlid="mail.mail_notification_light",
            email_add_signature=False,
            force_email_lang=lang,
            # The head of the mail says "Your account", not the name of our model.
            model_description=self.with_context(lang=lang).env._("account"),
            force_send=False,
            notify_skip_followers=True,
            mail_headers={"Auto-Submitted": "auto-generated"},
            **values,
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


def _is_reachable(contact):
    return bool(contact.email) and not contact.sudo().is_blacklisted
