from odoo.tests import tagged

from odoo.addons.professional_billing.tests.common_browser import BrowserCommon

from .common import ExpenseCommon


@tagged("post_install", "-at_install", "browser")
class TestExpenseTours(ExpenseCommon, BrowserCommon):
    """The terms and the review of expenses, in a real browser, as the person who works there."""

    def test_terms(self):
        """A salesperson agrees on a mark-up and a limit."""
        order = self._create_engagement([self.hours], billing_cap_amount=20000)
        url = f"/odoo/action-professional_billing.action_engagement/{order.id}"
        self._tour(url, "professional_billing_expense_terms", self.salesperson, "expense-terms.png")
        self.assertRecordValues(
            order.expense_term_ids,
            [
                {
                    "product_id": self.hotel.id,
                    "markup": 10,
                    "billing_cap_amount": 150,
                    "billing_cap_period": "expense",
                }
            ],
        )

    def test_review(self):
        """A project manager sees why a hotel is billed at less than it cost, and its receipt."""
        order = self._create_engagement([self.hours])
        self._terms(order, self.hotel, markup=10, billing_cap_amount=150)
        self._log_time(order.order_line[0], 6.5, name="Interviews with department heads")
        self._post(self._spend(order, self.hotel, 180, receipt="hotel.pdf"))
        self._prebill(order)
        self.env["billing.prebill"].invalidate_model()
        self._tour(
            "/odoo/pre-bills",
            "professional_billing_expense_prebill",
            self.reviewer,
            "expense-prebill.png",
        )
