from dateutil.relativedelta import relativedelta

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import BillingCommon
from .common_browser import BrowserCommon

WORK = (
    ("Workshop on month-end closing with the finance team", 6.5),
    ("Data migration: mapping of the legacy chart of accounts", 7.25),
    ("Review of approval flows, notes and action list", 3.0),
    ("Training of key users, second group", 8.0),
)


@tagged("post_install", "-at_install", "browser")
class TestTours(BillingCommon, BrowserCommon):
    """The main path through each screen, in a real browser, as the person who works there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Tours log in with the login as the password.
        cls.last_month = cls.today.replace(day=1) - relativedelta(days=1)
        cls.consultant.name = "Anna Moreau"
        cls.employee.name = "Anna Moreau"
        cls.reviewer.name = "Paul Lindqvist"
        cls.manager.name = "Maria Keller"
        cls.officer.name = "Olivia Grant"

    def _create_month(self):
        """Three clients with work done last month; one milestone is not reached."""
        names = ("Brightwater Utilities", "Halden & Ross LLP", "Nordlys Shipping")
        clients = self.env["res.partner"].create([{"name": name} for name in names])
        orders = self.env["sale.order"]
        for client, price in zip(clients, (180, 165, 195), strict=True):
            order = self._create_engagement(
                [
                    {"product_id": self.hours.id, "product_uom_qty": 40, "price_unit": price},
                    {"product_id": self.stages.id, "milestones": [40, 60]},
                ],
                partner_id=client.id,
                date_order=self.last_month - relativedelta(months=1),
            )
            for day, (text, hours) in enumerate(WORK):
                date = self.last_month - relativedelta(days=3 * day)
                self._log_time(order.order_line[0], hours, date=date, name=text)
            orders |= order
        return orders

    def test_contract(self):
        """A salesperson sets up instalments; an order that cannot be billed is not confirmed."""
        line = {
            "product_id": self.fee.id,
            "installments": [{"name": "Kick-off", "percentage": 60}],
        }
        order = self._create_engagement([line], confirm=False)
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        # The web server logs the refusal that the salesperson is shown.
        with mute_logger("odoo.http"):
            self._tour(url, "professional_billing_contract", self.salesperson, "contract.png")
        self.assertEqual(order.state, "sale")
        self.assertEqual(order.billing_installment_ids.mapped("amount"), [5400.0, 3600.0])

    def test_run(self):
        """An accountant bills the month in six clicks and sees the posted invoices."""
        orders = self._create_month()
        run = self.env["billing.run"].with_user(self.officer).create({})
        run.action_preview()
        self._shoot(f"/odoo/billing-runs/{run.id}", "td[name=order_id]", self.officer, "run.png")
        self._tour("/odoo/billing-runs", "professional_billing_run", self.officer)
        self.assertEqual(orders.invoice_ids.mapped("state"), ["posted"] * 3)
        billed = sum(orders.invoice_ids.mapped("amount_untaxed"))
        self.assertEqual(billed, 24.75 * (180 + 165 + 195))

    def test_run_in_progress(self):
        """The officer sees how far a run is without touching it, stops it and lets it go on."""
        clients = self.env["res.partner"].create(
            [
                {"name": name, "email": address}
                for name, address in (
                    ("Alder & Finch LLP", "bills@alder.example.com"),
                    ("Brightwater Utilities", False),
                    ("Corvin Engineering", "accounts@corvin.example.com"),
                    ("Dunmore Press", "office@dunmore.example.com"),
                    ("Halden & Ross LLP", "finance@halden.example.com"),
                )
            ]
        )
        for client in clients:
            order = self._create_engagement(
                [{"product_id": self.hours.id, "price_unit": 180}], partner_id=client.id
            )
            self._log_time(order.order_line, 12, date=self.last_month)
        run = self.env["billing.run"].with_user(self.officer).create({"mode": "send"})
        run.action_preview()
        begun = self.env.cr.now() - relativedelta(minutes=2)
        run.sudo().write({"state": "running", "started_at": begun})
        run.line_ids[:3]._process()
        url = f"/odoo/billing-runs/{run.id}"
        self._shoot(url, "td[name=error]", self.officer, "run_progress.png")
        self._tour(url, "professional_billing_run_in_progress", self.officer)
        self.assertEqual(run.state, "done")
        self.assertEqual(run.line_ids.mapped("state"), ["done", "failed", "done", "done", "done"])

    def test_prebill(self):
        """A project manager bills eight of ten hours, writes off two and submits the pre-bill."""
        order = self._create_engagement(
            [{"product_id": self.hours.id, "price_unit": 180}], billing_approval="manager"
        )
        self._log_time(order.order_line, 10, date=-1, name="Design of the approval workflow")
        self._log_time(order.order_line, 6.5, name="Interviews with department heads")
        prebill = self._prebill(order)
        self.env["billing.prebill"].invalidate_model()
        self._tour("/odoo/pre-bills", "professional_billing_prebill", self.reviewer, "prebill.png")
        self.assertEqual(prebill.state, "review")
        self.assertEqual(prebill.amount_written_off, 360.0)
        self.assertEqual(prebill.amount_bill, 14.5 * 180)

    def test_prebill_lines(self):
        """A project manager gives one person's work for free, all of it at once."""
        order = self._create_engagement([{"product_id": self.hours.id, "price_unit": 180}])
        for day, (text, hours) in enumerate(WORK):
            employee = self.employee if day % 2 else self.partner_employee
            self._log_time(order.order_line, hours, -day, employee, name=text)
        prebill = self._prebill(order)
        self.env["billing.prebill"].invalidate_model()
        url = f"/odoo/pre-bills/{prebill.id}"
        self._tour(url, "professional_billing_prebill_lines", self.reviewer, "lines.png")
        self.assertEqual(prebill.line_ids.mapped("decision").count("complimentary"), 2)
        self.assertEqual(prebill.amount_bill, (6.5 + 3) * 180)

    def _in_review(self, client, price, hours):
        """Return a pre-bill in review that writes off the first `hours` worked for a client."""
        partner = self.env["res.partner"].create({"name": client})
        order = self._create_engagement(
            [{"product_id": self.hours.id, "price_unit": price}],
            billing_approval="manager",
            partner_id=partner.id,
        )
        self._log_time(
            order.order_line, hours, date=-2, name="Second draft of the report, after review"
        )
        for day, (text, worked) in enumerate(WORK):
            self._log_time(order.order_line, worked, date=-3 - day, name=text)
        prebill = self._prebill(order)
        prebill.line_ids.sorted("date")[-1].write(
            {"decision": "write_off", "reason_id": self.reason.id}
        )
        prebill.action_submit()
        return prebill

    def test_approval(self):
        """A project manager approves a small write-off; a large one is a billing manager's."""
        small = self._in_review("Halden & Ross LLP", 165, 1)
        large = self._in_review("Brightwater Utilities", 180, 7)
        self._tour("/odoo/pre-bills", "professional_billing_approve_small", self.reviewer)
        url = f"/odoo/pre-bills/{large.id}"
        # The web server logs the refusal that the project manager is shown.
        with mute_logger("odoo.http"):
            self._tour(url, "professional_billing_approve_refused", self.reviewer, "review.png")
        self.assertEqual(large.state, "review")
        self._tour(url, "professional_billing_approve_large", self.manager, "approval.png")
        self.assertEqual((small | large).mapped("state"), ["approved", "approved"])
        self.assertEqual(small.approved_by_id, self.reviewer)
        self.assertEqual(large.approved_by_id, self.manager)

    def test_payers(self):
        """A salesperson agrees that an insurer pays forty percent."""
        self.env["res.partner"].create({"name": "Norrland Insurance", "is_company": True})
        order = self._create_engagement([{"product_id": self.hours.id, "price_unit": 180}])
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_payers", self.salesperson, "payers.png")
        self.assertEqual(order.billing_payer_ids.percentage, 40)

    def test_credit_lines(self):
        """An officer credits one person's hours of a posted invoice; they are on a pre-bill again."""
        order = self._create_engagement(
            [{"product_id": self.hours.id, "price_unit": 180}], billing_detail="person"
        )
        self._log_time(order.order_line, 6.5, name="Workshop")
        self._log_time(order.order_line, 4, employee=self.partner_employee, name="Review")
        move = self._bill(order, post=True)
        url = f"/odoo/customer-invoices/{move.id}"
        self._tour(url, "professional_billing_credit", self.officer)
        self.assertEqual(move.reversal_move_ids.amount_untaxed, 720)
        self.assertEqual(order.billing_open_amount, 720)

    def test_wip(self):
        """Work in progress as a list, a pivot and a graph."""
        self._create_month()
        self._tour("/odoo/work-in-progress", "professional_billing_wip", self.officer, "wip.png")

    def test_recurring_fee(self):
        """A salesperson sets up a fee per month in arrears and confirms the order."""
        plan = self._new_service("Support plan", "recurring", 2400.0, self.uom_unit)
        order = self._create_engagement([plan], confirm=False)
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_recurring", self.salesperson, "terms.png")
        self.assertRecordValues(
            order.order_line,
            [{"recurring_start": self.today.replace(day=1), "recurring_timing": "arrears"}],
        )

    def test_retainer(self):
        """A salesperson agrees on hours included and on a price beyond them."""
        advice = self._new_service("Retained advice", "retainer", 2000.0, self.uom_unit)
        order = self._create_engagement([advice], confirm=False)
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_retainer", self.salesperson, "retainer.png")
        self.assertRecordValues(order.order_line, [{"retainer_hours": 10, "overage_price": 150}])

    def test_prepaid(self):
        """A salesperson sells a block of hours that is filled up by itself, and then one more."""
        advice = self._new_service("Prepaid advice", "prepaid", 150.0)
        order = self._create_engagement([{"product_id": advice.id, "product_uom_qty": 40}], False)
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_prepaid", self.salesperson, "prepaid.png")
        self.assertRecordValues(order.order_line, [{"prepaid_minimum": 5, "prepaid_target": 40}])
        blocks = order.order_line.billing_block_ids.sorted("number")
        self.assertEqual(blocks.mapped("quantity"), [40, 20])

    def test_rates(self):
        """A salesperson agrees on the rate of a role and on a limit, and reads it in words."""
        role = self.env["billing.role"].create({"name": "Senior consultant"})
        order = self._create_engagement([self.hours], confirm=False)
        order.order_line.name = "Consulting by the hour"
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_rates", self.salesperson, "rates.png")
        self.assertRecordValues(
            order.order_line.billing_rate_ids, [{"role_id": role.id, "price_unit": 210}]
        )
        self.assertEqual(order.billing_cap_amount, 40000)

    def test_retention(self):
        """An officer looks at what is held and releases a part."""
        self.company.billing_retention_account_id = self.env["account.account"].create(
            {"name": "Retentions", "code": "RETENT", "account_type": "asset_current"}
        )
        order = self._create_engagement([self.hours], retention_percent=10)
        self._log_time(order.order_line, 20)
        self._bill(order, post=True)
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_retention", self.officer, "retention.png")
        self.assertEqual(
            order.retention_line_ids.sorted("id").mapped("amount_currency"), [200, -50]
        )

    def test_progress(self):
        """A salesperson claims progress in the terms of a line."""
        design = self._new_service("Design of the building", "progress", 26200.0, self.uom_unit)
        order = self._create_engagement([design])
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_progress", self.salesperson, "progress.png")
        self.assertEqual(order.order_line.billing_progress_ids.amount, 10480)

    def test_success_fee(self):
        """A salesperson sets up percentages by volume and records an outcome."""
        sale = self._new_service("Fee on the sale", "success_fee", 0.0, self.uom_unit)
        order = self._create_engagement([{"product_id": sale.id}], confirm=False)
        order.order_line.success_percentage = 1
        order.action_confirm()
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_tiers", self.salesperson, "success-fee.png")
        self.assertEqual(order.order_line.tier_ids.mapped("price_unit"), [5, 10])
        self.assertEqual(order.order_line.billing_usage_ids.amount, 100000)

    def test_usage(self):
        """A project manager records usage of a line they lead, from the menu."""
        returns = self._new_service("Tax return", "unit", 2.5, self.uom_unit)
        order = self._create_engagement([returns])
        self._tour("/odoo/usage", "professional_billing_usage", self.reviewer, "usage.png")
        self.assertEqual(order.order_line.billing_usage_ids.quantity, 10)
