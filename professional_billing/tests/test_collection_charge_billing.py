from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, tagged

from .test_collection_charge import V26, ChargeCommon, date
from .test_collection_common import day


@tagged("post_install", "-at_install")
class TestCollectionChargeBilling(ChargeCommon):
    """Charges billed, added up, given up and given back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tenth = cls._contract(10)

    def _skip(self, charges, reason="Goodwill", user=None):
        self._decide(charges, "skip", reason, user or self.agent)

    def _waive(self, charges, reason="Goodwill", user=None):
        self._decide(charges, "waive", reason, user or self.manager)

    def _decide(self, charges, decision, reason, user):
        charges = charges.with_user(user)
        action = charges.action_skip() if decision == "skip" else charges.action_waive()
        wizard = self.env["collection.charge.reason"].with_user(user)
        wizard = wizard.with_context(**action["context"]).create({"reason": reason})
        wizard.action_confirm()

    # -- the invoice ----------------------------------------------------------------------------

    def test_invoice_of_charges(self):
        """One posted invoice for the customer, no tax, due at once, on the chosen accounts."""
        income = self.company_data["default_account_revenue"]
        self.company.collection_interest_account_id = income.copy({"name": "Late interest"})
        self.company.collection_fee_account_id = income.copy({"name": "Fees"})
        terms = self._contract(10, compensation="uk")
        one, two = self._invoice(3650), self._invoice(730)
        with freeze_time(day(20)):
            charges = self._charge(one | two, day(20), terms)
            invoice = self._bill(charges)
        self.assertRecordValues(
            invoice,
            [
                {
                    "state": "posted",
                    "is_late_charge": True,
                    "amount_total": 20 + 4 + 70 + 40,
                    "amount_tax": 0,
                    "invoice_date": day(20),
                    "invoice_date_due": day(20),
                    "partner_id": self.customer.id,
                }
            ],
        )
        self.assertFalse(invoice.invoice_line_ids.tax_ids)
        by_account = {
            account: sum(lines.mapped("price_subtotal"))
            for account, lines in invoice.invoice_line_ids.grouped("account_id").items()
        }
        self.assertEqual(
            by_account,
            {
                self.company.collection_interest_account_id: 24,
                self.company.collection_fee_account_id: 110,
            },
        )
        self.assertEqual(set(charges.mapped("state")), {"invoiced"})
        case = self.env["collection.case"].search([("partner_id", "=", self.customer.id)])
        self.assertIn(invoice.name, case.message_ids[0].body)
        text = invoice.invoice_line_ids.filtered("name").mapped("name")
        self.assertTrue(any(one.name in line and "03/22/2026" in line for line in text))

    def test_calculation_is_printed(self):
        self.policy.charge_terms_id = self.german
        move = self._invoice(10000, date("2025-01-31"))
        self._register_payment(move, amount=4000, payment_date=date("2025-03-31"))
        invoice = self._bill(self._charge(move, date("2025-08-15")))
        report = self.env["ir.actions.report"].with_user(self.manager)
        html = report._render_qweb_html("account.report_invoice", invoice.ids)[0].decode()
        for text in ("late_interest_table", "182.1726", "168.5868", "77.6581", "11.27", "428.42"):
            self.assertIn(text, html)
        html = report._render_qweb_html("account.report_invoice", move.ids)[0].decode()
        self.assertNotIn("late_interest_table", html)

    def test_billed_from_time_to_time_adds_up(self):
        """Twice is once: each bill asks for what has come on top, to the cent in all."""
        self.policy.charge_terms_id = self._terms("de", compensation="none")
        move = self._invoice(10000, date("2025-01-31"))
        first = self._charge(move, date("2025-03-31"))
        self._bill(first)
        self.assertEqual(first.amount, 182.17)
        self.assertFalse(self._charge(move, date("2025-03-31")))
        self._register_payment(move, amount=4000, payment_date=date("2025-03-31"))
        self.assertFalse(self._charge(move, date("2025-03-31")))
        second = self._charge(move, date("2025-06-30"))
        self._bill(second)
        self._register_payment(move, payment_date=date("2025-08-15"))
        # The last days, though everything is paid: the case knows that it was charged before.
        third = self._charge(first.case_id._get_chargeable(), date("2025-12-31"))
        self._bill(third)
        self.assertEqual((second.number, third.number, third.total_amount), (2, 3, V26))
        self.assertAlmostEqual(sum((first | second | third).mapped("amount")), V26)
        self.assertFalse(self._charge(move, date("2026-03-31")))

    def test_proposed_again_is_the_same_proposal(self):
        move = self._invoice(3650)
        charge = self._charge(move, day(10), self.tenth)
        again = self._charge(move, day(20))
        self.assertEqual(again, charge)
        self.assertEqual((charge.amount, charge.date_until), (20, day(20)))
        self._register_payment(move, payment_date=day(0))
        self.assertFalse(self._charge(move, day(20)))
        self.assertFalse(charge.exists())

    def test_invoiced_twice(self):
        """Edge case 22: a double click bills once."""
        charge = self._charge(self._invoice(3650), day(10), self.tenth)
        self._bill(charge)
        with self.assertRaisesRegex(UserError, "decided on already"):
            self._bill(charge)
        self.assertEqual(len(charge.invoice_line_ids), 1)

    def test_paid_since_the_proposal(self):
        """Edge case 3, for charges: what is not right any more is not billed."""
        move = self._invoice(3650)
        charge = self._charge(move, day(20), self.tenth)
        self._register_payment(move, payment_date=day(10))
        with self.assertRaisesRegex(UserError, "Propose them again"), self.cr.savepoint():
            self._bill(charge)
        self.assertEqual(charge.state, "draft")
        self._charge(move, day(20))
        self.assertEqual(self._bill(charge).amount_total, 10)

    def test_payment_booked_late_gives_back(self):
        """The bank told of a payment only after the interest was billed: the rest is credited."""
        move = self._invoice(3650)
        charge = self._charge(move, day(20), self.tenth)
        invoice = self._bill(charge)
        self._register_payment(move, payment_date=day(15))
        correction = self._charge(move, day(25))
        self.assertEqual(correction.amount, -5)
        credit = self._bill(correction)
        self.assertEqual((credit.move_type, credit.amount_total), ("out_refund", 5))
        self.assertEqual(invoice.amount_residual, 15)
        self.assertFalse(self._charge(move, day(40)))
        self.assertEqual(charge.collected_amount, 0)

    # -- credits, disputes, payments returned ---------------------------------------------------

    def test_credit_note_counts_from_the_due_date(self):
        """Edge case 7: a corrected bill was never owed in full; terms may say otherwise."""
        move = self._invoice(3650)
        self._credit(move, 1825, day(10))
        self.assertEqual(self._charge(move, day(20), self.tenth).amount, 10)
        terms = self._contract(10, credits_from="date")
        self.assertEqual(self._charge(move, day(20), terms).amount, 15)

    def test_full_credit_note_gives_the_charges_back(self):
        """Edge case 9: of an invoice credited in full, interest, compensation and fee go back."""
        self.first.fee_amount = 5
        self.policy.charge_terms_id = self._contract(10, compensation="eu")
        move = self._invoice(3650)
        self._send(day(7))
        charges = self._charge(move, day(20))
        self.assertEqual(self._amounts(charges), {"interest": 20, "compensation": 40, "fee": 5})
        invoice = self._bill(charges)
        self._credit(move, 3650, day(30))
        self.assertEqual(move.payment_state, "reversed")
        back = self._charge(charges.case_id._get_chargeable(), day(30))
        self.assertEqual(self._amounts(back), {"interest": -20, "compensation": -40, "fee": -5})
        credit = self._bill(back)
        self.assertEqual((credit.move_type, credit.amount_total), ("out_refund", 65))
        self.assertEqual((invoice.amount_residual, credit.amount_residual), (0, 0))

    def test_cancelled_invoice_gives_the_charges_back(self):
        """Edge case 10: in draft nothing happens; cancelled, the charges go back."""
        move = self._invoice(3650)
        charge = self._charge(move, day(20), self.tenth)
        self._bill(charge)
        move.button_draft()
        self.assertFalse(self._charge(move, day(30)))
        move.button_cancel()
        self.assertEqual(self._charge(move, day(30)).amount, -20)

    def test_credit_lowers_the_step_of_the_compensation(self):
        move = self._invoice(1050)
        self._bill(self._charge(move, day(20), self._contract(0, compensation="uk")))
        self._credit(move, 100, day(21))
        self.assertEqual(self._charge(move, day(22)).amount, -30)

    def test_payment_returned(self):
        """Edge case 11: the bank took the money back, so the interest runs on for all days."""
        move = self._invoice(3650)
        self._register_payment(move, payment_date=day(10))
        payment = move.matched_payment_ids
        self.assertEqual(self._charge(move, day(20), self.tenth).amount, 10)
        payment.action_draft()  # leaves the invoice paid
        self.assertEqual(self._charge(move, day(20)).amount, 10)
        payment.action_cancel()
        self.assertEqual(self._charge(move, day(20)).amount, 20)

    def test_dispute_of_a_part(self):
        """Edge case 67: the undisputed part goes on costing; rejected (69), all of it does."""
        move = self._invoice(3650)
        self.policy.charge_terms_id = self.tenth
        case = self.env["collection.case"]._for_lines(move._collection_instalments())
        hold = self.env["collection.hold"].create(
            {
                "case_id": next(iter(case.values())).id,
                "kind": "dispute",
                "reason": "Hours",
                "move_ids": [Command.set(move.ids)],
                "disputed_amount": 730,
                "date_from": day(1),
            }
        )
        self.assertEqual(self._charge(move, day(10)).amount, 8)
        self._bill(self._charge(move, day(10)))
        hold.outcome = "rejected"
        hold.action_close()
        self.assertEqual(self._charge(move, day(20)).amount, 12)

    def test_dispute_after_the_bill_gives_nothing_back_yet(self):
        move = self._invoice(3650)
        charge = self._charge(move, day(10), self.tenth)
        self._bill(charge)
        self.env["collection.hold"].create(
            {
                "case_id": charge.case_id.id,
                "kind": "dispute",
                "reason": "Hours",
                "move_ids": [Command.set(move.ids)],
                "disputed_amount": 1825,
                "date_from": day(11),
            }
        )
        self.assertFalse(self._charge(move, day(12)))
        self.assertEqual(self._charge(move, day(30)).amount, 5)
        # The customer was right: now it is given back.
        self._credit(move, 1825, day(31))
        self.env["collection.hold"]._judge(self.company, day(31))
        self.assertEqual(self._charge(move, day(31)).amount, 5.5)

    def test_held_instalments_wait(self):
        """Promise, pause, lawyer, insolvency (edge case 59): nothing now, all of it when it ends."""
        move = self._invoice(3650)
        charge = self._charge(move, day(10), self.tenth)
        values = {"case_id": charge.case_id.id, "date_from": day(11)}
        promise = {"promise_amount": 3650, "promise_date": day(60)}
        for kind, more in (
            ("manual", {}),
            ("promise", promise),
            ("reply", {}),
            ("legal", {}),
            ("insolvency", {}),
        ):
            hold = self.env["collection.hold"].create({**values, "kind": kind, **more})
            self.assertFalse(self._charge(move, day(20)), kind)
            hold.action_close()
            self.assertEqual(self._charge(move, day(20)).amount, 20)
        move._collection_instalments().no_followup = True
        self.assertFalse(self._charge(move, day(20)))
        move._collection_instalments().no_followup = False
        move.action_toggle_block_payment()
        self.assertFalse(self._charge(move, day(20)))

    def test_unallocated_credit_covers(self):
        """Edge case 5: whoever has paid on account owes no interest until somebody allocates it."""
        move = self._invoice(3650)
        self._invoice(3650, day(1), move_type="out_refund", invoice_date=day(1))
        self.assertFalse(self._charge(move, day(20), self.tenth))

    def test_write_off_ends_the_interest(self):
        move = self._invoice(3650)
        line = move._collection_instalments()
        entry = self.env["account.move"].create(
            {
                "date": day(10),
                "line_ids": [
                    Command.create(
                        {
                            "account_id": line.account_id.id,
                            "partner_id": self.customer.id,
                            "credit": 3650,
                        }
                    ),
                    Command.create(
                        {
                            "account_id": self.company_data["default_account_expense"].id,
                            "debit": 3650,
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        (line | entry.line_ids.filtered("credit")).reconcile()
        self.assertEqual(self._charge(move, day(30), self.tenth).amount, 10)

    def test_due_date_moved_after_the_bill(self):
        """Edge case 34: what was billed of the instalment counts, whatever its due date is now."""
        move = self._invoice(3650)
        self._bill(self._charge(move, day(20), self.tenth))
        move._collection_instalments().date_maturity = day(5)
        self.assertEqual(self._charge(move, day(20)).amount, -5)
        self.assertEqual(self._charge(move, day(40)).amount, 15)

    def test_first_terms_hold(self):
        """Edge case 24: a rate corrected later changes proposals; what is billed gets the rest."""
        self.policy.charge_terms_id = self.tenth
        move = self._invoice(3650)
        self._bill(self._charge(move, day(10)))
        self.policy.charge_terms_id = self._contract(20)
        self.assertEqual(self._charge(move, day(20)).amount, 10)
        self.tenth.margin = 12
        self.assertEqual(self._charge(move, day(20)).amount, 14)

    # -- given up -------------------------------------------------------------------------------

    def test_left_out_with_a_reason(self):
        """What is left out in the review is not proposed again; what comes later is."""
        move = self._invoice(3650)
        charge = self._charge(move, day(10), self.tenth)
        self._skip(charge, "A good customer")
        self.assertRecordValues(
            charge, [{"state": "skipped", "reason": "A good customer", "waived_amount": 10}]
        )
        self.assertFalse(self._charge(move, day(10)))
        self.assertEqual(self._charge(move, day(15)).amount, 5)
        with self.assertRaises(UserError):
            charge.with_user(self.manager).unlink()

    def test_waived_by_credit_note(self):
        """A credit note with its reason, matched; the interest is not asked for again."""
        move = self._invoice(3650)
        self.policy.charge_terms_id = self._contract(10, compensation="eu")
        charges = self._charge(move, day(10))
        invoice = self._bill(charges)
        interest = charges.filtered(lambda charge: charge.kind == "interest")
        self._waive(interest, "Our bank was slow")
        credit = invoice.reversal_move_ids
        self.assertRecordValues(credit, [{"state": "posted", "amount_total": 10}])
        self.assertIn("Our bank was slow", credit.ref)
        self.assertEqual(invoice.amount_residual, 40)
        self.assertRecordValues(
            interest,
            [{"billed_amount": 10, "waived_amount": 10, "reason": "Our bank was slow"}],
        )
        self.assertFalse(self._charge(move, day(10)))
        with self.assertRaisesRegex(UserError, "Nothing is left to waive"):
            self._waive(interest)

    def test_credit_note_by_hand_waives(self):
        """An accountant's own credit note of the charges counts as well."""
        charge = self._charge(self._invoice(3650), day(10), self.tenth)
        invoice = self._bill(charge)
        self._reverse_invoice(invoice, is_modify=False).action_post()
        self.assertEqual(charge.waived_amount, 10)

    def test_cancelled_bill_can_be_billed_again(self):
        charge = self._charge(self._invoice(3650), day(10), self.tenth)
        invoice = self._bill(charge)
        invoice.button_draft()
        invoice.button_cancel()
        self.assertRecordValues(charge, [{"state": "draft", "invoice_id": False}])
        self.assertEqual(self._bill(charge).amount_total, 10)

    def test_deleted_bill_can_be_billed_again(self):
        charge = self._charge(self._invoice(3650), day(10), self.tenth)
        invoice = self._bill(charge)
        invoice.button_draft()
        invoice.with_context(force_delete=True).unlink()
        self.assertEqual(charge.state, "draft")
        self.assertEqual(self._bill(charge).amount_total, 10)

    def test_duplicate_of_a_bill_charges_nothing(self):
        charge = self._charge(self._invoice(3650), day(10), self.tenth)
        invoice = self._bill(charge)
        copy = invoice.copy()
        self.assertFalse(copy.invoice_line_ids.collection_charge_id)
        self.assertEqual(charge.invoice_line_ids.move_id, invoice)

    def test_figures(self):
        """Billed, waived and collected of each charge; a payment is shared by amount."""
        self.policy.charge_terms_id = self._contract(10, compensation="eu")
        charges = self._charge(self._invoice(3650), day(10))
        invoice = self._bill(charges)
        self._register_payment(invoice, amount=25)
        found = {charge.kind: charge.collected_amount for charge in charges}
        self.assertEqual(found, {"interest": 5, "compensation": 20})
        self._waive(charges.filtered(lambda charge: charge.kind == "interest"))
        figures = {
            charge.kind: (charge.billed_amount, charge.waived_amount, charge.collected_amount)
            for charge in charges
        }
        self.assertEqual(figures["interest"][:2], (10, 10))
        self.assertEqual(figures["compensation"], (40, 0, 25))

    # -- runs, people, companies ----------------------------------------------------------------

    def test_follow_up_run_claims(self):
        """Levels say from when on interest is claimed; each fee is charged once."""
        self.second.write({"fee_amount": 10, "charge_interest": True})
        self.policy.charge_terms_id = self.tenth
        move = self._invoice(3650)
        run = self._send(day(7))
        with self.assertRaisesRegex(UserError, "No reminder of this run claims"):
            run.with_user(self.agent).action_propose_charges()
        run = self._send(day(21))
        with freeze_time(day(21)):
            action = run.with_user(self.agent).action_propose_charges()
            charges = self.env["collection.charge"].search(action["domain"])
            self.assertEqual(self._amounts(charges), {"interest": 21, "fee": 10})
            self.assertEqual(charges.filtered("level_name").level_name, "Second reminder")
            self._bill(charges)
            with self.assertRaisesRegex(UserError, "nothing to charge"):
                run.with_user(self.agent).action_propose_charges()
        self.assertEqual(self._charge(move, day(31)).amount, 10)

    def test_claimed_without_terms(self):
        self.first.charge_interest = True
        self._invoice(3650)
        run = self._send(day(7))
        run.with_user(self.agent).action_propose_charges()
        charge = self.env["collection.charge"].search([])
        self.assertIn("has no late-payment terms", charge.problem)

    def test_withdrawn_reminder_charges_no_fee(self):
        self.first.fee_amount = 10
        move = self._invoice(3650)
        run = self._send(day(7))
        run.line_ids.event_ids._withdraw("paid")
        self.assertFalse(self._charge(move, day(7)))

    def test_rights(self):
        """Collectors propose and leave out, collection managers bill and waive, others nothing."""
        move = self._invoice(3650)
        charge = self._charge(move, day(10), self.tenth)
        with self.assertRaises(AccessError):
            charge.with_user(self.agent).action_invoice()
        with self.assertRaises(AccessError):
            charge.with_user(self.agent).amount = 1
        with self.assertRaises(AccessError):
            charge.with_user(self.manager).unlink()
        with self.assertRaises(AccessError):
            charge.with_user(self.consultant).read(["amount"])
        with self.assertRaises(AccessError):
            self.env["collection.charge"].with_user(self.consultant)._propose(move)
        self._bill(charge)
        with self.assertRaises(AccessError):
            charge.with_user(self.agent)._waive("No")
        for terms in (self.tenth, self.env.ref("professional_billing.rate_table_ecb")):
            with self.assertRaises(AccessError):
                terms.with_user(self.agent).name = "Mine"
            terms.with_user(self.manager).name = "Ours"
        Form(charge.with_user(self.agent))
        Form(self.german.with_user(self.manager))

    def test_companies_are_apart(self):
        """Edge case 78: each company charges for itself; nobody sees the other's charges."""
        other = self.setup_other_company()
        foreigner = self._new_user(
            "foreign chief", "professional_billing.group_collection_manager", other["company"]
        )
        self.policy.charge_terms_id = self.tenth
        own = self._charge(self._invoice(3650), day(10))
        move = self._invoice(
            365,
            company_id=other["company"].id,
            journal_id=other["default_journal_sale"].id,
        )
        theirs = self._charge(move, day(10), user=foreigner)
        self.assertEqual((own.amount, theirs.amount), (10, 1))
        self.assertEqual(theirs.company_id, other["company"])
        with self.assertRaises(AccessError):
            own.with_user(foreigner).read(["amount"])
        with self.assertRaises(AccessError):
            own.segment_ids.with_user(foreigner).read(["days"])
        action = theirs.with_user(foreigner).action_invoice()
        invoice = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(invoice.company_id, other["company"])
        self.assertEqual(invoice.journal_id.company_id, other["company"])

    def test_locked_period(self):
        """Edge case 84: the invoice of charges is dated today, whatever is closed before."""
        charge = self._charge(self._invoice(3650), day(10), self.tenth)
        self.company.sudo().fiscalyear_lock_date = day(5)
        self.assertEqual(self._bill(charge).invoice_date, self.company._billing_today())

    def test_invoice_of_a_paid_one(self):
        """Whoever paid late owes interest, though no reminder claimed it: from the invoice."""
        self.policy.charge_terms_id = self.tenth
        move = self._invoice(3650)
        self._register_payment(move, payment_date=day(10))
        action = move.with_user(self.agent).action_propose_charges()
        self.assertEqual(self.env["collection.charge"].search(action["domain"]).amount, 10)
