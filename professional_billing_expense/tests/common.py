"""What the tests of expenses share: categories, an employee who spends, a manager who approves."""

from odoo.fields import Command

from odoo.addons.professional_billing.tests.common import BillingCommon


class ExpenseCommon(BillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.approver = cls._new_user("approver", "hr_expense.group_hr_expense_team_approver")
        cls.accountant = cls._new_user("accountant", "account.group_account_user")
        cls.employee.expense_manager_id = cls.approver
        cls.employee.work_contact_id = cls.consultant.partner_id
        cls.hotel = cls._new_category("Hotel")
        cls.meals = cls._new_category("Meals")
        cls.mileage = cls._new_category(
            "Mileage",
            expense_policy="sales_price",
            standard_price=0.3,
            list_price=0.5,
            uom_id=cls.env.ref("uom.product_uom_km").id,
        )

    @classmethod
    def _new_category(cls, name, **vals):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "can_be_expensed": True,
                "expense_policy": "cost",
                "standard_price": 0.0,
                "list_price": 0.0,
                "invoice_policy": "delivery",
                "taxes_id": [Command.set(cls.tax_sale_a.ids)],
                "supplier_taxes_id": [Command.clear()],
                **vals,
            }
        )

    @classmethod
    def _terms(cls, order, category, **vals):
        return cls.env["billing.expense.term"].create(
            {"order_id": order.id, "product_id": category and category.id, **vals}
        )

    def _spend(self, order, category, amount=None, receipt=None, **vals):
        """Submit an expense as the employee and approve it as their manager."""
        expense = (
            self.env["hr.expense"]
            .with_user(self.consultant)
            .create(
                {
                    "name": f"{category.name} in Lyon",
                    "date": self.today,
                    "employee_id": self.employee.id,
                    "product_id": category.id,
                    "sale_order_id": order.id,
                    **({} if amount is None else {"total_amount_currency": amount}),
                    **vals,
                }
            )
        )
        if receipt:
            self.env["ir.attachment"].with_user(self.consultant).create(
                {
                    "name": receipt,
                    "raw": b"%PDF-1.4 " + receipt.encode(),
                    "res_model": "hr.expense",
                    "res_id": expense.id,
                }
            )
        expense.action_submit()
        expense.with_user(self.approver)._do_approve()
        return expense.with_env(self.env)

    def _post(self, expenses, user=None):
        """Post as the accountant, by Odoo's wizard."""
        expenses = expenses.with_user(user or self.accountant)
        action = expenses.action_post()
        if action:
            wizard = self.env["hr.expense.post.wizard"].with_user(user or self.accountant)
            wizard = wizard.with_context(**action["context"]).browse(action["res_id"])
            wizard.accounting_date = self.today
            wizard.action_post_entry()
        return expenses.with_env(self.env)

    def _take_back(self, expense):
        """Reset the entry as the accountant and the expense as the manager."""
        expense.account_move_id.with_user(self.accountant).button_draft()
        expense.with_user(self.approver).action_reset()

    def _expense(self, order, category, amount=None, **vals):
        """Return the work in progress of a new posted expense."""
        expense = self._post(self._spend(order, category, amount, **vals))
        return expense.billing_item_ids
