"""Odoo's own invoicing as the oracle: the same work on the same lines, with and without a rule."""

import os
import random

from odoo.fields import Command
from odoo.tests import tagged

from .common_stock import StockCommon

LONG = bool(os.environ.get("PROFESSIONAL_BILLING_LONG"))
ORDERS = 60 if LONG else 8
LINES = 3
ENTRIES = 30
#: Hours of an entry: quarters, tenths, and minutes that no decimal meets.
HOURS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3.25, 4, 7.5, 8, 0.1, 0.7, 1 / 3, 1 / 6, 5 / 12, 2 / 3]


@tagged("post_install", "-at_install")
class TestAgainstStock(StockCommon):
    """Generated orders, once plain and once with our rule on every line: the same invoices."""

    def _generate(self):
        """Return [(stock order, our order)] and the two projects that hold their time."""
        choose = random.Random(19)
        by_hour = [
            self._pair("Hours", "time_materials", 97.5),
            self._pair(
                "Hours, tax included", "time_materials", 120, taxes_id=self.tax_included.ids
            ),
            self._pair("Hours, no tax", "time_materials", 83.33, taxes_id=[]),
        ]
        by_day = [
            self._pair("Days", "time_materials", 777.77, self.uom_day),
            self._pair(
                "Days, tax included",
                "time_materials",
                960,
                self.uom_day,
                taxes_id=self.tax_included.ids,
            ),
        ]
        vals_list, projects = [], [self._create_project("Stock"), self._create_project("Ours")]
        for _number in range(ORDERS):
            lines = [
                (
                    choose.choice(by_hour + by_day),
                    {
                        "product_uom_qty": choose.choice([5, 10, 40]),
                        "discount": choose.choice([0, 0, 10, 12.5, 33.33]),
                        "price_unit": choose.choice([90, 99.99, 123.45, 810.10]),
                    },
                )
                for _line in range(LINES)
            ]
            pricelist = choose.choice(self.pricelists)
            for side in (0, 1):
                vals_list.append(
                    {
                        "partner_id": self.customer.id,
                        "pricelist_id": pricelist.id,
                        "order_line": [
                            Command.create({"product_id": pair[side].id, **values})
                            for pair, values in lines
                        ],
                    }
                )
        orders = self.env["sale.order"].create(vals_list)
        orders.action_confirm()
        pairs = [(orders[index], orders[index + 1]) for index in range(0, len(orders), 2)]
        self._log_on(pairs, projects, choose, ENTRIES)
        return pairs, projects, choose

    def _log_on(self, pairs, projects, choose, entries):
        vals_list = []
        for pair in pairs:
            for index in range(LINES):
                for number in range(entries):
                    hours, date = choose.choice(HOURS), self._day(-number)
                    for order, project in zip(pair, projects, strict=True):
                        vals_list.append(
                            self._prepare_time(project, order.order_line[index], hours, date)
                        )
        self.env["account.analytic.line"].create(vals_list)

    def _profitability(self, project):
        """Return the panel's figures by section, without links."""
        items = project._get_profitability_items(with_action=False)
        figures = {"total": items["revenues"]["total"]}
        figures.update({section["id"]: section for section in items["revenues"]["data"]})
        return {
            name: (values["invoiced"], values["to_invoice"]) for name, values in figures.items()
        }

    def _compare_profitability(self, projects, delta):
        theirs, ours = (self._profitability(project) for project in projects)
        self.assertTrue(theirs["total"][0] or theirs["total"][1])
        self.assertEqual(set(theirs), set(ours))
        for name, figures in theirs.items():
            for their_figure, our_figure in zip(figures, ours[name], strict=True):
                self.assertAlmostEqual(their_figure, our_figure, msg=name, delta=delta)

    def test_time_and_materials(self):
        """Hours and days, discounts, tax in and on the price, two currencies: bill, post, bill again."""
        pairs, projects, choose = self._generate()
        theirs = self.env["sale.order"].union(*[pair[0] for pair in pairs])
        ours = self.env["sale.order"].union(*[pair[1] for pair in pairs])
        for pair in pairs:
            self._compare_order_lines(*pair, entries=ENTRIES)
        self._compare_profitability(projects, ORDERS * LINES * ENTRIES * 0.02)
        half = ORDERS // 2
        self._bill_by_wizard(theirs, consolidated_billing=False)
        self._bill(ours[:half])
        self._bill_by_wizard(ours[half:], consolidated_billing=False)
        self.assertEqual(len(theirs.invoice_ids), ORDERS)
        self.assertEqual(len(ours.invoice_ids), ORDERS)
        for pair in pairs:
            self._compare_invoices(*[order.invoice_ids for order in pair])
            self._compare_order_lines(*pair)
            for order in pair:
                entries = self.env["account.analytic.line"].search([("order_id", "=", order.id)])
                self.assertEqual(entries.timesheet_invoice_id, order.invoice_ids)
                self.assertEqual(len(entries), LINES * ENTRIES)
        self._compare_profitability(projects, ORDERS * LINES * 0.02)
        self.assertLedger(ours)
        (theirs | ours).invoice_ids.action_post()
        for pair in pairs:
            self._compare_order_lines(*pair)
        self._compare_profitability(projects, ORDERS * LINES * 0.02)
        self._bill_again(pairs, projects, choose)

    def _bill_again(self, pairs, projects, choose):
        """More work: Odoo bills the rounding of the whole, we of what is billed now: 0.01 apart."""
        some = pairs[:5]
        self._log_on(some, projects, choose, 3)
        for pair in some:
            self._compare_order_lines(*pair, entries=3, hours=0.01)
            before = [order.invoice_ids for order in pair]
            self._bill_by_wizard(pair[0])
            self._bill(pair[1])
            drafts = [order.invoice_ids - old for order, old in zip(pair, before, strict=True)]
            self._compare_invoices(*drafts, hours=0.01)
            self._compare_order_lines(*pair, hours=0.01)
            self.assertLedger(pair[1])

    def test_fixed_fee(self):
        """Fixed price services, prepaid in Odoo, against a fee of one instalment."""
        service = self._pair(
            "Fee", "fixed_fee", 1000, self.uom_unit, service_policy="ordered_prepaid"
        )
        included = self._pair(
            "Fee, tax included",
            "fixed_fee",
            1234.56,
            self.uom_unit,
            service_policy="ordered_prepaid",
            taxes_id=self.tax_included.ids,
        )
        for pricelist in self.pricelists:
            for quantity, price, discount in ((1, 9999.99, 0), (3, 333.33, 7.5), (2.5, 80, 33.33)):
                with self.subTest(quantity=quantity, price=price, currency=pricelist.name):
                    values = {
                        "product_uom_qty": quantity,
                        "price_unit": price,
                        "discount": discount,
                    }
                    theirs, ours = self._create_pair(
                        [(service, values), (included, values)], pricelist_id=pricelist.id
                    )
                    self._compare_order_lines(theirs, ours)
                    self._bill_by_wizard(theirs)
                    self._bill(ours)
                    self._compare_invoices(theirs.invoice_ids, ours.invoice_ids)
                    (theirs | ours).invoice_ids.action_post()
                    self._compare_order_lines(theirs, ours)
                    self.assertLedger(ours)

    def test_milestones(self):
        """The same percentages of the same fee, reached one after another."""
        service = self._pair(
            "Stages", "milestone", 1000, self.uom_unit, service_policy="delivered_milestones"
        )
        projects = [self._create_project("Stock stages"), self._create_project("Our stages")]
        for quantity, price, discount, percentages in (
            (1, 10000, 0, (30, 50, 20)),
            (10, 999, 10, (10, 25, 65)),
            (4, 1234.5, 0, (25, 25, 50)),
        ):
            with self.subTest(quantity=quantity, price=price, discount=discount):
                values = {"product_uom_qty": quantity, "price_unit": price, "discount": discount}
                pair = self._create_pair([(service, values)])
                for order, project in zip(pair, projects, strict=True):
                    order.project_id = project
                    order.order_line.project_id = project
                    self._set_milestones(order.order_line, percentages)
                for index in range(len(percentages)):
                    before = [order.invoice_ids for order in pair]
                    for order in pair:
                        milestones = self.env["project.milestone"].search(
                            [("sale_line_id", "=", order.order_line.id)], order="id"
                        )
                        milestones[index].is_reached = True
                    self._compare_order_lines(*pair, entries=1)
                    self._bill_by_wizard(pair[0])
                    self._bill(pair[1])
                    drafts = [
                        order.invoice_ids - old for order, old in zip(pair, before, strict=True)
                    ]
                    self._compare_invoices(*drafts)
                    self._compare_order_lines(*pair)
                    drafts[0].action_post()
                    drafts[1].action_post()
                    self._compare_order_lines(*pair)
                    self.assertLedger(pair[1])
