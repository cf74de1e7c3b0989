import datetime
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .test_collection_common import CollectionCommon, day

MODEL = "odoo.addons.professional_billing.models.collection_run_schedule"
LONDON, NEW_YORK = "Europe/London", "America/New_York"


def at(offset, hour):
    """Return the moment `offset` days after the due date, in UTC."""
    return datetime.datetime.combine(day(offset), datetime.time(hour))


class TestCollectionCron(CollectionCommon):
    """The crons of collection at a moment, as Odoo runs them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = LONDON
        cls.company.collection_user_id = cls.manager
        cls.env["res.company"].search([("id", "!=", cls.company.id)]).collection_run_mode = "manual"

    def _cron(self, name, moment):
        with freeze_time(moment), self.enter_registry_test_mode():
            self.env.ref(f"professional_billing.cron_collection_{name}").method_direct_trigger()
        self.env.invalidate_all()

    def _runs(self):
        return self.env["collection.run"].search([])

    def _todos(self):
        return (
            self.env["mail.activity"]
            .with_user(self.manager)
            .search([("user_id", "=", self.manager.id)])
        )

    def _switch_on(self, mode):
        with freeze_time(at(0, 12)):
            self.company.collection_run_mode = mode
            self.company.flush_recordset()


@tagged("post_install", "-at_install")
class TestCollectionDaily(TestCollectionCron):
    """Runs that are made every day, and who hears of it."""

    def test_by_hand(self):
        self._invoice()
        self._cron("run", at(7, 6))
        self.assertFalse(self._runs())

    def test_proposal_of_every_day(self):
        """It waits for somebody; what nobody took up is brought up to date, not made twice."""
        self._switch_on("propose")
        self._invoice()
        self._cron("run", at(6, 6))
        self.assertFalse(self._runs(), "nothing is due, nothing is left lying about")
        self._cron("run", at(7, 6))
        run = self._runs()
        self.assertEqual((run.state, run.date, run.create_uid), ("proposed", day(7), self.manager))
        self.assertIn("waits for you", self._todos().summary)
        self._cron("run", at(7, 7))
        self._invoice(50)
        self._cron("run", at(8, 6))
        self.assertEqual(self._runs(), run)
        self.assertEqual((run.date, run.line_count), (day(8), 2))
        self.assertEqual(len(self._todos()), 1)

    def test_sent_every_day(self):
        """In the name of the responsible, and each level once, however often the cron runs."""
        self._switch_on("send")
        self._invoice()
        for offset in (7, 7, 8, 9):
            self._cron("run", at(offset, 6))
            self._cron("release", at(offset, 6))
        letter = self.env["collection.letter"].search([])
        self.assertEqual((letter.state, letter.date), ("done", day(7)))
        self.assertEqual(letter.mail_message_id.author_id, self.manager.partner_id)
        self.assertEqual(len(self._runs()), 1)
        self.assertFalse(self._todos())

    def test_approval_is_left_to_a_person(self):
        """What asks for approval stays a proposal; the rest is sent."""
        self._switch_on("send")
        self.second.approval = True
        old = self._invoice(100)
        self._send(day(7))
        new = self._invoice(50, day(16))
        self._cron("run", at(23, 6))
        sent, waiting = self._runs().filtered("daily").sorted("id")
        self.assertEqual((sent.state, sent.letter_ids.event_ids.move_id), ("done", new))
        self.assertEqual(waiting.state, "proposed")
        self.assertEqual(waiting._get_included().move_id, old)
        self.assertEqual(len(self._todos()), 1)

    def test_bank_not_matched(self):
        """Somebody may have paid: nothing is sent, and the to-do says why."""
        self._switch_on("send")
        self._invoice()
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "date": day(6),
                "payment_ref": "Unknown",
                "amount": 100,
            }
        )
        self._cron("run", at(7, 6))
        self.assertEqual(self._runs().state, "proposed")
        self.assertIn("not matched", self._todos().note)

    def test_cron_down_for_45_days(self):
        """One level on the first day it runs again, not the missed ones; the next after its gap. Edge case 44."""
        self._switch_on("send")
        self._invoice()
        for offset in (45, 46, 54, 55):
            self._cron("run", at(offset, 6))
            self._cron("release", at(offset, 6))
        events = self.env["collection.event"].search([], order="id")
        self.assertEqual(
            [(event.date, event.level_id) for event in events],
            [(day(45), self.first), (day(55), self.second)],
        )

    def test_each_company_has_its_own_day(self):
        """At 00:30 UTC it is another day in Samoa than in San Francisco. Edge case 37."""
        self.company.partner_id.tz = "America/Los_Angeles"
        other = self.setup_other_company()
        self.manager.company_ids |= other["company"]
        other["company"].partner_id.tz = "Pacific/Apia"
        other["company"].collection_user_id = self.manager
        self._switch_on("propose")
        with freeze_time(at(0, 12)):
            other["company"].collection_run_mode = "propose"
            other["company"].flush_recordset()
        self._invoice()
        self._invoice(
            30, company_id=other["company"].id, journal_id=other["default_journal_sale"].id
        )
        self._cron("run", at(8, 0) + datetime.timedelta(minutes=30))
        self.assertEqual(
            {run.company_id: run.date for run in self._runs()},
            {self.company: day(7), other["company"]: day(8)},
        )

    def test_one_company_fails(self):
        """The responsible is told what went wrong; the other company's run is made."""
        other = self.setup_other_company()
        other["company"].collection_user_id = self.manager
        self.manager.company_ids |= other["company"]
        self._switch_on("propose")
        with freeze_time(at(0, 12)):
            other["company"].collection_run_mode = "propose"
            other["company"].flush_recordset()
        self._invoice(
            30, company_id=other["company"].id, journal_id=other["default_journal_sale"].id
        )
        self._invoice()
        Run = self.env.registry["collection.run"]
        propose = Run.action_propose

        def fail(run):
            if run.company_id == self.company:
                raise ValueError("Broken")
            return propose(run)

        with patch.object(Run, "action_propose", fail), mute_logger(MODEL):
            self._cron("run", at(7, 6))
        self.assertEqual(self._runs().company_id, other["company"])
        failed = self._todos().filtered(lambda todo: "failed" in todo.summary)
        self.assertIn(self.company.name, failed.summary)
        self.assertIn("server's log", failed.note)
        self._cron("run", at(7, 7))
        self.assertEqual(len(self._runs()), 2, "made once it can be")

    def test_no_levels(self):
        """What a person can mend is said in words."""
        self._switch_on("propose")
        self._invoice()
        self.policy.level_ids.unlink()
        self._cron("run", at(7, 6))
        self.assertIn("has levels", self._todos().note)

    def test_watchdog(self):
        """A run that does not come to its end for two days is noticed by another cron."""
        self._switch_on("propose")
        self._invoice()
        self._cron("judge", at(1, 6))
        self.assertFalse(self._todos())
        self._cron("judge", at(2, 6))
        self.assertIn("no follow-up run since", self._todos().summary)
        self._cron("judge", at(2, 7))
        self.assertEqual(len(self._todos()), 1)
        self.company.collection_run_mode = "manual"
        self._todos().unlink()
        self._cron("judge", at(9, 6))
        self.assertFalse(self._todos())


@tagged("post_install", "-at_install")
class TestCollectionSending(TestCollectionCron):
    """Mails leave in the recipient's working hours. The due date, 2 March 2026, is a Monday."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.env["resource.calendar"].create(
            {
                "name": "Office hours",
                "company_id": cls.company.id,
                "tz": LONDON,
                "attendance_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "name": "Day",
                                "dayofweek": str(weekday),
                                "hour_from": 9,
                                "hour_to": 17,
                                "day_period": "morning",
                            }
                        )
                        for weekday in range(5)
                    ),
                ],
            }
        )
        cls.company.collection_calendar_id = cls.calendar

    def _queue(self, offset, **values):
        """Send a run of that day, which leaves its reminders to be written."""
        self._invoice(**values)
        run = self._propose(day(offset))
        run.action_approve()
        run.action_send()
        return run.letter_ids

    def test_within_the_hours(self):
        letter = self._queue(7)
        self._cron("release", at(7, 10))
        self.assertEqual((letter.state, letter.send_after), ("done", False))

    def test_waits_for_the_morning(self):
        letter = self._queue(7)
        self._cron("release", at(7, 5))
        self.assertEqual((letter.state, letter.send_after), ("queued", at(7, 9)))
        self.assertFalse(letter.mail_message_id)
        cron = self.env.ref("professional_billing.cron_collection_release")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertIn(at(7, 9), triggers.mapped("call_at"))
        self._cron("release", at(7, 8))
        self.assertEqual(letter.state, "queued")
        self._cron("release", at(7, 9))
        self.assertEqual(letter.state, "done")

    def test_weekend_and_holiday(self):
        """Friday evening, then a public holiday on Monday: it leaves on Tuesday."""
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Bank holiday",
                "calendar_id": self.calendar.id,
                "company_id": self.company.id,
                "date_from": at(14, 0),
                "date_to": at(14, 23),
            }
        )
        letter = self._queue(11)
        self._cron("release", at(11, 18))
        self.assertEqual(letter.send_after, at(15, 9))

    def test_time_zone_of_the_recipient(self):
        """Nine in New York is 13:00 UTC, an hour earlier against London once clocks have changed."""
        self.customer.tz = NEW_YORK
        letter = self._queue(3, due=day(-4))
        self._cron("release", at(3, 10))
        self.assertEqual(letter.send_after, at(3, 14))
        later = self._queue(8, due=day(1), partner=self.customer.copy({"tz": NEW_YORK}))
        self._cron("release", at(8, 10))
        self.assertEqual(later.send_after, at(8, 13), "summer time there since 8 March")

    def test_clocks_change_on_the_day(self):
        """29 March 2026 in London: the slot is there once, and the mail goes once. Edge case 38."""
        sunday = self.calendar.attendance_ids[0].copy({"dayofweek": "6"})
        sunday.write({"hour_from": 1.5, "hour_to": 3.5})
        letter = self._queue(27)
        for hour in (0, 1, 2, 3, 4):
            self._cron("release", at(27, hour))
        self.assertEqual(letter.state, "done")
        self.assertEqual(len(self._mails(letter.run_id)), 1)

    def test_paid_while_it_waited(self):
        """It is looked at once more when its time has come: nothing is sent, the level is open. Edge case 4."""
        letter = self._queue(7)
        self._cron("release", at(7, 5))
        self._register_payment(letter.event_ids.move_id)
        self._cron("release", at(7, 9))
        self.assertEqual((letter.state, letter.event_ids.state), ("cancelled", "cancelled"))
        self.assertFalse(self._mails(letter.run_id))

    def test_disputed_while_it_waited(self):
        letter = self._queue(7)
        self._cron("release", at(7, 5))
        self.env["collection.hold"].create(
            {
                "case_id": letter.case_id.id,
                "kind": "dispute",
                "move_ids": letter.event_ids.move_id.ids,
                "date_from": day(7),
            }
        )
        self._cron("release", at(7, 9))
        self.assertEqual(letter.state, "cancelled")

    def test_soon_due_that_became_late(self):
        """A reminder of what is due soon waited over the weekend, and is late now: it is not sent."""
        self.first.delay_days = -2
        letter = self._queue(-2)  # a Saturday
        self.assertTrue(letter.early)
        self.calendar.attendance_ids.filtered(lambda line: line.dayofweek == "0").unlink()
        self._cron("release", at(-2, 12))
        self.assertEqual(letter.send_after, at(1, 9))
        self._cron("release", at(1, 9))
        self.assertEqual(letter.state, "cancelled")
        self.assertEqual(self.env["collection.withdrawal"].search_count([]), 1)

    def test_letters_and_calls_do_not_wait(self):
        self.first.channel = "letter"
        letter = self._queue(7)
        self._cron("release", at(7, 5))
        self.assertEqual(letter.state, "to_print")

    def test_no_time_at_all(self):
        """A calendar without working time is an error with a sentence, not silence."""
        letter = self._queue(7)
        self.calendar.attendance_ids.unlink()
        self._cron("release", at(7, 5))
        self.assertEqual(letter.state, "failed")
        self.assertIn("leaves no time to send", letter.error)
