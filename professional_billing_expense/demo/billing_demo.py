from odoo import api, models
from odoo.fields import Command
from odoo.tools import file_open

from odoo.addons.professional_billing.demo.calendar import Day


class BillingDemo(models.AbstractModel):
    _inherit = "billing.demo"

    @api.model
    def _load_expenses(self):
        """Two expenses of a trip to a client, with receipts: one marked up, one beyond its limit."""
        company = self._ref("company_demo")
        self = self.with_company(company).with_context(
            allowed_company_ids=company.ids, tracking_disable=True, mail_notify_force_send=False
        )
        order = self.env["sale.order"].search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "=", self._ref("partner_calloway").id),
                ("state", "=", "sale"),
                ("order_line.billing_rule", "=", "time_materials"),
            ],
            limit=1,
        )
        hotel = self.env.ref("hr_expense.expense_product_travel_accommodation")
        meals = self.env.ref("hr_expense.expense_product_meal")
        order.write(
            {
                "expense_receipts": True,
                "expense_term_ids": [
                    Command.create({"product_id": hotel.id, "pricing": "cost", "markup": 5}),
                    Command.create(
                        {"product_id": meals.id, "pricing": "cost", "billing_cap_amount": 150}
                    ),
                ],
            }
        )
        self._spend(order, hotel, "Hotel in Memphis, three nights", 567.0, 12, "hotel.pdf")
        self._spend(order, meals, "Dinner with the pilot team", 184.5, 13, "dinner.pdf")

    def _spend(self, order, category, name, amount, day, receipt):
        expense = self.env["hr.expense"].create(
            {
                "name": name,
                "employee_id": self._ref("employee_sofia").id,
                "company_id": order.company_id.id,
                "product_id": category.id,
                "date": Day(-1, day).on(order.company_id._billing_today()),
                "total_amount_currency": amount,
                "tax_ids": [Command.clear()],
                "sale_order_id": order.id,
            }
        )
        with file_open(f"professional_billing_expense/demo/receipts/{receipt}", "rb") as file:
            self.env["ir.attachment"].create(
                {
                    "name": receipt,
                    "raw": file.read(),
                    "res_model": expense._name,
                    "res_id": expense.id,
                }
            )
        expense._do_approve(check=False)
        expense._post_without_wizard()
