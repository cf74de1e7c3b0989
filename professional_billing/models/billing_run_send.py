from odoo import api, fields, models
from odoo.exceptions import UserError


class BillingRunSend(models.Model):
    """Runs that send what they post."""

    _inherit = "billing.run"

    def action_start(self):
        if self.filtered(lambda run: run.mode == "send"):
            self._check_sender()
        return super().action_start()

    @api.model
    def _check_sender(self):
        sender = self.env.ref("account.ir_cron_account_move_send").sudo()
        if not sender.active:
            raise UserError(
                self.env._(
                    "Invoices cannot be sent: the scheduled action “%(name)s” is switched off. Ask "
                    "your administrator to switch it on, or make posted invoices.",
                    name=sender.name,
                )
            )


class BillingRunLineSend(models.Model):
    """The invoices of a run are sent by Odoo's own job, in the background.

    That job stops at the first invoice whose mail cannot be made, and leaves out whoever has no
    address. So both are found out when the invoice is posted, and it is not billed.
    """

    _inherit = "billing.run.line"

    sending = fields.Selection(
        [("sending", "Being sent"), ("sent", "Sent"), ("unsent", "Not sent")],
        compute="_compute_sending",
    )

    @api.depends("run_id.mode", "move_ids.sending_data", "move_ids.is_move_sent")
    def _compute_sending(self):
        for line in self:
            moves = line.move_ids.sudo()
            if line.run_id.mode != "send" or not moves:
                line.sending = False
            elif any(moves.mapped("is_being_sent")):
                line.sending = "sending"
            else:
                line.sending = "sent" if all(moves.mapped("is_move_sent")) else "unsent"

    def _get_shares(self):
        shares = super()._get_shares()
        if self.run_id.mode != "send":
            return shares
        # Whoever has no address most likely fails, and would take the others' bills with it.
        doubtful = self.filtered(lambda line: not line.sudo().order_id.partner_invoice_id.email)
        return [share - doubtful for share in shares] + [
            line for share in shares for line in share & doubtful
        ]

    def _bill(self):
        moves = super()._bill()
        if self.run_id.mode == "send":
            self._send(moves)
        return moves

    def _send(self, moves):
        """Have `moves` sent in the background, as each customer wants it.

        :raise UserError: when one cannot be sent
        """
        sender = self.env["account.move.send"]
        sender._check_sending_data(moves)
        for move in moves:
            self._check_sendable(move)
        moves.sending_data = {
            "author_user_id": self.env.user.id,
            "author_partner_id": self.env.user.partner_id.id,
        }
        if moves:
            self.env.ref("account.ir_cron_account_move_send")._trigger()

    @api.model
    def _check_sendable(self, move):
        sender = self.env["account.move.send"]
        try:
            settings = sender._get_default_sending_settings(move)
        except UserError as error:
            template = sender._get_default_mail_template_id(move)
            raise UserError(
                self.env._(
                    "The mail with the invoice for %(customer)s cannot be made from the template "
                    "“%(template)s”: %(error)s. Mend the template, then try again what failed.",
                    customer=move.partner_id.display_name,
                    template=template.sudo().name,
                    error=self._get_root(error),
                )
            ) from error
        recipients = self.env["res.partner"].browse(settings.get("mail_partner_ids"))
        if "email" in settings["sending_methods"] and not recipients:
            raise UserError(
                self.env._(
                    "%(customer)s has no e-mail address to send the invoice to. Enter one, or choose "
                    "another way of sending on the customer, page Accounting, then try again what "
                    "failed.",
                    customer=move.partner_id.display_name,
                )
            )
        sender._raise_danger_alerts(
            sender._get_alerts(move, {move: {**settings, "mail_partner_ids": recipients}})
        )

    @api.model
    def _get_root(self, error):
        """Return what Odoo's long message on a template starts from."""
        while error.__cause__:
            error = error.__cause__
        return error
