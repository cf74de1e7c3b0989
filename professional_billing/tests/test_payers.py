from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_consolidation import InvoicesCommon


@tagged("post_install", "-at_install")
class TestPayers(InvoicesCommon):
    """Several payers of one engagement: each their own invoice, the ledger exact."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch.unlink()
        cls.insurer, cls.parent = cls.env["res.partner"].create(
            [
                {
                    "name": "Insurer",
                    "is_company": True,
                    "property_payment_term_id": cls.env.ref(
                        "account.account_payment_term_45days"
                    ).id,
                },
                {"name": "Parent Inc", "is_company": True, "lang": "en_US"},
            ]
        )

    def _shared(self, *payers, services=None, **vals):
        """Return an engagement with these rows of payers."""
        order = self._create_engagement(services or [self.hours], **vals)
        self._share(order, *payers)
        return order

    def _share(self, order, *payers):
        order.has_payers = True
        order.billing_payer_ids = [Command.clear(), *map(Command.create, payers)]

    def _percent(self, partner, percentage, **vals):
        return {"partner_id": partner.id, "percentage": percentage, **vals}

    def _amount(self, partner, amount, **vals):
        return {"partner_id": partner.id, "share_type": "amount", "amount": amount, **vals}

    def _paid(self, moves):
        return {move.partner_id.name: move.amount_untaxed for move in moves}

    def test_percentages(self):
        """60/40 of ten hours: six and four hours at the agreed price, each at its own address."""
        order = self._shared(self._percent(self.insurer, 40, client_po_number="CLAIM-7"))
        self._log_time(order.order_line, 10)
        moves = self._bill(order, post=True)
        self.assertEqual(self._paid(moves), {"Client Ltd": 600, "Insurer": 400})
        theirs = moves.filtered(lambda move: move.partner_id == self.insurer)
        self.assertEqual(theirs.invoice_line_ids.quantity, 4)
        self.assertEqual(theirs.ref, "CLAIM-7")
        self.assertEqual(
            theirs.invoice_payment_term_id, self.env.ref("account.account_payment_term_45days")
        )
        self.assertIn("Your share of $\N{NO-BREAK SPACE}1,000.00", theirs.invoice_line_ids.name)
        self.assertEqual(order.prebill_ids.move_ids, moves)
        self.assertEqual(order.order_line.qty_invoiced, 10)
        self.assertEqual(order.invoice_status, "invoiced")
        self.assertLedger(order)

    def test_reviewer_sees_who_pays(self):
        """The pre-bill says what each payer's invoice will bill, and follows what is decided."""
        order = self._shared(self._percent(self.insurer, 40))
        self._log_time(order.order_line, 10)
        prebill = order._gather_prebills()
        review = prebill.with_user(self.reviewer)
        space = "\N{NO-BREAK SPACE}"
        self.assertEqual(
            review.payer_shares, f"Client Ltd: ${space}600.00\nInsurer: ${space}400.00"
        )
        prebill.line_ids.quantity = 5
        self.assertEqual(
            review.payer_shares, f"Client Ltd: ${space}300.00\nInsurer: ${space}200.00"
        )
        moves = prebill._invoice(order, grouped=True, only=True)
        self.assertEqual(self._paid(moves), {"Client Ltd": 300, "Insurer": 200})
        self.assertFalse(review.payer_shares)

    def test_odd_shares_are_exact(self):
        """A third each of many odd entries: every cent and every hour is on one bill."""
        third = 100 / 3
        order = self._shared(
            self._percent(self.insurer, third),
            self._percent(self.parent, third),
            billing_detail="entry",
        )
        order.order_line.price_unit = 123.45
        for hours in (0.25, 1.1, 2.35, 0.05, 7.77):
            self._log_time(order.order_line, hours)
        moves = self._bill(order, post=True)
        self.assertEqual(len(moves), 3)
        total = round(sum(moves.mapped("amount_untaxed")), 2)
        self.assertEqual(total, round(sum(self._items(order).mapped("amount")), 2))
        self.assertLess(
            max(moves.mapped("amount_untaxed")) - min(moves.mapped("amount_untaxed")), 0.02
        )
        self.assertEqual(self._items(order).mapped("is_open"), [False] * 5)
        self.assertLedger(order)

    def test_up_to_an_amount(self):
        """The insurer pays 1,500 in all: the first bill, a part of the second, nothing of the third."""
        order = self._shared(self._amount(self.insurer, 1500))
        wanted = ({"Insurer": 1000}, {"Insurer": 500, "Client Ltd": 500}, {"Client Ltd": 1000})
        for paid in wanted:
            self._log_time(order.order_line, 10)
            self.assertEqual(self._paid(self._bill(order, post=True)), paid)
        self.assertLedger(order)

    def test_by_kind(self):
        """Who pays the fee does not pay the time."""
        order = self._shared(
            self._percent(self.insurer, 100, charge="time"),
            self._percent(self.parent, 25, charge="fee"),
            services=[self.hours, self.fee],
        )
        self._log_time(order.order_line[0], 3)
        moves = self._bill(order, post=True)
        self.assertEqual(
            self._paid(moves), {"Insurer": 300, "Parent Inc": 2250, "Client Ltd": 6750}
        )
        self.assertLedger(order)

    def test_credit_and_bill_again_reaches_the_same_payer(self):
        """The insurer's bill is credited: its part of the work is open, and the insurer's again."""
        order = self._shared(self._percent(self.insurer, 40))
        self._log_time(order.order_line, 10)
        moves = self._bill(order, post=True)
        self._credit(moves.filtered(lambda move: move.partner_id == self.insurer))
        self.assertRecordValues(self._items(order), [{"open_amount": 400, "open_quantity": 4}])
        self.assertLedger(order)
        again = self._bill(order, post=True)
        self.assertEqual(self._paid(again), {"Insurer": 400})
        self.assertLedger(order)

    def test_partial_credit(self):
        order = self._shared(self._percent(self.insurer, 40))
        self._log_time(order.order_line, 10)
        moves = self._bill(order, post=True)
        mine = moves.filtered(lambda move: move.partner_id == self.customer)
        self._credit(mine, {mine.invoice_line_ids: 1})
        self.assertRecordValues(self._items(order), [{"open_amount": 100, "open_quantity": 1}])
        self.assertEqual(self._paid(self._bill(order, post=True)), {"Client Ltd": 100})
        self.assertLedger(order)

    def test_deleted_draft(self):
        order = self._shared(self._amount(self.insurer, 500))
        self._log_time(order.order_line, 10)
        self._bill(order).unlink()
        self.assertRecordValues(self._items(order), [{"open_amount": 1000, "open_quantity": 10}])
        self.assertEqual(self._paid(self._bill(order)), {"Insurer": 500, "Client Ltd": 500})
        self.assertLedger(order)

    def test_own_taxes(self):
        """A payer abroad is invoiced by the fiscal position of their country, not the customer's."""
        country = self.env.ref("base.ch")
        position = self.env["account.fiscal.position"].create(
            {"name": "Abroad", "auto_apply": True, "country_id": country.id}
        )
        free = self.tax_sale_a.copy({"name": "0 % export", "amount": 0})
        free.write(
            {
                "fiscal_position_ids": [Command.set(position.ids)],
                "original_tax_ids": [Command.set(self.tax_sale_a.ids)],
            }
        )
        self.insurer.country_id = country
        order = self._shared(self._percent(self.insurer, 50))
        self._log_time(order.order_line, 10)
        moves = self._bill(order, post=True)
        theirs = moves.filtered(lambda move: move.partner_id == self.insurer)
        self.assertEqual(theirs.fiscal_position_id, position)
        self.assertEqual(theirs.amount_tax, 0)
        self.assertEqual((moves - theirs).amount_tax, 75)
        self.assertLedger(order)

    def test_own_language(self):
        """A payer reads their part in their language: dates and amounts, words where translated."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.insurer.lang = "fr_FR"
        order = self._shared(self._percent(self.insurer, 50), billing_detail="person")
        self._log_time(order.order_line, 10)
        self._log_time(order.order_line, 4, employee=self.partner_employee)
        moves = self._bill(order)
        for move in moves:
            french = move.partner_id == self.insurer
            day = self.today.strftime("%d/%m/%Y" if french else "%m/%d/%Y")
            names = sorted(move.invoice_line_ids.mapped("name"), key=lambda name: "Paul" in name)
            self.assertEqual([day in name for name in names], [True, True])
            self.assertEqual(["Paul" in name for name in names], [False, True])

    def test_deductions(self):
        """Discount and retention follow the shares; the deposit pays the customer's own bill."""
        order = self._shared(
            self._percent(self.insurer, 40),
            retention_percent=10,
            bill_discount_type="fixed",
            bill_discount_amount=100,
        )
        self._deposit(order, 50)
        self._log_time(order.order_line, 10)
        moves = self._bill(order, post=True)
        self.assertEqual(
            self._paid(moves), {"Client Ltd": 600 - 60 - 54 - 50, "Insurer": 400 - 40 - 36}
        )
        self.assertLedger(order)

    def test_free_of_charge_and_written_off(self):
        order = self._shared(self._percent(self.insurer, 60))
        for hours in (5, 3, 2):
            self._log_time(order.order_line, hours)
        prebill = self._prebill(order)
        lines = prebill.line_ids.sorted("quantity")
        lines[0].write({"decision": "complimentary", "reason_id": self.reason.id})
        lines[1].write({"decision": "write_off", "reason_id": self.reason.id})
        moves = prebill.action_invoice().with_env(self.env)
        moves.action_post()
        self.assertEqual(self._paid(moves), {"Insurer": 300, "Client Ltd": 200})
        self.assertLedger(order)

    def test_payer_consolidates_too(self):
        """An insurer that pays in two engagements gets one invoice, where that is their way."""
        self.insurer.billing_consolidation = "customer"
        orders = self.env["sale.order"]
        for _number in range(2):
            order = self._shared(self._percent(self.insurer, 40))
            self._log_time(order.order_line, 10)
            orders |= order
        moves = self._bill(orders, post=True)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [600, 600, 800])
        self.assertLedger(orders)

    def test_all_or_nothing(self):
        """One payer's invoice cannot be made: none is."""
        order = self._shared(self._percent(self.insurer, 40))
        self._log_time(order.order_line, 10)
        run = self.env["billing.run"].with_user(self.officer)
        run = run.create({"mode": "post", "cutoff_date": self.today})
        self.insurer.active = False
        self.insurer.country_id = self.env.ref("base.be")
        original = type(self.env["account.move"])._post

        def fail(moves, soft=True):
            if self.insurer in moves.partner_id:
                raise UserError(self.env._("No."))
            return original(moves, soft)

        self.patch(type(self.env["account.move"]), "_post", fail)
        run.action_start()
        self.assertEqual(run.line_ids.state, "failed")
        self.assertFalse(order.invoice_ids)
        self.assertEqual(order.billing_open_amount, 1000)

    def test_refused(self):
        order = self._shared(self._percent(self.insurer, 60))
        with self.assertRefused("110 %"):
            order.billing_payer_ids = [Command.create(self._percent(self.parent, 50))]
        with self.assertRefused("more than zero"):
            order.billing_payer_ids = [Command.create(self._amount(self.parent, 0))]

    def test_salesperson_agrees_officer_bills(self):
        order = self._create_engagement([self.hours])
        self._share(order.with_user(self.salesperson), self._percent(self.insurer, 40))
        self.assertIn("Insurer pays 40 %", order.with_user(self.salesperson).billing_summary)
        self._log_time(order.order_line, 10)
        self.assertEqual(len(self._bill(order)), 2)
