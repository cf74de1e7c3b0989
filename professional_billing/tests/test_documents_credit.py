from odoo.tests import tagged

from .common_documents import DocumentsCommon


@tagged("post_install", "-at_install")
class TestCreditNotes(DocumentsCommon):
    """What is credited, by whatever way, is open again by just that much."""

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
