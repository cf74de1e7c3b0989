from datetime import timedelta
from urllib.parse import urlencode

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, hash_sign, plaintext2html, verify_hash_signed

SCOPE = "professional_billing.collection.case"
# How long a link in a mail opens the account without logging in.
LINK_DAYS = 30
# How far away a customer may promise to pay by themselves.
PROMISE_DAYS = 30
# When a dispute is to be settled.
DISPUTE_DAYS = 14
TEXT_LENGTH = 2000


class CollectionHoldPortal(models.Model):
    """What the customer says in a dispute, and is told."""

    _inherit = "collection.hold"

    customer_text = fields.Text(
        string="What the customer says",
        readonly=True,
        copy=False,
        help="Written by the customer in the portal.",
    )
    answer = fields.Text(
        string="Answer to the customer", copy=False, help="The customer reads it in the portal."
    )


class CollectionCasePortal(models.Model):
    """What a customer sees of their account in the portal, and does there.

    The portal gets plain values from here, never records: what is not listed cannot show.
    """

    _inherit = "collection.case"

    # ------------------------------------------------------------
    # ACCESS
    # ------------------------------------------------------------

    def _get_account_url(self):
        """Return a link to the account that works without logging in until it expires."""
        self.ensure_one()
        token = hash_sign(self.sudo().env, SCOPE, self.id, expiration=timedelta(days=LINK_DAYS))
        query = urlencode({"access_token": token})
        return f"{self.get_base_url()}/my/balance/{self.id}?{query}"

    def _is_account_token(self, token):
        """Tell whether a link with this token opens this account, and has not expired."""
        try:
            return verify_hash_signed(self.sudo().env, SCOPE, token) == self.id
        except ValueError:  # not made by us
            return False

    # ------------------------------------------------------------
    # WHAT IS SEEN
    # ------------------------------------------------------------

    def _get_portal_account(self):
        """Return what the customer may know of the account."""
        self.ensure_one()
        receivables = self._get_receivables()[self]
        owed = receivables.filtered(lambda line: line.amount_residual_currency > 0)
        disputes = self.hold_ids.filtered(lambda hold: hold.kind == "dispute")
        items = [
            self._get_portal_item(line, disputes)
            for line in owed.sorted(lambda line: (line._collection_due_date(), line.id))
        ]
        credit = -sum((receivables - owed).mapped("amount_residual_currency"))
        total = sum(item["open"] for item in items)
        return {
            "id": self.id,
            "company": self.company_id.name,
            "currency": self.currency_id,
            "items": items,
            "total": total,
            "overdue": sum(item["open"] for item in items if item["days_late"]),
            "credit": credit,
            "balance": total - credit,
            "promise": self._get_portal_promise(),
            "disputes": [self._get_portal_dispute(hold) for hold in disputes.sorted("id")[::-1]],
        }

    def _get_portal_item(self, line, disputes):
        today = self.company_id._billing_today()
        move = line.move_id
        invoice = move.is_invoice()
        disputed = disputes.filtered(
            lambda hold: hold.state == "active" and (not hold.move_ids or move in hold.move_ids)
        )
        return {
            "invoice_id": move.id if invoice else False,
            "name": move.name,
            "reference": move.ref or "",
            "url": move.get_portal_url() if invoice else False,
            "pay_url": (
                move.get_portal_url(query_string="&payment=True")
                if invoice and move._has_to_be_paid()
                else False
            ),
            "date": move.invoice_date or line.date,
            "due": line._collection_due_date(),
            "days_late": line._collection_late_on(today),
            "open": line.amount_residual_currency,
            "in_dispute": bool(disputed),
            # Zero: all of it.
            "disputed": sum(disputed.mapped("disputed_amount")),
        }

    def _get_portal_promise(self):
        promise = self._get_active_promise()
        return promise and {"date": promise.promise_date, "amount": promise.promise_amount}

    def _get_active_promise(self):
        return self.hold_ids.filtered(
            lambda hold: hold.kind == "promise" and hold.state == "active"
        )[:1]

    def _get_portal_dispute(self, hold):
        line = hold.invoice_line_id
        return {
            "date": hold.date_from,
            "invoices": ", ".join(hold.move_ids.mapped("name")),
            "line": (line.name or "").split("\n")[0],
            "amount": hold.disputed_amount,
            "text": hold.customer_text or "",
            "answer": hold.answer or "",
            "state": self._get_portal_dispute_state(hold),
        }

    def _get_portal_dispute_state(self, hold):
        if hold.state == "active":
            return self.env._("We are looking into it")
        outcomes = {
            "accepted": self.env._("You were right"),
            "partly": self.env._("You were right in part"),
            "rejected": self.env._("We stand by the invoice"),
        }
        return outcomes.get(hold.outcome, self.env._("Closed"))

    # ------------------------------------------------------------
    # WHAT IS DONE
    # ------------------------------------------------------------

    def _promise_in_portal(self, amount, date):
        """Note what the customer promises to pay, and until when the reminders wait.

        :raise UserError: when it is no promise we can take, with a sentence for the customer
        """
        self.ensure_one()
        today = self.company_id._billing_today()
        balance = self._get_portal_account()["balance"]
        last = today + timedelta(days=PROMISE_DAYS)
        if promise := self._get_active_promise():
            raise UserError(
                self.env._(
                    "You have promised to pay by %(date)s already. If that has changed, reply to "
                    "our last message.",
                    date=format_date(self.env, promise.promise_date),
                )
            )
        if not date or not today <= date <= last:
            raise UserError(
                self.env._("Choose a day up to %(date)s.", date=format_date(self.env, last))
            )
        amount = self.currency_id.round(amount)
        if not 0 < amount <= balance:
            raise UserError(
                self.env._(
                    "Choose an amount up to %(amount)s, which is what is open.",
                    amount=self.currency_id.format(balance),
                )
            )
        self.env["collection.hold"].create(
            {
                "case_id": self.id,
                "kind": "promise",
                "date_from": today,
                "promise_amount": amount,
                "promise_date": date,
                "user_id": self.user_id.id,
                "reason": self.env._("By the customer, in the portal"),
            }
        )

    @api.model
    def _get_portal_reasons(self):
        """Return {name: text} of what a customer may dispute an invoice for."""
        return {
            "price": self.env._("The price or rate is not what we agreed"),
            "quantity": self.env._("The hours or quantities are not right"),
            "quality": self.env._("I am not satisfied with the work"),
            "order": self.env._("We did not order this"),
            "data": self.env._("The invoice lacks or has wrong details"),
            "paid": self.env._("We have paid it"),
            "other": self.env._("Something else"),
        }

    def _get_portal_invoice(self, invoice_id):
        """Return the open invoice of this account with this id, or none."""
        moves = self._get_receivables()[self].move_id._collection_instalments().move_id
        return moves.filtered(
            lambda move: move.id == invoice_id and move.is_invoice() and move.amount_residual > 0
        )

    def _get_portal_invoice_lines(self, move):
        return move.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _dispute_in_portal(self, move, line_id, reason, text):
        """Note that the customer disputes an open invoice, or one of its lines.

        :param line_id: id of an invoice line, or 0 for all of the invoice
        :raise UserError: when it is no dispute we can take, with a sentence for the customer
        """
        self.ensure_one()
        text = (text or "").strip()
        reasons = self._get_portal_reasons()
        line = self._get_portal_invoice_lines(move).filtered(lambda line: line.id == line_id)
        if reason not in reasons or (line_id and not line):
            raise UserError(self.env._("Choose what the dispute is about, and the reason."))
        if not text or len(text) > TEXT_LENGTH:
            raise UserError(
                self.env._(
                    "Describe what is not right, in up to %(count)s characters.",
                    count=TEXT_LENGTH,
                )
            )
        if self.hold_ids.filtered(
            lambda hold: (
                hold.kind == "dispute"
                and hold.state == "active"
                and move in hold.move_ids
                and hold.invoice_line_id in (line, line.browse())
            )
        ):
            raise UserError(self.env._("You have disputed this already. We are looking into it."))
        today = self.company_id._billing_today()
        owner = self._get_dispute_owner(move)
        self.env["collection.hold"].create(
            {
                "case_id": self.id,
                "kind": "dispute",
                "move_ids": [fields.Command.set(move.ids)],
                "invoice_line_id": line.id,
                "date_from": today,
                "deadline": today + timedelta(days=DISPUTE_DAYS),
                "user_id": owner.id,
                "reason": reasons[reason],
                "customer_text": text,
            }
        )
        if owner:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                user_id=owner.id,
                summary=self.env._("Settle the dispute about %(name)s", name=move.name),
                note=plaintext2html(text),
                date_deadline=today,
            )

    def _get_dispute_owner(self, move):
        """Return who settles a dispute: the collector, the invoice's salesperson, a manager."""
        candidates = self.user_id | move.invoice_user_id
        candidates = candidates.filtered(
            lambda user: (
                user.active
                and self.company_id in user.company_ids
                and user.has_group("professional_billing.group_collection_agent")
            )
        )
        return (candidates or self.company_id._get_collection_managers())[:1]
