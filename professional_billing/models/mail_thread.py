from odoo import api, models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    # EXTENDS mail
    @api.model
    def _message_route_process(self, message, message_dict, routes):
        """Tell the records that an automatic answer is none of a person's."""
        automatic = (
            message.get("Auto-Submitted", "no").lower() != "no"
            or message.get("X-Auto-Response-Suppress")
            or message.get("Precedence", "").lower() in ("bulk", "auto_reply", "junk")
        )
        return super(
            MailThread, self.with_context(collection_automatic=bool(automatic))
        )._message_route_process(message, message_dict, routes)
