"""What the tests of the review of pre-bills share."""

from odoo.tests import Form
from odoo.tools import html2plaintext

from .common import BillingCommon


class ReviewCommon(BillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.billing_write_off_limit = 10000
        cls.order = cls._create_engagement([cls.hours])
        cls.line = cls.order.order_line

    def _work(self, *hours, line=None, **vals):
        """Log `hours` on days before today, and return a pre-bill as its project manager has it."""
        line = line or self.line
        for number, worked in enumerate(hours):
            self._log_time(line, worked, number - len(hours), name=f"Task {number}", **vals)
        return self._prebill(line.order_id).with_user(self.reviewer)

    def _save(self):
        """End the transaction, as far as its notes are concerned."""
        self.env.flush_all()
        self.env.cr.precommit.run()

    def _notes(self, prebill):
        """Return the texts of the notes in the chatter, oldest first, without Odoo's own tracking."""
        messages = prebill.sudo().message_ids.sorted("id")
        texts = [html2plaintext(message.body) for message in messages]
        return [text for text in texts if "Task" in text]

    def _wizard(self, lines, decision, user=None, **vals):
        action = lines.with_context(default_decision=decision).action_ask_decision()
        wizard = self.env[action["res_model"]].with_user(user or self.reviewer)
        form = Form(wizard.with_context(**action["context"]))
        form.reason_id = self.reason
        for name, value in vals.items():
            form[name] = value
        form.save().action_apply()
