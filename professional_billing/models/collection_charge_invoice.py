from odoo import Command, models
from odoo.exceptions import AccessError, LockError, UserError

MANAGERS = "professional_billing.group_collection_manager"


class CollectionChargeInvoice(models.Model):
    """Charges billed on an invoice of their own, left out, or waived by a credit note."""

    _inherit = "collection.charge"

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_invoice(self):
        """Bill these on one invoice for each customer and currency, posted, without tax.

        :raise UserError: when one is decided on already, has changed since or has a problem
        """
        self._check_manager()
        self._lock_proposals()
        self._check_unchanged()
        invoices = self.env["account.move"]
        for case, charges in self.grouped("case_id").items():
            invoices |= charges._create_document(case)
        return invoices._get_records_action(name=self.env._("Late charges"))

    def action_skip(self):
        """Ask why these are left out."""
        self._check_all_in("draft", self.env._("Only what is to be reviewed can be left out."))
        return self._ask_reason("skip")

    def action_waive(self):
        """Ask why these are given back."""
        self._check_all_in("invoiced", self.env._("Only what is invoiced can be waived."))
        return self._ask_reason("waive")

    def _ask_reason(self, decision):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Reason"),
            "res_model": "collection.charge.reason",
            "view_mode": "form",
            "target": "new",
            "context": {"default_charge_ids": self.ids, "default_decision": decision},
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _skip(self, reason):
        """Leave these out for good; what comes on top later is proposed again."""
        self.check_access("read")
        self._lock_proposals()
        self.sudo().write({"state": "skipped", "reason": reason})

    def _waive(self, reason):
        """Give these back by credit notes that say why."""
        self._check_manager()
        self._lock()
        self._check_all_in("invoiced", self.env._("Only what is invoiced can be waived."))
        if gone := self.filtered(lambda charge: charge._get_net_amount() <= 0)[:1]:
            raise UserError(
                self.env._("Nothing is left to waive of %(charge)s.", charge=gone.display_name)
            )
        for invoice, charges in self.grouped("invoice_id").items():
            credit = charges._create_waiver(invoice.sudo(), reason)
            for case in charges.case_id:
                case._message_log(
                    body=self.env._(
                        "Late charges were waived by %(credit)s: %(reason)s",
                        credit=credit._get_html_link(),
                        reason=reason,
                    )
                )
        self.sudo().reason = reason

    def _check_manager(self):
        if not self.env.user.has_group(MANAGERS):
            raise AccessError(
                self.env._(
                    "Late charges are billed and waived by a collection manager. Ask one; you can "
                    "propose them and leave some out."
                )
            )

    def _check_all_in(self, state, sentence):
        if wrong := self.filtered(lambda charge: charge.state != state)[:1]:
            states = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(charge)s (%(state)s): %(sentence)s",
                    charge=wrong.display_name,
                    state=states[wrong.state],
                    sentence=sentence,
                )
            )

    def _lock_proposals(self):
        """Keep others from deciding on these, and see what they have decided."""
        if not self:
            raise UserError(self.env._("Select the charges first."))
        self._lock()
        self._check_all_in("draft", self.env._("it has been decided on already."))

    def _lock(self):
        if self.sudo().try_lock_for_update() != self.sudo():
            raise LockError(
                self.env._(
                    "Somebody else is deciding on these charges at this moment. Try again in a minute."
                )
            )
        self.invalidate_recordset()

    def _check_unchanged(self):
        """See that these are still right: somebody may have paid since they were proposed."""
        if stopped := self.filtered("problem")[:1]:
            raise UserError(stopped.problem)
        reviewed = {charge: charge.amount for charge in self}
        for on, charges in self.grouped("date_until").items():
            self._propose(charges.move_id, on)
        for charge, amount in reviewed.items():
            if not charge.exists() or charge.amount != amount:
                raise UserError(
                    self.env._(
                        "Something was paid, credited or put on hold since these charges were "
                        "proposed. Propose them again and look at them once more."
                    )
                )

    def _create_document(self, case):
        """Post the invoice of these charges of one case, or the credit note they come to."""
        case = case.with_company(case.company_id)
        company = case.company_id
        total = sum(self.mapped("amount"))
        sign = -1 if total < 0 else 1
        partner = case.partner_id
        address = partner.browse(partner.address_get(["invoice"])["invoice"])
        lang = case._get_recipient_lang(address)
        today = company._billing_today()
        document = (
            case.env["account.move"]
            .sudo()
            .with_context(lang=lang)
            .create(
                {
                    "move_type": "out_refund" if total < 0 else "out_invoice",
                    "company_id": company.id,
                    "partner_id": address.id,
                    "currency_id": case.currency_id.id,
                    "invoice_date": today,
                    "invoice_date_due": today,
                    "invoice_payment_term_id": False,
                    "invoice_origin": ", ".join(dict.fromkeys(self.mapped("move_name"))),
                    "is_late_charge": True,
                    "invoice_line_ids": [
                        Command.create(charge.with_context(lang=lang)._prepare_line(company, sign))
                        for charge in self
                    ],
                }
            )
        )
        document._post(soft=False)
        self.sudo().write({"state": "invoiced", "invoice_id": document.id})
        if total < 0:
            self._match_earlier(document)
        case._message_log(
            body=self.env._("Late charges: %(document)s", document=document._get_html_link())
        )
        return document.sudo(False)

    def _prepare_line(self, company, sign):
        account = (
            company.collection_interest_account_id
            if self.kind == "interest"
            else company.collection_fee_account_id
        )
        return {
            "name": self._describe(),
            "quantity": 1,
            "price_unit": sign * self.amount,
            # Damages for late payment are no turnover.
            "tax_ids": [Command.clear()],
            "collection_charge_id": self.id,
            **({"account_id": account.id} if account else {}),
        }

    def _match_earlier(self, document):
        """Let what is given back reduce what the customer owes of the charges before."""
        earlier = self.search([("move_ref", "in", self.mapped("move_ref"))]).invoice_id.sudo()
        self._reconcile(earlier | document)

    def _create_waiver(self, invoice, reason):
        """Post the credit note of these charges, all billed on `invoice`."""
        left = {charge: charge._get_net_amount() for charge in invoice._get_charges()}
        reversal = (
            self.env["account.move.reversal"]
            .sudo()
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create(
                {
                    "journal_id": invoice.journal_id.id,
                    "date": invoice.company_id._billing_today(),
                    "reason": reason,
                }
            )
        )
        reversal.reverse_moves()
        credit = reversal.new_move_ids
        credit.write(
            {
                "invoice_line_ids": [
                    Command.update(line.id, {"price_unit": left[line.collection_charge_id]})
                    if line.collection_charge_id in self
                    else Command.delete(line.id)
                    for line in credit.invoice_line_ids
                ]
            }
        )
        credit._post(soft=False)
        self._reconcile(invoice | credit)
        return credit

    @staticmethod
    def _reconcile(moves):
        lines = moves.line_ids.filtered(
            lambda line: (
                line.account_type == "asset_receivable"
                and line.parent_state == "posted"
                and not line.reconciled
            )
        )
        for group in lines.grouped("account_id").values():
            group.reconcile()
