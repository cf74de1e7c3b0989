from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common_deductions import DeductionsCommon


@tagged("post_install", "-at_install")
class TestCreditLines(DeductionsCommon):
    """Chosen lines of a posted bill are credited and their work is billed again, in one action."""

    def _posted(self, **vals):
        """Return an engagement with two people's time, billed by person: 6 h and 4 h at 100."""
        order = self._create_engagement([self.hours], billing_detail="person", **vals)
        line = order.order_line
        self._log_time(line, 2, date=-1, name="Older")
        self._log_time(line, 4, name="Newer")
        self._log_time(line, 4, employee=self.partner_employee)
        return order, self._bill(order, post=True)

    def _wizard(self, move, user=None, **vals):
        action = move.with_user(user or self.officer).action_credit_lines()
        wizard = self.env[action["res_model"]].with_user(user or self.officer)
        wizard = wizard.with_context(**action["context"])
        return wizard.create({"reason_id": self.reason.id, **vals})

    def _line(self, wizard, quantity):
        return wizard.line_ids.filtered(lambda line: line.billed_quantity == quantity)

    def test_one_line(self):
        """Four of ten hours are credited and stand on a pre-bill; the reason is kept."""
        order, move = self._posted()
        wizard = self._wizard(move, note="Wrong person")
        self._line(wizard, 4).is_selected = True
        self.assertEqual(wizard.amount, 400)
        action = wizard.action_credit()
        prebill = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(prebill._name, "billing.prebill")
        self.assertEqual(prebill.amount_bill, 400)
        refund = move.reversal_move_ids
        self.assertRecordValues(refund, [{"state": "posted", "amount_untaxed": 400}])
        self.assertIn("Wrong person", refund.ref)
        credits = refund.line_ids.billing_allocation_ids
        self.assertRecordValues(credits, [{"reason_id": self.reason.id, "note": "Wrong person"}])
        self.assertAlmostEqual(move.amount_residual, move.amount_total - refund.amount_total)
        self.assertLedger(order)
        again = prebill.with_user(self.officer).action_invoice().with_env(self.env)
        again.action_post()
        self.assertEqual(again.amount_untaxed, 400)
        self.assertLedger(order)

    def test_hours_of_a_line(self):
        """Without a pick the newest hours are open again; what is left can be credited later."""
        order, move = self._posted()
        wizard = self._wizard(move, makes_prebill=False)
        self._line(wizard, 6).write({"is_selected": True, "quantity": 3})
        wizard.action_credit()
        self.assertEqual(self._items(order).mapped("open_quantity"), [0, 3, 0])
        self.assertFalse(order.prebill_ids.filtered("is_open"))
        wizard = self._wizard(move)
        self.assertEqual(sorted(wizard.line_ids.mapped("quantity")), [3, 4])
        wizard.line_ids.write({"is_selected": True, "quantity": 3.5})
        with self.assertRefused("no more than 3"):
            wizard.action_credit()
        self.assertLedger(order)

    def test_chosen_work(self):
        """The older of two entries is picked: it is freed, not the newest."""
        order, move = self._posted()
        action = move.with_user(self.officer).action_credit_lines()
        form = Form(
            self.env[action["res_model"]].with_user(self.officer).with_context(**action["context"])
        )
        form.reason_id = self.reason
        older = self._items(order)[0]
        with form.line_ids.edit(0) as line:
            line.item_ids.add(older)
            self.assertEqual(line.quantity, 2)
        form.save().action_credit()
        self.assertEqual(older.open_quantity, 2)
        self.assertEqual(sum(self._items(order).mapped("open_quantity")), 2)
        self.assertLedger(order)

    def test_retention_goes_back_with_its_work(self):
        """Ten percent of what is credited; billed again, as much is held as before."""
        order, move = self._posted(retention_percent=10)
        wizard = self._wizard(move)
        self._line(wizard, 4).is_selected = True
        wizard.action_credit()
        order.invalidate_recordset()
        self.assertEqual(order.retention_held, 60)
        self._bill(order, post=True)
        order.invalidate_recordset()
        self.assertEqual(order.retention_held, 100)
        self.assertLedger(order)

    def test_all_of_it(self):
        order, move = self._posted(bill_discount_type="fixed", bill_discount_amount=50)
        wizard = self._wizard(move)
        wizard.line_ids.is_selected = True
        wizard.action_credit()
        self.assertEqual(move.payment_state, "reversed")
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 950)
        self.assertLedger(order)

    def test_refused(self):
        order, move = self._posted()
        with self.assertRefused("Select the lines"):
            self._wizard(move).action_credit()
        with self.assertRaises(AccessError):
            self._wizard(move, user=self.reviewer)
        draft = self._create_engagement([self.hours])
        self._log_time(draft.order_line, 1)
        wizard = self._wizard(self._bill(draft))
        wizard.line_ids.is_selected = True
        with self.assertRefused("not posted"):
            wizard.action_credit()
        self.assertLedger(order | draft)


@tagged("post_install", "-at_install")
class TestServicePeriod(DeductionsCommon):
    """When the work was done, on the invoice, its lines, its print and its electronic form."""

    def test_time(self):
        order = self._create_engagement([self.hours, self.fee], billing_detail="person")
        line = order.order_line[0]
        self._log_time(line, 1, date=-9)
        self._log_time(line, 1, date=-2)
        self._log_time(line, 1, date=-5, employee=self.partner_employee)
        move = self._bill(order, post=True)
        periods = {
            line.product_id: (line.billing_period_start, line.billing_period_end)
            for line in self._product_lines(move)
        }
        self.assertIn(
            (self._day(-5), self._day(-5)),
            [
                (line.billing_period_start, line.billing_period_end)
                for line in self._product_lines(move)
            ],
        )
        self.assertEqual(periods[self.fee], (False, False))
        self.assertRecordValues(
            move, [{"billing_period_start": self._day(-9), "billing_period_end": self._day(-2)}]
        )
        html = (
            self.env["ir.actions.report"]
            ._render_qweb_html("account.account_invoices", move.ids)[0]
            .decode()
        )
        self.assertIn("Service Period", html)
        base_lines, _taxes = move._get_rounded_base_and_tax_lines()
        starts = {base_line.get("deferred_start_date") for base_line in base_lines}
        self.assertEqual(starts, {self._day(-9), self._day(-5), None})
        self.assertEqual(self._credit(move).billing_period_start, self._day(-9))

    def test_recurring(self):
        plan = self._new_service("Plan", "recurring", 100.0, self.uom_unit)
        order = self._create_engagement([plan], confirm=False)
        start = self.today.replace(day=1)
        order.order_line.write({"recurring_start": start, "recurring_timing": "advance"})
        order.action_confirm()
        move = self._bill(order)
        self.assertEqual(move.billing_period_start, start)
        self.assertEqual((move.billing_period_end).month, start.month)

    def test_electronic_invoice(self):
        """Odoo's UBL says the period of each line, where Odoo can make UBL."""
        if "account.edi.xml.ubl_bis3" not in self.env:
            self.skipTest("without account_edi_ubl_cii")
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line, 1, date=-3)
        move = self._bill(order, post=True)
        xml, _errors = self.env["account.edi.xml.ubl_bis3"]._export_invoice(move)
        day = self._day(-3).isoformat().encode()
        self.assertIn(b"<cbc:StartDate>" + day, xml)
        self.assertIn(b"<cbc:EndDate>" + day, xml)

    def test_sent_pdf_is_kept(self):
        """The document that was sent stays with the invoice, whatever becomes of the client."""
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line, 1)
        move = self._bill(order, post=True)
        wizard = self.env["account.move.send.wizard"].with_context(
            active_model="account.move", active_ids=move.ids
        )
        wizard.create({"sending_methods": ["email"]}).action_send_and_print()
        kept = move.invoice_pdf_report_id
        self.assertTrue(kept)
        before = kept.raw
        self.customer.name = "Renamed"
        self.env.invalidate_all()
        self.assertEqual(move.invoice_pdf_report_id.raw, before)
        self.assertEqual(move._get_invoice_legal_documents("pdf")["content"], before)
