import datetime

from odoo.tests import tagged

from .common_browser import BrowserCommon
from .test_collection_common import CollectionCommon


@tagged("post_install", "-at_install", "browser")
class TestCollectionTour(CollectionCommon, BrowserCommon):
    """The collector makes a follow-up run with her own hands."""

    def test_follow_up_run(self):
        self.customer.name = "Tour Customer"
        due = self.company._billing_today() - datetime.timedelta(days=9)
        kept, dropped = self._invoice(100, due), self._invoice(50, due)
        self._tour("/odoo", "professional_billing_collection", self.agent, "follow_up_run.png")
        run = self.env["collection.run"].search([])
        self.assertEqual(run.state, "done")
        self.assertEqual(run.line_ids.event_id.move_id, kept)
        left_out = run.line_ids.filtered(lambda line: line.move_id == dropped)
        self.assertEqual(left_out.skip_reason, "dropped")

    def test_collectors_morning(self):
        """From the work list to a case, a call, and a promise."""
        self.customer.name = "Morning Customer"
        due = self.company._billing_today() - datetime.timedelta(days=9)
        self._invoice(100, due)
        for name, amount, days in (
            ("Brightwater Utilities", 4200, 44),
            ("Nordlys Shipping", 1850, 16),
            ("Halden & Ross LLP", 960, 3),
        ):
            partner = self.env["res.partner"].create({"name": name, "is_company": True})
            due = self.company._billing_today() - datetime.timedelta(days=days)
            self._invoice(amount, due, partner)
        self.env["collection.case"].with_user(self.agent)._open_work_list()
        url = "/odoo/collection-cases"
        self._shoot(url, ".o_data_row", self.agent, "work_list.png")
        self._tour(url, "professional_billing_collector_morning", self.agent, "case.png")
        hold = self.env["collection.hold"].search([])
        self.assertEqual(
            (hold.kind, hold.promise_amount, hold.user_id), ("promise", 100, self.agent)
        )
        self.assertEqual(hold.case_id.todo, "wait")

    def test_figures(self):
        """The credit manager reads the key figures and goes to the ageing behind them."""
        self.customer.name = "Late Customer"
        first = self.company._billing_today().replace(day=1)
        self._invoice(3000, first - datetime.timedelta(days=40))
        self._invoice(1200, first + datetime.timedelta(days=20))
        url = "/odoo/collection-figures"
        self._shoot(url, ".o_data_row", self.manager, "collection_figures.png")
        self._tour(url, "professional_billing_collection_figures", self.manager)

    def test_charges(self):
        """Propose interest and compensation, look at the calculation, leave one out, bill the rest."""
        self.customer.name = "Interest Customer"
        self.policy.charge_terms_id = self.env["collection.charge.terms"].create(
            {"name": "Contract", "margin": 18, "compensation": "amount", "compensation_amount": 40}
        )
        due = self.company._billing_today() - datetime.timedelta(days=40)
        move = self._invoice(3650, due)
        self._register_payment(move, amount=1650, payment_date=due + datetime.timedelta(days=10))
        self.env["collection.case"].with_user(self.agent)._open_work_list()
        self._shoot_charge(move)
        self._tour("/odoo/collection-cases", "professional_billing_charges", self.manager)
        charges = self.env["collection.charge"].search([])
        interest = charges.filtered(lambda charge: charge.kind == "interest")
        self.assertEqual(interest.state, "invoiced")
        self.assertEqual(interest.invoice_id.amount_total, interest.amount)
        self.assertRecordValues(
            charges - interest, [{"state": "skipped", "reason": "A good customer"}]
        )

    def _shoot_charge(self, move):
        charges = self.env["collection.charge"].with_user(self.agent)._propose(move)
        interest = charges.filtered(lambda charge: charge.kind == "interest")
        self._shoot(
            f"/odoo/late-charges/{interest.id}", "[name=segment_ids]", self.manager, "charge.png"
        )

    def test_write_off(self):
        """The collector asks for a write-off from the case, the manager approves it."""
        self.customer.name = "Lost Customer"
        due = self.company._billing_today() - datetime.timedelta(days=90)
        move = self._invoice(480, due)
        self.env["collection.case"].with_user(self.agent)._open_work_list()
        self._tour("/odoo/collection-cases", "professional_billing_write_off_request", self.agent)
        request = self.env["collection.write.off"].search([])
        self.assertRecordValues(
            request, [{"state": "requested", "reason": "Wound up", "move_ids": move.ids}]
        )
        self._tour("/odoo/write-offs", "professional_billing_write_off_approval", self.manager)
        self.assertEqual((request.state, move.amount_residual), ("done", 0))
