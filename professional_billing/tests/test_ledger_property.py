import contextlib
import logging
import os
import random

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .ledger_steps import WEIGHTS, LedgerSteps

_logger = logging.getLogger(__name__)

SEQUENCES, STEPS = 24, 12
LONG_SEQUENCES = 1000
#: A broken rule shows in many sequences: these are enough to see it.
MOST_FAILURES = 3


class Failure(AssertionError):
    """An invariant does not hold after a step."""


@tagged("post_install", "-at_install")
class TestLedgerProperty(LedgerSteps):
    """Whatever people do, in whatever order, the WIP ledger stays exact.

    Random sequences of steps on an engagement with lines of all three rules. After each step the
    whole ledger is audited; a step that is refused must have changed nothing. A failing sequence
    is shortened and told step by step; `PROFESSIONAL_BILLING_SEED=<seed>` plays it again.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The ledger is before tax, and Odoo takes its time over tax: one line has it.
        (cls.days | cls.fee | cls.stages).taxes_id = False
        hours, days = cls.hours.id, cls.days.id
        cls.engagements = [
            cls._new_engagement(
                time=[{"product_id": hours, "price_unit": 100}],
                fee=9000,
                parts=(50, 25, 25),
                stages=5000,
                milestones=(50, 50),
            ),
            cls._new_engagement(
                time=[
                    {"product_id": hours, "price_unit": 87.35, "discount": 12.5},
                    {"product_id": days, "price_unit": 799.99},
                ],
                fee=100.01,
                parts=(33.3333, 33.3333, 33.3334),
                stages=77.77,
                milestones=(33, 67),
                milestone_acceptance=True,
            ),
            cls._new_engagement(
                time=[{"product_id": days, "price_unit": 0.57}],
                fee=333.33,
                parts=(10, 90),
                stages=0.05,
                milestones=(30, 30, 40),
            ),
        ]
        # Each step is audited by itself: mail's own bookkeeping is no part of it.
        cls.env = cls.env(context={**cls.env.context, "tracking_disable": True})

    @classmethod
    def _new_engagement(cls, time, fee, parts, stages, milestones, **vals):
        fee_line = {
            "product_id": cls.fee.id,
            "price_unit": fee,
            "installments": [{"percentage": part} for part in parts],
        }
        stages_line = {
            "product_id": cls.stages.id,
            "price_unit": stages,
            "milestones": milestones,
        }
        return cls._create_engagement([*time, fee_line, stages_line], **vals)

    @contextlib.contextmanager
    def subTest(self, msg=None, **params):
        """Stop at the first failed check, so that the step that broke it is known."""
        try:
            yield
        except AssertionError as error:
            raise Failure(f"{params}: {error}") from error

    @mute_logger("odoo.models.unlink", "odoo.sql_db")
    def test_random_sequences(self):
        """Random work, review, bills, edits, credits: invariants 1 to 3 hold after every step."""
        seed = os.environ.get("PROFESSIONAL_BILLING_SEED")
        if seed:
            seeds = [int(seed)]
        elif os.environ.get("PROFESSIONAL_BILLING_LONG"):
            start = random.SystemRandom().randrange(10**6, 10**9)
            seeds = range(start, start + LONG_SEQUENCES)
        else:
            seeds = range(SEQUENCES)
        _logger.info("%s sequences of %s steps from seed %s", len(seeds), STEPS, seeds[0])
        failures = []
        for seed in seeds:
            failure, _story = self._play(seed, range(STEPS))
            if failure:
                failures.append(self._tell(seed, *self._shorten(seed)))
                _logger.info(failures[-1])
                if len(failures) == MOST_FAILURES:
                    break
        if failures:
            self.fail("\n\n".join(failures))

    def _play(self, seed, indexes):
        """Play a sequence on the database and undo it; return what failed, or None, and the story.

        Each step has dice of its own, so that leaving one out does not change the others.
        """
        story, failure = [], None
        with self.env.cr.savepoint() as savepoint:
            self.orders = self.engagements[seed % len(self.engagements)].with_env(self.env)
            self.worked, self.edited = {}, self.env["account.move"]
            for index in indexes:
                self.dice = random.Random(f"{seed}/{index}")
                try:
                    story.append(self._step())
                except Exception as error:
                    if not isinstance(error, AssertionError):
                        _logger.exception("Seed %s, step %s", seed, index)
                    failure = f"{self.doing}: {type(error).__name__}: {error}"
                    story.append(failure)
                    break
            savepoint.rollback()
        return failure, story

    def _shorten(self, seed):
        """Leave out steps as long as the sequence fails."""
        indexes = list(range(STEPS))
        failure, story = self._play(seed, indexes)
        indexes = indexes[: len(story)]
        for index in indexes[:]:
            shorter = [other for other in indexes if other != index]
            new_failure, new_story = self._play(seed, shorter)
            if new_failure:
                indexes, failure, story = shorter[: len(new_story)], new_failure, new_story
        return failure, story

    def _tell(self, seed, failure, story):
        steps = "\n".join(f"  {number}. {step}" for number, step in enumerate(story, 1))
        return (
            f"{failure}\nPROFESSIONAL_BILLING_SEED={seed} plays this again; shortened to:\n{steps}"
        )

    def _step(self):
        """Do one random step and audit the ledger; return what was done in words."""
        names, weights = zip(*WEIGHTS.items(), strict=True)
        before = self._snapshot()
        self.doing = "nothing to do"
        for name in self.dice.choices(names, weights, k=5):
            self.doing = name
            self.changed_time, self.changed_drafts = {}, self.edited
            self.changed_orders = self.orders
            try:
                with self.env.cr.savepoint():
                    done = getattr(self, f"_do_{name}")()
                    self.env.flush_all()
                    self.env.cr.precommit.run()
            except (UserError, IntegrityError) as error:
                self.doing = f"{name} refused: {self._get_sentence(error)}"
                self.assertEqual(self._snapshot(), before, "A refused step changed the ledger.")
                return self.doing
            if done:
                self.doing = f"{name}: {done}"
                self.worked.update(self.changed_time)
                self.orders = self.changed_orders
                # Cancelled and reopened, it is still edited; posted, its edits are settled.
                self.edited = self.changed_drafts.exists().filtered(lambda m: m.state != "posted")
                self._audit()
                return self.doing
        return "nothing to do"

    def _get_sentence(self, error):
        """Return what the user reads, also when it was the database that refused."""
        if isinstance(error, UserError):
            return str(error)
        table = error.diag.table_name
        model = next(model for model in self.env.values() if model._table == table)
        sentence = model._sql_error_to_message(error)
        self.assertNotIn("violates", sentence, "refused without a sentence")
        return sentence

    # -- checks ---------------------------------------------------------------------------------

    def _snapshot(self):
        """Return the rows of the ledger and of what it settles, as they are in the database."""
        self.env.flush_all()
        order_ids = tuple(self.orders.ids)
        return [
            self._query(f"SELECT * FROM {table} WHERE {column} IN %s ORDER BY id", ids)
            for table, column, ids in (
                ("billing_item", "order_id", order_ids),
                ("billing_allocation", "item_id", tuple(self._items(self.orders).ids) or (0,)),
                ("account_analytic_line", "order_id", order_ids),
                ("billing_installment", "order_id", order_ids),
            )
        ]

    def _audit(self):
        drafts = self.edited.filtered(lambda move: move.state == "draft")
        self.assertLedger(self.orders, edited=drafts)
        self._audit_worked_hours()
        self._audit_bills()
        self._audit_prebills()

    def _audit_worked_hours(self):
        """Invariant 1: every entry has the hours its author wrote."""
        times = self.env["account.analytic.line"].browse(self.worked)
        self.assertEqual(
            {time.id: time.unit_amount for time in times}, self.worked, "worked hours changed"
        )

    def _audit_bills(self):
        """What the invoices say in the books, less their credit notes, is what is billed."""
        total = 0.0
        for move in self._moves().filtered(lambda move: move.state != "cancel"):
            if move in self.edited:
                return
            refunds = move.reversal_move_ids.filtered(lambda refund: refund.state == "posted")
            for line in move.invoice_line_ids:
                origin = refunds.invoice_line_ids.filtered(
                    lambda credit, line=line: credit.billing_origin_line_id == line
                )
                total += max(line.price_subtotal - sum(origin.mapped("price_subtotal")), 0)
        billed = sum(self._items(self.orders).mapped("billed_amount"))
        self.assertAlmostEqual(billed, total, 6, "billed is not what the invoices say")

    def _audit_prebills(self):
        """Work is held by one open pre-bill at most, and by none that is closed."""
        held = self._items(self.orders).filtered("prebill_id")
        for item in held:
            self.assertIn(item.prebill_id.state, ("draft", "review", "approved"))
            self.assertIn(item, item.prebill_id.line_ids.item_id)
        open_lines = self._prebills("draft", "review", "approved").line_ids
        for item, lines in open_lines.grouped("item_id").items():
            self.assertEqual(item.prebill_id, lines.prebill_id, "held by another pre-bill")
