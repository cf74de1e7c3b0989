from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools import html2plaintext

from .common_review import ReviewCommon


@tagged("post_install", "-at_install")
class TestProforma(ReviewCommon):
    """The bill as the client would see it, to the cent what the invoice says then."""

    def _compare(self, prebill):
        """Invoice `prebill` and check that its proforma said the same."""
        proforma = prebill._get_proforma()
        move = prebill.with_user(self.officer).action_invoice().with_env(self.env)
        expected = [
            (line.quantity, line.price_unit, line.price_subtotal)
            for line in self._product_lines(move)
        ]
        found = [
            (line["quantity"], line["price_unit"], line["subtotal"]) for line in proforma["lines"]
        ]
        self.assertEqual(sorted(found), sorted(expected))
        self.assertAlmostEqual(
            proforma["tax_totals"]["total_amount_currency"], move.amount_total, 2
        )
        return move

    def test_as_the_invoice(self):
        self.order.billing_detail = "person"
        self._log_time(self.line, 1.5, employee=self.partner_employee, name="Task P")
        prebill = self._work(2, 3)
        self._wizard(prebill.line_ids[0], "complimentary")
        self._compare(prebill)

    def test_deductions(self):
        """Discount and retention stand on it as on the invoice."""
        self.company.billing_retention_account_id = self.env["account.account"].create(
            {"name": "Retentions", "code": "RETENT", "account_type": "asset_current"}
        )
        self.order.write(
            {
                "bill_discount_type": "fixed",
                "bill_discount_amount": 50,
                "retention_percent": 10,
            }
        )
        move = self._compare(self._work(2, 3))
        self.assertEqual(len(self._product_lines(move)), 3)

    def _render(self, prebill):
        report = self.env["ir.actions.report"].with_user(prebill.env.user)
        html = report._render_qweb_html("professional_billing.report_proforma", prebill.ids)[0]
        return html2plaintext(html.decode())

    def test_document(self):
        prebill = self._work(2, 3)
        text = self._render(prebill)
        for part in ("Proforma, not an invoice", prebill.name, "500.00", "Client Ltd"):
            self.assertIn(part, text)
        self.assertIn("575.00", text)

    def test_language_of_the_client(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        prebill = self._work(2, 3)
        self.assertIn("500,00", self._render(prebill))

    def test_only_what_is_to_come(self):
        prebill = self._work(2)
        prebill.with_user(self.officer).action_invoice()
        with self.assertRefused("Print its invoice"):
            prebill.action_send_proforma()
        with self.assertRaises(AccessError):
            self._work(1).with_user(self.salesperson)._get_proforma()

    def test_send(self):
        """By Odoo's composer to the client, with the document; it stays in the chatter."""
        prebill = self._work(2, 3)
        for user in (self.reviewer, self.officer):
            action = prebill.with_user(user).action_send_proforma()
            composer = self.env["mail.compose.message"].with_user(user)
            form = Form(composer.with_context(**action["context"]))
            self.assertIn(prebill.name, form.subject)
            sent = form.save()
            self.assertEqual(sent.partner_ids, self.customer)
            self.assertIn("Proforma", ",".join(sent.attachment_ids.mapped("name")))
        sent.action_send_mail()
        message = prebill.sudo().message_ids.filtered("partner_ids")[:1]
        self.assertEqual(message.partner_ids, self.customer)
