"""Odoo's own invoicing as the oracle: the same work on the same lines, with and without a rule."""

import os
import random

from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCommon

LONG = bool(os.environ.get("PROFESSIONAL_BILLING_LONG"))
ORDERS = 60 if LONG else 8
LINES = 3
ENTRIES = 30
#: Hours of an entry: quarters, tenths, and minutes that no decimal meets.
HOURS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3.25, 4, 7.5, 8, 0.1, 0.7, 1 / 3, 1 / 6, 5 / 12, 2 / 3]


class StockCommon(BillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.setup_other_currency("EUR", rates=[("2016-01-01", 0.85)])
        cls.tax_included = cls.percent_tax(cls, 20.0, price_include_override="tax_included")
        cls.pricelists = cls.env["product.pricelist"].create(
            [
                {"name": currency.name, "currency_id": currency.id}
                for currency in (cls.company.currency_id, cls.euro)
            ]
        )

    @classmethod
    def _pair(cls, name, rule, price, uom=None, **vals):
        """Return the same service twice: as Odoo has it and with a rule."""
        common = {"service_tracking": "no", **vals}
        return tuple(cls._new_service(name, each, price, uom, **common) for each in (False, rule))

    @classmethod
    def _create_pair(cls, lines, **vals):
        """Return two confirmed orders, stock first, of lines [(pair of services, values)]."""
        orders = cls.env["sale.order"].create(
            [
                {
                    "partner_id": cls.customer.id,
                    "order_line": [
                        Command.create({"product_id": pair[side].id, **values})
                        for pair, values in lines
                    ],
                    **vals,
                }
                for side in (0, 1)
            ]
        )
        orders.action_confirm()
        return orders[0], orders[1]

    @classmethod
    def _create_project(cls, name):
        return cls.env["project.project"].create(
            {
                "name": name,
                "allow_billable": True,
                "allow_timesheets": True,
                "partner_id": cls.customer.id,
                "user_id": cls.reviewer.id,
            }
        )

    @classmethod
    def _prepare_time(cls, project, line, hours, date):
        return {
            "name": "Work",
            "project_id": project.id,
            "so_line": line.id,
            "is_so_line_edited": True,
            "unit_amount": hours,
            "date": date,
            "employee_id": cls.employee.id,
        }

    def _compare_invoices(self, theirs, ours, hours=0.0):
        """Check that two invoices bill the same, line by line, but for `hours` of rounding."""
        self.assertEqual(theirs.move_type, ours.move_type)
        self.assertEqual(theirs.currency_id, ours.currency_id)
        lines = zip(self._product_lines(theirs), self._product_lines(ours), strict=True)
        for their_line, our_line in lines:
            self.assertEqual(their_line.tax_ids, our_line.tax_ids)
            self.assertEqual(their_line.product_uom_id, our_line.product_uom_id)
            self.assertAlmostEqual(their_line.price_unit, our_line.price_unit, 6)
            self.assertAlmostEqual(their_line.discount, our_line.discount, 6)
            self.assertAlmostEqual(their_line.quantity, our_line.quantity, delta=hours + 1e-6)
            # Both are rounded to the cent.
            money = hours * their_line.price_unit + (0.01 if hours else 0) + 1e-6
            self.assertAlmostEqual(their_line.price_subtotal, our_line.price_subtotal, delta=money)
            self.assertAlmostEqual(their_line.price_total, our_line.price_total, delta=money * 1.2)
        if not hours:
            self.assertAlmostEqual(theirs.amount_untaxed, ours.amount_untaxed, 6)
            self.assertAlmostEqual(theirs.amount_tax, ours.amount_tax, 6)
            self.assertAlmostEqual(theirs.amount_total, ours.amount_total, 6)

    def _compare_order_lines(self, theirs, ours, entries=0, hours=0.0):
        """Check what two orders say of delivered and invoiced, quantities, amounts and states.

        :param entries: open entries of each line: we value each, Odoo their sum in 0.01 units
        :param hours: rounding that earlier bills left between the two
        """
        for their_line, our_line in zip(theirs.order_line, ours.order_line, strict=True):
            for name in ("qty_delivered", "qty_invoiced", "qty_to_invoice"):
                self.assertAlmostEqual(
                    their_line[name], our_line[name], msg=name, delta=hours + 1e-6
                )
            cents = 0.005 * (entries + 1) + (0.005 if entries else 0) * their_line.price_unit
            cents += hours * their_line.price_unit
            # Odoo multiplies a rounded unit price by the quantity.
            unit = 0.01 * max(their_line.qty_delivered / (their_line.product_uom_qty or 1), 1)
            for name in ("untaxed_amount_to_invoice", "amount_to_invoice"):
                self.assertAlmostEqual(
                    their_line[name], our_line[name], msg=name, delta=cents * 1.2 + unit
                )
            if not hours:
                self.assertEqual(their_line.invoice_status, our_line.invoice_status)
        if not hours:
            self.assertEqual(theirs.invoice_status, ours.invoice_status)


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


@tagged("post_install", "-at_install")
class TestWhereStockIsWrong(StockCommon):
    """Each case shows Odoo's own behaviour, so that we notice when it is mended, and then ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service = cls._pair("Hours", "time_materials", 100)
        cls.projects = [cls._create_project("Stock"), cls._create_project("Ours")]

    def _worked(self, *entries):
        """Return two orders with the same [(hours, days from today)]."""
        pair = self._create_pair([(self.service, {"product_uom_qty": 10})])
        for order, project in zip(pair, self.projects, strict=True):
            self.env["account.analytic.line"].create(
                [
                    self._prepare_time(project, order.order_line, hours, self._day(days))
                    for hours, days in entries
                ]
            )
        return pair

    def _bill_both(self, pair, **vals):
        return [self._bill_by_wizard(order, **vals) for order in pair]

    def _entries(self, order):
        return self.env["account.analytic.line"].search([("so_line", "=", order.order_line.id)])

    def _quantity(self, move):
        return sum(self._product_lines(move).mapped("quantity"))

    def test_credit_one_hour(self):
        """Bill 8 h, credit 1 h, bill the period again: Odoo bills 8 h, we bill 1 h."""
        pair = self._worked((8, -1))
        period = {
            "date_start_invoice_timesheet": self._day(-30),
            "date_end_invoice_timesheet": self.today,
        }
        for move in self._bill_both(pair, **period):
            move.action_post()
            self._credit(move, {self._product_lines(move): 1})
        theirs, ours = self._bill_both(pair, **period)
        self.assertEqual(self._quantity(theirs), 8)
        self.assertEqual(self._quantity(ours), 1)
        self.assertLedger(pair[1])

    def test_write_off(self):
        """Bill 8 of 10 h and give up 2: Odoo says for ever that 2 h are to invoice, we do not."""
        stock, engagement = self._worked((4, -2), (6, -1))
        theirs = self._bill_by_wizard(stock)
        self._edit(theirs, quantity=8)
        theirs.action_post()
        self.assertEqual(stock.order_line.qty_to_invoice, 2)
        self.assertEqual(stock.invoice_status, "to invoice")
        prebill = self._prebill(engagement)
        line = prebill.line_ids.filtered(lambda row: row.quantity == 6).with_env(self.env)
        line.write({"quantity": 4})
        line.action_write_off_rest()
        prebill.line_ids.filtered(lambda row: row.decision == "write_off").reason_id = self.reason
        ours = prebill.with_env(self.env).action_invoice()
        ours.action_post()
        self.assertEqual(self._quantity(ours), 8)
        self.assertEqual(engagement.order_line.qty_to_invoice, 0)
        self.assertEqual(engagement.order_line.untaxed_amount_to_invoice, 0)
        self.assertNotEqual(engagement.invoice_status, "to invoice")
        self.assertLedger(engagement)

    def test_period_then_all(self):
        """Bill a period, then all: the hours before and after it are still there, once."""
        pair = self._worked((3, -40), (5, -10), (2, -1))
        for move in self._bill_both(pair, **self._period()):
            self.assertEqual(self._quantity(move), 5)
        self.assertEqual(pair[1].order_line.qty_to_invoice, 5)
        self.assertEqual(pair[1].invoice_status, "to invoice")
        for move in self._bill_both(pair):
            self.assertEqual(self._quantity(move), 5)
        self.assertLedger(pair[1])

    def test_line_outside_period(self):
        """A line without work in the period: Odoo does not bill its hours any more, we do."""
        pair = self._create_pair([(self.service, {})] * 2)
        for order, project in zip(pair, self.projects, strict=True):
            first, second = order.order_line
            self.env["account.analytic.line"].create(
                [
                    self._prepare_time(project, first, 5, self._day(-10)),
                    self._prepare_time(project, second, 3, self._day(-40)),
                ]
            )
        for move in self._bill_both(pair, **self._period()):
            self.assertEqual(self._quantity(move), 5)
        self.assertEqual(pair[0].order_line[1].qty_to_invoice, 0)
        with self.assertRefused():
            self._bill_by_wizard(pair[0])
        self.assertEqual(pair[1].order_line[1].qty_to_invoice, 3)
        self.assertEqual(pair[1].invoice_status, "to invoice")
        self.assertEqual(self._quantity(self._bill_by_wizard(pair[1])), 3)
        self.assertLedger(pair[1])

    def _period(self):
        return {
            "date_start_invoice_timesheet": self._day(-20),
            "date_end_invoice_timesheet": self._day(-5),
        }

    def test_credit_notes_posted_otherwise(self):
        """A credit note frees the hours however it is posted; Odoo only knows its own button."""
        ways = {
            "mass posting": self._post_by_wizard,
            "list action": lambda refund: refund.action_validate_moves_with_confirmation(),
        }
        for name, post in ways.items():
            with self.subTest(way=name):
                pair = self._worked((8, -1))
                for move in self._bill_both(pair):
                    move.action_post()
                    refund = self._credit(move, post=False)
                    post(refund)
                    self.assertEqual(refund.state, "posted")
                self._check_freed(pair)

    def test_credit_note_posted_by_code(self):
        """The same for a credit note that other code makes and posts."""
        pair = self._worked((8, -1))
        for move in self._bill_both(pair):
            move.action_post()
            move._reverse_moves(cancel=True)
        self._check_freed(pair)

    def test_credit_note_posted_by_cron(self):
        """The same for a credit note that waits for its date."""
        pair = self._worked((8, -1))
        for move in self._bill_both(pair):
            move.action_post()
            refund = self._credit(move, post=False)
            refund.auto_post = "at_date"
            with self.enter_registry_test_mode():
                self.env.ref("account.ir_cron_auto_post_draft_entry").method_direct_trigger()
            self.assertEqual(refund.state, "posted")
        self._check_freed(pair)

    def _post_by_wizard(self, refund):
        wizard = (
            self.env["validate.account.move"]
            .with_context(active_model="account.move", active_ids=refund.ids)
            .create({"force_post": True})
        )
        wizard.validate_move()

    def _check_freed(self, pair):
        items = self._items(pair[1])
        self.assertEqual(items.open_quantity, 8)
        self.assertTrue(self._entries(pair[0]).timesheet_invoice_id, "Odoo keeps the hours linked")
        self.assertFalse(self._entries(pair[1]).timesheet_invoice_id)
        self._entries(pair[1]).unit_amount = 7
        self.assertEqual(pair[1].order_line.qty_to_invoice, 7)
        self.assertEqual(self._quantity(self._bill_by_wizard(pair[1])), 7)
        self.assertLedger(pair[1])

    def test_milestone_unreached(self):
        """A billed milestone that is un-reached: Odoo wants to invoice less than nothing."""
        service = self._pair(
            "Stages", "milestone", 1000, self.uom_unit, service_policy="delivered_milestones"
        )
        pair = self._create_pair([(service, {"product_uom_qty": 10})])
        for order, project in zip(pair, self.projects, strict=True):
            order.order_line.project_id = project
            self._set_milestones(order.order_line, (40, 60))
            milestones = self.env["project.milestone"].search(
                [("sale_line_id", "=", order.order_line.id)], order="id"
            )
            milestones[0].is_reached = True
            self._bill_by_wizard(order).action_post()
            milestones[0].is_reached = False
        self.assertEqual(pair[0].order_line.qty_to_invoice, -4)
        self.assertEqual(pair[0].invoice_status, "to invoice")
        self.assertEqual(self._bill_by_wizard(pair[0]).move_type, "out_refund")
        self.assertEqual(pair[1].order_line.qty_to_invoice, 0)
        with self.assertRefused("nothing to bill"):
            self._bill_by_wizard(pair[1])
        self.assertLedger(pair[1])

    def test_milestone_cent(self):
        """Stages that round up: Odoo bills a cent more than was agreed, our last stage absorbs it."""
        service = self._pair(
            "Stages", "milestone", 999.9, self.uom_unit, service_policy="delivered_milestones"
        )
        pair = self._create_pair([(service, {"product_uom_qty": 10, "discount": 10})])
        for order, project in zip(pair, self.projects, strict=True):
            order.order_line.project_id = project
            self._set_milestones(order.order_line, (10, 25, 65))
            for milestone in self.env["project.milestone"].search(
                [("sale_line_id", "=", order.order_line.id)], order="id"
            ):
                milestone.is_reached = True
                self._bill_by_wizard(order).action_post()
        stock, ours = (sum(order.invoice_ids.mapped("amount_untaxed")) for order in pair)
        self.assertAlmostEqual(pair[0].amount_untaxed, 8999.10)
        self.assertAlmostEqual(stock, 8999.11)
        self.assertAlmostEqual(ours, 8999.10)
        self.assertLedger(pair[1])

    def test_rounding_of_three_bills(self):
        """Twenty minutes three times on three bills: what rounding leaves is less than 0.01 h."""
        stock, ours = self._worked()
        for number in range(3):
            for order, project in zip((stock, ours), self.projects, strict=True):
                self.env["account.analytic.line"].create(
                    self._prepare_time(project, order.order_line, 1 / 3, self._day(number - 3))
                )
            self._bill_by_wizard(stock).action_post()
            self._bill(ours, post=True)
        self.assertAlmostEqual(stock.order_line.qty_invoiced, 1.0)
        self.assertAlmostEqual(sum(self._quantity(move) for move in ours.invoice_ids), 0.99)
        self.assertLedger(ours)
