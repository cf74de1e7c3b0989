import io
from zipfile import ZipFile

from lxml import etree

from odoo.tests import new_test_user, tagged

from .common import BillingCommon

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@tagged("post_install", "-at_install")
class TestAnnex(BillingCommon):
    """The detail of the work that goes with an invoice: what it says, and that it is sent."""

    def _invoice(self, annex="both", **vals):
        order = self._create_engagement(
            [self.hours, {"product_id": self.fee.id}], billing_annex=annex, **vals
        )
        self._log_time(order.order_line[0], 2.5, -2, name="Interviews")
        self._log_time(order.order_line[0], 1, -1, name="Notes")
        return self._bill(order, post=True)

    def test_sections_add_up_to_the_invoice(self):
        move = self._invoice()
        time, fee = move._get_annex_sections()
        self.assertEqual(
            [(row["description"], row["quantity"], row["amount"]) for row in time["rows"]],
            [("Interviews", 2.5, 250.0), ("Notes", 1.0, 100.0)],
        )
        self.assertEqual(time["rows"][0]["person"], self.employee.name)
        self.assertEqual((time["quantity"], time["amount"]), (3.5, 350.0))
        self.assertEqual((fee["quantity"], fee["amount"]), (None, 9000.0))
        self.assertEqual(time["amount"] + fee["amount"], move.amount_untaxed)

    def test_document(self):
        move = self._invoice()
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "professional_billing.report_invoice_annex", move.ids
        )
        text = html.decode()
        for words in ("Interviews", "2.50", "3.50", "9,000.00", move.name):
            self.assertIn(words, text)

    def test_language_of_the_client(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        move = self._invoice("xlsx")
        date = move._get_annex_sections()[0]["rows"][0]["date"]
        self.assertEqual(move._format_annex_date(date), date.strftime("%d/%m/%Y"))

    def test_spreadsheet(self):
        move = self._invoice("xlsx")
        with ZipFile(io.BytesIO(move._render_annex_xlsx())) as book:
            sheet = etree.fromstring(book.read("xl/worksheets/sheet1.xml"))
            words = etree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = [text.text for text in words.iter(f"{SHEET}t")]
        rows = [
            {
                cell.get("r")[0]: texts[int(value)] if cell.get("t") == "s" else float(value)
                for cell in row.iter(f"{SHEET}c")
                if (value := cell.findtext(f"{SHEET}v")) is not None
            }
            for row in sheet.iter(f"{SHEET}row")
        ]
        self.assertEqual([row["G"] for row in rows[1:]], [250, 100, 9000])
        self.assertEqual([row.get("E") for row in rows[1:]], [2.5, 1, None])
        self.assertEqual(rows[1]["D"], "Interviews")

    def test_sent_with_the_invoice(self):
        """An accountant without rights on billing sends the invoice: both files go with it."""
        move = self._invoice()
        accountant = new_test_user(
            self.env,
            "accountant of annexes",
            "account.group_account_invoice",
            company_id=self.company.id,
            email="accountant@example.com",
        )
        wizard = (
            self.env["account.move.send.wizard"]
            .with_user(accountant)
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"sending_methods": ["email"]})
        )
        announced = {data["name"] for data in wizard.mail_attachments_widget}
        names = {move._get_annex_name("pdf"), move._get_annex_name("xlsx")}
        self.assertLessEqual(names, announced)
        wizard.action_send_and_print()
        self.assertEqual(set(move.billing_annex_ids.mapped("name")), names)
        self.assertLessEqual(names, set(move.message_ids.attachment_ids.mapped("name")))
        # Sent again, it is the same file.
        annexes = move.billing_annex_ids
        self.assertEqual(move._make_annexes(), annexes)

    def test_none_unless_wanted(self):
        move = self._invoice(False)
        self.assertFalse(move._make_annexes())
        stock = self._create_engagement([{"product_id": self.product_a.id, "billing_rule": False}])
        self.assertFalse(stock._create_invoices()._get_annex_formats())
