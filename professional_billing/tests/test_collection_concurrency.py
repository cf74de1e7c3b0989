import datetime
import os
import random
import signal
from contextlib import contextmanager
from functools import partial
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, sql_db
from odoo.fields import Command
from odoo.modules.registry import DummyRLock, Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from .test_concurrency import Caller, TestConcurrency

TRIES = 20


@tagged("post_install", "-at_install")
class TestCollectionConcurrency(BaseCase):
    """Two runs at once, and a process killed in the middle: nobody gets a level twice.

    The data is committed and removed at the end, as in the tests of billing at once. The log lets
    nothing be removed, so its triggers are switched off for that.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.registry.cursor() as cr:
            cls.youngest = TestConcurrency._find_youngest(cr)
        cls.addClassCleanup(cls._remove_younger)
        with cls.registry.cursor() as cr:
            cls._create_data(api.Environment(cr, SUPERUSER_ID, {"no_reset_password": True}))
        cls.startClassPatcher(patch.object(Registry, "_lock", DummyRLock()))
        cls.startClassPatcher(patch("odoo.service.model.random.uniform", return_value=0.05))

    @classmethod
    def _create_data(cls, env):
        company = env.ref("base.main_company")
        if not company.chart_template:
            env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)
        cls.today = company._billing_today()
        cls.agents = [
            env["res.users"]
            .create(
                {
                    "name": login,
                    "login": f"collecting {login}",
                    "email": f"{login}@example.com",
                    "company_id": company.id,
                    "company_ids": [Command.set(company.ids)],
                    "group_ids": [
                        Command.set(env.ref("professional_billing.group_collection_manager").ids)
                    ],
                }
            )
            .id
            for login in ("one", "two")
        ]
        cls.customers = (
            env["res.partner"]
            .create([{"name": f"Slow {n}", "email": f"slow{n}@example.com"} for n in range(4)])
            .ids
        )

    def setUp(self):
        super().setUp()
        muted = mute_logger("odoo.sql_db", "odoo.service.model")
        muted.__enter__()
        self.addCleanup(muted.__exit__)

    @classmethod
    @mute_logger("odoo.sql_db")
    def _remove_younger(cls):
        tables = ("collection_event", "collection_letter", "collection_withdrawal")
        with cls.registry.cursor() as cr:
            for table in tables:
                cr.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        TestConcurrency.registry, TestConcurrency.youngest = cls.registry, cls.youngest
        with cls.registry.cursor() as cr:
            younger = set(cls.youngest)
            while younger:
                done = {table for table in younger if TestConcurrency._delete_younger(cr, table)}
                if not done:
                    raise AssertionError(f"Cannot clean up {sorted(younger)}.")
                younger -= done
        with cls.registry.cursor() as cr:
            for table in tables:
                cr.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cls.registry.clear_all_caches()

    # -- helpers --------------------------------------------------------------------------------

    def _new_invoices(self):
        """Return the ids of invoices ten days late, one for each customer, committed."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})
            due = self.today - datetime.timedelta(days=10)
            moves = env["account.move"].create(
                [
                    {
                        "move_type": "out_invoice",
                        "partner_id": customer,
                        "invoice_date": due,
                        "invoice_date_due": due,
                        "invoice_payment_term_id": False,
                        "invoice_line_ids": [
                            Command.create({"name": "Advice", "price_unit": 100, "tax_ids": False})
                        ],
                    }
                    for customer in self.customers
                ]
            )
            moves.action_post()
            return moves.ids

    def _approved_run(self, user_id):
        with self.registry.cursor() as cr:
            run = api.Environment(cr, user_id, {})["collection.run"].create({"date": self.today})
            run.action_propose()
            run.action_approve()
            return run.id

    @staticmethod
    def _send(run_id, env):
        env["collection.run"].browse(run_id).action_send()

    def _count_events(self, move_ids):
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT move_ref, count(*) FROM collection_event WHERE move_ref = ANY(%s)"
                " GROUP BY move_ref",
                [move_ids],
            )
            return dict(cr.fetchall())

    # -- tests ----------------------------------------------------------------------------------

    def test_two_runs_at_once(self):
        """In whatever order they come, each instalment is reminded by one of them."""
        for pause in ("after", "before"):
            move_ids = self._new_invoices()
            runs = [self._approved_run(agent) for agent in self.agents]
            slow = Caller(self.registry, self.agents[0], partial(self._send, runs[0]), pause)
            quick = Caller(self.registry, self.agents[1], partial(self._send, runs[1])).finish()
            self.assertIsNone(slow.finish())
            if pause == "after":
                self.assertIn("Someone else is sending", quick)
            self.assertEqual(self._count_events(move_ids), dict.fromkeys(move_ids, 1))

    def _late_invoices(self):
        """Return the ids of late invoices whose policy charges a contract's interest, committed."""
        move_ids = self._new_invoices()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            terms = env["collection.charge.terms"].create({"name": "Contract", "margin": 36.5})
            policy = env["collection.policy"].create(
                {"name": "Dear", "charge_terms_id": terms.id, "sequence": 99}
            )
            env["account.move"].browse(move_ids).collection_policy_id = policy
        return move_ids

    @staticmethod
    def _propose_charges(move_ids, env):
        env["collection.charge"]._propose(env["account.move"].browse(move_ids))

    @staticmethod
    def _bill_charges(move_ids, env):
        charges = env["collection.charge"].search([("move_ref", "in", move_ids)])
        charges.action_invoice()

    def _sum_charges(self, move_ids):
        """Return how many charges there are of these invoices, and what they were billed."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            charges = env["collection.charge"].search([("move_ref", "in", move_ids)])
            invoices = charges.invoice_line_ids.move_id
            return len(charges), sum(invoices.mapped("amount_total"))

    def test_two_propose_and_bill_charges_at_once(self):
        """Edge cases 22 and 73, of charges: ten days at a tenth of a percent, once."""
        move_ids = self._late_invoices()
        propose = partial(self._propose_charges, move_ids)
        slow = Caller(self.registry, self.agents[0], propose, "before")
        self.assertIsNone(Caller(self.registry, self.agents[1], propose).finish())
        self.assertIsNone(slow.finish())
        self.assertEqual(self._sum_charges(move_ids), (4, 0))
        bill = partial(self._bill_charges, move_ids)
        slow = Caller(self.registry, self.agents[0], bill, "after")
        quick = Caller(self.registry, self.agents[1], bill).finish()
        self.assertIn("Somebody else is deciding", quick)
        late = Caller(self.registry, self.agents[1], bill, "before")
        self.assertIsNone(slow.finish())
        self.assertIn("decided on already", late.finish())
        self.assertEqual(self._sum_charges(move_ids), (4, 4))

    def test_killed_between_any_two_statements(self):
        """A process that dies has done nothing; the next one does all of it, once. Edge case 74."""
        chance = random.Random(5)
        move_ids = self._new_invoices()
        run_id = self._approved_run(self.agents[0])
        for _try in range(TRIES):
            self._send_and_die(run_id, chance.randint(1, 45))
            self.assertFalse(self._count_events(move_ids))
        with self.registry.cursor() as cr:
            self._send(run_id, api.Environment(cr, self.agents[0], {}))
        self.assertEqual(self._count_events(move_ids), dict.fromkeys(move_ids, 1))
        with self.registry.cursor() as cr:
            self._send(run_id, api.Environment(cr, self.agents[0], {}))
        self.assertEqual(self._count_events(move_ids), dict.fromkeys(move_ids, 1))

    def _send_and_die(self, run_id, statements):
        """Send the run in a process of its own that is killed after so many statements."""
        self._die(partial(self._send_until_killed, run_id, statements))

    @staticmethod
    def _die(work):
        """Do some work in a process of its own that is killed by the end of it at the latest."""
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise AssertionError(status)

    def _send_until_killed(self, run_id, statements):
        with self._mortal_cursor(statements) as cr:
            self._send(run_id, api.Environment(cr, self.agents[0], {}))
            cr.flush()
            os.kill(os.getpid(), signal.SIGKILL)  # all but the commit

    @staticmethod
    @contextmanager
    def _mortal_cursor(statements):
        """A cursor that kills its process after so many statements."""
        # The connections of the parent must not be used, nor closed, by its child.
        sql_db._Pool = None
        with sql_db.db_connect(get_db_name()).cursor() as cr:
            execute, left = cr.execute, iter(range(statements))

            def counted(*args, **kwargs):
                if next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return execute(*args, **kwargs)

            cr.execute = counted
            yield cr

    def test_release_killed_between_any_two_statements(self):
        """Reminders are written by a cron that may die: each is mailed once, none is lost."""
        chance = random.Random(7)
        self._new_invoices()
        run_id = self._approved_run(self.agents[0])
        with self.registry.cursor() as cr:
            self._send(run_id, api.Environment(cr, self.agents[0], {}))
        total = sum(self._count_letters_and_mails()[:2])
        self.assertGreaterEqual(total, len(self.customers))
        for _try in range(TRIES):
            self._die(partial(self._release, chance.randint(1, 150)))
            left, written, mails = self._count_letters_and_mails()
            self.assertEqual((left + written, written), (total, mails))
        with self.registry.cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["collection.letter"]._cron_release()
        self.assertEqual(self._count_letters_and_mails(), (0, total, total))

    def _release(self, statements):
        chunk = patch("odoo.addons.professional_billing.models.collection_letter.CHUNK", 1)
        with chunk, self._mortal_cursor(statements) as cr:
            api.Environment(cr, SUPERUSER_ID, {})["collection.letter"]._cron_release()

    def _count_letters_and_mails(self):
        """Return how many reminders wait, how many were written, how many mails there are."""
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT count(*) FILTER (WHERE state = 'queued'),"
                " count(DISTINCT mail_message_id) FILTER (WHERE state = 'done'),"
                " (SELECT count(*) FROM mail_mail JOIN mail_message message"
                " ON message.id = mail_mail.mail_message_id"
                " WHERE message.model = 'collection.case')"
                " FROM collection_letter"
            )
            return cr.fetchone()
