import base64
import datetime
import io

import openpyxl

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .test_collection_common import CollectionCommon

JANUARY, FEBRUARY, MARCH = (
    (datetime.date(2026, month, 1), datetime.date(2026, month, last))
    for month, last in ((1, 31), (2, 28), (3, 31))
)


@tagged("post_install", "-at_install")
class TestCollectionFigures(CollectionCommon):
    """Figures a collector reads, from real invoices and payments, with her own rights."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Nothing but what the tests post: a company of its own, with its own books.
        cls.firm = cls.setup_other_company(name="Figures Ltd")["company"]
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.firm.ids})
        cls.agent.company_ids = [Command.link(cls.firm.id)]
        cls.collector_env = cls.env(
            user=cls.agent, context={**cls.env.context, "allowed_company_ids": cls.firm.ids}
        )

    def _sell(self, amount, date, due=None, **vals):
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": self.firm.id,
                "partner_id": self.customer.id,
                "invoice_date": date,
                "invoice_date_due": due or date,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Advice", "price_unit": amount, "tax_ids": [Command.clear()]}
                    )
                ],
                **vals,
            }
        )
        move.action_post()
        return move

    def _pay(self, moves, amount, date):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=moves.ids
        )
        wizard.create({"amount": amount, "payment_date": date})._create_payments()

    def _figures(self, period, **vals):
        figures = self.collector_env["collection.figures"].create(
            {"date_from": period[0], "date_to": period[1], **vals}
        )
        return figures, {line.name: line for line in figures.line_ids}

    def _values(self, period, *names, **vals):
        _record, lines = self._figures(period, **vals)
        return [round(lines[name].value, 2) if lines[name].is_known else None for name in names]

    def test_dso_and_delinquency(self):
        """creditguru: 15,000 owed, 4,000 of it not due, 10,000 sold in 30 days: 45, 12 and 33."""
        period = datetime.date(2026, 4, 1), datetime.date(2026, 4, 30)
        self._sell(5000, datetime.date(2026, 3, 1))
        self._sell(6000, datetime.date(2026, 4, 1))
        self._sell(4000, datetime.date(2026, 4, 15), datetime.date(2026, 5, 15))
        self.assertEqual(
            self._values(
                period,
                "Days sales outstanding (DSO)",
                "Best possible DSO",
                "Average days delinquent",
            ),
            [45, 12, 33],
        )

    def test_counted_back(self):
        """March 0.9 M, February 0.8 M, January 0.7 M, 2.1 M owed: 31 + 28 + 0.4 / 0.7 x 31."""
        for (first, _last), amount in zip(
            (JANUARY, FEBRUARY, MARCH), (700_000, 800_000, 900_000), strict=True
        ):
            self._sell(amount, first)
        self._pay(
            self.env["account.move"].search([("company_id", "=", self.firm.id)])[-1],
            300_000,
            MARCH[1],
        )
        self.assertEqual(self._values(MARCH, "Owed at the end"), [2_100_000])
        self.assertEqual(self._values(MARCH, "DSO counted back"), [76.71])

    def test_effectiveness(self):
        """100,000 at the beginning, a million sold, 120,000 at the end, 100,000 not due: 98 %."""
        old = self._sell(100_000, JANUARY[0])
        new = self._sell(900_000, FEBRUARY[0])
        self._sell(100_000, FEBRUARY[0], MARCH[1])
        self._pay(old, 100_000, FEBRUARY[1])
        self._pay(new, 880_000, FEBRUARY[1])
        names = ("Owed at the beginning", "Invoiced in the period", "Owed at the end", "Of it late")
        self.assertEqual(self._values(FEBRUARY, *names), [100_000, 1_000_000, 120_000, 20_000])
        self.assertEqual(self._values(FEBRUARY, "Collection effectiveness index (CEI)"), [98.0])

    def test_days_to_pay(self):
        """600 after 20 days and 400 after 50: 32 days."""
        move = self._sell(1000, JANUARY[0])
        self._pay(move, 600, JANUARY[0] + datetime.timedelta(days=20))
        self._pay(move, 400, JANUARY[0] + datetime.timedelta(days=50))
        names = ("Days to pay", "Paid on invoices in the period")
        self.assertEqual(self._values((JANUARY[0], MARCH[1]), *names), [32, 1000])
        self.assertEqual(self._values(JANUARY, *names), [20, 600])

    def test_promises(self):
        case = self.env["collection.case"].create(
            {
                "company_id": self.firm.id,
                "partner_id": self.customer.id,
                "currency_id": self.firm.currency_id.id,
            }
        )
        move = self._sell(1000, JANUARY[0])
        states = ("kept", "kept", "kept", "kept", "broken", "replaced")
        for state in states:
            self.env["collection.hold"].create(
                {
                    "case_id": case.id,
                    "kind": "promise",
                    "move_ids": [Command.set(move.ids)],
                    "promise_amount": 100,
                    "promise_date": FEBRUARY[0],
                }
            ).sudo().write({"state": state, "paid_amount": 100 if state == "kept" else 0})
        names = ("Promises kept", "Promised money paid")
        self.assertEqual(self._values(FEBRUARY, *names), [80, 80])
        self.assertEqual(self._values(MARCH, *names), [None, None])

    def test_late_charges(self):
        """Interest of 20 for 20 days at 10 % is billed, 15 of it paid."""
        terms = self.env["collection.charge.terms"].create({"name": "Contract", "margin": 10})
        self.policy.charge_terms_id = terms
        manager_env = self.collector_env(user=self.manager)
        self.manager.company_ids = [Command.link(self.firm.id)]
        move = self._sell(3650, JANUARY[0])
        with freeze_time(JANUARY[0] + datetime.timedelta(days=20)):
            charge = manager_env["collection.charge"]._propose(move)
            charge.action_invoice()
        names = ("Late charges billed", "Of them waived", "Of them collected")
        self.assertEqual(self._values(JANUARY, *names), [20, 0, 0])
        self._pay(charge.invoice_id.with_env(self.env), 15, FEBRUARY[0])
        self.env.invalidate_all()
        self.assertEqual(self._values(JANUARY, *names), [20, 0, 15])
        self.assertEqual(self._values(FEBRUARY, *names), [0, 0, 0])

    def test_nothing_to_divide_by(self):
        """What has no denominator is not known; it is never zero. Edge case 90."""
        _record, lines = self._figures(JANUARY)
        for name in ("Days sales outstanding (DSO)", "Days to pay", "More than 90 days late"):
            self.assertFalse(lines[name].is_known)
            self.assertEqual(lines[name].text, "–")

    def test_ageing_as_of(self):
        """What was owed on a past day stays what it was, whatever is paid and credited later."""
        due = datetime.date(2026, 1, 31)
        ages = {0: "1", 1: "2", 30: "2", 31: "3", 60: "3", 61: "4", 91: "5", 121: "6"}
        move = self._sell(1000, JANUARY[0], due)
        euro = self.setup_other_currency("EUR", rates=[("2020-01-01", 0.5)])
        foreign = self._sell(50, JANUARY[0], due, currency_id=euro.id)
        before = self._ageing(FEBRUARY[1])
        self.assertEqual(
            before,
            {(move, "2", 1000.0, 1000.0), (foreign, "2", 50.0, 100.0)},
        )
        self._pay(move, 400, MARCH[0])
        self._pay(foreign, 50, MARCH[0])
        self.assertEqual(self._ageing(FEBRUARY[1]), before)
        self.assertEqual(self._ageing(MARCH[0]), {(move, "2", 600.0, 600.0)})
        for days, age in ages.items():
            on = due + datetime.timedelta(days=days)
            [(_move, found, _open, _company)] = self._ageing(on, move)
            self.assertEqual(found, age, days)

    def _ageing(self, on, move=None):
        Ageing = self.collector_env["collection.ageing"].with_context(collection_as_of=str(on))
        Ageing.invalidate_model()  # a request is of one day
        rows = Ageing.search([("move_id", "=", move.id)] if move else [])
        return {
            (row.move_id.with_env(self.env), row.age, row.open_amount, row.open_amount_company)
            for row in rows
        }

    def test_credit_stands_apart(self):
        self._sell(1000, JANUARY[0])
        payment = self.env["account.payment"].create(
            {
                "partner_id": self.customer.id,
                "amount": 300,
                "date": FEBRUARY[0],
                "payment_type": "inbound",
                "partner_type": "customer",
                "company_id": self.firm.id,
            }
        )
        payment.action_post()
        names = ("Of it late", "Credits not allocated", "Owed at the end")
        self.assertEqual(self._values(FEBRUARY, *names), [1000, -300, 700])

    def test_one_customer(self):
        other = self.env["res.partner"].create({"name": "Other", "is_company": True})
        contact = self.env["res.partner"].create({"name": "Contact", "parent_id": other.id})
        self._sell(1000, JANUARY[0])
        self._sell(70, JANUARY[0], partner_id=contact.id)
        names = ("Owed at the end", "Invoiced in the period")
        self.assertEqual(self._values(JANUARY, *names, partner_id=other.id), [70, 70])
        self.assertEqual(self._values(JANUARY, *names), [1070, 1070])

    def test_workbook(self):
        """Numbers are numbers, and the ageing adds up to what is owed."""
        self._sell(1000, JANUARY[0])
        figures, lines = self._figures(FEBRUARY)
        book = openpyxl.load_workbook(io.BytesIO(base64.b64decode(figures.workbook)))
        told = {row[0]: row[1] for row in book["Figures"].iter_rows(min_row=2, values_only=True)}
        self.assertEqual(told["Owed at the end"], 1000)
        self.assertEqual(set(told), set(lines))
        [row] = book["Ageing"].iter_rows(min_row=2, values_only=True)
        self.assertEqual((row[0], row[2], row[-1]), (self.customer.display_name, "USD", 1000))
        self.assertEqual(sum(row[3:-1]), row[-1])

    def test_period_the_wrong_way_round(self):
        with self.assertRaisesRegex(UserError, "choose a later last day"):
            self._figures((MARCH[1], MARCH[0]))

    def test_who_may_see_them(self):
        self._sell(1000, JANUARY[0])
        with self.assertRaises(AccessError):
            self.env["collection.figures"].with_user(self.consultant).create({})
        with self.assertRaises(AccessError):
            self.env["collection.ageing"].with_user(self.consultant).search([])
        elsewhere = self.env["collection.ageing"].with_user(self.agent)
        elsewhere = elsewhere.with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(elsewhere.search([("company_id", "=", self.firm.id)]))
        with self.assertRaises(AccessError):
            self.env["collection.figures"].with_user(self.manager).create(
                {"company_id": self.firm.id}
            )

    def test_cost(self):
        """As many queries for a hundred invoices as for one."""
        self._sell(10, JANUARY[0])
        self._figures(FEBRUARY)
        counts = []
        for _turn in range(2):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._figures(FEBRUARY)
            counts.append(self.env.cr.sql_log_count - before)
            for _number in range(20):
                self._sell(10, JANUARY[0])
        self.assertEqual(*counts)
