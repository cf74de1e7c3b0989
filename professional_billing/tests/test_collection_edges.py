from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionEdges(CollectionCommon):
    """What happens rarely, and must not go wrong then, by the numbers of the specification."""

    def _reached(self, on):
        """Return (invoice, level) of what a run on a day reminds of, and send it."""
        events = self._send(day(on)).line_ids.event_id
        return [(event.move_id, event.level_name) for event in events]

    def test_case_13_blocked_and_paid_all_the_same(self):
        """Odoo still says blocked; it is paid, and closed for us."""
        move = self._invoice(100)
        move.action_toggle_block_payment()
        self.assertEqual(self._propose(day(7)).line_ids.skip_reason, "blocked")
        self._register_payment(move, payment_date=day(8))
        self.assertEqual(move.amount_residual, 0)
        self.assertFalse(self._propose(day(9)).line_ids)

    def test_case_18_rate_moves_after_the_invoice(self):
        """What is asked stays in the invoice's currency, whatever the rate does."""
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        self._invoice(100, currency_id=euro.id)
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": day(3), "rate": 5.0, "company_id": self.company.id}
        )
        event = self._send(day(7)).line_ids.event_id
        self.assertEqual((event.residual, event.currency_id), (100, euro))
        self.assertIn("100.00", event.mail_message_id.body)

    def test_case_27_receipt(self):
        """Sales receipts are owed like invoices."""
        receipt = self._invoice(100, move_type="out_receipt")
        self.assertEqual(self._reached(7), [(receipt, "Friendly reminder")])

    def test_case_28_customer_who_is_a_vendor(self):
        """What we owe them is not set off by itself."""
        move = self._invoice(100)
        self._invoice(80, move_type="in_invoice", ref="Their bill")
        event = self._send(day(7)).line_ids.event_id
        self.assertEqual((event.move_id, event.residual), (move, 100))

    def test_case_30_invoice_of_nothing(self):
        """An invoice of zero is never asked for."""
        self._invoice(0)
        self.assertFalse(self._propose(day(40)).line_ids)

    def test_case_32_two_instalments_on_one_day(self):
        """Odoo makes one of them, and so do we."""
        term = self.env["account.payment.term"].create(
            {
                "name": "Half and half, at once",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 30}),
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": 30}),
                ],
            }
        )
        self._invoice(1000, invoice_payment_term_id=term.id)
        [line] = self._propose(day(7)).line_ids
        self.assertEqual(line.amount_residual, 1000)

    def test_case_35_due_date_moved_earlier(self):
        """All levels are due at once by the new date: one is sent, the next after its gap."""
        move = self._invoice(100, day(60))
        self.assertFalse(self._propose(day(40)).line_ids)
        move.line_ids.filtered("date_maturity").date_maturity = day(0)
        self.assertEqual(self._reached(40), [(move, "Friendly reminder")])
        self.assertEqual(self._propose(day(41)).line_ids.skip_reason, "gap")
        self.assertEqual(self._reached(40 + self.second.min_gap_days), [(move, "Second reminder")])

    def test_case_43_policy_switched_under_way(self):
        """The follow-up goes on with the first level of the new policy behind the last sent."""
        move = self._invoice(100)
        self._send(day(7))
        self.customer.collection_policy_id = self.policy.copy(
            {
                "name": "Strict",
                "level_ids": [
                    Command.create(
                        {
                            "name": name,
                            "sequence": sequence,
                            "delay_days": days,
                            "channel": "email",
                            "mail_template_id": self.first.mail_template_id.id,
                        }
                    )
                    for name, sequence, days in (
                        ("Strict one", self.first.sequence - 1, 3),
                        ("Strict two", self.first.sequence + 1, 10),
                    )
                ],
            }
        )
        self.assertEqual(self._propose(day(9)).line_ids.skip_reason, "not_yet")
        self.assertEqual(self._reached(14), [(move, "Strict two")])

    def test_case_83_restrictive_audit_trail(self):
        """The log and merging contacts are the same where Odoo keeps an audit trail."""
        self.company.restrictive_audit_trail = True
        twin = self.env["res.partner"].create({"name": "Twin", "is_company": True})
        self._invoice(10, partner=twin)
        self._invoice(20)
        events = self._send(day(7)).line_ids.event_id
        with self.assertRaisesRegex(UserError, "cannot be changed or deleted"):
            events[:1].sudo().unlink()
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.customer + twin).ids, self.customer)
        self.env.invalidate_all()
        self.assertEqual(len(events.exists()), len(events))
        self.assertEqual(len(self._send(day(21)).line_ids.event_id), 2)

    def test_case_6_credit_of_a_part(self):
        """A payment on account that is less than what is overdue is shown, and taken off."""
        self._invoice(100)
        self._pay_on_account(30)
        letter = self._send(day(7)).letter_ids
        self.assertRegex(letter.body, r"-\D{0,9}30\.00")
        self.assertIn("70.00", letter.body)

    def test_case_8_minimum_less_credit(self):
        """What a minimum asks for is what is overdue less credit that is not allocated."""
        self.first.min_amount = 80
        self._invoice(100)
        self._invoice(30, move_type="out_refund")
        self.assertEqual(self._propose(day(7)).line_ids.skip_reason, "below_minimum")
        self.first.min_amount = 70
        self.assertTrue(self._propose(day(7)).line_ids.include)

    def test_case_12_overpaid(self):
        """No instalment is left to ask for; the customer has a credit."""
        move = self._invoice(100)
        self._register_payment(move, amount=120, payment_date=day(3))
        self.assertFalse(self._propose(day(7)).line_ids)
        case = self.env["collection.case"].browse(move.action_view_collection_case()["res_id"])
        self.assertEqual((case.overdue_amount, case.credit_amount), (0, 20))

    def test_case_14_payment_without_entry(self):
        """Odoo says in payment when a part is on its way: the rest is not forgotten.

        With the Accounting app a payment has no entry before the bank confirms it.
        """
        lines = self.env["account.payment.method.line"].search(
            [("journal_id.company_id", "=", self.company.id)]
        )
        lines.payment_account_id = False
        self.startPatcher(
            patch.object(
                self.registry["account.move"],
                "_get_invoice_in_payment_state",
                lambda _: "in_payment",
            )
        )
        move = self._invoice(100)
        self._register_payment(move, amount=40, payment_date=day(8))
        self.assertFalse(move.line_ids.matched_credit_ids, "the payment has no entry")
        self.assertEqual((move.payment_state, move.amount_residual), ("in_payment", 100))
        self.assertEqual(self._propose(day(21)).line_ids.skip_reason, "in_payment")
        self.assertEqual(self._send(day(22)).line_ids.event_id.residual, 60)
        self._register_payment(move, amount=60, payment_date=day(23))
        self.assertEqual(self._propose(day(60)).line_ids.skip_reason, "in_payment")

    def test_case_26_opening_balance(self):
        """What was entered by hand is not followed up; it counts as owed."""
        receivable = self.company_data["default_account_receivable"]
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "date": day(0),
                "line_ids": [
                    Command.create(
                        {
                            "account_id": account.id,
                            "partner_id": self.customer.id,
                            "balance": balance,
                            "date_maturity": day(0),
                        }
                    )
                    for account, balance in (
                        (receivable, 100),
                        (self.company_data["default_account_revenue"], -100),
                    )
                ],
            }
        )
        entry.action_post()
        self.assertFalse(self._propose(day(40)).line_ids)
        case = self.env["collection.case"]._for_lines(
            entry.line_ids.filtered(lambda line: line.account_id == receivable)
        )
        self.assertEqual(next(iter(case.values())).due_amount, 100)

    def _pay_on_account(self, amount):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": amount,
                "date": day(3),
            }
        )
        payment.action_post()
