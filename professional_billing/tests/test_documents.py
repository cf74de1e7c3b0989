from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCommon


class DocumentsCommon(BillingCommon):
    def _engagement(self, *hours, **vals):
        """An engagement at 100 an hour; the entries of `hours` lie on days before today."""
        order = self._create_engagement([self.hours], **vals)
        for number, worked in enumerate(hours):
            self._log_time(order.order_line, worked, number - len(hours))
        return order

    def _open(self, order):
        """Return the open quantities and amounts of the items, oldest first."""
        self.assertLedger(order)
        items = self._items(order)
        return [(item.open_quantity, item.open_amount) for item in items]

    def _open_hours(self, order):
        return [quantity for quantity, _amount in self._open(order)]


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

    # -- credit notes ---------------------------------------------------------------------------

    def test_full_credit(self):
        """A full credit note frees everything; the next bill is the same again."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        refund = self._credit(move, post=False)
        self.assertEqual(self._open_hours(order), [0, 0])
        refund.with_user(self.officer).action_post()
        self.assertEqual(self._open(order), [(3, 300), (5, 500)])
        self.assertEqual(order.order_line.qty_to_invoice, 8)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 800)
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_partial_credit(self):
        """Six hours credited: the newest five and one of the older, no more."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        self._credit(move, {self._product_lines(move): 6})
        self.assertEqual(self._open(order), [(1, 100), (5, 500)])
        self.assertEqual(order.order_line.qty_invoiced, 2)
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 600)
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_price_credit(self):
        """A credit by price leaves the money open for a decision, and does not bill it again."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        refund = self._credit(move, post=False)
        self._edit(refund, price_unit=70)
        refund.action_post()
        self.assertEqual(self._open(order), [(0, 60), (0, 500)])
        self.assertEqual(self._items(order).mapped("blocked_reason"), ["price_credit"] * 2)
        self.assertFalse(self._prebill(order))
        self.assertEqual(order.order_line.qty_to_invoice, 0)
        refund.button_draft()
        self.assertEqual(self._open(order), [(0, 0), (0, 0)])
        self.assertEqual(self._items(order).mapped("blocked_reason"), [False, False])

    def test_credit_note_reset_and_cancelled(self):
        """A credit note back in draft bills the work again; cancelled it stays billed."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        refund = self._credit(move, {self._product_lines(move): 6})
        refund.button_draft()
        self.assertEqual(self._open_hours(order), [0, 0])
        self._edit(refund, quantity=1)
        refund.action_post()
        self.assertEqual(self._open_hours(order), [0, 1])
        refund.button_cancel()
        self.assertEqual(self._open_hours(order), [0, 0])
        refund.button_draft()
        self.assertEqual(self._open_hours(order), [0, 0])
        refund.action_post()
        self.assertEqual(self._open_hours(order), [0, 1])
        refund.button_draft()
        refund.unlink()
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_credit_note_reset_billed_elsewhere(self):
        """A credit note stays posted when what it freed has been billed again."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        refund = self._credit(move, {self._product_lines(move): 6})
        self._bill(order, post=True)
        with self.assertRefused("billed or written off since"):
            refund.button_draft()
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_two_credit_notes(self):
        """Two credit notes on one line, one by one and posted together, never free more than billed."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        line = self._product_lines(move)
        self._credit(move, {line: 1})
        self.assertEqual(self._open_hours(order), [0, 1])
        second, third = (self._credit(move, {line: part}, post=False) for part in (5, 2))
        (second | third).action_post()
        self.assertEqual(self._open_hours(order), [3, 5])
        second.button_draft()
        self.assertLedger(order)
        self.assertEqual(sum(self._open_hours(order)), 3)
        self._credit(move, {line: 8})
        self.assertEqual(self._open_hours(order), [3, 5])

    def test_credit_note_larger(self):
        """A credit note larger than its invoice frees what was billed, and no more."""
        for vals, hours in (({"quantity": 20}, [3, 5]), ({"price_unit": 500}, [0, 0])):
            with self.subTest(vals=vals):
                order = self._engagement(3, 5)
                move = self._bill(order, post=True)
                refund = self._credit(move, post=False)
                self._edit(refund, **vals)
                refund.action_post()
                self.assertEqual(self._open_hours(order), hours)
                self.assertEqual([amount for _hours, amount in self._open(order)], [300, 500])

    def test_credited_invoice_posted_again(self):
        """An invoice with a credit note, reset and posted again unchanged, bills nothing more."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        self._credit(move, {self._product_lines(move): 1})
        move.button_draft()
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 1])
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 0)
        move.button_draft()
        self._edit(move, quantity=7)
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 2])
        self.assertEqual(sum(self._items(order).mapped("billed_quantity")), 6)

    def test_credited_invoice_cancelled(self):
        """An invoice cancelled after a credit note gives back the rest; nothing is billed by ghosts."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        refund = self._credit(move, {self._product_lines(move): 1})
        move.button_cancel()
        self.assertEqual(self._open_hours(order), [3, 5])
        refund.button_draft()
        self.assertEqual(self._open_hours(order), [3, 5])
        refund.button_cancel()
        self.assertEqual(self._open_hours(order), [3, 5])
        move.button_draft()
        move.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 0)

    def test_credit_note_by_another_way(self):
        """A credit note made by code, posted at once (`_reverse_moves(cancel=True)`), frees the work."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        move._reverse_moves(cancel=True)
        self.assertEqual(self._open_hours(order), [3, 5])

    def test_modify(self):
        """“Reverse and create invoice”: the new draft bills what the credit note freed."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        draft = self._reverse(move, "modify_moves")
        self.assertEqual(draft.state, "draft")
        self.assertEqual(self._open_hours(order), [0, 0])
        self._edit(draft, quantity=6)
        draft.action_post()
        self.assertEqual(self._open_hours(order), [0, 2])
        draft.button_cancel()
        self.assertEqual(self._open_hours(order), [3, 5])

    def test_modify_deleted(self):
        """The replacement draft deleted: everything is open."""
        order = self._engagement(3, 5)
        draft = self._reverse(self._bill(order, post=True), "modify_moves")
        draft.unlink()
        self.assertEqual(self._open_hours(order), [3, 5])

    def test_modify_after_partial_credit(self):
        """The replacement of a partly credited invoice bills the hours it says, and writes up none."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        self._credit(move, {self._product_lines(move): 1})
        draft = self._reverse(move, "modify_moves")
        self.assertEqual(self._product_lines(draft).quantity, 8)
        draft.action_post()
        self.assertEqual(self._open_hours(order), [0, 0])
        self.assertEqual(sum(self._items(order).mapped("written_up_quantity")), 0)
        self.assertEqual(sum(self._items(order).mapped("billed_quantity")), 8)

    def test_modify_in_the_future(self):
        """A replacement cannot be made while the credit note waits for its date."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        with self.assertRefused("future"):
            self._reverse(move, "modify_moves", date=self.today.replace(year=self.today.year + 1))
        self.assertEqual(self._open_hours(order), [0, 0])

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


@tagged("post_install", "-at_install")
class TestSources(DocumentsCommon):
    """Work, instalments and prices change before, while and after they are billed."""

    # -- time entries ---------------------------------------------------------------------------

    def test_open_entry(self):
        """Open time follows its entry, hours, date and deletion, by its own author."""
        order = self._engagement(3, 5)
        entry = self._items(order)[1].timesheet_id.with_user(self.consultant)
        entry.unit_amount = 4.5
        self.assertEqual(self._open(order), [(3, 300), (4.5, 450)])
        entry.date = self.today.replace(year=self.today.year - 1)
        self.assertEqual(self._open(order), [(4.5, 450), (3, 300)])
        entry.unlink()
        self.assertEqual(self._open(order), [(3, 300)])

    def test_entry_on_prebill(self):
        """An entry on a draft pre-bill may change: the pre-bill shows it before it is invoiced."""
        order = self._engagement(3, 5)
        prebill = self._prebill(order)
        first, second = self._items(order).timesheet_id.sorted("date")
        second.unit_amount = 4
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        self.assertLedger(order)
        self._prebill(order)
        self.assertEqual(prebill.amount_bill, 700)
        first.unlink()
        self.assertEqual(prebill.amount_bill, 400)
        move = prebill.action_invoice()
        self.assertEqual(move.amount_untaxed, 400)
        self.assertEqual(self._open_hours(order), [0])

    def test_entry_on_approved_prebill(self):
        """An entry that changes or goes after approval is not billed as it was approved."""
        order = self._engagement(3, 5)
        prebill = self._prebill(order)
        prebill.with_user(self.manager).action_approve()
        first, second = self._items(order).timesheet_id.sorted("date")
        second.unit_amount = 4
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        self.assertLedger(order)
        prebill.action_reopen()
        prebill.action_refresh()
        prebill.action_approve()
        self.assertEqual(prebill.amount_bill, 700)
        first.unlink()
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        prebill.action_reopen()
        prebill.action_refresh()
        prebill.action_approve()
        self.assertEqual(prebill.action_invoice().amount_untaxed, 400)
        self.assertEqual(sum(self._open_hours(order)), 0)

    def test_billed_entry(self):
        """Billed time is frozen, on a draft too; credited in part it stays so; credited it is free."""
        order = self._engagement(3, 5)
        move = self._bill(order)
        first, second = self._items(order).timesheet_id.sorted("date")
        for _state in ("draft", "posted"):
            for vals in ({"unit_amount": 1}, {"date": self.today}, {"so_line": False}):
                with self.assertRefused():
                    first.write(vals)
            with self.assertRefused():
                first.unlink()
            first.name = "Better words"
            move.state == "draft" and move.action_post()
        self._credit(move, {self._product_lines(move): 1})
        with self.assertRefused():
            second.unit_amount = 1
        with self.assertRefused():
            second.unlink()
        self._credit(move)
        second.unit_amount = 4
        first.unlink()
        self.assertEqual(self._open(order), [(0, 0), (4, 400)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 400)
        self.assertEqual(self._open_hours(order), [0, 0])

    def test_entry_of_given_up_value(self):
        """Billed at a lower rate and credited: the entry's hours cannot change behind the ledger."""
        order = self._engagement(8)
        prebill = self._prebill(order)
        prebill.line_ids.write({"rate": 90, "reason_id": self.reason.id})
        move = prebill.action_invoice().with_env(self.env)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0)])
        self._credit(move)
        self.assertEqual(self._open(order), [(8, 720)])
        with self.assertRefused("is on a bill or written off"):
            self._items(order).timesheet_id.unit_amount = 4
        self.assertLedger(order)

    def test_entry_partly_written_off(self):
        """Two hours written off: the rest is billed, and nothing stays to invoice."""
        order = self._engagement(10)
        prebill = self._prebill(order)
        prebill.line_ids.quantity = 8
        prebill.line_ids.action_write_off_rest()
        prebill.line_ids.filtered(lambda row: row.decision == "write_off").reason_id = self.reason
        move = prebill.action_invoice().with_env(self.env)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 0)])
        self.assertEqual(order.order_line.qty_to_invoice, 0)
        self._credit(move)
        self.assertEqual(self._open(order), [(8, 800)])

    # -- prices ---------------------------------------------------------------------------------

    def test_price_changed(self):
        """A new price values open time; what is billed keeps its own, credited or not."""
        order = self._engagement(3, 5)
        move = self._bill(order, post=True)
        self._log_time(order.order_line, 2)
        order.order_line.price_unit = 120
        self.assertEqual(self._open(order), [(0, 0), (0, 0), (2, 240)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 240)
        self._credit(move, {self._product_lines(move): 1})
        self.assertEqual(self._open(order), [(0, 0), (1, 100), (0, 0)])
        again = self._bill(order, post=True)
        self.assertEqual(again.amount_untaxed, 100)
        self.assertEqual(self._open_hours(order), [0, 0, 0])

    def test_price_changed_on_prebill(self):
        """A price changed while the pre-bill waits is seen before it is invoiced."""
        order = self._engagement(3, 5)
        prebill = self._prebill(order)
        prebill.with_user(self.manager).action_approve()
        order.order_line.price_unit = 120
        with self.assertRefused("has changed since"):
            prebill.action_invoice()
        self.assertEqual(self._open(order), [(3, 360), (5, 600)])

    def test_discount_and_unit_changed(self):
        """A discount or another unit on the order line values open time again."""
        order = self._engagement(4, 4)
        order.order_line.discount = 10
        self.assertEqual(self._open(order), [(4, 360), (4, 360)])
        move = self._bill(order)
        self.assertRecordValues(
            self._product_lines(move), [{"quantity": 8, "price_unit": 100, "discount": 10}]
        )
        self.assertLedger(order)

    def test_rule_on_invoiced_line(self):
        """A line Odoo has invoiced takes no rule: its hours would be billed a second time."""
        plain = self._new_service("Plain advice", False, 70.0)
        order = self._create_engagement([plain])
        line = order.order_line
        self._log_time(line, 3, -1)
        move = self._bill_by_wizard(order)
        with self.assertRefused("billed again"):
            line.billing_rule = "time_materials"
        move.button_cancel()
        line.billing_rule = "time_materials"
        self.assertEqual(self._open(order), [(3, 210)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 210)
        self.assertLedger(order)

    # -- fees -----------------------------------------------------------------------------------

    def _fee(self, *percentages):
        installments = [{"percentage": percentage} for percentage in percentages]
        return self._create_engagement([{"product_id": self.fee.id, "installments": installments}])

    def test_instalment_open(self):
        """An open instalment may change: the fee must still add up before anything is billed."""
        order = self._fee(50, 50)
        first, second = order.billing_installment_ids
        first.percentage = 40
        self.assertEqual(self._items(order).mapped("blocked_reason"), ["schedule_gap"] * 2)
        self.assertFalse(self._prebill(order))
        second.percentage = 60
        self.assertEqual(sorted(self._items(order).mapped("open_amount")), [3600, 5400])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 9000)
        self.assertLedger(order)

    def test_instalment_billed(self):
        """A billed instalment is frozen until it is credited."""
        order = self._fee(50, 50)
        second = order.billing_installment_ids[1]
        second.date = self.today.replace(year=self.today.year + 1)
        move = self._bill(order)
        first = order.billing_installment_ids.filtered("is_billed")
        self.assertEqual(len(first), 1)
        with self.assertRefused("frozen"):
            first.percentage = 10
        with self.assertRefused("frozen"):
            first.unlink()
        move.action_post()
        self.assertLedger(order)
        self._credit(move)
        self.assertLedger(order)
        first.percentage = 30
        second.percentage = 70
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 2700)
        self.assertLedger(order)

    def test_fee_raised(self):
        """A fee raised after the first bill leaves a gap that is named, not billed or lost."""
        order = self._fee(50, 50)
        first, second = order.billing_installment_ids
        second.date = self.today.replace(year=self.today.year + 1)
        self._bill(order, post=True)
        order.order_line.price_unit = 10000
        second.date = self.today
        self.assertEqual(first.amount, 4500)
        self.assertEqual(self._items(order).mapped("billed_amount"), [4500, 0])
        self.assertEqual(self._items(order).filtered("is_open").blocked_reason, "schedule_gap")
        self.assertFalse(self._prebill(order))
        second.write({"percentage": 0, "amount": 5500})
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 5500)
        self.assertLedger(order)
        self.assertEqual(order.order_line.billing_billed_amount, 10000)
        self.assertAlmostEqual(order.order_line.qty_invoiced, 1)

    def test_fee_edited_and_credited(self):
        """A fee lowered on the draft, credited in part by quantity and by price."""
        order = self._fee(100)
        move = self._bill(order)
        self._edit(move, price_unit=8000)
        move.action_post()
        self.assertEqual(self._open(order), [(0, 1000)])
        self._credit(move, {self._product_lines(move): 0.5})
        self.assertLedger(order)
        self.assertEqual(sum(amount for _part, amount in self._open(order)), 5000)
        again = self._bill(order, post=True)
        self.assertLedger(order)
        self.assertEqual(again.amount_untaxed, 5000)
        self.assertEqual(self._open(order), [(0, 0)])

    def test_fee_raised_on_draft(self):
        """A fee raised on the draft is a write-up."""
        order = self._fee(50, 50)
        move = self._bill(order)
        self._edit(move, price_unit=10000)
        move.action_post()
        self.assertLedger(order)
        self.assertEqual(sum(self._items(order).mapped("written_up_amount")), 500)

    def test_fee_quantity_edited(self):
        """Half of an instalment's quantity on the draft: half of its money stays open."""
        order = self._fee(50, 50)
        move = self._bill(order)
        self._edit(move, quantity=0.25)
        move.action_post()
        self.assertLedger(order)
        self.assertEqual(sum(amount for _part, amount in self._open(order)), 2250)
        again = self._bill(order, post=True)
        self.assertEqual(again.amount_untaxed, 2250)
        self.assertLedger(order)

    def test_milestone_unreached(self):
        """A billed milestone un-reached, renamed or deleted makes no negative bill."""
        order = self._create_engagement([{"product_id": self.stages.id, "milestones": [30, 70]}])
        first, second = self.env["project.milestone"].search(
            [("sale_line_id", "=", order.order_line.id)], order="id"
        )
        first.is_reached = True
        move = self._bill(order, post=True)
        self.assertEqual(move.amount_untaxed, 1500)
        first.is_reached = False
        self.assertLedger(order)
        self.assertEqual(order.order_line.qty_to_invoice, 0)
        self.assertFalse(self._prebill(order))
        with self.assertRefused():
            first.unlink()
        second.is_reached = True
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 3500)
        self.assertLedger(order)
        self._credit(move)
        self.assertEqual(self._items(order).mapped("billed_amount").count(0), 1)
        self.assertFalse(self._prebill(order))

    # -- moved work -----------------------------------------------------------------------------

    def _two_lines(self):
        order = self._create_engagement(
            [self.hours, {"product_id": self.hours.id, "price_unit": 150}]
        )
        self._log_time(order.order_line[0], 3, -2)
        return order, order.order_line[0], order.order_line[1]

    def test_task_moved(self):
        """A task moved to another order line takes its open work along, not the billed."""
        order, first, second = self._two_lines()
        self._bill(order, post=True)
        self._log_time(first, 5, -1)
        first.task_id.sale_line_id = second
        self.env.cr.flush()
        self.assertLedger(order)
        self.assertEqual(self._items(order).order_line_id, first | second)
        self.assertRecordValues(
            self._items(order),
            [
                {"order_line_id": first.id, "open_amount": 0, "billed_amount": 300},
                {"order_line_id": second.id, "open_amount": 750, "billed_amount": 0},
            ],
        )
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 750)
        self.assertLedger(order)

    def test_task_moved_after_credit(self):
        """Credited work moves with its task, at the new line's price, and keeps its history."""
        order, first, second = self._two_lines()
        move = self._bill(order, post=True)
        self._credit(move)
        first.task_id.sale_line_id = second
        self.env.cr.flush()
        self.assertEqual(self._items(order).order_line_id, second)
        self.assertEqual(self._open(order), [(3, 450)])
        self.assertEqual(self._bill(order, post=True).amount_untaxed, 450)
        self.assertLedger(order)

    def test_task_moved_on_approved_prebill(self):
        """Work moved after approval is not billed by the old order, nor twice."""
        order, first, second = self._two_lines()
        other = self._create_engagement([{"product_id": self.hours.id, "price_unit": 150}])
        for target in (second, other.order_line):
            with self.subTest(target=target.order_id == order):
                prebill = self._prebill(order)
                prebill.with_user(self.manager).action_approve()
                first.task_id.sale_line_id = target
                self.env.cr.flush()
                with self.assertRefused():
                    prebill.action_invoice()
                self.assertLedger(order | other)
                first.task_id.sale_line_id = first
                self.env.cr.flush()
                prebill.action_cancel()

    def test_task_moved_off_engagement(self):
        """Work moved to a line that Odoo bills is not billed by us as well, approved or not."""
        plain = self._new_service("Plain advice", False, 70.0)
        order = self._create_engagement([self.hours, plain])
        first, second = order.order_line
        self._log_time(first, 3, -2)
        prebill = self._prebill(order)
        prebill.with_user(self.manager).action_approve()
        first.task_id.sale_line_id = second
        self.env.cr.flush()
        self.assertEqual(second.qty_delivered, 3)
        with self.assertRefused():
            prebill.action_invoice()
        prebill.action_cancel()
        move = self._bill_by_wizard(order)
        self.assertEqual(move.amount_untaxed, 210)
        self.assertEqual(first.billing_open_amount, 0)
        self.assertLedger(order)

    def test_project_moved_to_other_order(self):
        """An entry moved by hand to another engagement is billed there only."""
        order, first, _second = self._two_lines()
        other = self._create_engagement([{"product_id": self.hours.id, "price_unit": 150}])
        entry = self._items(order).timesheet_id
        prebill = self._prebill(order)
        entry.so_line = other.order_line
        self.assertLedger(order | other)
        self.assertFalse(prebill.line_ids)
        self.assertEqual(self._bill(other, post=True).amount_untaxed, 450)
        self.assertFalse(self._prebill(order).line_ids)
        self.assertEqual(first.billing_open_amount, 0)
        self.assertLedger(order | other)
