from odoo import api, fields, models


class AccountMove(models.Model):
    """Invoices of late charges: they bear no interest themselves, and undone they charge nothing."""

    _inherit = "account.move"

    is_late_charge = fields.Boolean(
        string="Late charges",
        readonly=True,
        help="Bills interest, compensation or fees for late payment. It costs nothing to be late with "
        "this invoice itself.",
    )

    def action_propose_charges(self):
        """Work out what it costs that this invoice is, or was paid, late."""
        return self.env["collection.charge"]._propose(self)._open_proposals()

    def button_cancel(self):
        # EXTENDS account
        result = super().button_cancel()
        self._reopen_charges()
        return result

    def unlink(self):
        # EXTENDS account
        self._reopen_charges()
        return super().unlink()

    def _reopen_charges(self):
        """Let what these billed be charged again."""
        if late := self.filtered("is_late_charge"):
            late._get_charges().write({"state": "draft", "invoice_id": False})
            late.sudo().invoice_line_ids.collection_charge_id = False

    def _get_charges(self):
        """Return what these invoices charge; no field, which all who read invoices would pay for."""
        return self.env["collection.charge"].sudo().search([("invoice_id", "in", self.ids)])

    def _get_charges_to_print(self):
        """Return the interest this invoice bills, whose calculation is printed with it."""
        if not self.is_late_charge or self.move_type != "out_invoice":
            return self.env["collection.charge"]
        return self._get_charges().filtered("segment_ids")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    collection_charge_id = fields.Many2one(
        "collection.charge",
        string="Late charge",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )

    def _copy_data_extend_business_fields(self, values):
        # EXTENDS account: a credit note knows what it gives back.
        if self.collection_charge_id:
            values["collection_charge_id"] = self.collection_charge_id.id
        return super()._copy_data_extend_business_fields(values)


class ResCompany(models.Model):
    _inherit = "res.company"

    collection_interest_account_id = fields.Many2one(
        "account.account",
        string="Account of late interest",
        domain=[("account_type", "in", ("income", "income_other"))],
        help="Empty: the account of the sales journal.",
    )
    collection_fee_account_id = fields.Many2one(
        "account.account",
        string="Account of fees and compensation",
        domain=[("account_type", "in", ("income", "income_other"))],
        help="Empty: the account of the sales journal.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    collection_interest_account_id = fields.Many2one(
        related="company_id.collection_interest_account_id", readonly=False
    )
    collection_fee_account_id = fields.Many2one(
        related="company_id.collection_fee_account_id", readonly=False
    )


class ResPartner(models.Model):
    _inherit = "res.partner"

    collection_consumer = fields.Boolean(
        string="Consumer",
        help="Is charged nothing by late-payment terms that hold between businesses only.",
    )

    @api.model
    def _commercial_fields(self):
        # EXTENDS base
        return [*super()._commercial_fields(), "collection_consumer"]


class CollectionPolicy(models.Model):
    _inherit = "collection.policy"

    charge_terms_id = fields.Many2one(
        "collection.charge.terms",
        string="Late-payment terms",
        ondelete="restrict",
        check_company=True,
        help="Interest and compensation for late payment, by law or contract. Empty: none.",
    )
