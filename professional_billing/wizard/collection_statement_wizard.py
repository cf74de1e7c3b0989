import base64
from urllib.parse import quote

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..models.account_move_annex import PDF, XLSX
from ..models.collection_case_statement import ACTIVITY, OPEN


class CollectionStatementWizard(models.TransientModel):
    """Print, download or send the statements of some customers."""

    _name = "collection.statement.wizard"
    _description = "Statement of Account"

    case_ids = fields.Many2many("collection.case", string="Customers", required=True)
    kind = fields.Selection(
        [(OPEN, "Open items"), (ACTIVITY, "Activity and open items")], required=True, default=OPEN
    )
    date_from = fields.Date(string="From", default=lambda self: self._default_date_from())
    date_to = fields.Date(
        string="To", required=True, default=lambda self: self.env.company._billing_today()
    )
    file_name = fields.Char(readonly=True)
    content = fields.Binary(string="File", readonly=True, attachment=False)

    def _default_date_from(self):
        """Return the first day of last month."""
        return self.env.company._billing_today().replace(day=1) - relativedelta(months=1)

    @api.constrains("date_from", "date_to", "kind")
    def _check_period(self):
        for wizard in self:
            if wizard.kind == ACTIVITY and not wizard.date_from:
                raise ValidationError(self.env._("Say from which day on the activity is listed."))
            if wizard._get_date_from() and wizard.date_from > wizard.date_to:
                raise ValidationError(self.env._("The statement must not end before it begins."))

    def _get_date_from(self):
        return self.date_from if self.kind == ACTIVITY else None

    def action_pdf(self):
        """Download the statements as one PDF, each in its customer's language."""
        return self._download(PDF)

    def action_xlsx(self):
        """Download the statements as one workbook."""
        return self._download(XLSX)

    def _download(self, kind):
        self.ensure_one()
        name, content = self.case_ids._get_statement_file(kind, self.date_to, self._get_date_from())
        self.write({"file_name": name, "content": base64.b64encode(content)})
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/content/{quote(name)}?download=true",
            "target": "download",
        }

    def action_edit(self):
        """Open the mail to the one customer, to be changed before it is sent.

        :raise UserError: for several customers, or one without an e-mail address
        """
        self.ensure_one()
        if len(self.case_ids) != 1:
            raise UserError(
                self.env._("Only a statement to one customer can be changed: choose one, or Send.")
            )
        return self.case_ids._compose_statement(self.date_to, self._get_date_from())

    def action_send(self):
        """Send each customer their statement through the mail queue.

        :raise UserError: naming those who have no e-mail address; then nothing is sent
        """
        self.ensure_one()
        missing = self.case_ids.filtered(lambda case: not case._get_recipients())
        if missing:
            raise UserError(
                self.env._(
                    "These customers have no e-mail address: %(names)s. Print their statements, or "
                    "add an address.",
                    names=", ".join(missing.partner_id.mapped("display_name")),
                )
            )
        date_from = self._get_date_from()
        self.env["collection.statement"].sudo().create(
            [
                {
                    "case_id": case.id,
                    "date_from": date_from,
                    "date_to": self.date_to,
                    **case._send_statement(self.date_to, date_from),
                }
                for case in self.case_ids
            ]
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Statements sent: %(count)s.", count=len(self.case_ids)),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
