"""What the Odoo tests of billing share: people, services, engagements, and the ledger's audit."""

import datetime
from contextlib import contextmanager
from decimal import Decimal

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user

from ..rules import rounding
from .common_kept import KeptCommon

ADMINISTRATOR_GROUPS = (
    "hr.group_hr_user",
    "hr_timesheet.group_timesheet_manager",
    "professional_billing.group_billing_manager",
    "project.group_project_manager",
    "sales_team.group_sale_manager",
)


class BillingCommon(KeptCommon):
    """A firm with a chart of accounts, its people with ordinary rights, a service for each rule.

    `self.env` is an administrator's who may do everything; `_bill` bills as the billing officer,
    who has no rights on projects and sales beyond those of an accountant.
    """

    @classmethod
    def get_default_groups(cls):
        groups = super().get_default_groups()
        for name in ADMINISTRATOR_GROUPS:
            groups |= cls.env.ref(name)
        return groups

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = cls.company._billing_today()

    @classmethod
    def _create_kept(cls):
        cls.uom_day = cls.env.ref("uom.product_uom_day")
        cls.reason = cls.env["billing.reason"].create({"name": "Courtesy"})
        cls.customer = cls.env["res.partner"].create(
            {"name": "Client Ltd", "is_company": True, "email": "client@example.com"}
        )
        cls._create_people()
        cls._create_services()

    @classmethod
    def _create_people(cls):
        groups = "professional_billing.group_billing_"
        cls.consultant = cls._new_user("associate", "hr_timesheet.group_hr_timesheet_user")
        cls.reviewer = cls._new_user("reviewer", f"project.group_project_manager,{groups}reviewer")
        cls.salesperson = cls._new_user("salesperson", "sales_team.group_sale_salesman")
        cls.officer = cls._new_user("officer", f"{groups}officer")
        cls.manager = cls._new_user("manager", f"{groups}manager")
        cls.other_company = cls.env["res.company"].create({"name": "Sister Ltd"})
        cls.other_officer = cls._new_user("other officer", f"{groups}officer", cls.other_company)
        cls.employee, cls.partner_employee = cls.env["hr.employee"].create(
            [
                {"name": "Anna Associate", "user_id": cls.consultant.id, "hourly_cost": 40},
                {"name": "Paul Partner", "user_id": cls.reviewer.id, "hourly_cost": 90},
            ]
        )

    @classmethod
    def _new_user(cls, login, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login,
            groups=groups,
            email=f"{login.replace(' ', '.')}@example.com",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _create_services(cls):
        cls.hours = cls._new_service("Advice by the hour", "time_materials", 100.0)
        cls.days = cls._new_service("Advice by the day", "time_materials", 800.0, cls.uom_day)
        cls.fee = cls._new_service(
            "Project fee", "fixed_fee", 9000.0, cls.uom_unit, service_policy="ordered_prepaid"
        )
        cls.stages = cls._new_service(
            "Project stages",
            "milestone",
            5000.0,
            cls.uom_unit,
            service_policy="delivered_milestones",
        )

    @classmethod
    def _new_service(cls, name, rule, price, uom=None, **vals):
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "service_tracking": "task_in_project",
                "service_policy": "delivered_timesheet",
                "uom_id": (uom or cls.uom_hour).id,
                "list_price": price,
                "taxes_id": [Command.set(cls.tax_sale_a.ids)],
                "billing_rule": rule,
                **vals,
            }
        )

    # -- documents ------------------------------------------------------------------------------

    @classmethod
    def _create_engagement(cls, lines, confirm=True, **vals):
        """Return a confirmed order with its project, led by `reviewer`.

        :param lines: services, or dicts of order line values; besides these, `installments` is a
            list of `billing.installment` values and `milestones` a list of percentages
        """
        lines = [
            dict(line) if isinstance(line, dict) else {"product_id": line.id} for line in lines
        ]
        extras = [(line.pop("installments", []), line.pop("milestones", [])) for line in lines]
        order = cls.env["sale.order"].create(
            {
                "partner_id": cls.customer.id,
                "user_id": cls.salesperson.id,
                "order_line": [Command.create({"product_uom_qty": 1, **line}) for line in lines],
                **vals,
            }
        )
        for line, (installments, _milestones) in zip(order.order_line, extras, strict=True):
            cls.env["billing.installment"].create(
                [
                    {
                        "name": f"Instalment {number}",
                        "date": cls.today,
                        "order_id": order.id,
                        "order_line_id": line.id,
                        **values,
                    }
                    for number, values in enumerate(installments, 1)
                ]
            )
        if confirm:
            order.action_confirm()
            order.project_ids.user_id = cls.reviewer
            for line, (_installments, milestones) in zip(order.order_line, extras, strict=True):
                cls._set_milestones(line, milestones)
        return order

    @classmethod
    def _set_milestones(cls, line, percentages):
        """Replace the milestone Odoo makes for `line` by one for each percentage."""
        if not percentages:
            return
        project = line.project_id or line.task_id.project_id or line.order_id.project_ids[:1]
        cls.env["project.milestone"].search([("sale_line_id", "=", line.id)]).unlink()
        cls.env["project.milestone"].create(
            [
                {
                    "name": f"Stage {number}",
                    "project_id": project.id,
                    "sale_line_id": line.id,
                    "quantity_percentage": percentage / 100,
                }
                for number, percentage in enumerate(percentages, 1)
            ]
        )

    @classmethod
    def _day(cls, days):
        return cls.today + datetime.timedelta(days=days)

    @classmethod
    def _log_time(cls, line, hours, date=None, employee=None, **vals):
        """Log hours on the task of order line `line`; `date` may be a number of days from today."""
        if isinstance(date, int):
            date = cls._day(date)
        return cls.env["account.analytic.line"].create(
            {
                "name": "Work",
                "project_id": line.task_id.project_id.id,
                "task_id": line.task_id.id,
                "unit_amount": hours,
                "date": date or cls.today,
                "employee_id": (employee or cls.employee).id,
                **vals,
            }
        )

    def _items(self, orders):
        """Return the work in progress of `orders`, oldest first."""
        items = self.env["billing.item"].search([("order_id", "in", orders.ids)])
        return items.sorted(lambda item: (item.date, item.id))

    def _prebill(self, orders, cutoff_date=None, user=None):
        return orders.with_user(user or self.officer)._gather_prebills(cutoff_date)

    def _bill(self, orders, cutoff_date=None, post=False, user=None):
        """Gather and invoice; return the invoices, drafts unless `post`, in the administrator's environment."""
        moves = self._prebill(orders, cutoff_date, user).action_invoice()
        if post:
            moves.action_post()
        return moves.with_env(self.env)

    def _bill_by_wizard(self, orders, user=None, **vals):
        """Invoice by Odoo's own wizard; return the new invoices, in the administrator's environment."""
        before = orders.invoice_ids
        self.env.flush_all()
        wizard = self.env["sale.advance.payment.inv"].with_user(user or self.env.user)
        wizard = wizard.with_context(active_model="sale.order", active_ids=orders.ids).create(
            {
                "advance_payment_method": "delivered",
                "sale_order_ids": [Command.set(orders.ids)],
                **vals,
            }
        )
        wizard.create_invoices()
        return orders.invoice_ids - before

    def _reverse(self, move, method="refund_moves", **vals):
        """Return the draft credit note (or with `modify_moves` the new draft) of the real wizard."""
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"journal_id": move.journal_id.id, "date": self.today, **vals})
        )
        action = getattr(wizard, method)()
        return self.env["account.move"].browse(action["res_id"])

    def _credit(self, move, quantities=None, post=True):
        """Credit `move` by the real reversal wizard.

        :param quantities: {invoice line: quantity credited}, other lines are deleted from the
            credit note; everything is credited by default
        :return: the credit note
        """
        refund = self._reverse(move)
        if quantities is not None:
            lines = zip(move.invoice_line_ids, refund.invoice_line_ids, strict=True)
            wanted = {line.id: quantities.get(origin, 0) for origin, line in lines}
            refund.invoice_line_ids = [
                Command.update(line_id, {"quantity": quantity})
                if quantity
                else Command.delete(line_id)
                for line_id, quantity in wanted.items()
            ]
        if post:
            refund.action_post()
        return refund

    def _product_lines(self, move):
        return move.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _edit(self, move, index=0, user=None, **vals):
        """Change a product line of a draft, as `user`."""
        line = self._product_lines(move)[index]
        move.with_user(user or self.officer).write(
            {"invoice_line_ids": [Command.update(line.id, vals)]}
        )

    def _trigger(self, cron):
        """Run one of our scheduled actions, as Odoo's scheduler does."""
        with self.enter_registry_test_mode():
            self.env.ref(f"professional_billing.{cron}").method_direct_trigger()

    @contextmanager
    def assertRefused(self, words=""):
        """Expect a UserError that says `words`; what was done until then is rolled back."""
        with self.assertRaises(UserError) as caught:
            yield
        self.assertIn(words, str(caught.exception))

    # -- audit ----------------------------------------------------------------------------------

    def assertItem(self, item, **values):
        """Check amounts and quantities of an item to the cent."""
        self.assertRecordValues(item, [values])

    def assertLedger(self, orders, edited=None):
        """Audit the WIP ledger of `orders` from the rows in the database.

        Every item balances and its stored columns say what its settlements do; nothing is billed
        beyond what was worked and written up; every invoice line bills what its settlements say.

        :param edited: draft invoices changed by hand, whose lines are settled when posted
        """
        self.env.flush_all()
        items = self._query(
            """
            SELECT item.*, timesheet.unit_amount, timesheet.so_line, invoice.id AS invoice_id
              FROM billing_item item
         LEFT JOIN account_analytic_line timesheet ON timesheet.id = item.timesheet_id
         LEFT JOIN account_move invoice
                ON invoice.id = timesheet.timesheet_invoice_id AND invoice.state != 'cancel'
             WHERE item.order_id IN %s
            """,
            tuple(orders.ids),
        )
        allocations = self._query(
            """
            SELECT allocation.*, line.move_id, move.state, move.move_type
              FROM billing_allocation allocation
              JOIN billing_item item ON item.id = allocation.item_id
         LEFT JOIN account_move_line line ON line.id = allocation.invoice_line_id
         LEFT JOIN account_move move ON move.id = line.move_id
             WHERE item.order_id IN %s
          ORDER BY allocation.id
            """,
            tuple(orders.ids),
        )
        by_item = {}
        for row in allocations:
            by_item.setdefault(row["item_id"], []).append(row)
        for item in items:
            with self.subTest(item=item["description"], date=item["date"]):
                self._audit_item(item, by_item.get(item["id"], []))
        by_line = {}
        for row in allocations:
            by_line.setdefault(row["invoice_line_id"], []).append(row)
        self._audit_invoice_lines(orders, by_line, edited)
        self._audit_order_lines(orders, items)

    def _query(self, query, *params):
        self.env.cr.execute(query, params)
        return self.env.cr.dictfetchall()

    def _audit_item(self, item, rows):
        totals = {
            kind: self._total(rows, kind) for kind in ("bill", "credit", "write_off", "write_up")
        }
        billed = [
            bill - credit for bill, credit in zip(totals["bill"], totals["credit"], strict=True)
        ]
        for index, (part, stored) in enumerate((("quantity", "quantity"), ("amount", "amount"))):
            agreed = self._exact(item[stored], part)
            up, off = totals["write_up"][index], totals["write_off"][index]
            expected = {
                f"billed_{part}": billed[index],
                f"written_up_{part}": up,
                f"written_off_{part}": off,
                f"open_{part}": agreed + up - billed[index] - off,
            }
            actual = {name: self._exact(item[name] or 0, part) for name in expected}
            self.assertEqual(actual, expected)
            # Nothing beyond what was worked and written up, whichever sign the work has.
            whole, used = agreed + up, billed[index] + off
            sign = -1 if whole < 0 else 1
            self.assertGreaterEqual(sign * billed[index], 0, f"less than nothing billed: {part}")
            self.assertLessEqual(sign * used, sign * whole, f"more settled than earned: {part}")
        self.assertEqual(
            bool(item["is_open"]),
            any(self._exact(item[f"open_{part}"] or 0, part) for part in ("quantity", "amount")),
        )
        if item["so_line"] == item["order_line_id"]:
            self.assertEqual(
                item["worked_quantity"], item["unit_amount"], "the hours worked changed"
            )
        self._audit_documents(item, rows, billed)

    def _audit_documents(self, item, rows, billed):
        """What is billed is billed by invoice lines that exist and are not cancelled."""
        gone = [row for row in rows if row["state"] in (None, "cancel")]
        for index, part in enumerate(("quantity", "amount")):
            left = self._total(gone, "bill")[index] - self._total(gone, "credit")[index]
            self.assertEqual(left, 0, f"billed {part} without an invoice")
        if item["kind"] == "time" and item["so_line"] == item["order_line_id"]:
            moves = {}
            for row in rows:
                if row["kind"] in ("bill", "credit"):
                    sign = 1 if row["kind"] == "bill" else -1
                    moves.setdefault(row["move_id"], Decimal(0))
                    moves[row["move_id"]] += sign * self._exact(row["quantity"], "quantity")
            billing = {move_id for move_id, quantity in moves.items() if quantity}
            if billed[0]:
                self.assertIn(item["invoice_id"], billing, "Odoo's link to the invoice")
            else:
                self.assertFalse(item["invoice_id"], "Odoo's link to an invoice")

    def _audit_invoice_lines(self, orders, by_line, edited):
        lines = orders.order_line.filtered("billing_rule").invoice_lines | self.env[
            "account.move.line"
        ].browse([line_id for line_id in by_line if line_id])
        for line in lines.filtered(
            lambda line: by_line.get(line.id) or line.move_type == "out_invoice"
        ):
            move = line.move_id
            if edited and move in edited:
                continue
            with self.subTest(invoice=move.display_name, line=line.name):
                rows = by_line.get(line.id, [])
                net = self._total(rows, "bill")[1] - self._total(rows, "credit")[1]
                if move.state == "cancel":
                    self.assertEqual(net, 0, "a cancelled invoice bills work")
                    continue
                credited = sum(
                    refund._get_price_amount()
                    for refund in self.env["account.move.line"].search(
                        [
                            ("billing_origin_line_id", "=", line.id),
                            ("parent_state", "=", "posted"),
                            ("move_type", "=", "out_refund"),
                        ]
                    )
                )
                # A bill below zero, after a large down payment, is a credit note to Odoo.
                sign = -1 if move.move_type == "out_refund" else 1
                value = sign * line._get_price_amount()
                # Work below zero, progress taken back, stands on its line below zero.
                nearest_zero = min if value < 0 else max
                self.assertEqual(net, nearest_zero(value - credited, 0))
                self.assertTrue(move.is_professional_bill)
                self._audit_hours(line, rows, sign)

    def _audit_hours(self, line, rows, sign):
        """What a line of time says it bills is what it settles, before credit notes."""
        own = [row for row in rows if row["cause"] != "credit_note"]
        uom = self.env["billing.item"].browse([row["item_id"] for row in own]).uom_id
        if uom == self.uom_hour:
            hours = float(self._total(own, "bill")[0] - self._total(own, "credit")[0])
            if line.billing_hours_per_unit:
                quantity = hours / line.billing_hours_per_unit
            else:
                quantity = uom._compute_quantity(
                    hours, line.product_uom_id, rounding_method="HALF-UP"
                )
            self.assertAlmostEqual(quantity, sign * line.quantity, 2)

    def _audit_order_lines(self, orders, items):
        for line in orders.order_line.filtered("billing_rule"):
            mine = [item for item in items if item["order_line_id"] == line.id]
            billed = sum(
                (self._exact(item["billed_amount"] or 0, "amount") for item in mine), Decimal(0)
            )
            billable = sum(
                (
                    self._exact(item["open_amount"] or 0, "amount")
                    for item in mine
                    if not item["blocked_reason"]
                ),
                Decimal(0),
            )
            self.assertEqual(self._exact(line.billing_billed_amount, "amount"), billed)
            self.assertEqual(self._exact(line.billing_open_amount, "amount"), billable)

    @staticmethod
    def _exact(value, part):
        return rounding.quantize(value, 4 if part == "amount" else 6)

    def _total(self, rows, kind):
        rows = [row for row in rows if row["kind"] == kind]
        return [
            sum((self._exact(row[part], part) for row in rows), Decimal(0))
            for part in ("quantity", "amount")
        ]
