import datetime

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .test_collection_common import CollectionCommon, day

# What the log says at the end, customer by customer: (day, invoice, level, asked).
# Levels are 3 days before the due date, then 7, 21 and 35 days after it.
FIRST, SECOND, THIRD, EARLY = "Friendly reminder", "Second reminder", "Final notice", "Heads up"
EXPECTED = {
    "on time": [(-3, 100, EARLY, 100)],
    "late": [(-3, 100, EARLY, 100), (7, 100, FIRST, 100), (21, 100, SECOND, 100)],
    "part": [
        (-3, 100, EARLY, 100),
        (7, 100, FIRST, 100),
        (21, 100, SECOND, 60),
        (35, 100, THIRD, 60),
    ],
    "credit note": [(-3, 100, EARLY, 100), (7, 100, FIRST, 70), (21, 100, SECOND, 70)],
    "dispute": [
        (-3, 100, EARLY, 100),
        (7, 100, FIRST, 100),
        (21, 100, SECOND, 80),
        (35, 100, THIRD, 80),
    ],
    "promise kept": [(-3, 100, EARLY, 100), (7, 100, FIRST, 100)],
    # Promised on day 10 for day 20, a Sunday; until Monday, and two days of grace; ten days after
    # that the next level.
    "promise broken": [
        (-3, 100, EARLY, 100),
        (7, 100, FIRST, 100),
        (33, 100, SECOND, 100),
        (43, 100, THIRD, 100),
    ],
    # An address is found on day 12: from then on level by level.
    "no email": [(12, 100, FIRST, 100), (22, 100, SECOND, 100), (35, 100, THIRD, 100)],
    # The first reminder bounces and is tried again the next day, to a new address.
    "bounced": [
        (-3, 100, EARLY, 100),
        (7, 100, FIRST, 100),
        (8, 100, FIRST, 100),
        (21, 100, SECOND, 100),
        (35, 100, THIRD, 100),
    ],
    "two currencies": [
        (-3, 100, EARLY, 100),
        (-3, 300, EARLY, 300),
        (7, 100, FIRST, 100),
        (7, 300, FIRST, 300),
        (21, 300, SECOND, 300),
        (35, 300, THIRD, 300),
    ],
    # 30 % due on day 0, 70 % on day 20.
    "instalments": [
        (-3, 30, EARLY, 30),
        (7, 30, FIRST, 30),
        (17, 70, EARLY, 70),
        (21, 30, SECOND, 30),
        (27, 70, FIRST, 70),
        (35, 30, THIRD, 30),
        (41, 70, SECOND, 70),
        (55, 70, THIRD, 70),
    ],
    # Paid on day 9, the bank takes it back on day 30: the next level, ten days after that.
    "reversed": [
        (-3, 100, EARLY, 100),
        (7, 100, FIRST, 100),
        (40, 100, SECOND, 100),
        (50, 100, THIRD, 100),
    ],
}


@tagged("post_install", "-at_install")
class TestNinetyDays(CollectionCommon):
    """Twelve customers over ninety days of daily runs: the log is as written down by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["collection.level"].create(
            {
                "policy_id": cls.policy.id,
                "name": EARLY,
                "sequence": 5,
                "delay_days": -3,
                "min_gap_days": 0,
                "mail_template_id": cls.first.mail_template_id.id,
            }
        )
        cls.term = cls.env["account.payment.term"].create(
            {
                "name": "30/70",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 30, "nb_days": 30}),
                    Command.create({"value": "percent", "value_amount": 70, "nb_days": 50}),
                ],
            }
        )
        cls.euro = cls.setup_other_currency("EUR")
        cls.customers = {
            name: cls.env["res.partner"].create(
                {
                    "name": name,
                    "is_company": True,
                    "email": False if name == "no email" else f"{name.replace(' ', '.')}@x.example",
                }
            )
            for name in EXPECTED
        }
        cls.moves = {}
        for name, customer in cls.customers.items():
            values = {"invoice_payment_term_id": cls.term.id} if name == "instalments" else {}
            cls.moves[name] = cls._invoice(100, partner=customer, **values)
        cls.other = cls._invoice(
            300, partner=cls.customers["two currencies"], currency_id=cls.euro.id
        )

    def _happen(self, offset):
        """Do what the customers do on a day, before the run of that day."""
        on, moves = day(offset), self.moves
        if offset == 0:
            self._register_payment(moves["on time"], payment_date=on)
        elif offset == 8:
            self.customers["bounced"].email = "better@x.example"
        elif offset == 9:
            self._register_payment(moves["reversed"], payment_date=on)
            self._register_payment(moves["part"], amount=40, payment_date=on)
        elif offset == 10:
            self._promise("promise kept", on)
            self._promise("promise broken", on)
        elif offset == 12:
            self.customers["no email"].email = "found@x.example"
            self._hold(
                "dispute",
                kind="dispute",
                date_from=on,
                move_ids=[Command.set(moves["dispute"].ids)],
                disputed_amount=20,
            )
            self._register_payment(moves["two currencies"], payment_date=on)
        elif offset == 19:
            self._register_payment(moves["promise kept"], payment_date=on)
        elif offset == 25:
            self._register_payment(moves["late"], payment_date=on)
            self._register_payment(moves["credit note"], payment_date=on)
        elif offset == 30:
            payment = self.env["account.payment"].search(
                [("partner_id", "=", self.customers["reversed"].id)]
            )
            payment.action_draft()
            payment.action_cancel()
        elif offset == 5:
            credit = self._reverse_invoice(moves["credit note"], date=on)
            credit.invoice_line_ids.price_unit = 30
            credit.action_post()

    def _hold(self, name, **values):
        line = self.moves[name]._collection_instalments()[:1]
        case = self.env["collection.case"]._for_lines(line)[line]
        return (
            self.env["collection.hold"]
            .with_user(self.agent)
            .create({"case_id": case.id, "reason": "As told", **values})
        )

    def _promise(self, name, on):
        self._hold(
            name,
            kind="promise",
            date_from=on,
            promise_amount=100,
            promise_date=on + datetime.timedelta(days=10),
            tolerance_days=2,
        )

    def _deliver(self, run):
        """All mails arrive but one."""
        for letter in run.letter_ids:
            bounces = letter.case_id.partner_id == self.customers["bounced"] and (
                letter.date == day(7)
            )
            letter.mail_message_id.sudo().notification_ids.write(
                {
                    "notification_status": "bounce" if bounces else "sent",
                    "failure_type": "mail_bounce" if bounces else False,
                }
            )
            self._mails(run).write({"state": "sent"})

    def test_log(self):
        for offset in range(-5, 85):
            with freeze_time(datetime.datetime.combine(day(offset), datetime.time(9))):
                self._happen(offset)
                self._deliver(self._send(day(offset)))
        events = self.env["collection.event"].search([], order="date, amount, id")
        log = {name: [] for name in EXPECTED}
        for event in events.filtered(lambda event: event.state != "cancelled"):
            entry = ((event.date - day(0)).days, event.amount, event.level_name, event.residual)
            log[event.partner_name].append(entry)
        self.maxDiff = None
        self.assertEqual(log, EXPECTED)
        self.assertFalse(events.filtered(lambda event: event.letter_id.state == "queued"))
        self.assertEqual(
            len(events),
            len(
                {
                    (event.move_ref, event.due_date, event.level_ref, event.attempt)
                    for event in events
                }
            ),
        )
