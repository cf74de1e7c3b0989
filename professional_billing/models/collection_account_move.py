from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .field_groups import COLLECTORS


class AccountMove(models.Model):
    _inherit = "account.move"

    collection_policy_id = fields.Many2one(
        "collection.policy",
        string="Follow-up policy",
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
        groups=COLLECTORS,
        help="How this invoice is reminded. If empty, the engagement decides, then the customer.",
    )

    def _post(self, soft=True):
        # EXTENDS account: what is late when it is first posted is not reminded the next day
        first = self.filtered(lambda move: not move.posted_before and move.is_sale_document(True))
        posted = super()._post(soft)
        for company, moves in (first & posted).grouped("company_id").items():
            today = company._billing_today()
            moves = moves.filtered(lambda move, today=today: move.invoice_date < today)
            late = moves._collection_instalments().filtered(
                lambda line, today=today: line._collection_late_on(today)
            )
            late.sudo().collection_posted_date = today
        return posted

    def action_view_collection_case(self):
        """Open the collection case this customer invoice belongs to.

        :raise UserError: on anything but a posted customer invoice
        """
        self.ensure_one()
        lines = self._collection_instalments()
        if self.state != "posted" or not lines:
            raise UserError(
                self.env._(
                    "%(name)s is not a posted customer invoice, so there is nothing to collect.",
                    name=self.display_name,
                )
            )
        case = self.env["collection.case"]._for_lines(lines[:1])[lines[:1]]
        return case._get_records_action()

    def action_collection_dispute(self):
        """Open a dispute about this invoice.

        :raise UserError: on anything but a posted customer invoice
        """
        case = self.env["collection.case"].browse(self.action_view_collection_case()["res_id"])
        return case._new_hold("dispute", self)

    def _collection_instalments(self):
        """Return the receivable instalments of the customer invoices in `self`."""
        return self.line_ids.filtered(
            lambda line: (
                line.display_type == "payment_term"
                and line.account_type == "asset_receivable"
                and line.move_type in ("out_invoice", "out_receipt")
            )
        )

    def _collection_ensure_links(self):
        """Give the invoices the key of their portal link, in one query for all.

        Writing them one by one costs seven queries each, for the checks of accounting entries;
        the key concerns none of those.
        """
        if not self:
            return
        self.flush_recordset(["access_token"])
        self.env.cr.execute(
            SQL(
                """UPDATE account_move SET access_token = gen_random_uuid()::text
                    WHERE id IN %s AND access_token IS NULL""",
                self._ids,
            )
        )
        self.invalidate_recordset(["access_token"])
