from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_methods import MethodCommon


@tagged("post_install", "-at_install")
class TestMethodUnit(MethodCommon):
    """A line billed by what is used."""

    TIERS = ((10, 1.0), (0, 0.75))

    def _tiers(self, rows=TIERS, **terms):
        rows = [Command.create({"up_to": up_to, "price_unit": price}) for up_to, price in rows]
        return {"tier_ids": rows, **terms}

    def _use(self, line, quantity, **vals):
        return self._record("billing.usage", line, quantity=quantity, **vals)

    def _bill_line(self, move=None):
        """Return (quantity, price, amount) of the last invoice's lines."""
        lines = self._product_lines(move or self.last_move)
        return [(line.quantity, line.price_unit, line.price_subtotal) for line in lines]

    def test_four_months(self):
        """120, 80, 100 and 50 returns, a higher price from March, a part of March credited."""
        with self._on(2026, 1, 5):
            line = self._sell(self.returns, product_uom_qty=300)
        with self._on(2026, 1, 31):
            usage = self._use(line, 120, name="Returns of January")
            self.assertEqual(usage.amount, 300)
            self.assertEqual(self._post(line), 300)
        self.assertEqual(self._bill_line(), [(120, 2.5, 300)])
        self.assertEqual(self._product_lines(self.last_move).name, "Returns of January")
        self.assertExplained(usage.item_ids, "120 × 2.50 = 300.00")
        self.assertRecordValues(
            line, [{"qty_delivered": 120, "qty_invoiced": 120, "invoice_status": "no"}]
        )
        with self._on(2026, 2, 28):
            self._use(line, 50)
            self._use(line, 30)
            self.assertEqual(self._post(line), 200)
        self.assertEqual(self._bill_line(), [(50, 2.5, 125), (30, 2.5, 75)])
        with self._on(2026, 3, 1):
            line.with_user(self.salesperson).price_unit = 3
        with self._on(2026, 3, 31):
            self._use(line, 100)
            self.assertEqual(self._post(line), 300)
            march = self._product_lines(self.last_move)
        with self._on(2026, 4, 3):
            self._credit(march.move_id, {march: 40})
            self.assertLedger(line.order_id)
            self.assertEqual(line.billing_open_amount, 120)
            self.assertEqual(self._post(line), 120)
        self.assertEqual(self._bill_line(), [(40, 3, 120)])
        with self._on(2026, 4, 30):
            self._use(line, 50)
            self.assertEqual(self._post(line), 150)
            self.assertEqual(self._post(line), 0)
        self.assertEqual(line.billing_billed_amount, 950)
        self.assertRecordValues(
            line, [{"qty_delivered": 350, "qty_invoiced": 350, "invoice_status": "invoiced"}]
        )

    def test_published_figures(self):
        """10 × 2.50; a minimum of 25; 15 at 1.00 up to 10 and 0.75 above (practice.md 6.10)."""
        for terms, price, quantity, amount in (
            ({}, 2.5, 10, 25.0),
            ({"unit_minimum": 25}, 2.5, 10, 62.5),
            (self._tiers(), 0, 15, 13.75),
            (self._tiers(), 0, 10, 10.0),
            (self._tiers(tier_mode="whole"), 0, 15, 11.25),
        ):
            with self.subTest(terms=terms, quantity=quantity):
                line = self._sell(self.returns, terms, price_unit=price)
                usage = self._use(line, quantity)
                self.assertEqual(usage.amount, amount)
                self.assertEqual(self._post(line), amount)

    def test_in_words(self):
        """The quotation says the price, the minimum and the prices by volume."""
        line = self._sell(self.returns, {"unit_minimum": 25}, confirm=False)
        self.assertInWords(line, "Tax return: 2.50 per Units, at least 25.")
        line = self._sell(self.returns, self._tiers(), confirm=False)
        self.assertInWords(line, "Tax return: 1.00 up to 10, 0.75 above.")
        line.with_user(self.salesperson).tier_mode = "whole"
        self.assertInWords(
            line, "Tax return: 1.00 up to 10, 0.75 above, by the volume of the whole."
        )

    def test_minimum(self):
        """What was used and what is billed for it are both there."""
        line = self._sell(self.returns, {"unit_minimum": 25})
        item = self._use(line, 10).item_ids
        self.assertItem(item, worked_quantity=10, quantity=25, rate=2.5, amount=62.5)
        self.assertExplained(
            item, "10 Units recorded, 25 is the least that is billed", "25 × 2.50 = 62.50"
        )
        self.assertEqual(self._post(line), 62.5)
        self.assertEqual(self._bill_line(), [(25, 2.5, 62.5)])
        self._use(line, 0, name="A month without any")
        self.assertEqual(self._post(line), 62.5)

    def test_nothing_used(self):
        """Nothing used, no minimum: nothing to bill."""
        line = self._sell(self.returns)
        item = self._use(line, 0).item_ids
        self.assertItem(item, amount=0, is_open=False)
        self.assertEqual(self._post(line), 0)

    def test_tiers_on_the_bill(self):
        """Several prices are one line of 1 × amount that lists them; one price is quantity × price."""
        line = self._sell(self.returns, self._tiers())
        item = self._use(line, 15, name="Returns").item_ids
        self.assertExplained(item, "10 × 1.00 = 10.00", "5 × 0.75 = 3.75", "Together 13.75")
        self.assertItem(item, quantity=15, amount=13.75)
        self.assertEqual(self._post(line), 13.75)
        self.assertEqual(self._bill_line(), [(1, 13.75, 13.75)])
        self.assertEqual(
            self._plain(self._product_lines(self.last_move).name),
            "Returns\n10 × 1.00 = 10.00\n5 × 0.75 = 3.75\nTogether 13.75",
        )
        self.assertEqual(line.qty_invoiced, 15)
        self._use(line, 8)
        self.assertEqual(self._post(line), 8)
        self.assertEqual(self._bill_line(), [(8, 1, 8)])
        line.with_user(self.salesperson).tier_mode = "whole"
        item = self._use(line, 20).item_ids
        self.assertExplained(item, "the same for all of it", "20 × 0.75 = 15.00")
        self.assertEqual(self._post(line), 15)
        self.assertEqual(self._bill_line(), [(20, 0.75, 15)])

    def test_tiers_credited(self):
        """A part of a bill by volume is credited as a share of its amount."""
        line = self._sell(self.returns, self._tiers())
        item = self._use(line, 15).item_ids
        self._post(line)
        self._credit(self.last_move, {self._product_lines(self.last_move): 0.4})
        self.assertLedger(line.order_id)
        self.assertItem(item, open_amount=5.5, open_quantity=6, billed_amount=8.25)
        self.assertEqual(self._post(line), 5.5)

    def test_discount(self):
        """The line's discount comes off its price and off prices by volume."""
        line = self._sell(self.returns, discount=10)
        item = self._use(line, 10).item_ids
        self.assertItem(item, standard_amount=25, amount=22.5, rate=2.25)
        self.assertExplained(item, "10 × 2.50 = 25.00", "Less 10 % discount: 22.50")
        self.assertEqual(self._post(line), 22.5)
        line = self._sell(self.returns, self._tiers(), discount=20)
        self._use(line, 15)
        self.assertEqual(self._post(line), 11)

    def test_fine_quantities_and_prices(self):
        """Quantity × price is the amount on the invoice, or the line is 1 × amount."""
        line = self._sell(self.returns, price_unit=0.333)
        self._use(line, 7)
        self._use(line, 0.125, name="A part")
        self.assertEqual(self._post(line), 2.37)
        self.assertEqual(self._bill_line(), [(7, 0.333, 2.33), (1, 0.04, 0.04)])
        self.assertExplained(line.billing_item_ids.sorted("amount")[-1], "7 × 0.333 USD = 2.33")

    def test_reviewed(self):
        """A reviewer bills eight of ten and another price: the invoice says so."""
        line = self._sell(self.returns)
        item = self._use(line, 10).item_ids
        self.assertEqual(self._post(line, quantity=8), 20)
        self.assertItem(item, open_quantity=2, open_amount=5)
        self.assertEqual(self._post(line, rate=2, reason_id=self.reason.id), 4)
        self.assertEqual(self._bill_line(), [(2, 2, 4)])
        self.assertItem(item, written_off_amount=1, is_open=False)

    def test_limit(self):
        """A limit cuts usage down: what goes beyond is written off, or waits."""
        for policy, left in (("write_down", 0), ("park", 25)):
            with self.subTest(policy=policy):
                terms = {"billing_cap_amount": 100, "billing_cap_policy": policy}
                line = self._sell(self.returns, terms)
                item = self._use(line, 50).item_ids
                self.assertEqual(self._post(line), 100)
                self.assertItem(item, billed_amount=100, open_amount=left)
                self.assertEqual(self._post(line), 0)

    def test_draft_edited(self):
        """Lowered on the draft, the rest is billed later; raised, it is a write-up."""
        line = self._sell(self.returns)
        self._use(line, 10)
        move = self._bill(line.order_id)
        self._edit(move, quantity=8)
        move.action_post()
        self.assertLedger(line.order_id)
        self.assertEqual(self._post(line), 5)
        self._use(line, 10)
        move = self._bill(line.order_id)
        self._edit(move, quantity=12)
        move.action_post()
        self.assertLedger(line.order_id)
        self.assertEqual(sum(self._items(line.order_id).mapped("written_up_amount")), 5)

    def test_usage_changed(self):
        """Recorded wrong and not billed yet: corrected or deleted. Billed: frozen."""
        line = self._sell(self.returns)
        first, second = self._use(line, 10), self._use(line, 20)
        first.with_user(self.reviewer).quantity = 12
        second.with_user(self.reviewer).unlink()
        self.assertEqual(self._items(line.order_id).mapped("amount"), [30])
        self._post(line)
        for vals in ({"quantity": 5}, {"date": self._day(1)}):
            with self.subTest(vals=vals), self.assertRefused("is frozen"):
                first.with_user(self.reviewer).write(vals)
        with self.assertRefused("is frozen"):
            first.with_user(self.reviewer).unlink()

    def test_setup_errors(self):
        """No price, and prices by volume that end, stop the confirmation in words."""
        self.assertIn("enter a price per Units", self._confirm_error(self.returns, price_unit=0))
        message = self._confirm_error(self.returns, self._tiers(((10, 1), (20, 0.5))))
        self.assertIn("the prices by volume end at 20. Add a row without limit", message)

    def test_price_lost_later(self):
        """A confirmed line that loses its prices holds its usage back and says why."""
        line = self._sell(self.returns, self._tiers())
        item = self._use(line, 15).item_ids
        line.with_user(self.salesperson).tier_ids.filtered("is_last").unlink()
        self.assertItem(item, amount=0, blocked_reason="no_price")
        self.assertExplained(item, "the prices by volume end at 10")
        self.assertEqual(self._post(line), 0)
        line.with_user(self.salesperson).tier_ids.unlink()
        self.assertItem(item, amount=37.5, blocked_reason=False)
        line.with_user(self.salesperson).price_unit = 0
        self.assertItem(item, amount=0, blocked_reason="no_price")

    def test_impossible(self):
        """Less than zero is refused: usage, minimum, price; so are two rows with one limit."""
        line = self._sell(self.returns, self._tiers())
        with self.assertRaises(ValidationError):
            line.with_user(self.salesperson).unit_minimum = -1
        tier = self.env["billing.tier"].with_user(self.salesperson)
        for model, make in (
            ("billing.usage", lambda: self._use(line, -1)),
            ("billing.tier", lambda: line.tier_ids[0].write({"price_unit": -1})),
            ("billing.tier", lambda: tier.create({"order_line_id": line.id, "up_to": 10})),
        ):
            with (
                self.subTest(model=model),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError) as caught,
            ):
                make()
                self.env.flush_all()
            message = self.env[model]._sql_error_to_message(caught.exception)
            self.assertRegex(message, "less than zero|same limit")

    def test_copied_order(self):
        """A copied quotation takes the prices by volume, not the usage."""
        line = self._sell(self.returns, self._tiers(unit_minimum=5))
        self._use(line, 15)
        copy = line.order_id.copy().order_line
        self.assertEqual(copy.tier_ids.mapped("up_to"), [10, 0])
        self.assertEqual(copy.unit_minimum, 5)
        self.assertFalse(copy.billing_usage_ids)

    def test_rights(self):
        """Project managers record on what they lead, and read prices; sales sets prices."""
        line = self._sell(self.returns, self._tiers())
        usage = self._use(line, 10)
        self._use(line, 20, user=self.officer)
        self._use(line, 30, user=self.salesperson)
        stranger = self._new_user(
            "stranger", "project.group_project_manager,professional_billing.group_billing_reviewer"
        )
        colleague = self._new_user("colleague", "sales_team.group_sale_salesman")
        everything = ("read", "write", "create", "unlink")
        for user in (self.consultant, self.other_officer, stranger, colleague):
            self.assertKeptOff(usage, user, *everything)
            self.assertKeptOff(line.tier_ids[0], user, *everything, up_to=99)
        for user in (self.reviewer, self.officer):
            self.assertTrue(line.tier_ids.with_user(user).read(["price_unit"]))
            self.assertKeptOff(line.tier_ids[0], user, "write", "create", "unlink")
        with self.assertRaises(AccessError):
            self.env["billing.usage"].with_user(self.consultant).search([])
