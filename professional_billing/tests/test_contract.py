from odoo.fields import Command
from odoo.tests import Form, tagged

from .test_rates import RatesCommon


@tagged("post_install", "-at_install")
class TestContract(RatesCommon):
    """What is agreed in words, templates of engagements, and the contract check."""

    def _find(self, order=None):
        action = (order or self.order).with_user(self.salesperson).action_check_billing()
        Check = self.env[action["res_model"]].with_user(self.salesperson)
        return Check.with_context(**action["context"]).create({}).line_ids

    # -- in words -------------------------------------------------------------------------------

    def test_summary(self):
        self.senior.sequence = 1
        self.order.write(
            {
                "billing_cap_amount": 40000,
                "time_rounding": "up",
                "time_increment": 6,
                "time_minimum": 12,
            }
        )
        summary = self.order.with_user(self.salesperson).billing_summary.split("\n")
        self.assertIn("Senior $\xa0180.00 an hour; Junior $\xa0110.00 an hour", summary[0])
        self.assertEqual(summary[1], "Not more than $\xa040,000.00 in all, before tax.")
        self.assertEqual(summary[2], "Time is rounded up to full 6 minutes, at least 12 minutes.")

    def test_summary_leaves_single_people_out(self):
        self.company_card.rate_ids = [
            Command.create({"employee_id": self.employee.id, "price_unit": 99})
        ]
        self.assertNotIn("99", self.order.billing_summary)

    def test_summary_of_each_rule(self):
        order = self._create_engagement(
            [
                {
                    "product_id": self.fee.id,
                    "installments": [{"percentage": 50}, {"percentage": 50}],
                },
                self.stages,
                {"product_id": self.hours.id, "discount": 10},
            ]
        )
        fee, stages, hours = order.billing_summary.split("\n")[:3]
        self.assertIn("a fixed fee of $\xa09,000.00, billed as $\xa04,500.00 on", fee)
        self.assertIn("$\xa05,000.00, a part of it for each milestone", stages)
        self.assertIn("time at $\xa0100.00 an hour, less 10 %", hours)

    def test_summary_prints_on_the_quotation(self):
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "sale.action_report_saleorder", self.order.ids
        )
        self.assertIn("How it is billed", html.decode())
        stock = self._create_engagement([{"product_id": self.hours.id, "billing_rule": False}])
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "sale.action_report_saleorder", stock.ids
        )
        self.assertNotIn("How it is billed", html.decode())

    # -- templates ------------------------------------------------------------------------------

    def test_template_fills_a_new_contract_and_lets_go(self):
        night = self.env["billing.time.type"].create({"name": "Night"})
        template = self.env["sale.order.template"].create(
            {
                "name": "Retained advice",
                "is_engagement": True,
                "rate_card_id": self.company_card.id,
                "billing_detail": "person",
                "time_rounding": "up",
                "time_increment": 15,
                "time_approval": True,
                "billing_time_type_ids": night.ids,
                "sale_order_template_line_ids": [
                    Command.create({"product_id": self.hours.id, "product_uom_qty": 10})
                ],
            }
        )
        self.salesperson.group_ids += self.env.ref("sale_management.group_sale_order_template")
        form = Form(self.env["sale.order"].with_user(self.salesperson))
        form.partner_id = self.customer
        form.sale_order_template_id = template
        order = form.save()
        expected = {
            "rate_card_id": self.company_card.id,
            "billing_detail": "person",
            "time_rounding": "up",
            "time_increment": 15,
            "time_approval": True,
            "billing_time_type_ids": night.ids,
        }
        self.assertRecordValues(order, [expected])
        self.assertEqual(order.order_line.billing_rule, "time_materials")
        template.write({"time_increment": 30, "billing_detail": "entry", "time_approval": False})
        self.assertRecordValues(order, [expected])

    def test_template_fills_the_terms_of_lines(self):
        """What is agreed on a line comes from the template's line, once."""
        retained = self._new_service("Retained advice", "retainer", 2000.0, uom=self.uom_unit)
        template = self.env["sale.order.template"].create(
            {
                "name": "Retained advice",
                "is_engagement": True,
                "sale_order_template_line_ids": [
                    Command.create({"product_id": retained.id}),
                    Command.create({"product_id": self.hours.id, "rate_source": "card"}),
                ],
            }
        )
        line = template.sale_order_template_line_ids[0]
        action = line.action_billing_terms()
        with Form(self.env[action["res_model"]].browse(action["res_id"])) as form:
            form.recurring_unit = "quarter"
            form.retainer_hours = 12
            form.retainer_rollover = "one_period"
            form.overage_price = 150
        self.salesperson.group_ids += self.env.ref("sale_management.group_sale_order_template")
        form = Form(self.env["sale.order"].with_user(self.salesperson))
        form.partner_id = self.customer
        form.sale_order_template_id = template
        order = form.save()
        expected = {
            "billing_rule": "retainer",
            "recurring_unit": "quarter",
            "recurring_timing": "advance",
            "retainer_hours": 12.0,
            "retainer_rollover": "one_period",
            "overage_price": 150.0,
        }
        self.assertRecordValues(order.order_line[0], [expected])
        self.assertEqual(order.order_line[1].rate_source, "card")
        line.retainer_hours = 5
        self.assertRecordValues(order.order_line[0], [expected])

    def test_template_of_ordinary_orders_changes_no_terms(self):
        template = self.env["sale.order.template"].create({"name": "Goods"})
        order = self.env["sale.order"].new(
            {"time_approval": True, "sale_order_template_id": template.id}
        )
        order._onchange_sale_order_template_id()
        self.assertTrue(order.time_approval)

    # -- check ----------------------------------------------------------------------------------

    def test_a_sound_contract(self):
        self.assertFalse(self._find())

    def test_findings_and_where_to_mend_them(self):
        stranger = self.env["hr.employee"].create({"name": "Nobody's Role"})
        item = self._value(5, employee=stranger)
        self._value(10)
        self.customer.email = False
        self.order.write({"client_po_required": True, "billing_cap_amount": 500})
        self.line.tax_ids = False
        findings = self._find()
        messages = "\n".join(findings.mapped("message"))
        for words in (
            "no rate for Nobody's Role (without a role)",
            "purchase order number is not entered",
            "has no e-mail address",
            "Work of $\xa01,100.00 is beyond the limit of $\xa0500.00",
            "there is no tax on it",
        ):
            self.assertIn(words, messages)
        self.assertEqual(len(findings), 5)
        self.assertEqual(findings.mapped("severity"), ["1_blocker"] * 2 + ["2_warning"] * 3)
        for finding in findings:
            self.assertTrue(finding.action_fix()["res_model"])
        self.assertEqual(item.blocked_reason, "no_rate")

    def test_what_stops_the_confirmation_is_a_blocker(self):
        order = self._create_engagement(
            [{"product_id": self.fee.id, "installments": [{"percentage": 40}]}], confirm=False
        )
        finding = self._find(order)[0]
        self.assertEqual(finding.severity, "1_blocker")
        self.assertIn("the instalments add up to", finding.message)
        self.assertEqual(finding.action_fix()["res_model"], "sale.order.line")
        with self.assertRefused("the instalments add up to"):
            order.action_confirm()
