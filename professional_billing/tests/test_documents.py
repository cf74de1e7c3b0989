from odoo.fields import Command
from odoo.tests import tagged

from .common_documents import DocumentsCommon


@tagged("post_install", "-at_install")
class TestDocuments(DocumentsCommon):
    """The life of a bill: whatever people do to the document, the ledger follows exactly."""

    # -- drafts ---------------------------------------------------------------------------------

    def test_bill_and_post(self):
        """Draft and posted invoice bill the work; a second gathering finds nothing."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self.assertEqual(self._open_hours(order), [0, 0])
        self.assertEqual(move.amount_untaxed, 800)
        self.assertFalse(self._prebill(order))
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        self.assertFalse(self._prebill(order))
        self.assertEqual(order.invoice_status, "invoiced")

    def test_cancel_draft(self):
        """A cancelled draft gives everything back, and the next bill takes it again."""
        order = self._engagement(3, 5)
        self._bill(order).with_user(self.officer).button_cancel()
        self.assertEqual(self._open(order), [(3, 300), (5, 500)])
        self.assertEqual(order.invoice_status, "to invoice")
        self.assertEqual(order.order_line.qty_to_invoice, 8)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 800)
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_delete_draft(self):
        """A deleted draft gives everything back."""
        order = self._engagement(3, 5)
        self._bill(order).with_user(self.officer).unlink()
        self.assertEqual(self._open(order), [(3, 300), (5, 500)])
        self.assertEqual(order.order_line.qty_to_invoice, 8)
        self.assertEqual(self._bill(order).amount_untaxed, 800)
        self.assertLedger(order)

    def test_delete_line_of_draft(self):
        """A deleted line gives back its own work only."""
        order = self._create_engagement(
            [self.hours, {"product_id": self.hours.id, "price_unit": 50}]
        )
        for line in order.order_line:
            self._log_time(line, 4, -1)
        move = self._bill(order)
        first = self._product_lines(move)[0]
        move.with_user(self.officer).write({"invoice_line_ids": [Command.delete(first.id)]})
        self.assertEqual(sorted(self._open(order)), [(0, 0), (4, 400)])
        move.action_post()
        self.assertEqual(sorted(self._open(order)), [(0, 0), (4, 400)])
        self.assertEqual(move.amount_untaxed, 200)
        self.assertEqual(self._bill(order).amount_untaxed, 400)
        self.assertLedger(order)

    def test_lower_quantity(self):
        """Less hours on the draft: the newest work is free again when it is posted."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self._edit(move, quantity=6)
        self.assertLedger(order, edited=move)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (2, 200)])
        self.assertEqual(order.order_line.qty_to_invoice, 2)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 200)
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_raise_quantity(self):
        """More hours than worked are a write-up under the name of who posts it."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self._edit(move, quantity=10)
        move.with_user(self.manager).action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 0)])
        write_up = self._items(order).allocation_ids.filtered(lambda row: row.kind == "write_up")
        self.assertRecordValues(
            write_up, [{"quantity": 2, "amount": 200, "user_id": self.manager.id, "cause": "edit"}]
        )
        self.assertEqual(sum(self._items(order).mapped("billed_amount")), 1000)
        self.assertEqual(self._items(order).mapped("worked_quantity"), [3, 5])

    def test_lower_price(self):
        """Less money for the same hours: the difference waits for a decision, and is not billed."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self._edit(move, price_unit=90)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 80)])
        self.assertEqual(self._items(order).mapped("blocked_reason"), [False, "price_credit"])
        self.assertFalse(self._prebill(order))
        self.assertEqual(order.order_line.qty_to_invoice, 0)

    def test_raise_price(self):
        """More money for the same hours is a write-up of money only."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self._edit(move, price_unit=110)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 0)])
        self.assertEqual(sum(self._items(order).mapped("written_up_amount")), 80)
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 0)

    def test_discount_on_draft(self):
        """A discount given on the draft is money given up, not hours."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self._edit(move, discount=25)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 200)])
        self.assertFalse(self._prebill(order))

    def test_quantity_and_price(self):
        """Hours and price changed together, in every direction."""
        for quantity, price in ((6, 150), (6, 90), (10, 80), (10, 70), (10, 110), (6, 133.33)):
            with self.subTest(quantity=quantity, price=price):
                order = self._engagement(3, 5)
                move = self._bill(order)
                self._edit(move, quantity=quantity, price_unit=price)
                move.action_post()
                self.assertLedger(order)
                hours = sum(self._items(order).mapped("billed_quantity"))
                self.assertAlmostEqual(hours, quantity)
                self.assertEqual(sum(self._open_hours(order)), max(8 - quantity, 0))

    def test_zero_quantity(self):
        """A line set to nothing gives all its hours back; set up again it bills them, once."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        self._edit(move, quantity=0)
        move.action_post()
        self.assertEqual(self._open(order), [(3, 300), (5, 500)])
        move.button_draft()
        self._edit(move, quantity=8)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 0)])
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 0)

    def test_edit_posted(self):
        """Post, back to draft, change, post: each time the ledger follows the document."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        for quantity, hours in ((6, [0, 2]), (7, [0, 1]), (2, [1, 5]), (8, [0, 0])):
            move.button_draft()
            self.assertLedger(order)
            self._edit(move, quantity=quantity)
            move.action_post()
            self.assertEqual(self._open_hours(order), hours, f"{quantity} h on the invoice")
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 0)

    def test_raise_takes_back_what_is_free(self):
        """Hours put back on an invoice are its own open hours first, and only then a write-up."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        move.button_draft()
        self._edit(move, quantity=6)
        move.action_post()
        later = self._bill(order, post=True)
        self.assertEqual(later.amount_untaxed, 200)
        move.button_draft()
        self._edit(move, quantity=8)
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 2)
        self.assertEqual(sum(self._items(order).mapped("billed_quantity")), 10)

    def test_days(self):
        """Lines in days: two hours less are a quarter of a day."""
        order = self._create_engagement([self.days])
        for number, hours in enumerate((8, 4, 4)):
            self._log_time(order.order_line, hours, number - 5)
        move = self._bill(order)
        self.assertEqual(self._product_lines(move).quantity, 2)
        self._edit(move, quantity=1.75)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 0), (2, 200)])
        self._credit(move, {self._product_lines(move): 0.5})
        self.assertEqual(self._open(order), [(0, 0), (2, 200), (4, 400)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 600)
        self.assertLedger(order)

    def test_odd_minutes(self):
        """Twenty minutes make 0.33 h on the invoice: rounding and edits stay exact."""
        order = self._engagement(1 / 3, 1 / 3, 1 / 3, 0.25, 1 / 6)
        move = self._bill(order, post=True)
        line = self._product_lines(move)
        self.assertEqual(line.quantity, 1.42)
        self.assertLedger(order)
        self._credit(move, {line: 0.5})
        self.assertLedger(order)
        move.button_draft()
        self.assertLedger(order)
        move.action_post()
        self.assertLedger(order)
        for _number in range(3):
            again = self._bill(order)
            self.assertLedger(order)
            again.button_cancel()
            self.assertLedger(order)
        again = self._bill(order, post=True)
        self.assertLedger(order)
        self.assertEqual(sum(self._open_hours(order)), 0)
        self.assertAlmostEqual(move.amount_untaxed + again.amount_untaxed, 142 + 50, 0)

    def test_currency_changed(self):
        """A draft in another currency is not posted: its amounts would not be what was agreed."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        move.currency_id = euro
        with self.assertRefused("currency"):
            move.action_post()
        move.currency_id = order.currency_id
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_manual_line(self):
        """A line the accountant adds stays theirs, whatever becomes of the invoice."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        move.write(
            {
                "invoice_line_ids": [
                    Command.create({"name": "Courier", "price_unit": 30, "tax_ids": []})
                ]
            }
        )
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        manual = self._product_lines(move)[1]
        self.assertFalse(manual.billing_allocation_ids)
        self._credit(move, {manual: 1})
        self.assertEqual(self._open_hours(order), [0, 0])
        move.button_draft()
        manual.with_context(dynamic_unlink=True).unlink()
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_switch_type(self):
        """A draft bill is not turned into a credit note, nor a credit note into a bill."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        with self.assertRefused():
            move.action_switch_move_type()
        move.action_post()
        refund = self._credit(move, post=False)
        with self.assertRefused():
            refund.action_switch_move_type()
        self.assertLedger(order)

    def test_duplicate(self):
        """A duplicated invoice is the accountant's own: it neither bills nor frees work."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        copy = move.copy()
        self.assertEqual(self._open_hours(order), [0, 0])
        copy.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        copy.button_cancel()
        self.assertEqual(self._open_hours(order), [0, 0])
        self._credit(move)
        self.assertEqual(self._open_hours(order), [3, 5])

    # -- cancelling -----------------------------------------------------------------------------

    def test_cancel_posted(self):
        """A posted invoice that is cancelled gives its work back."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        move.with_user(self.officer).button_cancel()
        self.assertEqual(self._open(order), [(3, 300), (5, 500)])
        move.unlink()
        self.assertEqual(self._open(order), [(3, 300), (5, 500)])

    def test_reopen_cancelled(self):
        """A cancelled invoice reset to draft takes its work back, from an open pre-bill too."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        move.button_cancel()
        prebill = self._prebill(order)
        self.assertEqual(prebill.amount_bill, 800)
        move.with_user(self.officer).button_draft()
        self.assertEqual(self._open(order), [(0, 0), (0, 0)])
        self.assertFalse(prebill.line_ids)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0), (0, 0)])

    def test_reopen_cancelled_billed_elsewhere(self):
        """A cancelled invoice stays cancelled when its work was billed meanwhile, in part too."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        move.button_cancel()
        other = self._bill(order)
        with self.assertRefused("billed or written off since"):
            move.button_draft()
        self.assertLedger(order)
        self._edit(other, quantity=6)
        other.action_post()
        with self.assertRefused("billed or written off since"):
            move.button_draft()
        other.button_cancel()
        move.button_draft()
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_reopen_cancelled_hours_changed(self):
        """A cancelled invoice stays cancelled when the hours it billed are not there any more."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        move.button_cancel()
        entry = self._items(order)[1].timesheet_id
        entry.unit_amount = 4
        self.assertEqual(self._open(order), [(3, 300), (4, 400)])
        with self.assertRefused("billed or written off since"):
            move.button_draft()
        self.assertLedger(order)

    # -- orders ---------------------------------------------------------------------------------

    def test_consolidated(self):
        """One invoice of two orders: crediting one order's line leaves the other billed."""
        orders = self._engagement(3, 5) | self._engagement(2, 4)
        move = self._bill_by_wizard(orders, consolidated_billing=True)
        self.assertEqual(len(move), 1)
        self.assertLedger(orders)
        move.action_post()
        second = self._product_lines(move).filtered(
            lambda row: row.sale_line_ids.order_id == orders[1]
        )
        self._credit(move, {second: 6})
        self.assertLedger(orders)
        self.assertEqual(self._open_hours(orders[0]), [0, 0])
        self.assertEqual(self._open_hours(orders[1]), [2, 4])
        move.button_draft()
        move.unlink()
        self.assertEqual(self._open_hours(orders[0]), [3, 5])
        self.assertEqual(self._open_hours(orders[1]), [2, 4])

    def test_mixed_order_and_down_payment(self):
        """A stock line, a down payment and our hours on one invoice by Odoo's wizard."""
        goods = self._new_service(
            "Licence", False, 50.0, self.uom_unit, service_policy="ordered_prepaid"
        )
        order = self._create_engagement(
            [self.hours, {"product_id": goods.id, "product_uom_qty": 2}]
        )
        line = order.order_line[0]
        self._log_time(line, 8, -1)
        down = self._bill_by_wizard(
            order, advance_payment_method="fixed", fixed_amount=230, deduct_down_payments=True
        )
        self.assertAlmostEqual(down.amount_total, 230)
        down.action_post()
        self.assertEqual(self._open_hours(order), [8])
        move = self._bill_by_wizard(order)
        self.assertAlmostEqual(move.amount_untaxed, 800 + 100 - 200)
        self.assertLedger(order)
        move.action_post()
        self.assertEqual(self._open_hours(order), [0])
        self.assertEqual(order.invoice_status, "invoiced")

    def test_down_payment_larger_than_bill(self):
        """A down payment above the bill, deducted Odoo's way, makes a credit note: its work is billed."""
        order = self._engagement(3, 5)
        order.deposit_policy = "final"
        order.order_line.product_uom_qty = 50
        down = self._bill_by_wizard(order, advance_payment_method="fixed", fixed_amount=2300)
        down.action_post()
        move = self._bill_by_wizard(order)
        self.assertEqual(move.move_type, "out_refund")
        self.assertAlmostEqual(move.amount_untaxed, 1200)
        self.assertEqual(self._open_hours(order), [0, 0])
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        move.button_draft()
        self.assertEqual(self._open_hours(order), [0, 0])
        move.button_cancel()
        self.assertEqual(self._open_hours(order), [3, 5])
        move.button_draft()
        self.assertEqual(self._open_hours(order), [0, 0])
        move.unlink()
        self.assertEqual(self._open_hours(order), [3, 5])

    def test_sections_and_notes(self):
        """Sections and notes come with the lines they belong to, and settle nothing."""
        order = self._create_engagement(
            [
                {"display_type": "line_section", "name": "Phase 1", "product_uom_qty": 0},
                self.hours,
                {"display_type": "line_note", "name": "As agreed", "product_uom_qty": 0},
                {"display_type": "line_section", "name": "Phase 2", "product_uom_qty": 0},
                self.hours,
            ]
        )
        self._log_time(order.order_line[1], 3, -1)
        move = self._bill(order)
        self.assertEqual(
            move.invoice_line_ids.sorted("sequence").mapped("display_type"),
            ["line_section", "product", "line_note"],
        )
        self.assertLedger(order)
        move.action_post()
        refund = self._credit(move)
        self.assertEqual(self._open_hours(order), [3])
        refund.button_draft()
        self.assertEqual(self._open_hours(order), [0])

    def test_order_cancelled(self):
        """A cancelled order frees its draft and its pre-bill, and says why nothing is billed."""
        order = self._engagement(3, 5)
        self._bill(order)
        self._log_time(order.order_line, 2)
        prebill = self._prebill(order)
        order._action_cancel()
        self.assertEqual(prebill.state, "cancelled")
        self.assertEqual(order.invoice_ids.state, "cancel")
        self.assertEqual(self._open_hours(order), [3, 5, 2])
        self.assertEqual(self._items(order).mapped("blocked_reason"), ["order_cancelled"] * 3)
        self.assertFalse(self._prebill(order))
        order.action_draft()
        order.action_confirm()
        self.assertEqual(self._items(order).mapped("blocked_reason"), [False] * 3)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 1000)
        self.assertEqual(self._open_hours(order), [0, 0, 0])
        self.assertLedger(order)
