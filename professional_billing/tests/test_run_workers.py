import logging
import os
import random
import signal
import time

from odoo import SUPERUSER_ID, api
from odoo.fields import Command
from odoo.tests import get_db_name, tagged
from odoo.tools import config

from .run_workers import Nursery
from .test_concurrency import CommittedCase

_logger = logging.getLogger(__name__)

LONG = bool(os.environ.get("PROFESSIONAL_BILLING_LONG"))
ENGAGEMENTS, KILLS = (300, 20) if LONG else (40, 5)
WORKERS = (
    "professional_billing.cron_billing_run",
    "professional_billing.cron_billing_run_second",
)


@tagged("post_install", "-at_install")
class TestRunWorkers(CommittedCase):
    """Runs that processes of their own work on: killed at any moment, and two at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nursery = Nursery(config, get_db_name())
        cls.addClassCleanup(cls.nursery.close)

    def _new_run(self, count, mode="post"):
        """Return the ids of a run, preview and all, and of its engagements; two for each customer."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})
            customers = env["res.partner"].create(
                [{"name": f"Client {number}"} for number in range((count + 1) // 2)]
            )
            orders = env["sale.order"].create(
                [
                    {
                        "partner_id": customers[number // 2].id,
                        "order_line": [Command.create({"product_id": self.service})],
                    }
                    for number in range(count)
                ]
            )
            orders.action_confirm()
            env["account.analytic.line"].create(
                [
                    {
                        "name": f"Work {hours}",
                        "project_id": order.order_line.task_id.project_id.id,
                        "task_id": order.order_line.task_id.id,
                        "employee_id": self.employee,
                        "unit_amount": hours,
                        "date": self.today,
                    }
                    for order in orders
                    for hours in (1, 2)
                ]
            )
            officer = env(user=self.officer)
            run = officer["billing.run"].create(
                {"cutoff_date": self.today, "mode": mode, "order_ids": [Command.set(orders.ids)]}
            )
            run.action_preview()
            # As `action_start` leaves a run that is too long to be done at once.
            run.state = "running"
            return run.id, orders.ids

    def _check_run(self, run_id, order_ids):
        """Every engagement is billed once, whole, and nothing is left over or missing."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            run, orders = env["billing.run"].browse(run_id), env["sale.order"].browse(order_ids)
            self.assertEqual(run.state, "done")
            self.assertEqual(run.line_ids.order_id, orders.sorted(lambda order: order.partner_id))
            self.assertEqual(set(run.line_ids.mapped("state")), {"done"})
            moves = env["account.move"].search(
                [("partner_id", "in", orders.partner_id.ids), ("move_type", "!=", "entry")]
            )
            self.assertEqual(moves, run.move_ids.sorted())
            self.assertEqual(len(moves), len(orders))
            self.assertEqual(set(moves.mapped("state")), {"posted"})
            self.assertEqual(set(moves.mapped("amount_untaxed")), {300.0})
            self.assertEqual(set(orders.mapped("invoice_count")), {1})
            items = orders.billing_item_ids
            self.assertEqual(len(items), 2 * len(orders))
            self.assertFalse(items.filtered(lambda item: item.is_open or item.prebill_id.is_open))
            self.assertEqual(len(items.allocation_ids), len(items))
            prebills = orders.prebill_ids
            self.assertEqual(len(prebills), len(orders))
            self.assertEqual(set(prebills.mapped("state")), {"invoiced"})
            # The numbers follow each other, and Odoo's own check says so.
            numbers = sorted(moves.mapped("sequence_number"))
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(moves))))
            self.assertFalse(moves.filtered("made_sequence_gap"))
            self.assertFalse(moves.journal_id.has_sequence_holes)

    def _count_done(self, run_id):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return env["billing.run.line"].search_count(
                [("run_id", "=", run_id), ("state", "=", "done")]
            )

    def _measure(self, run_id, crons):
        """Let these workers do the run; return the seconds it took."""
        start = time.monotonic()
        pids = [self.nursery.start(cron) for cron in crons]
        self.assertEqual([self.nursery.wait(pid) for pid in pids], [0] * len(pids))
        return time.monotonic() - start

    def test_killed(self):
        """A run whose worker is killed at any moment, and started again, bills everything once."""
        dice, longest, kills, runs = random.Random(4), 2.0, 0, []
        while kills < KILLS:
            run_id, order_ids = self._new_run(ENGAGEMENTS)
            runs.append((run_id, order_ids))
            self.nursery.warm(run_id)
            done = 0
            while done < ENGAGEMENTS and kills < KILLS:
                pid = self.nursery.start(dice.choice(WORKERS))
                time.sleep(dice.uniform(0.1, longest))
                self.nursery.kill(pid)
                kills += self.nursery.wait(pid) == -signal.SIGKILL
                before, done = done, self._count_done(run_id)
                # About every other one dies with something billed and committed.
                longest *= 0.7 if done > before else 1.4
                _logger.info("killed %s times, %s of %s billed", kills, done, ENGAGEMENTS)
        self._measure(run_id, WORKERS[:1])
        for run_id, order_ids in runs:
            self._check_run(run_id, order_ids)

    def test_two_workers(self):
        """Two workers share a run: the same result, and neither gets in the other's way."""
        seconds = []
        for crons in (WORKERS[:1], WORKERS):
            run_id, order_ids = self._new_run(ENGAGEMENTS)
            self.nursery.warm(run_id)
            seconds.append(self._measure(run_id, crons))
            self._check_run(run_id, order_ids)
        _logger.info("%s engagements: one worker %.1f s, two %.1f s", ENGAGEMENTS, *seconds)
