from odoo import models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _get_default_mail_attachments_widget(
        self, move, mail_template, invoice_edi_format=None, extra_edis=None, pdf_report=None
    ):
        # EXTENDS account: propose the receipts where the engagement says so.
        attachments = super()._get_default_mail_attachments_widget(
            move, mail_template, invoice_edi_format, extra_edis, pdf_report
        )
        return attachments + [
            {
                "id": receipt.id,
                "name": receipt.name,
                "mimetype": receipt.mimetype,
                "placeholder": False,
                "protect_from_deletion": True,
            }
            for receipt in move._get_receipts_to_send()
        ]
