import datetime
import random
from collections import defaultdict

from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.professional_billing.rules import followup
from odoo.addons.professional_billing.rules.rounding import decimal

from .test_collection_common import CollectionCommon, day

STATES = {"failed": followup.FAILED, "cancelled": followup.FAILED, "stuck": followup.STUCK}


@tagged("post_install", "-at_install")
class TestCollectionDecision(CollectionCommon):
    """The database decides what is due as the rule does, on whatever data."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.template = cls.first.mail_template_id
        cls.term = cls.env["account.payment.term"].create(
            {
                "name": "Thirds",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": share, "nb_days": days})
                    for share, days in ((30, 25), (30, 32), (40, 45))
                ],
            }
        )

    # -- random data ----------------------------------------------------------------------------

    def _fill(self, chance):
        self.policy.active = False
        self.policies = self.env["collection.policy"].create(
            [
                {
                    "name": f"Policy {number}",
                    "catch_up": chance.choice(["progressive", "by_age"]),
                    "contact_gap_days": chance.choice([0, 0, 3]),
                    "posting_days": chance.choice([0, 4]),
                    "level_ids": [self._level(chance) for _level in range(chance.randint(1, 4))],
                }
                for number in range(3)
            ]
        )
        self.customers = self.env["res.partner"].create(
            [{"name": f"Client {number}", "email": f"c{number}@x.example"} for number in range(5)]
        )
        for customer in self.customers[:2]:
            customer.collection_policy_id = chance.choice(self.policies)
        self.moves = self.env["account.move"]
        for _move in range(18):
            self.moves |= self._random_invoice(chance)
        for customer in self.customers[2:4]:
            self._invoice(chance.choice([10, 900]), move_type="out_refund", partner=customer)
        chance.choice(self.moves).no_followup = True
        chance.choice(self.moves).action_toggle_block_payment()

    def _level(self, chance):
        return Command.create(
            {
                "name": f"Level {chance.random()}",
                "sequence": chance.choice([1, 2, 3, 4, 5]),
                "delay_days": chance.choice([-7, -3, 0, 1, 5, 10, 20]),
                "min_gap_days": chance.choice([0, 1, 5, 8]),
                "min_amount": chance.choice([0, 0, 150]),
                "min_percent": chance.choice([0, 0, 40]),
                "channel": chance.choice(["email", "email", "call"]),
                "mail_template_id": self.template.id,
            }
        )

    def _random_invoice(self, chance):
        values = {}
        if chance.random() < 0.3:
            values["invoice_payment_term_id"] = self.term.id
        if chance.random() < 0.2:
            values["collection_policy_id"] = chance.choice(self.policies).id
        move = self._invoice(
            chance.choice([20, 70, 130, 400]),
            day(chance.randint(-10, 30)),
            chance.choice(self.customers),
            **values,
        )
        posted = chance.choice([False, day(chance.randint(0, 30))])
        move._collection_instalments().collection_posted_date = posted
        return move

    def _live(self, chance, on):
        """Let something happen on a day: a run, a bounce, a hold, a correction, a payment."""
        run = self._send(on, self.manager)
        for notification in run.letter_ids.mail_message_id.sudo().notification_ids:
            status = chance.choice([("sent", False), ("sent", False), *FAILURES])
            notification.write({"notification_status": status[0], "failure_type": status[1]})
        if chance.random() < 0.5:
            self._random_hold(chance, on)
        move = chance.choice(self.moves)
        if chance.random() < 0.4 and move.payment_state == "not_paid":
            move.button_draft()
            move.write({"invoice_payment_term_id": False, "invoice_date_due": on})
            move.action_post()
        elif move.payment_state == "not_paid":
            self._register_payment(move, amount=7, payment_date=on)

    def _random_hold(self, chance, on):
        move = chance.choice(self.moves)
        case = self.env["collection.case"]._for_lines(move._collection_instalments()[:1])
        case = next(iter(case.values()))
        kind = chance.choice(["dispute", "dispute", "manual"])
        self.env["collection.hold"].create(
            {
                "case_id": case.id,
                "kind": kind,
                "reason": "Some",
                "date_from": on,
                "date_until": chance.choice([False, on + datetime.timedelta(days=6)]),
                "move_ids": chance.choice([move.ids, move.ids, []])
                if kind == "manual"
                else move.ids,
                "disputed_amount": chance.choice([0, 15, 60]) if kind == "dispute" else 0,
            }
        )

    # -- the same by the rule -------------------------------------------------------------------

    def _expect(self, on):
        """Return {journal item: Decision of the rule} for all that is open."""
        lines = self.moves._collection_instalments().filtered(
            lambda line: line.amount_residual_currency > 0 and line.parent_state == "posted"
        )
        holds, disputed = self._read_holds(lines, on)
        asked = {line: decimal(line.amount_residual_currency) - disputed[line] for line in lines}
        histories = self._read_histories(lines)
        contacts = self._read_contacts()
        expected = {}
        for line in lines:
            customer = lines.filtered(lambda other, line=line: other.partner_id == line.partner_id)
            overdue = sum(
                asked[other]
                for other in customer
                if other.date_maturity < on and not self._active(holds[other], on)
            )
            policy = self._read_policy(line)
            reminders, stranger = histories[line]
            item = followup.Item(
                due_date=line.date_maturity,
                residual=asked[line] if not holds[line] else decimal(line.amount_residual_currency),
                overdue=overdue,
                overdue_company=overdue,
                residual_company=asked[line],
                open_company=sum(decimal(other.amount_residual) for other in customer),
                credit=self._read_credit(line.partner_id),
                credit_company=self._read_credit(line.partner_id),
                last_contact=max(
                    filter(None, [stranger, line.collection_reopened_date]), default=None
                ),
                customer_contact=contacts.get(line.partner_id),
                not_before=line.collection_posted_date
                and policy.posting_days
                and line.collection_posted_date + datetime.timedelta(days=policy.posting_days),
            )
            levels = [
                followup.Level(
                    id=level.id,
                    sequence=level.sequence,
                    delay_days=level.delay_days,
                    min_gap_days=level.min_gap_days,
                    min_amount=decimal(level.min_amount),
                    min_percent=decimal(level.min_percent),
                )
                for level in policy.level_ids
            ]
            expected[line] = followup.due_level(
                item, levels, reminders, holds[line], on, policy.catch_up, policy.contact_gap_days
            )
        return expected

    def _active(self, holds, on):
        return [hold for hold in holds if hold.until is None or on <= hold.until]

    def _read_policy(self, line):
        return (
            line.move_id.collection_policy_id
            or line.partner_id.collection_policy_id
            or self.policies.sorted(lambda policy: (policy.sequence, policy.id))[0]
        )

    def _read_credit(self, partner):
        credit = self.env["account.move.line"].search(
            [
                ("partner_id", "=", partner.id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("amount_residual_currency", "<", 0),
            ]
        )
        return -sum(map(decimal, credit.mapped("amount_residual_currency")), decimal(0))

    def _read_holds(self, lines, on):
        holds, disputed = defaultdict(list), defaultdict(lambda: decimal(0))
        for line in lines:
            if line.no_followup:
                holds[line].append(followup.Hold("no_followup"))
            if line.move_id.payment_state == "blocked":
                holds[line].append(followup.Hold("blocked"))
        for hold in self.env["collection.hold"].search([("state", "=", "active")], order="id"):
            until = hold.date_until or None
            if hold.date_from > on or (until and until < on):
                continue
            mine = lines.filtered(
                lambda line, hold=hold: (
                    line.partner_id == hold.partner_id
                    and (not hold.move_ids or line.move_id in hold.move_ids)
                )
            )
            if not hold.disputed_amount:
                for line in mine:
                    holds[line].append(followup.Hold(hold.kind, until))
            left = decimal(hold.disputed_amount)
            for line in mine.sorted(lambda line: (line.date_maturity, line.id), reverse=True):
                share = min(left, decimal(line.amount_residual_currency) - disputed[line])
                disputed[line] += share
                left -= share
        for line in lines:
            if disputed[line] >= decimal(line.amount_residual_currency) and not holds[line]:
                holds[line].append(followup.Hold("dispute"))
        return holds, disputed

    def _read_histories(self, lines):
        events = self.env["collection.event"].search(
            [("move_ref", "in", lines.move_id.ids)], order="id"
        )
        found = {}
        for move in lines.move_id:
            reminders = [
                followup.Reminder(
                    level_id=event.level_ref,
                    sequence=event.level_sequence,
                    on=event.date,
                    state=STATES.get(event.state, followup.SENT),
                    due_date=event.due_date,
                    amount=decimal(event.currency_id.round(event.amount)),
                    name=str(event.id),
                )
                for event in events
                if event.move_ref == move.id
            ]
            instalments = move._collection_instalments()
            shares, left = followup.share_history(
                [line._collection_key() for line in instalments], reminders
            )
            last = max((reminder.on for reminder in left), default=None)
            for line, share in zip(instalments, shares, strict=True):
                found[line] = (share, last)
        return found

    def _read_contacts(self):
        contacts = {}
        for letter in self.env["collection.letter"].search(
            [("channel", "=", "email"), ("state", "=", "done")]
        ):
            partner = letter.case_id.partner_id
            contacts[partner] = max(letter.date, contacts.get(partner, letter.date))
        return contacts

    # -- tests ----------------------------------------------------------------------------------

    def _compare(self, seed):
        chance = random.Random(seed)
        self._fill(chance)
        reasons = set()
        on = -12
        while on < 45:
            on += chance.choice([1, 4, 7, 8])
            expected = self._expect(day(on))
            lines = self.env["account.move.line"].union(*expected)
            decisions = self.env["collection.decision"]._decide(lines, day(on))
            for line, rule in expected.items():
                said = decisions[line]
                reasons.add(rule.reason)
                self.assertEqual(
                    (said.level_id, said.reason, said.date, said.upcoming_id),
                    (
                        rule.level.id if rule.level else None,
                        rule.reason,
                        rule.date,
                        rule.upcoming.id if rule.upcoming else None,
                    ),
                    f"seed {seed}, day {on}, {line.move_id.name} {line.date_maturity}",
                )
            self._live(chance, day(on))
        return reasons

    def test_same_as_the_rule(self):
        reasons = set()
        for seed in range(4):
            with self.subTest(seed=seed), self.cr.savepoint() as savepoint:
                reasons |= self._compare(seed)
                savepoint.rollback()
                self.env.invalidate_all()
        self.assertLessEqual(
            {
                "due",
                "not_overdue",
                "not_yet",
                "gap",
                "all_sent",
                "stuck",
                "credit_covers",
                "below_minimum",
                "no_followup",
                "blocked",
                "dispute",
                "manual",
            },
            reasons,
            "the random data tries every answer",
        )


FAILURES = [
    ("bounce", "mail_bounce"),
    *[("exception", "mail_smtp")] * 4,
    ("exception", "mail_email_invalid"),
    ("canceled", False),
]
