from psycopg2.errors import UniqueViolation

from odoo import Command, api, fields, models
from odoo.exceptions import ConcurrencyError, UserError

from .collection_charge_plan import ChargePlan


class CollectionChargeProposal(models.Model):
    """Charges written down to be reviewed: what is to be billed, and what stops it."""

    _inherit = "collection.charge"

    @api.model
    def _propose(self, moves, on=None, demanded=None):
        """Bring the charges to review of some customer invoices up to date.

        :param on: last day that counts, today if None
        :param demanded: instalments to charge with interest; None: all that are late
        :return: what there is to review of these invoices
        :raise ConcurrencyError: when somebody else has proposed the same; Odoo starts it over
        """
        self.check_access("read")
        proposals = self.browse()
        for company, group in moves.grouped("company_id").items():
            plan = ChargePlan(group, on or company._billing_today(), demanded)
            try:
                proposals |= self._write_plan(plan)
                self.env.flush_all()
            except UniqueViolation as error:
                raise ConcurrencyError("Somebody else has proposed the same charges.") from error
        return proposals

    @api.model
    def _write_plan(self, plan):
        kept = self.browse()
        rows, claims = [], plan.get_claims()
        cases = self.env["collection.case"]._for_lines(plan.lines)
        for claim in claims:
            draft = plan.get_drafts(claim.line, claim.kind, claim.level_ref)[:1]
            values = self._prepare_values(claim, cases[claim.line], plan.on)
            if draft:
                draft.sudo().write({**values, "segment_ids": [Command.clear()]})
                draft.sudo().write({"segment_ids": self._prepare_segments(claim)})
                kept |= draft
            else:
                segments = self._prepare_segments(claim)
                rows.append({**values, "number": claim.number, "segment_ids": segments})
        (plan.get_considered() - kept).sudo().unlink()
        return kept | self.sudo().create(rows).sudo(False)

    @api.model
    def _prepare_values(self, claim, case, on):
        line = claim.line
        return {
            "case_id": case.id,
            "kind": claim.kind,
            "move_id": line.move_id.id,
            "move_ref": line.move_id.id,
            "move_name": line.move_id.name,
            "due_date": line._collection_due_date(),
            "principal": line.amount_currency,
            "date_until": on,
            "level_ref": claim.level_ref,
            "level_name": claim.level_name,
            "terms_id": claim.terms.id if claim.terms else False,
            "total_amount": float(claim.target),
            "amount": float(claim.amount),
            "problem": claim.problem,
        }

    @api.model
    def _prepare_segments(self, claim):
        return [
            Command.create(
                {
                    "date_from": segment.start,
                    "date_to": segment.end,
                    "days": segment.days,
                    "balance": float(segment.balance),
                    "percent": float(segment.rate),
                    "year_days": segment.year_days,
                    "amount": float(segment.amount),
                }
            )
            for segment in claim.segments
        ]

    def _open_proposals(self):
        """Open what there is to review.

        :raise UserError: when there is nothing
        """
        if not self:
            raise UserError(
                self.env._(
                    "There is nothing to charge: nothing is late, all of it is charged or on hold, or "
                    "the follow-up policy has no late-payment terms and its reminders no fee."
                )
            )
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "professional_billing.action_collection_charge"
            ),
            "domain": [("id", "in", self.ids)],
            "context": {"search_default_to_review": 1},
        }


class CollectionCaseCharges(models.Model):
    _inherit = "collection.case"

    charge_ids = fields.One2many("collection.charge", "case_id", string="Interest and charges")

    def action_propose_charges(self):
        """Work out interest, compensation and fees of this customer, to be reviewed."""
        return self.env["collection.charge"]._propose(self._get_chargeable())._open_proposals()

    def _get_chargeable(self):
        """Return the invoices that are late, and those that were charged or reminded of a charge.

        The latter cost interest for their last days even when they are paid.
        """
        # By customer, not by case: after a merge of contacts the older case keeps its charges.
        charged = self.env["collection.charge"].search(
            [
                ("case_id.partner_id", "in", self.partner_id.ids),
                ("case_id.company_id", "in", self.company_id.ids),
                ("case_id.currency_id", "in", self.currency_id.ids),
            ]
        )
        claimed = self.event_ids.filtered(lambda event: event.fee_amount or event.charge_interest)
        late = self.open_line_ids.filtered(
            lambda line: line._collection_late_on(line.company_id._billing_today())
        )
        moves = late.move_id | charged.move_id | claimed.move_id
        return moves.filtered(lambda move: move.move_type in ("out_invoice", "out_receipt"))


class CollectionRunCharges(models.Model):
    _inherit = "collection.run"

    def action_propose_charges(self):
        """Work out what the reminders of this run claim, to be reviewed."""
        events = self.line_ids.event_id.filtered(
            lambda event: event.fee_amount or event.charge_interest
        )
        if not events:
            raise UserError(
                self.env._(
                    "No reminder of this run claims interest or a fee. Follow-up levels say which "
                    "do, in Billing > Configuration > Follow-up policies."
                )
            )
        moves = events.move_id
        demanded = events.filtered("charge_interest").run_line_id.move_line_id
        return self.env["collection.charge"]._propose(moves, None, demanded)._open_proposals()
