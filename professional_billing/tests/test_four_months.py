import datetime

from odoo.fields import Command
from odoo.tests import Form, tagged

from .test_rates import RatesCommon

MONTHS = [datetime.date(2026, month, 28) for month in (1, 2, 3, 4)]


@tagged("post_install", "-at_install")
class TestFourMonths(RatesCommon):
    """Whole engagements, billed each month and changed on the way; the totals are by hand."""

    def _work(self, month, senior=0, junior=0):
        day = MONTHS[month].replace(day=10)
        for hours, person in ((senior, self.partner_employee), (junior, self.employee)):
            if hours:
                self._log_time(self.line, hours, day, person)

    def _bill_month(self, month, expected):
        move = self._bill(self.order, MONTHS[month], post=True)
        self.assertEqual(move.amount_untaxed, expected)
        self.assertLedger(self.order)
        return move

    def _set_limit(self, amount):
        # The salesperson raises it; the chatter says who and when.
        order = self.order.with_user(self.salesperson).with_context(
            tracking_disable=False, mail_notrack=False
        )
        order.write({"billing_cap_amount": amount, "billing_cap_policy": "park"})
        self.env.flush_all()
        self.env.cr.precommit.run()

    def test_time_and_materials(self):
        self._work(0, senior=10, junior=20)  # 1,800 + 2,200
        first = self._bill_month(0, 4000)

        wizard = Form(
            self.env["billing.indexation"]
            .with_user(self.manager)
            .with_context(active_model="billing.rate.card", active_ids=self.company_card.ids)
        )
        wizard.date_from, wizard.percentage = MONTHS[1].replace(day=1), 5
        wizard.save().action_apply()  # 189.00 and 115.50
        self._work(1, senior=10, junior=10)  # 1,890 + 1,155
        self._bill_month(1, 3045)
        junior_line = self._product_lines(first).filtered(lambda line: line.price_unit == 110)
        self._credit(first, {junior_line: 2})  # 220 are open again
        self.assertLedger(self.order)

        self._set_limit(10000)  # 6,825 of it are billed
        self._work(2, junior=30)  # 3,465, and the 220: 3,685 for a room of 3,175
        self._bill_month(2, 3175)
        self.assertEqual(self.order.billing_open_amount, 510)

        self._set_limit(12000)
        fee = self.env["sale.order.line"].with_user(self.salesperson)
        fee = fee.create(
            {
                "order_id": self.order.id,
                "product_id": self.fee.id,
                "price_unit": 1500,
                "billing_installment_ids": [
                    Command.create(
                        {"name": "Extra scope", "date": MONTHS[3].replace(day=1), "percentage": 100}
                    )
                ],
            }
        )
        self._work(3, senior=5)  # 945, after the fee of 1,500 and the 510: 2,955 for 2,000
        self._bill_month(3, 2000)
        self._set_limit(13000)
        self._bill_month(3, 955)

        self.assertEqual(self.order.billing_open_amount, 0)
        self.assertEqual(self.order.billing_billed_amount, 4000 + 3045 + 3465 + 1500 + 945)
        self.assertEqual(self.line.qty_invoiced, 85)
        self.assertEqual(fee.qty_invoiced, 1)
        self.assertEqual(self.order.invoice_status, "invoiced")
        posted = self.order.invoice_ids.filtered(lambda move: move.state == "posted")
        self.assertEqual(sum(posted.mapped("amount_untaxed_signed")), 12955)
        limits = self.order.message_ids.tracking_value_ids.filtered(
            lambda value: value.field_id.name == "billing_cap_amount"
        )
        self.assertEqual(set(limits.mapped("new_value_float")), {10000.0, 12000.0, 13000.0})
        self.assertEqual(limits.mail_message_id.author_id, self.salesperson.partner_id)

    def test_fixed_fee_and_milestones(self):
        self.order = self._create_engagement(
            [
                {
                    "product_id": self.fee.id,
                    "installments": [
                        {"percentage": 33.3333, "date": MONTHS[0]},
                        {"percentage": 33.3333, "date": MONTHS[1]},
                        {"percentage": 33.3334, "date": MONTHS[3]},
                    ],
                    "price_unit": 10000.01,
                },
                {"product_id": self.stages.id, "milestones": [40, 60]},
            ],
            date_order=datetime.datetime(2025, 12, 1),
        )
        self.order.date_order = datetime.datetime(2025, 12, 1)
        fee, stages = self.order.order_line
        first, second = stages.billing_milestone_ids.sorted("id")
        self._bill_month(0, 3333.33)
        first.with_user(self.reviewer).is_reached = True
        first.reached_date = MONTHS[1]
        move = self._bill(self.order, post=False)
        self.assertEqual(sorted(self._product_lines(move).mapped("price_subtotal"))[0], 2000)
        move.unlink()
        # The scope grows before the last instalment: what is billed stays, the rest takes it up.
        fee.with_user(self.salesperson).price_unit = 12000
        open_parts = fee.billing_installment_ids.sorted("date")[1:]
        for part in open_parts:
            part.with_user(self.salesperson).write({"percentage": 0, "amount": 12000 / 3})
        open_parts[-1].amount = 12000 - 3333.33 - 4000
        second.with_user(self.reviewer).is_reached = True
        second.reached_date = MONTHS[3]
        last = self._bill(self.order, post=True)
        self.assertEqual(last.amount_untaxed, 12000 - 3333.33 + 5000)
        self.assertLedger(self.order)
        self._credit(
            last, {self._product_lines(last).filtered(lambda ln: ln.price_subtotal == 3000): 1}
        )
        self.assertEqual(self.order.billing_open_amount, 3000)
        again = self._bill(self.order, post=True)
        self.assertEqual(again.amount_untaxed, 3000)
        self.assertLedger(self.order)
        self.assertEqual(self.order.billing_billed_amount, 17000)
        self.assertEqual(self.order.invoice_status, "invoiced")
