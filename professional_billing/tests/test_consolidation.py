from odoo.fields import Command
from odoo.tests import tagged

from .common_deductions import DeductionsCommon


class InvoicesCommon(DeductionsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.branch = cls.env["res.partner"].create(
            {"name": "Branch", "parent_id": cls.customer.id, "type": "invoice"}
        )

    def _engagements(self, count=2, **vals):
        """Return engagements of the customer with ten hours at 100 each."""
        orders = self.env["sale.order"]
        for _number in range(count):
            order = self._create_engagement([self.hours], **vals)
            self._log_time(order.order_line, 10)
            orders |= order
        return orders

    def _work_lines(self, move):
        return self._product_lines(move).filtered("billing_allocation_ids")


@tagged("post_install", "-at_install")
class TestConsolidation(InvoicesCommon):
    """The invoices a customer wants, whatever makes them."""

    def test_one_invoice_per_customer(self):
        """Two addresses, two engagements, one invoice with a heading for each engagement."""
        self.customer.billing_consolidation = "customer"
        orders = self._engagements()
        orders[1].partner_invoice_id = self.branch
        move = self._bill(orders, post=True)
        self.assertEqual(len(move), 1)
        self.assertEqual(move.partner_id, self.branch)  # the company's own address for invoices
        self.assertEqual(move.amount_untaxed, 2000)
        lines = move.invoice_line_ids.sorted("sequence")
        kinds = [line.display_type for line in lines]
        self.assertEqual(kinds, ["line_section", "product"] * 2)
        self.assertEqual([line.name for line in lines[::2]], orders.mapped("name"))
        self.assertEqual(set(move.invoice_origin.split(", ")), set(orders.mapped("name")))
        self.assertEqual(orders.prebill_ids.move_ids, move)
        self.assertEqual(orders.mapped("invoice_status"), ["invoiced", "invoiced"])
        self.assertLedger(orders)

    def test_company_default_and_the_customers_own_way(self):
        self.company.billing_consolidation = "bill_to"
        self.assertEqual(len(self._bill(self._engagements())), 1)
        self.customer.billing_consolidation = "order"
        self.assertEqual(len(self._bill(self._engagements())), 2)

    def test_another_company_asks_for_nothing(self):
        """What a customer wants from one company is not what they want from its sister."""
        self.customer.with_company(self.other_company).billing_consolidation = "customer"
        self.assertEqual(len(self._bill(self._engagements())), 2)

    def test_billing_address(self):
        self.customer.billing_consolidation = "bill_to"
        orders = self._engagements(3)
        orders[2].partner_invoice_id = self.branch
        moves = self._bill(orders)
        self.assertEqual(
            {move.partner_id: move.amount_untaxed for move in moves},
            {orders[0].partner_invoice_id: 2000, self.branch: 1000}
            if orders[0].partner_invoice_id != self.branch
            else {self.branch: 3000},
        )

    def test_purchase_order(self):
        """Engagements of one number are one invoice; one without a number stands alone."""
        self.customer.billing_consolidation = "po"
        orders = self._engagements(4)
        orders[0].client_po_number = orders[1].client_po_number = "PO-1"
        moves = self._bill(orders)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [1000, 1000, 2000])
        self.assertEqual(moves.filtered(lambda move: move.amount_untaxed == 2000).ref, "PO-1")

    def test_what_cannot_be_one_invoice(self):
        """Another currency, fiscal position or payment term is another invoice."""
        self.customer.billing_consolidation = "customer"
        orders = self._engagements(2)
        foreign = self._engagements(1, pricelist_id=self._new_pricelist(2).id)
        exempt = self._engagements(1)
        exempt.fiscal_position_id = self.env["account.fiscal.position"].create({"name": "Exempt"})
        later = self._engagements(1)
        later.payment_term_id = self.env.ref("account.account_payment_term_45days")
        moves = self._bill(orders | foreign | exempt | later)
        self.assertEqual(len(moves), 4)
        self.assertLedger(orders | foreign | exempt | later)

    def test_one_invoice_per_project(self):
        """Time of two projects on one order line becomes two invoices, each under its project."""
        self.customer.billing_consolidation = "project"
        order = self._engagements(1)
        line = order.order_line
        other = self.env["project.project"].create(
            {"name": "Second site", "allow_billable": True, "partner_id": self.customer.id}
        )
        self.env["account.analytic.line"].create(
            {
                "name": "There",
                "project_id": other.id,
                "so_line": line.id,
                "unit_amount": 4,
                "date": self.today,
                "employee_id": self.employee.id,
            }
        )
        moves = self._bill(order, post=True)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [400, 1000])
        site = moves.filtered(lambda move: move.amount_untaxed == 400)
        self.assertIn("Second site", site.invoice_line_ids.mapped("name"))
        self.assertEqual(order.prebill_ids.move_ids, moves)
        self.assertLedger(order)

    def test_deductions_stand_with_their_work(self):
        """Discount, retention and deposit of each engagement, on one invoice, to the cent."""
        self.customer.billing_consolidation = "customer"
        orders = self._engagements(2, retention_percent=10)
        orders[0].write({"bill_discount_type": "fixed", "bill_discount_amount": 100})
        self._deposit(orders[1], 30)
        move = self._bill(orders, post=True)
        self.assertEqual(len(move), 1)
        lines = move.invoice_line_ids.sorted(lambda line: (line.sequence, line.id))
        wanted = ["line_section", 1000, -100, -90, "line_section", 1000, -100, "line_section", -30]
        found = [
            line.price_subtotal if line.display_type == "product" else line.display_type
            for line in lines
        ]
        self.assertEqual(found, wanted)
        self.assertEqual(move.amount_untaxed, 2000 - 100 - 190 - 30)
        self.assertLedger(orders)

    def test_discount_on_several_invoices(self):
        """A fixed discount comes off once, shared by the invoices as the work is."""
        self.customer.billing_consolidation = "project"
        order = self._engagements(1)
        order.write({"bill_discount_type": "fixed", "bill_discount_amount": 70})
        other = order.order_line.task_id.project_id.copy({"name": "Second site"})
        self.env["account.analytic.line"].create(
            {
                "name": "There",
                "project_id": other.id,
                "so_line": order.order_line.id,
                "unit_amount": 4,
                "date": self.today,
                "employee_id": self.employee.id,
            }
        )
        moves = self._bill(order)
        self.assertEqual(sorted(moves.mapped("amount_untaxed")), [380, 950])
        self.assertEqual(order.bill_discount_given, 70)

    def test_sections_of_the_order_stay_below_its_heading(self):
        self.customer.billing_consolidation = "customer"
        orders = self._engagements(2)
        orders[0].order_line = [
            Command.create({"display_type": "line_section", "name": "Phase 1", "sequence": 1})
        ]
        orders[0].order_line.filtered("product_id").sequence = 2
        orders.invalidate_recordset(["order_line"])
        move = self._bill(orders)
        lines = move.invoice_line_ids.sorted("sequence")
        self.assertEqual(
            [line.display_type for line in lines],
            ["line_section", "line_subsection", "product", "line_section", "product"],
        )

    def test_by_run_and_by_button(self):
        """A billing run and Odoo's own button ask the customer too."""
        self.customer.billing_consolidation = "customer"
        orders = self._engagements(3)
        run = self.env["billing.run"].with_user(self.officer)
        run = run.create({"mode": "post", "cutoff_date": self.today})
        run.action_start()
        self.assertEqual(len(run.move_ids), 1)
        self.assertEqual(run.line_ids.mapped("state"), ["done"] * 3)
        more = self._engagements(2)
        self.assertEqual(len(self._bill_by_wizard(more, consolidated_billing=False)), 1)
        self.assertLedger(orders | more)

    def test_a_run_fails_as_a_whole_where_the_invoice_is_one(self):
        """Half of an invoice is not what the customer wants: all of theirs wait, others go on."""
        self.customer.billing_consolidation = "customer"
        orders = self._engagements(2)
        orders[1].retention_percent = 10
        self.company.billing_retention_account_id = False
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        other = self._engagements(1, partner_id=stranger.id)
        run = self.env["billing.run"].with_user(self.officer)
        run = run.create({"mode": "post", "cutoff_date": self.today})
        run.action_start()
        states = {line.order_id: line.state for line in run.line_ids}
        self.assertEqual(states, {orders[0]: "failed", orders[1]: "failed", other: "done"})
        self.assertFalse(orders.invoice_ids)

    def test_credit_of_one_engagement(self):
        self.customer.billing_consolidation = "customer"
        orders = self._engagements(2)
        move = self._bill(orders, post=True)
        line = self._work_lines(move)[0]
        self._credit(move, {line: 10})
        self.assertEqual(sorted(orders.mapped("billing_open_amount")), [0, 1000])
        self.assertLedger(orders)
