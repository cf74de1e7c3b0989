import datetime
import io

import openpyxl

from odoo import http
from odoo.tests import HttpCase, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.payment import utils as payment_utils

from ..models.collection_case_portal import LINK_DAYS
from .test_collection_common import CollectionCommon

HUGE = 99999999999999


@tagged("post_install", "-at_install")
class TestCollectionPortal(CollectionCommon, HttpCase):
    """What a customer sees and does of their account, and what nobody else may."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = cls.company._billing_today()
        cls.late = cls._invoice(100, cls.today - datetime.timedelta(days=9), ref="PO 7")
        cls.soon = cls._invoice(50, cls.today + datetime.timedelta(days=9))
        cls.case = cls.customer._get_collection_cases().with_user(cls.agent)
        cls.portal = cls._new_portal("portal", cls.customer)
        cls.rival = cls.env["res.partner"].create({"name": "Rival", "is_company": True})
        cls.rival_move = cls._invoice(70, cls.today, cls.rival)
        cls.rival_case = cls.rival._get_collection_cases()
        cls.rival_user = cls._new_portal("rival", cls.rival)
        cls.url = f"/my/balance/{cls.case.id}"

    @classmethod
    def _new_portal(cls, login, customer):
        contact = cls.env["res.partner"].create(
            {"name": login, "parent_id": customer.id, "email": f"{login}@example.com"}
        )
        return new_test_user(
            cls.env,
            login,
            groups="base.group_portal",
            partner_id=contact.id,
            company_id=cls.company.id,
            company_ids=cls.company.ids,
        )

    def setUp(self):
        super().setUp()
        self.authenticate("portal", "portal")

    def _get(self, url, **values):
        query = "&".join(f"{key}={value}" for key, value in values.items())
        return self.url_open(f"{url}?{query}")

    def _post(self, url, **values):
        return self.url_open(
            url, data={"csrf_token": http.Request.csrf_token(self), **values}, timeout=60
        )

    def _token(self, case=None):
        return (case or self.case)._get_account_url().split("access_token=")[1]

    # -- what is seen ---------------------------------------------------------------------------

    def test_page(self):
        """One account: the page of it, with each instalment, the days it is late and its invoice."""
        page = self._get("/my/balance")
        self.assertTrue(page.url.endswith(self.url), page.url)
        for text in (self.late.name, self.soon.name, "PO 7", "150.00", "100.00"):
            self.assertIn(text, page.text)
        self.assertIn(f"/my/invoices/{self.late.id}", page.text)
        self.assertNotIn("70.00", page.text)
        counted = self.make_jsonrpc_request("/my/counters", {"counters": ["balance_count"]})
        self.assertEqual(counted, {"balance_count": 1})

    def test_nothing_internal(self):
        """No note, level, collector, reason of a collector, or event shows."""
        self._send(self.today)
        self.agent.name = "Cora Lector"
        self.case.user_id = self.agent
        self.case.message_post(body="They never pay, secret note")
        self.env["collection.hold"].with_user(self.agent).create(
            {
                "case_id": self.case.id,
                "kind": "dispute",
                "move_ids": self.soon.ids,
                "reason": "Troublemaker",
            }
        )
        page = self._get(self.url).text
        self.assertIn("In dispute", page)
        for text in ("secret note", "Troublemaker", "Friendly reminder", "Cora Lector"):
            self.assertNotIn(text, page)

    def test_accounts_in_two_currencies(self):
        """Each currency is an account of its own."""
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        move = self._invoice(30, self.today, currency_id=euro.id)
        page = self._get("/my/balance")
        self.assertIn("(EUR)", page.text)
        self.assertIn("(USD)", page.text)
        self.assertNotIn(move.name, self._get(self.url).text)

    def test_statement(self):
        """As PDF and as workbook, with activity or without."""
        answer = self._get(f"{self.url}/statement", kind="xlsx", date_from="2026-01-01")
        self.assertIn("attachment", answer.headers["Content-Disposition"])
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row]
        self.assertIn("Opening balance", cells)
        self.assertIn(self.late.name, cells)
        with mute_logger("odoo.addons.base.models.ir_actions_report"):
            answer = self._get(f"{self.url}/statement")
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")

    def test_pay_what_is_open_now(self):
        """An old payment link asks for no more than is open; a changed amount is refused. Edge case 82."""
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", True
        )
        self.assertIn("payment=True", self._get(self.url).text)
        token = payment_utils.generate_access_token(self.late.id, "100.0", env=self.env)
        url = f"/my/invoices/{self.late.id}"
        link = {"amount": "100.0", "payment_token": token}
        changed = self._get(url, **{**link, "amount": "1.0"})
        self.assertTrue(changed.url.endswith("/my"), changed.url)
        register = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.late.ids
        )
        register.create({"amount": 80, "payment_date": self.today})._create_payments()
        page = self._get(url, **link)
        self.assertEqual(page.status_code, 200)
        self.assertIn("20.00", page.text)
        self.assertNotIn('data-amount="100.0"', page.text)
        self.assertIn("20.00", self._get(self.url).text)

    # -- who sees it ----------------------------------------------------------------------------

    def _routes(self, case_id, invoice_id):
        return (
            ("GET", f"/my/balance/{case_id}"),
            ("GET", f"/my/balance/{case_id}/statement"),
            ("POST", f"/my/balance/{case_id}/promise"),
            ("GET", f"/my/balance/{case_id}/dispute/{invoice_id}"),
            ("POST", f"/my/balance/{case_id}/dispute/{invoice_id}"),
        )

    def _assert_not_found(self, case_id, invoice_id, **values):
        for method, url in self._routes(case_id, invoice_id):
            with self.subTest(method=method, url=url):
                ask = self._get if method == "GET" else self._post
                self.assertEqual(ask(url, **values).status_code, 404)

    @mute_logger("odoo.http", "odoo.sql_db")
    def test_no_id_of_ours(self):
        """Another customer's, none, a string, a huge one, zero, a negative one: not found."""
        self.assertTrue(self._get("/my/balance/").url.endswith(self.url))
        for _method, url in self._routes("", self.late.id)[1:]:
            self.assertEqual(self._get(url).status_code, 404)
        for case_id in (self.rival_case.id, "x", HUGE, 0, -1, 999999, "1 OR 1=1"):
            self._assert_not_found(case_id, self.late.id)
        for method, url in self._routes(self.case.id, self.rival_move.id)[3:]:
            ask = self._get if method == "GET" else self._post
            self.assertEqual(ask(url).status_code, 404)
        for invoice_id in ("", "x", HUGE, 0, 999999):
            url = f"{self.url}/dispute/{invoice_id}"
            self.assertEqual(self._get(url).status_code, 404)
            self.assertEqual(self._post(url).status_code, 404)

    def test_sibling_contact(self):
        """Another contact of the same company sees the same account. Edge case 81."""
        self._new_portal("sibling", self.customer)
        self.authenticate("sibling", "sibling")
        self.assertIn(self.late.name, self._get("/my/balance").text)

    def test_another_customer(self):
        self.authenticate("rival", "rival")
        page = self._get("/my/balance").text
        self.assertIn(self.rival_move.name, page)
        self.assertNotIn(self.late.name, page)
        self._assert_not_found(self.case.id, self.late.id)

    def test_another_company(self):
        """The same customer's debt to a company that the user does not belong to."""
        other = self.setup_other_company()
        move = self._invoice(
            30,
            self.today,
            company_id=other["company"].id,
            journal_id=other["default_journal_sale"].id,
        )
        lines = move._collection_instalments()
        foreign = self.env["collection.case"].sudo()._for_lines(lines)[lines]
        self.assertNotIn(other["company"].name, self._get("/my/balance").text)
        self._assert_not_found(foreign.id, move.id)

    def test_internal_user_without_rights(self):
        """A consultant sees nobody's account, nor do they break the page."""
        self.authenticate("consultant", "consultant")
        self.assertIn("nothing has been billed", self._get("/my/balance").text)
        self._assert_not_found(self.case.id, self.late.id)

    def test_collector_has_no_account(self):
        """Who may read all invoices has no account of their own in the portal."""
        self.authenticate("collector", "collector")
        self.assertIn("nothing has been billed", self._get("/my/balance").text)
        self._assert_not_found(self.case.id, self.late.id)

    def test_nobody(self):
        self.authenticate(None, None)
        self.assertIn("/web/login", self._get("/my/balance").url)
        self._assert_not_found(self.case.id, self.late.id)

    # -- the link in a mail ---------------------------------------------------------------------

    def test_link_in_mail(self):
        """It opens the account without logging in, and only that one, until it expires."""
        run = self._send(self.today)
        self.assertIn(f"/my/balance/{self.case.id}?access_token=", run.letter_ids.body)
        self.authenticate(None, None)
        token = self._token()
        page = self._get(self.url, access_token=token)
        self.assertIn(self.late.name, page.text)
        self._assert_not_found(self.rival_case.id, self.rival_move.id, access_token=token)
        for wrong in (
            "x",
            "é",
            token[:-3],
            token[::-1],
            token + "AA",
            self._token(self.rival_case),
        ):
            self._assert_not_found(self.case.id, self.late.id, access_token=wrong)
        self.assertIn("This link has expired", self._get(self.url, access_token="x").text)
        later = datetime.datetime.now() + datetime.timedelta(days=LINK_DAYS, minutes=1)
        with freeze_time(later):
            self.assertFalse(self.case._is_account_token(token))
        with freeze_time(later - datetime.timedelta(minutes=2)):
            self.assertTrue(self.case._is_account_token(token))

    def test_link_lets_promise_and_dispute(self):
        self.authenticate(None, None)
        token = self._token()
        answer = self._post(
            f"{self.url}/promise", amount="100", date=self.today, access_token=token
        )
        self.assertIn("noted your promise", answer.text)
        answer = self._post(
            f"{self.url}/dispute/{self.late.id}",
            line="0",
            reason="price",
            text="Too much",
            access_token=token,
        )
        self.assertIn("received your dispute", answer.text)
        self.assertEqual(set(self.case.hold_ids.mapped("kind")), {"promise", "dispute"})

    # -- promise --------------------------------------------------------------------------------

    def test_promise(self):
        """It is noted for the collector and the reminders wait; there is one at a time."""
        self.case.user_id = self.agent
        date = self.today + datetime.timedelta(days=5)
        answer = self._post(f"{self.url}/promise", amount="100", date=date)
        self.assertIn("noted your promise", answer.text)
        hold = self.case.hold_ids
        self.assertEqual(
            (hold.kind, hold.promise_amount, hold.promise_date, hold.user_id, hold.date_from),
            ("promise", 100, date, self.agent, self.today),
        )
        self.assertEqual(self._propose(self.today).line_ids.mapped("skip_reason"), ["promise"] * 1)
        again = self._post(f"{self.url}/promise", amount="100", date=date)
        self.assertIn("have promised to pay by", again.text)
        self.assertEqual(self.case.hold_ids, hold)

    def test_promise_refused(self):
        """No past day, no day far away, no more than is open, no nonsense."""
        tomorrow = self.today + datetime.timedelta(days=1)
        for date in (self.today - datetime.timedelta(days=1), "2099-01-01", "", "x", "32/13/2026"):
            answer = self._post(f"{self.url}/promise", amount="10", date=date)
            self.assertIn("Choose a day up to", answer.text)
        for amount in ("0", "-5", "150.01", "nan", "inf", "x", "", "1e300"):
            answer = self._post(f"{self.url}/promise", amount=amount, date=tomorrow)
            self.assertIn("Choose an amount up to", answer.text)
        self.assertFalse(self.case.hold_ids)

    @mute_logger("odoo.http")
    def test_forged_form(self):
        """A form of another site is refused."""
        for url in (f"{self.url}/promise", f"{self.url}/dispute/{self.late.id}"):
            self.assertEqual(self.url_open(url, data={"amount": "1"}).status_code, 400)
        self.assertFalse(self.case.hold_ids)

    # -- dispute --------------------------------------------------------------------------------

    def test_dispute_and_answer(self):
        """The dispute has an owner and a deadline; the customer reads the answer."""
        self.case.user_id = self.agent
        answer = self._post(
            f"{self.url}/dispute/{self.late.id}",
            line="0",
            reason="quantity",
            text="It was <b>5</b> hours",
        )
        self.assertIn("received your dispute", answer.text)
        self.assertIn("It was &lt;b&gt;5&lt;/b&gt; hours", answer.text)
        hold = self.case.hold_ids
        self.assertEqual(
            (hold.kind, hold.move_ids, hold.user_id), ("dispute", self.late, self.agent)
        )
        self.assertEqual(hold.deadline, self.today + datetime.timedelta(days=14))
        self.assertEqual(hold.reason, "The hours or quantities are not right")
        self.assertIn(self.late.name, self.case.activity_ids.summary)
        self.assertIn("&lt;b&gt;5", self.case.activity_ids.note)
        self.assertEqual(self._propose(self.today).line_ids.skip_reason, "dispute")
        hold.with_user(self.agent).answer = "You are right, we credit it."
        hold.with_user(self.agent).outcome = "accepted"
        hold.with_user(self.agent).action_close()
        page = self._get(self.url).text
        self.assertIn("You are right, we credit it.", page)
        self.assertNotIn("In dispute", page)

    def test_dispute_a_line(self):
        """Only the line's amount is in dispute; twice the same is refused, another line is not."""
        move = self._invoice(100, self.today, post=False)
        move.invoice_line_ids.copy({"move_id": move.id, "price_unit": 40, "name": "Travel"})
        move.action_post()
        one, two = move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        url = f"{self.url}/dispute/{move.id}"
        form = self._get(url).text
        self.assertIn("Travel", form)
        values = {"reason": "order", "text": "We did not travel"}
        self._post(url, line=two.id, **values)
        hold = self.case.hold_ids
        self.assertEqual((hold.invoice_line_id, hold.disputed_amount), (two, 40))
        self.assertIn("disputed this already", self._post(url, line=two.id, **values).text)
        self.assertIn("received", self._post(url, line=one.id, **values).text)
        self.assertEqual(sorted(self.case.hold_ids.mapped("disputed_amount")), [40, 100])

    def test_dispute_refused(self):
        """Foreign lines, unknown reasons, no text or a novel; and what is paid."""
        url = f"{self.url}/dispute/{self.late.id}"
        foreign = self.rival_move.invoice_line_ids.id
        good = {"line": "0", "reason": "price", "text": "Too much"}
        for line in (foreign, HUGE, "x", "-1", "1.5", "²"):
            self.assertIn("Choose what", self._post(url, **{**good, "line": line}).text)
        for reason in ("", "x"):
            self.assertIn("Choose what", self._post(url, **{**good, "reason": reason}).text)
        for text in ("", "   ", "x" * 2001):
            self.assertIn("Describe what", self._post(url, **{**good, "text": text}).text)
        self.assertFalse(self.case.hold_ids)
        self._register_payment(self.late)
        self.assertEqual(self._post(url, **good).status_code, 404)

    def test_owner_who_may_not(self):
        """Without a collector the dispute goes to a manager, never to a salesperson without rights."""
        self.late.invoice_user_id = self.consultant
        self._post(f"{self.url}/dispute/{self.late.id}", line="0", reason="price", text="Too much")
        owner = self.case.hold_ids.user_id
        self.assertTrue(owner.has_group("professional_billing.group_collection_manager"))
        self.assertIn(self.company, owner.company_ids)

    def test_queued_mail_is_taken_back(self):
        """What waits in the mail queue about a disputed invoice is not sent."""
        run = self._send(self.today)
        self.assertEqual(self._mails(run).state, "outgoing")
        self._post(f"{self.url}/dispute/{self.late.id}", line="0", reason="price", text="Too much")
        self.assertEqual(self._mails(run).state, "cancel")
