import datetime

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import BillingCommon

JANUARY = datetime.date(2026, 1, 12)
MARCH = datetime.date(2026, 3, 16)
SATURDAY = datetime.date(2026, 3, 21)


class RatesCommon(BillingCommon):
    """A firm with two roles, a company card, and one engagement priced by rate cards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Role = cls.env["billing.role"]
        cls.senior, cls.junior = Role.create([{"name": "Senior"}, {"name": "Junior"}])
        cls.employee.billing_role_id = cls.junior
        cls.partner_employee.billing_role_id = cls.senior
        for person in (cls.employee, cls.partner_employee):
            person.version_id.date_version = datetime.date(2020, 1, 1)
        cls.company_card = cls._create_card(
            "Standard", [(cls.senior, 180), (cls.junior, 110)], default=True
        )
        cls.order = cls._create_engagement(
            [{"product_id": cls.hours.id, "price_unit": 0, "rate_source": "card"}],
            date_order=datetime.datetime(2025, 12, 1),
        )
        # Confirming dates an order today.
        cls.order.date_order = datetime.datetime(2025, 12, 1)
        cls.line = cls.order.order_line

    @classmethod
    def _create_card(cls, name, rates=(), default=False, **vals):
        card = cls.env["billing.rate.card"].create(
            {
                "name": name,
                "rate_ids": [
                    Command.create({"role_id": role and role.id, "price_unit": price})
                    for role, price in rates
                ],
                **vals,
            }
        )
        if default:
            cls.company.billing_rate_card_id = card
        return card

    def _value(self, hours=1, date=MARCH, employee=None, line=None, **vals):
        """Log time and return its item."""
        return self._log_time(line or self.line, hours, date, employee, **vals).billing_item_ids


@tagged("post_install", "-at_install")
class TestRates(RatesCommon):
    def test_role_rate_of_the_company_card(self):
        item = self._value(2, employee=self.partner_employee)
        self.assertItem(
            item,
            rate=180.0,
            amount=360.0,
            standard_amount=360.0,
            role_id=self.senior.id,
            blocked_reason=False,
        )
        self.assertIn("Paul Partner works as Senior", item.explanation)
        self.assertIn("Standard, Senior", item.explanation)

    def test_precedence(self):
        """Entry, line, contract card, client card, company card, price of the line."""
        self.line.price_unit = 70
        other = self.env["hr.employee"].create({"name": "Nobody's Role"})
        self.assertItem(self._value(employee=other), rate=70.0, standard_rate=70.0)
        person = self.employee
        self.assertItem(self._value(), rate=110.0)
        self._create_card("Client", [(self.junior, 105)], partner_id=self.customer.id)
        self.assertItem(self._value(), rate=105.0, standard_rate=110.0)
        self.order.rate_card_id = self._create_card("Contract", [(self.junior, 100)])
        self.assertItem(self._value(), rate=100.0)
        self.line.billing_rate_ids = [Command.create({"role_id": self.junior.id, "price_unit": 95})]
        self.assertItem(self._value(), rate=95.0)
        self.line.billing_rate_ids = [Command.create({"employee_id": person.id, "price_unit": 96})]
        self.assertItem(self._value(), rate=96.0)
        self.assertItem(self._value(billing_rate_override=200), rate=200.0)

    def test_no_rate_holds_the_work_and_lists_what_was_tried(self):
        other = self.env["hr.employee"].create({"name": "Nobody's Role"})
        item = self._value(3, employee=other)
        self.assertItem(item, amount=0.0, blocked_reason="no_rate", is_open=True)
        self.assertIn("Nobody's Role", item.explanation)
        self.assertIn("Standard", item.explanation)
        self.assertIn(self.line._billing_label(), item.explanation)
        self.assertFalse(self._prebill(self.order))
        self.company_card.rate_ids = [Command.create({"employee_id": other.id, "price_unit": 50})]
        self._rerate(self.company_card)
        self.assertItem(item, amount=150.0, blocked_reason=False)

    def test_role_is_that_of_the_day(self):
        self.employee.create_version(
            {"date_version": datetime.date(2026, 3, 1), "billing_role_id": self.senior.id}
        )
        self.assertItem(self._value(date=JANUARY), rate=110.0, role_id=self.junior.id)
        self.assertItem(self._value(date=MARCH), rate=180.0, role_id=self.senior.id)

    def test_a_senior_billed_as_junior_on_one_project(self):
        project = self.line.task_id.project_id
        project.with_user(self.reviewer).billing_role_ids = [
            Command.create(
                {
                    "employee_id": self.partner_employee.id,
                    "role_id": self.junior.id,
                    "date_to": datetime.date(2026, 2, 28),
                }
            )
        ]
        self.assertItem(self._value(date=JANUARY, employee=self.partner_employee), rate=110.0)
        self.assertItem(self._value(date=MARCH, employee=self.partner_employee), rate=180.0)

    def test_card_that_builds_on_another(self):
        self.order.rate_card_id = self._create_card(
            "Ten per cent off",
            [(self.senior, 170)],
            base_card_id=self.company_card.id,
            adjustment=-10,
        )
        item = self._value()
        self.assertItem(item, rate=99.0, standard_rate=110.0)
        self.assertIn("90 % of it, as Ten per cent off agrees", item.explanation)
        self.assertItem(self._value(employee=self.partner_employee), rate=170.0)

    def test_cards_do_not_build_on_themselves(self):
        derived = self._create_card("Derived", base_card_id=self.company_card.id)
        with self.assertRaises(ValidationError):
            self.company_card.base_card_id = derived

    def test_rate_per_day(self):
        day = self._create_card("By day")
        day.rate_ids = [Command.create({"price_unit": 1000, "uom_id": self.uom_day.id})]
        self.order.rate_card_id = day
        self.assertItem(self._value(4), rate=125.0, amount=500.0)

    def test_surcharge_only_where_the_contract_agrees(self):
        night, weekend = self.env["billing.time.type"].create(
            [{"name": "Night", "factor": 150}, {"name": "Weekend", "factor": 200, "weekend": True}]
        )
        item = self._value(2, billing_time_type_id=night.id)
        saturday = self._value(date=SATURDAY)
        self.assertItem(item, rate=110.0)
        self.assertItem(saturday, rate=110.0)
        self.order.billing_time_type_ids = night | weekend
        self.assertItem(item, rate=165.0, amount=330.0)
        self.assertIn("Night: 150 % of it", item.explanation)
        self.assertItem(saturday, rate=220.0)
        self.assertItem(self._value(date=MARCH), rate=110.0)

    def test_6_24_overtime(self):
        """2 h, one beyond the threshold, at 150 and 225: 375."""
        overtime = self.env["billing.time.type"].create({"name": "Overtime", "factor": 150})
        self.order.billing_time_type_ids = overtime
        self.order.rate_card_id = self._create_card("Overtime", [(None, 150)])
        items = self._value() | self._value(billing_time_type_id=overtime.id)
        self.assertEqual(sum(items.mapped("amount")), 375.0)

    def test_blended_rate_keeps_the_standard_value(self):
        blended = self._create_engagement([{"product_id": self.hours.id, "price_unit": 130}])
        item = self._value(2, employee=self.partner_employee, line=blended.order_line)
        self.assertItem(item, rate=130.0, amount=260.0, standard_amount=360.0)

    def test_fee_time_has_its_standard_value(self):
        fee = self._create_engagement([self.fee])
        item = self._value(2, employee=self.partner_employee, line=fee.order_line)
        self.assertItem(item, amount=0.0, standard_amount=360.0, blocked_reason="included")

    def test_discount_of_the_line(self):
        self.line.discount = 10
        item = self._value(2)
        self.assertItem(item, rate=99.0, standard_rate=110.0, amount=198.0)

    def test_another_currency_converts_at_the_work_date(self):
        usd = self.env["res.currency"].search([("name", "=", "CHF")]) or self.env.ref("base.CHF")
        usd.active = True
        self.order.rate_card_id = self._create_card(
            "Swiss", [(self.junior, 100)], currency_id=usd.id
        )
        item = self._value(date=MARCH)
        self.assertItem(item, blocked_reason="no_currency_rate", amount=0.0)
        self.assertIn("CHF", item.explanation)
        self.env["res.currency.rate"].create(
            [
                {"currency_id": usd.id, "name": "2026-01-01", "rate": 0.5},
                {"currency_id": usd.id, "name": "2026-03-01", "rate": 0.8},
            ]
        )
        self._rerate(self.order)
        self.assertItem(item, rate=125.0, blocked_reason=False)
        self.assertItem(self._value(date=JANUARY), rate=200.0)

    # -- changes --------------------------------------------------------------------------------

    def _rerate(self, records, user=None):
        wizard = (
            self.env["billing.rerate"]
            .with_user(user or self.manager)
            .with_context(active_model=records._name, active_ids=records.ids)
            .create({})
        )
        preview = {
            line.order_id: (line.before_amount, line.after_amount) for line in wizard.line_ids
        }
        wizard.action_apply()
        return preview

    def test_a_change_of_rates_waits_to_be_asked_for(self):
        billed, open_item, held = self._value(1, JANUARY), self._value(2), None
        moves = self._bill(self.order, JANUARY, post=True)
        prebill = self._prebill(self.order)
        held = prebill.line_ids
        held.with_user(self.officer).write({"rate": 100, "reason_id": self.reason.id})
        self.company_card.rate_ids.filtered(
            lambda rate: rate.role_id == self.junior
        ).price_unit = 120
        open_item.timesheet_id.name = "Corrected text"
        self.order._gather_prebills()
        self.assertItem(open_item, rate=110.0, description="Corrected text")
        preview = self._rerate(self.company_card)
        self.assertEqual(preview, {self.order: (220.0, 240.0)})
        self.assertItem(open_item, rate=120.0, amount=240.0)
        self.assertItem(billed, rate=110.0, billed_amount=110.0)
        self.assertRecordValues(held, [{"rate": 100.0, "agreed_rate": 120.0, "amount": 200.0}])
        self.assertEqual(moves.amount_untaxed, 110.0)
        self.assertLedger(self.order)

    def test_a_new_role_counts_when_it_is_asked_for(self):
        item = self._value(2)
        self.employee.billing_role_id = self.senior
        item.timesheet_id.unit_amount = 3
        self.assertItem(item, rate=110.0, role_id=self.junior.id, amount=330.0)
        self._rerate(self.order)
        self.assertItem(item, rate=180.0, role_id=self.senior.id)

    def test_an_entry_that_moves_takes_the_rate_of_its_new_day(self):
        self.company_card.rate_ids = [
            Command.create(
                {
                    "role_id": self.junior.id,
                    "price_unit": 130,
                    "date_from": datetime.date(2026, 3, 1),
                }
            )
        ]
        item = self._value(date=JANUARY)
        self.assertItem(item, rate=110.0)
        item.timesheet_id.date = MARCH
        self.assertItem(item, rate=130.0)

    def test_indexation_writes_new_dated_rates(self):
        first = datetime.date(2026, 3, 1)
        wizard = Form(
            self.env["billing.indexation"]
            .with_user(self.manager)
            .with_context(active_model="billing.rate.card", active_ids=self.company_card.ids)
        )
        wizard.date_from, wizard.percentage, wizard.rounding_step = first, 3.5, 5
        wizard = wizard.save()
        self.assertEqual(sorted(wizard.line_ids.mapped("new_price")), [115.0, 185.0])
        wizard.action_apply()
        self.assertItem(self._value(date=JANUARY), rate=110.0)
        self.assertItem(self._value(date=MARCH), rate=115.0)
        self.assertEqual(len(self.company_card.rate_ids), 4)

    def test_indexation_of_a_contract_with_one_price(self):
        blended = self._create_engagement([{"product_id": self.hours.id, "price_unit": 130}])
        old = self._value(date=JANUARY, line=blended.order_line)
        self.env["billing.indexation"].with_user(self.manager).create(
            {
                "order_ids": blended.ids,
                "date_from": datetime.date(2026, 3, 1),
                "percentage": 10,
                "rounding_step": 0.01,
            }
        ).action_apply()
        self.assertItem(old, rate=130.0)
        self.assertItem(self._value(date=MARCH, line=blended.order_line), rate=143.0)

    def test_two_rates_for_the_same_days_are_refused(self):
        for values in ({}, {"date_from": "2026-01-01", "date_to": "2026-06-30"}):
            rate = {"role_id": self.senior.id, "price_unit": 1, **values}
            if values:
                self.company_card.rate_ids = [Command.create(rate)]
            with self.assertRaisesRegex(ValidationError, "another rate for the same"):
                self.company_card.rate_ids = [
                    Command.create({**rate, "date_from": values.get("date_from")})
                ]

    # -- bills ----------------------------------------------------------------------------------

    def test_one_order_line_bills_many_rates(self):
        self._value(2)
        self._value(1.5, JANUARY, self.partner_employee)
        move = self._bill(self.order, post=True)
        lines = self._product_lines(move).sorted("price_unit")
        self.assertEqual(lines.mapped("price_unit"), [110.0, 180.0])
        self.assertEqual(lines.mapped("price_subtotal"), [220.0, 270.0])
        self.assertEqual(lines.sale_line_ids, self.line)
        self.assertEqual(self.line.qty_invoiced, 3.5)
        self.assertEqual(self.line.qty_to_invoice, 0)
        self.assertIn("Junior", lines[0].name)
        self.assertLedger(self.order)

    def test_detail_of_the_invoice(self):
        self._value(2, MARCH, name="Drafting")
        self._value(1, JANUARY, name="Reading")
        self._value(1, MARCH, self.partner_employee)
        for detail, count in (("summary", 2), ("role", 2), ("person", 2), ("task", 2)):
            self.order.billing_detail = detail
            move = self._bill(self.order)
            self.assertEqual(len(self._product_lines(move)), count, detail)
            move.unlink()
        self.order.billing_detail = "entry"
        move = self._bill(self.order)
        self.assertIn(
            "Anna Associate: Drafting", "\n".join(self._product_lines(move).mapped("name"))
        )
        self.assertEqual(len(self._product_lines(move)), 3)
        self.assertLedger(self.order)

    # -- rights ---------------------------------------------------------------------------------

    def test_salesperson_sets_rates_of_own_lines_only(self):
        line = self.line.with_user(self.salesperson)
        line.billing_rate_ids = [Command.create({"role_id": self.junior.id, "price_unit": 90})]
        self.assertItem(self._value(), rate=90.0)
        with self.assertRaises(AccessError):
            self.company_card.rate_ids.with_user(self.salesperson)[0].price_unit = 1
        with self.assertRaises(AccessError):
            self.company_card.with_user(self.salesperson).name = "Mine"

    def test_a_consultant_sees_no_rates_and_decides_nothing(self):
        with self.assertRaises(AccessError):
            self.company_card.with_user(self.consultant).read(["name"])
        with self.assertRaises(AccessError):
            self.env["billing.rate"].with_user(self.consultant).search([])
        time = self._log_time(self.line, 1).with_user(self.consultant)
        time.unit_amount = 2
        time.sudo().billing_treatment = "non_billable"
        for name, value in (
            ("billing_rate_override", 1),
            ("billing_hours", 1),
            ("billing_treatment", False),
        ):
            with self.assertRaises(AccessError):
                time.write({name: value})
        with self.assertRaises(AccessError):
            time.read(["billing_rate_override"])
