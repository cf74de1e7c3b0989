from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, tagged

from .test_collection_charge import ChargeCommon
from .test_collection_common import day


@tagged("post_install", "-at_install")
class TestCollectionWriteOff(ChargeCommon):
    """Receivables given up: by whom, how, and what the books say of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = cls._new_user("second chief", "professional_billing.group_collection_manager")
        cls.expense = cls.company_data["default_account_expense"].copy({"name": "Bad debts"})
        cls.company.collection_bad_debt_account_id = cls.expense
        cls.tax = cls.company_data["default_tax_sale"]

    def _taxed(self, amount=1000, **values):
        line = {"name": "Advice", "price_unit": amount, "tax_ids": [Command.set(self.tax.ids)]}
        return self._invoice(invoice_line_ids=[Command.create(line)], **values)

    def _request(self, moves, kind="credit", user=None, reason="Wound up"):
        user = user or self.manager
        if len(moves) == 1:
            action = moves.with_user(user).action_collection_write_off()
        else:
            case = self.env["collection.case"]._for_lines(moves._collection_instalments())
            action = next(iter(case.values())).with_user(user).action_write_off()
        write_off = self.env["collection.write.off"].with_user(user)
        return write_off.with_context(**action["context"]).create({"kind": kind, "reason": reason})

    def _write_off(self, moves, kind="credit", user=None):
        write_off = self._request(moves, kind, user)
        write_off.action_submit()
        return write_off

    # -- what is posted -------------------------------------------------------------------------

    def test_commercial_credit(self):
        """A credit note with the invoice's taxes, matched; the case and the record say why."""
        move = self._taxed(200)
        write_off = self._write_off(move)
        credit = write_off.document_ids
        self.assertRecordValues(
            credit,
            [
                {
                    "move_type": "out_refund",
                    "state": "posted",
                    "amount_total": move.amount_total,
                    "amount_tax": move.amount_tax,
                    "reversed_entry_id": move.id,
                    "ref": "Wound up",
                }
            ],
        )
        self.assertEqual((move.amount_residual, move.payment_state), (0, "reversed"))
        self.assertRecordValues(
            write_off,
            [{"state": "done", "user_id": self.manager.id, "amount": move.amount_total}],
        )
        self.assertIn("Wound up", write_off.case_id.message_ids[0].body)

    def test_commercial_credit_of_the_rest(self):
        """Of a part that is open, taxes go back in proportion, and the cents add up."""
        move = self._taxed(99.99)
        self._register_payment(move, amount=33.33)
        rest = move.amount_residual
        credit = self._write_off(move).document_ids
        self.assertEqual(credit.amount_total, rest)
        self.assertAlmostEqual(
            credit.amount_tax, move.amount_tax * rest / move.amount_total, delta=0.01
        )
        self.assertEqual(move.amount_residual, 0)

    def test_bad_debt_keeps_the_tax(self):
        move = self._taxed(200)
        entry = self._write_off(move, "bad_debt").document_ids
        self.assertEqual(entry.move_type, "entry")
        balances = {line.account_id: line.balance for line in entry.line_ids}
        receivable = self.company_data["default_account_receivable"]
        total = move.amount_total
        self.assertEqual(balances, {receivable: -total, self.expense: total})
        self.assertEqual(move.amount_residual, 0)

    def test_bad_debt_with_its_tax(self):
        """Half is paid, so half of the tax goes back; with the tags of the tax's credit notes."""
        tag = self.env["account.account.tag"].create(
            {"name": "Relief", "applicability": "taxes", "country_id": self.tax.country_id.id}
        )
        repartition = self.tax.refund_repartition_line_ids.filtered(
            lambda line: line.repartition_type == "tax"
        )
        repartition.tag_ids = tag
        relief = self.company_data["default_account_expense"].copy({"name": "Relief"})
        self.company.collection_bad_debt_tax_account_id = relief
        move = self._taxed(200)
        self._register_payment(move, amount=move.amount_total / 2)
        entry = self._write_off(move, "bad_debt_tax").document_ids
        balances = {line.account_id: line.balance for line in entry.line_ids}
        self.assertEqual(balances[self.expense], 100)
        self.assertEqual(balances[relief], move.amount_tax / 2)
        line = entry.line_ids.filtered(lambda line: line.account_id == relief)
        self.assertEqual(line.tax_tag_ids, tag)
        self.assertEqual(move.amount_residual, 0)

    def test_tax_not_before_its_day(self):
        """The law gives the tax back after so many days only."""
        self.company.collection_bad_debt_tax_days = 180
        move = self._taxed(200)
        with freeze_time(day(179)), self.assertRaisesRegex(UserError, "can be taken back from"):
            self._write_off(move, "bad_debt_tax")
        with freeze_time(day(180)):
            self.assertEqual(self._write_off(move, "bad_debt_tax").state, "done")

    def test_without_account(self):
        self.company.collection_bad_debt_account_id = False
        with self.assertRaisesRegex(UserError, "Choose the account of bad debts"):
            self._write_off(self._invoice(), "bad_debt")

    def test_foreign_currency(self):
        """The books give up what they hold, at the invoice's own rate: no exchange difference."""
        currency = self.setup_other_currency(
            "EUR", rates=[("2020-01-01", 0.5), ("2026-06-01", 0.25)]
        )
        move = self._invoice(100, currency_id=currency.id)
        entry = self._write_off(move, "bad_debt").document_ids
        self.assertEqual(sum(entry.line_ids.mapped("debit")), 200)
        self.assertEqual(move.amount_residual, 0)
        self.assertFalse(move.line_ids.matched_credit_ids.exchange_move_id)

    def test_case_of_several_invoices(self):
        moves = self._invoice(100) | self._invoice(50)
        write_off = self._write_off(moves, "bad_debt")
        self.assertEqual((write_off.amount, len(write_off.document_ids)), (150, 2))
        self.assertEqual(write_off.case_id.due_amount, 0)

    def test_paid_after_the_write_off(self):
        """Edge case 25: the item stays closed, nothing is reminded, the money is a credit."""
        move = self._invoice(100)
        case = self._write_off(move, "bad_debt").case_id
        payment = self.env["account.payment"].create(
            {
                "partner_id": self.customer.id,
                "amount": 100,
                "payment_type": "inbound",
                "partner_type": "customer",
                "journal_id": self.company_data["default_journal_bank"].id,
            }
        )
        payment.action_post()
        self.env.invalidate_all()
        self.assertEqual((case.due_amount, case.credit_amount), (0, 100))
        self.assertFalse(self._propose(day(60)).line_ids)

    def test_write_off_closes_a_dispute(self):
        """Edge case 70: a credit note over what was in dispute ends it."""
        move = self._invoice(100)
        case = self.env["collection.case"]._for_lines(move._collection_instalments())
        hold = self.env["collection.hold"].create(
            {
                "case_id": next(iter(case.values())).id,
                "kind": "dispute",
                "reason": "Hours",
                "move_ids": [Command.set(move.ids)],
                "date_from": day(1),
            }
        )
        self._write_off(move)
        self.env["collection.hold"]._judge(self.company, self.company._billing_today())
        self.assertEqual(hold.state, "closed")

    def test_late_charges_are_waived_instead(self):
        charge = self._charge(self._invoice(3650), day(10), self._contract(10))
        invoice = self._bill(charge)
        with self.assertRaisesRegex(UserError, "waive those instead"):
            self._write_off(invoice)
        self.assertEqual(self._write_off(invoice, "bad_debt").state, "done")

    # -- who may --------------------------------------------------------------------------------

    def test_collector_requests_manager_approves(self):
        """Edge case 88: collectors write nothing off but what their limit lets them."""
        move = self._invoice(100)
        write_off = self._write_off(move, user=self.agent)
        self.assertEqual((write_off.state, move.amount_residual), ("requested", 100))
        asked = write_off.case_id.activity_ids.user_id
        self.assertLessEqual(self.manager | self.chief, asked)
        with self.assertRaises(AccessError):
            write_off.with_user(self.agent).action_approve()
        write_off.with_user(self.manager).action_approve()
        self.assertRecordValues(
            write_off,
            [{"state": "done", "user_id": self.agent.id, "approver_id": self.manager.id}],
        )
        self.assertEqual(move.amount_residual, 0)
        self.assertFalse(write_off.case_id.activity_ids)

    def test_collector_within_the_limit(self):
        """Up to the limit in a month, for each customer."""
        self.company.collection_agent_write_off_limit = 100
        self.assertEqual(self._write_off(self._invoice(60), user=self.agent).state, "done")
        self.assertEqual(self._write_off(self._invoice(60), user=self.agent).state, "requested")

    def test_manager_beyond_the_limit(self):
        """Edge case 88: a second pair of eyes, never one's own."""
        self.company.collection_manager_write_off_limit = 1000
        write_off = self._write_off(self._invoice(1000.01))
        self.assertEqual(write_off.state, "requested")
        with self.assertRaisesRegex(UserError, "somebody else approves"):
            write_off.with_user(self.manager).action_approve()
        write_off.with_user(self.chief).action_approve()
        self.assertEqual(write_off.state, "done")

    def test_declined(self):
        move = self._invoice(100)
        write_off = self._write_off(move, user=self.agent)
        write_off.with_user(self.manager).action_decline()
        self.assertEqual((write_off.state, move.amount_residual), ("declined", 100))
        with self.assertRaisesRegex(UserError, "is in state"):
            write_off.with_user(self.manager).action_approve()

    def test_nobody_goes_round(self):
        """No state, no other requester, no change after the request, by RPC either."""
        move = self._invoice(100)
        request = self.env["collection.write.off"].with_user(self.agent)
        values = {
            "case_id": self._request(move, user=self.agent).case_id.id,
            "move_ids": [Command.set(move.ids)],
            "reason": "x",
            "state": "requested",
            "user_id": self.manager.id,
        }
        write_off = request.create(values)
        self.assertEqual((write_off.state, write_off.user_id), ("draft", self.agent))
        for vals in ({"state": "done"}, {"user_id": self.manager.id}):
            with self.assertRaises(UserError):
                write_off.write(vals)
        write_off.action_submit()
        with self.assertRaises(UserError):
            write_off.kind = "bad_debt"
        with self.assertRaises(UserError):
            write_off.unlink()
        with self.assertRaises(AccessError):
            write_off.with_user(self.consultant).read(["reason"])

    def test_changed_since_the_request(self):
        """What was paid meanwhile is not written off; what is open again is looked at anew."""
        move = self._invoice(100)
        write_off = self._write_off(move, user=self.agent)
        self._register_payment(move, amount=40)
        write_off.with_user(self.manager).action_approve()
        self.assertEqual(write_off.document_ids.amount_total, 60)
        move = self._invoice(100)
        self._register_payment(move, amount=40)
        write_off = self._write_off(move, user=self.agent)
        move.matched_payment_ids.action_cancel()
        with self.assertRaisesRegex(UserError, "more than was requested"):
            write_off.with_user(self.manager).action_approve()

    def test_nothing_but_open_invoices_of_the_customer(self):
        other = self._invoice(100, partner=self.customer.copy({"name": "Other"}))
        write_off = self._request(self._invoice(100))
        write_off.move_ids = [Command.link(other.id)]
        with self.assertRaisesRegex(UserError, "is not an open invoice"):
            write_off.action_submit()

    def test_other_company(self):
        other = self.setup_other_company()
        foreigner = self._new_user(
            "foreign chief", "professional_billing.group_collection_manager", other["company"]
        )
        write_off = self._write_off(self._invoice(100), user=self.agent)
        with self.assertRaises(AccessError):
            write_off.with_user(foreigner).action_approve()

    def test_work_stays_billed(self):
        """The credit note has lines of its own: it frees no work to be billed again."""
        credit = self._write_off(self._invoice(100)).document_ids
        self.assertFalse(credit.invoice_line_ids.billing_origin_line_id)
        self.assertFalse(credit.is_professional_bill)

    def test_screen(self):
        write_off = self._request(self._invoice(100), user=self.agent)
        form = Form(write_off, view="professional_billing.write_off_view_form")
        self.assertEqual(form.amount, 100)
