from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_collection_common import CollectionCommon, day


@tagged("post_install", "-at_install")
class TestCollectionEdges(CollectionCommon):
    """What happens rarely, and must not go wrong then; the numbers are those of the reference."""

    def _reached(self, on):
        """Return (invoice, level) of what a run on a day reminds of, and send it."""
        events = self._send(day(on)).line_ids.event_id
        return [(event.move_id, event.level_name) for event in events]

    def test_blocked_and_paid_all_the_same(self):
        """Odoo still says blocked; it is paid, and closed for us (13)."""
        move = self._invoice(100)
        move.action_toggle_block_payment()
        self.assertEqual(self._propose(day(7)).line_ids.skip_reason, "blocked")
        self._register_payment(move, payment_date=day(8))
        self.assertEqual(move.amount_residual, 0)
        self.assertFalse(self._propose(day(9)).line_ids)

    def test_rate_moves_after_the_invoice(self):
        """What is asked stays in the invoice's currency, whatever the rate does (18)."""
        euro = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        self._invoice(100, currency_id=euro.id)
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": day(3), "rate": 5.0, "company_id": self.company.id}
        )
        event = self._send(day(7)).line_ids.event_id
        self.assertEqual((event.residual, event.currency_id), (100, euro))
        self.assertIn("100.00", event.mail_message_id.body)

    def test_receipt(self):
        """Sales receipts are owed like invoices (27)."""
        receipt = self._invoice(100, move_type="out_receipt")
        self.assertEqual(self._reached(7), [(receipt, "Friendly reminder")])

    def test_customer_who_is_a_vendor(self):
        """What we owe them is not set off by itself (28)."""
        move = self._invoice(100)
        self._invoice(80, move_type="in_invoice", ref="Their bill")
        event = self._send(day(7)).line_ids.event_id
        self.assertEqual((event.move_id, event.residual), (move, 100))

    def test_invoice_of_nothing(self):
        """An invoice of zero is never asked for (30)."""
        self._invoice(0)
        self.assertFalse(self._propose(day(40)).line_ids)

    def test_two_instalments_on_one_day(self):
        """Odoo makes one of them, and so do we (32)."""
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

    def test_due_date_moved_earlier(self):
        """All levels are due at once by the new date: one is sent, the next after its gap (35)."""
        move = self._invoice(100, day(60))
        self.assertFalse(self._propose(day(40)).line_ids)
        move.line_ids.filtered("date_maturity").date_maturity = day(0)
        self.assertEqual(self._reached(40), [(move, "Friendly reminder")])
        self.assertEqual(self._propose(day(41)).line_ids.skip_reason, "gap")
        self.assertEqual(self._reached(40 + self.second.min_gap_days), [(move, "Second reminder")])

    def test_policy_switched_under_way(self):
        """The follow-up goes on with the first level of the new policy behind the last sent (43)."""
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

    def test_restrictive_audit_trail(self):
        """The log and merging contacts are the same where Odoo keeps an audit trail (83)."""
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
