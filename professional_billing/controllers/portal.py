import math

from werkzeug.exceptions import NotFound

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.http import content_disposition, request

from odoo.addons.account_payment.controllers.portal import PortalAccount

from ..models.account_move_annex import MIMETYPES

# Larger numbers are no ids in the database.
MAX_ID = 2**31 - 1


class CollectionPortal(PortalAccount):
    """What a customer owes and why; statements, promises, disputes.

    An account that is somebody else's and one that does not exist look the same: not found.
    """

    def _prepare_home_portal_values(self, counters):
        # EXTENDS portal
        values = super()._prepare_home_portal_values(counters)
        if "balance_count" in counters:
            values["balance_count"] = len(self._get_accounts())
        return values

    def _invoice_get_page_view_values(
        self, invoice, access_token, payment=False, amount=None, **kwargs
    ):
        # EXTENDS account_payment: an old link does not ask for more than is still open
        if amount and float(amount) > invoice.amount_residual:
            amount = None
        return super()._invoice_get_page_view_values(
            invoice, access_token, payment=payment, amount=amount, **kwargs
        )

    # ------------------------------------------------------------
    # ROUTES
    # ------------------------------------------------------------

    @http.route("/my/balance", type="http", auth="user", website=True, methods=["GET"])
    def portal_my_balance(self, **_kwargs):
        accounts = self._get_accounts()
        if len(accounts) == 1:
            return request.redirect(f"/my/balance/{accounts.id}")
        values = {
            "page_name": "balance",
            "accounts": [account._get_portal_account() for account in accounts],
        }
        return request.render("professional_billing.portal_my_balances", values)

    @http.route(
        "/my/balance/<int:case_id>", type="http", auth="public", website=True, methods=["GET"]
    )
    def portal_my_account(self, case_id, access_token=None, done=None, **_kwargs):
        try:
            case = self._get_case(case_id, access_token)
        except NotFound:
            if not access_token:
                raise
            return request.render("professional_billing.portal_link_expired", status=404)
        return self._render_account(case, access_token, done=done)

    @http.route(
        "/my/balance/<int:case_id>/statement",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
    )
    def portal_my_statement(
        self, case_id, kind="pdf", date_from=None, date_to=None, access_token=None, **_kwargs
    ):
        case = self._get_case(case_id, access_token)
        today = case.company_id._billing_today()
        first, last = _to_date(date_from), _to_date(date_to) or today
        if kind not in MIMETYPES or (first and first > last):
            raise NotFound
        name, content = case._get_statement_file(kind, last, first)
        headers = [
            ("Content-Type", MIMETYPES[kind]),
            ("Content-Disposition", content_disposition(name)),
        ]
        return request.make_response(content, headers)

    @http.route(
        "/my/balance/<int:case_id>/promise",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
    )
    def portal_my_promise(self, case_id, amount=None, date=None, access_token=None, **_kwargs):
        case = self._get_case(case_id, access_token)
        try:
            case._promise_in_portal(_to_amount(amount), _to_date(date))
        except UserError as error:
            return self._render_account(case, access_token, error=str(error))
        return self._redirect(case, access_token, "promise")

    @http.route(
        "/my/balance/<int:case_id>/dispute/<int:invoice_id>",
        type="http",
        auth="public",
        website=True,
        methods=["GET", "POST"],
    )
    def portal_my_dispute(
        self, case_id, invoice_id, line=None, reason=None, text=None, access_token=None, **_kwargs
    ):
        case = self._get_case(case_id, access_token)
        invoice = case._get_portal_invoice(invoice_id)
        if not invoice:
            raise NotFound
        error = None
        if request.httprequest.method == "POST":
            try:
                case._dispute_in_portal(invoice, _to_id(line), reason, text)
                return self._redirect(case, access_token, "dispute")
            except UserError as refused:
                error = str(refused)
        values = {
            "page_name": "balance",
            "account": case._get_portal_account(),
            "disputed": {"id": invoice.id, "name": invoice.name},
            "lines": [
                {
                    "id": line.id,
                    "name": (line.name or "").split("\n")[0],
                    "amount": line.price_total,
                }
                for line in case._get_portal_invoice_lines(invoice)
            ],
            "reasons": case._get_portal_reasons(),
            "said": {"line": _to_id(line), "reason": reason, "text": text},
            "error": error,
            "access_token": access_token,
        }
        return request.render("professional_billing.portal_my_dispute", values)

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_accounts(self):
        """Return the accounts of the user's company or person, with rights to read them."""
        user = request.env.user
        if not request.env["account.move"].has_access("read"):
            return request.env["collection.case"].sudo()
        customer = user.partner_id.commercial_partner_id.sudo()
        return customer.with_context(
            allowed_company_ids=user.company_ids.ids
        )._get_collection_cases()

    def _get_case(self, case_id, access_token):
        """Return the account with this id if the user or the link may open it.

        :raise NotFound: in all other cases
        """
        if not 0 < case_id <= MAX_ID:
            raise NotFound
        case = request.env["collection.case"].sudo().browse(case_id).exists()
        if case and access_token and case._is_account_token(access_token):
            return case.with_context(allowed_company_ids=case.company_id.ids)
        if case and not request.env.user._is_public():
            case &= self._get_accounts()
            if case:
                return case.with_context(allowed_company_ids=case.company_id.ids)
        raise NotFound

    def _render_account(self, case, access_token, done=None, error=None):
        values = {
            "page_name": "balance",
            "account": case._get_portal_account(),
            "today": case.company_id._billing_today(),
            "access_token": access_token,
            "done": done,
            "error": error,
        }
        return request.render("professional_billing.portal_my_balance", values)

    def _redirect(self, case, access_token, done):
        query = {"done": done, **({"access_token": access_token} if access_token else {})}
        return request.redirect_query(f"/my/balance/{case.id}", query)


def _to_date(text):
    """Return the date that a form or link says, or None where it is none."""
    try:
        return fields.Date.to_date(text or None)
    except ValueError:
        return None


def _to_amount(text):
    """Return the amount that a form says, or 0 where it is none."""
    try:
        amount = float(text or 0)
    except ValueError:
        return 0.0
    return amount if math.isfinite(amount) else 0.0


def _to_id(text):
    """Return the id that a form says: 0 for none, -1 where it is no id."""
    text = text or "0"
    return int(text) if text.isascii() and text.isdecimal() else -1
