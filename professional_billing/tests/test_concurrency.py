import threading
import traceback
from functools import partial
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.modules.registry import DummyRLock, Registry
from odoo.service.model import retrying
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import SQL, mute_logger

TIMEOUT = 60


class Caller(threading.Thread):
    """A user's request on a connection of its own, retried and committed as Odoo's RPC does.

    With `pause="before"` the request has begun its transaction when it stops, with "after" it has
    done its work and not committed; `go` lets it continue. A retry does not stop again.
    """

    def __init__(self, registry, user_id, work, pause=None):
        super().__init__(daemon=True)
        self.registry, self.user_id, self.work, self.pause = registry, user_id, work, pause
        self.paused, self.go = threading.Event(), threading.Event()
        self.error = self.crash = None
        self.start()
        if pause and not self.paused.wait(TIMEOUT):
            raise AssertionError("The request did not come to its pause.")

    def run(self):
        try:
            with self.registry.cursor() as cr:
                env = api.Environment(cr, self.user_id, {})
                retrying(partial(self._attempt, env), env)
        except UserError as error:
            self.error = str(error)
        except Exception:
            self.crash = traceback.format_exc()
        finally:
            self.paused.set()

    def _attempt(self, env):
        self._stop_at("before", env)
        self.work(env)
        env.cr.flush()
        self._stop_at("after", env)

    def _stop_at(self, place, env):
        if self.pause == place:
            self.pause = None
            env.cr.execute("SELECT 1 FROM sale_order LIMIT 1")  # the snapshot is taken
            self.paused.set()
            self.go.wait(TIMEOUT)

    def finish(self):
        self.go.set()
        self.join(TIMEOUT)
        if self.crash or self.is_alive():
            raise AssertionError(self.crash or "The request hangs.")
        return self.error


class CommittedCase(BaseCase):
    """Tests with connections of their own.

    The data is committed, in the main company, and removed at the end: everything that is younger
    than the test.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = Registry(get_db_name())
        with cls.registry.cursor() as cr:
            cls.rows, cls.youngest = cls._count_rows(cr), cls._find_youngest(cr)
        cls.addClassCleanup(cls._remove_younger)
        with cls.registry.cursor() as cr:
            cls._create_data(api.Environment(cr, SUPERUSER_ID, {"no_reset_password": True}))

    @classmethod
    def _create_data(cls, env):
        company = env.ref("base.main_company")
        cls.today = company._billing_today()

        def new_user(login, group):
            return env["res.users"].create(
                {
                    "name": login,
                    "login": f"concurrent {login}",
                    "email": f"{login}@example.com",
                    "company_id": company.id,
                    "company_ids": [Command.set(company.ids)],
                    "group_ids": [Command.set(env.ref(group).ids)],
                }
            )

        cls.officer = new_user("officer", "professional_billing.group_billing_officer").id
        cls.colleague = new_user("colleague", "professional_billing.group_billing_officer").id
        consultant = new_user("consultant", "hr_timesheet.group_hr_timesheet_user")
        cls.consultant = consultant.id
        cls.employee = (
            env["hr.employee"]
            .create({"name": "Anna", "user_id": consultant.id, "company_id": company.id})
            .id
        )
        cls.customer = env["res.partner"].create({"name": "Concurrent Client"}).id
        cls.service = (
            env["product.product"]
            .create(
                {
                    "name": "Advice",
                    "type": "service",
                    "service_tracking": "task_in_project",
                    "service_policy": "delivered_timesheet",
                    "uom_id": env.ref("uom.product_uom_hour").id,
                    "list_price": 100,
                    "taxes_id": False,
                    "billing_rule": "time_materials",
                }
            )
            .id
        )

    @classmethod
    def _get_tables(cls, cr):
        cr.execute(
            """
            SELECT tables.table_name, columns.column_name IS NOT NULL
              FROM information_schema.tables
         LEFT JOIN information_schema.columns
                ON columns.table_name = tables.table_name
               AND columns.table_schema = tables.table_schema
               AND columns.column_name = 'id' AND columns.data_type = 'integer'
             WHERE tables.table_schema = 'public' AND tables.table_type = 'BASE TABLE'
          ORDER BY tables.table_name
            """
        )
        return cr.fetchall()

    @classmethod
    def _count_rows(cls, cr):
        counts = {}
        for table, _has_id in cls._get_tables(cr):
            cr.execute(SQL("SELECT count(*) FROM %s", SQL.identifier(table)))
            counts[table] = cr.fetchone()[0]
        return counts

    @classmethod
    def _find_youngest(cls, cr):
        youngest = {}
        for table, has_id in cls._get_tables(cr):
            if has_id:
                cr.execute(SQL("SELECT coalesce(max(id), 0) FROM %s", SQL.identifier(table)))
                youngest[table] = cr.fetchone()[0]
        return youngest

    @classmethod
    @mute_logger("odoo.sql_db")
    def _remove_younger(cls):
        """Delete what the test committed, table by table until no foreign key is in the way."""
        with cls.registry.cursor() as cr:
            now = cls._find_youngest(cr)
            younger = {table for table, newest in now.items() if newest > cls.youngest[table]}
            while younger:
                done = {table for table in younger if cls._delete_younger(cr, table)}
                if not done:
                    raise AssertionError(f"Cannot clean up {sorted(younger)}.")
                younger -= done
            left = {
                table: count - cls.rows[table]
                for table, count in cls._count_rows(cr).items()
                if count != cls.rows[table]
            }
        cls.registry.clear_all_caches()
        if left:
            raise AssertionError(f"The test left rows behind: {left}")

    @classmethod
    def _delete_younger(cls, cr, table):
        try:
            with cr.savepoint(flush=False):
                cr.execute(
                    SQL("DELETE FROM %s WHERE id > %s", SQL.identifier(table), cls.youngest[table])
                )
        except Exception:  # a row of another table stands on one of these: try that one first
            return False
        return True


@tagged("post_install", "-at_install")
class TestConcurrency(CommittedCase):
    """Two people do something about the same work at the same moment, on two connections."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The main thread keeps this lock for the time of the tests.
        cls.startClassPatcher(patch.object(Registry, "_lock", DummyRLock()))
        # Retries wait at random, up to half a minute.
        cls.startClassPatcher(patch("odoo.service.model.random.uniform", return_value=0.05))

    # -- helpers --------------------------------------------------------------------------------

    def setUp(self):
        super().setUp()
        muted = mute_logger("odoo.sql_db", "odoo.service.model")
        muted.__enter__()
        self.addCleanup(muted.__exit__)

    def _new_engagement(self, *hours):
        """Return the ids of a confirmed order and of its time entries, committed."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})
            order = env["sale.order"].create(
                {
                    "partner_id": self.customer,
                    "order_line": [Command.create({"product_id": self.service})],
                }
            )
            order.action_confirm()
            times = env["account.analytic.line"].create(
                [
                    {
                        "name": f"Work {number}",
                        "project_id": order.order_line.task_id.project_id.id,
                        "task_id": order.order_line.task_id.id,
                        "employee_id": self.employee,
                        "unit_amount": quantity,
                        "date": self.today,
                    }
                    for number, quantity in enumerate(hours, 1)
                ]
            )
            return order.id, times.ids

    def _caller(self, user_id, work, pause=None):
        return Caller(self.registry, user_id, work, pause)

    def _race(self, work, pause):
        """Let a second user do `work` while the first one waits; return both errors, or None."""
        waiting = self._caller(self.officer, work, pause)
        other = self._caller(self.colleague, work).finish()
        return [waiting.finish(), other]

    @staticmethod
    def _bill(order_id, env):
        """Gather what can be billed and invoice it, as the buttons do."""
        action = env["sale.order"].browse(order_id).action_make_prebill()
        env["billing.prebill"].browse(action["res_id"]).action_invoice()

    @staticmethod
    def _edit(time_id, env):
        env["account.analytic.line"].browse(time_id).unit_amount = 7

    def _check_billed(self, order_id, hours):
        """Each hour stands on one bill, and the invoices bill just these hours."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            order = env["sale.order"].browse(order_id)
            items = order.billing_item_ids
            self.assertEqual(sum(items.mapped("billed_quantity")), hours)
            self.assertEqual(sum(items.mapped("billed_amount")), hours * 100)
            self.assertEqual(order.invoice_count, 1 if hours else 0)
            self.assertEqual(sum(order.invoice_ids.mapped("amount_untaxed")), hours * 100)
            bills = items.allocation_ids.filtered(lambda row: row.kind == "bill")
            self.assertEqual(len(bills), len(bills.item_id))
            for item in items:
                self.assertEqual(item.worked_quantity, item.timesheet_id.unit_amount)
                self.assertEqual(
                    item.quantity, item.billed_quantity + item.open_quantity, "hours lost or made"
                )
            self.assertFalse(items.prebill_id.filtered(lambda prebill: not prebill.is_open))
            self.assertLessEqual(len(order.prebill_ids.filtered("is_open")), 1)

    # -- tests ----------------------------------------------------------------------------------

    def test_bill_while_another_is_billing(self):
        """The second of two who bill the same engagement is told that somebody is at it."""
        order_id, _times = self._new_engagement(1, 2)
        first, second = self._race(partial(self._bill, order_id), pause="after")
        self.assertIsNone(first)
        self.assertIn("someone else is billing", second)
        self._check_billed(order_id, 3)

    def test_bill_after_another_has_billed(self):
        """Both began at once, the second was quicker: the first finds nothing to bill."""
        order_id, _times = self._new_engagement(1, 2)
        first, second = self._race(partial(self._bill, order_id), pause="before")
        self.assertIsNone(second)
        self.assertIn("nothing to bill", first)
        self._check_billed(order_id, 3)

    def test_invoice_button(self):
        """The same by Odoo's own “Create Invoice”: in both orders one invoice."""
        for pause in ("after", "before"):
            order_id, _times = self._new_engagement(1, 2)

            def invoice(env, order_id=order_id):
                env["sale.order"].browse(order_id)._create_invoices()

            errors = self._race(invoice, pause)
            self.assertEqual(errors.count(None), 1, errors)
            self._check_billed(order_id, 3)

    def test_one_limit(self):
        """Two bills at once never take more than the contract's limit together."""
        for pause in ("after", "before"):
            order_id, _times = self._new_engagement(2, 2)
            with self.registry.cursor() as cr:
                order = api.Environment(cr, SUPERUSER_ID, {})["sale.order"].browse(order_id)
                order.write({"billing_cap_amount": 300, "billing_cap_policy": "park"})
            errors = self._race(partial(self._bill, order_id), pause)
            self.assertEqual(errors.count(None), 1, errors)
            with self.registry.cursor() as cr:
                order = api.Environment(cr, SUPERUSER_ID, {})["sale.order"].browse(order_id)
                self.assertEqual(order.billing_billed_amount, 300)
                self.assertEqual(order.invoice_ids.amount_untaxed, 300)

    def test_one_purchase_order(self):
        """Two engagements billed at once never take more than their purchase order together."""
        for pause in ("after", "before"):
            order_ids = [self._new_engagement(2)[0], self._new_engagement(2)[0]]
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                orders = env["sale.order"].browse(order_ids)
                orders.client_po_id = env["billing.client.po"].create(
                    {
                        "name": f"PO {pause}",
                        "partner_id": orders.partner_id.id,
                        "billing_cap_amount": 300,
                        "billing_cap_policy": "park",
                    }
                )
            slow = self._caller(self.officer, partial(self._bill, order_ids[0]), pause)
            self._caller(self.colleague, partial(self._bill, order_ids[1])).finish()
            slow.finish()
            with self.registry.cursor() as cr:
                orders = api.Environment(cr, SUPERUSER_ID, {})["sale.order"].browse(order_ids)
                billed = orders.mapped("billing_billed_amount")
                self.assertIn(sorted(billed), ([0, 200], [100, 200]))

    def test_both_at_once(self):
        """No pauses: whoever wins, one bills and the other is told something sensible."""
        order_id, _times = self._new_engagement(1, 2)
        callers = [
            self._caller(user_id, partial(self._bill, order_id))
            for user_id in (self.officer, self.colleague)
        ]
        errors = [caller.finish() for caller in callers]
        self.assertEqual(errors.count(None), 1, errors)
        self._check_billed(order_id, 3)

    def test_gather_both(self):
        """Two who only gather share one pre-bill."""
        order_id, _times = self._new_engagement(1, 2)

        def gather(env):
            env["sale.order"].browse(order_id).action_make_prebill()

        slow = self._caller(self.officer, gather, pause="before")
        self.assertIsNone(self._caller(self.colleague, gather).finish())
        self.assertIsNone(slow.finish())
        with self.registry.cursor() as cr:
            order = api.Environment(cr, SUPERUSER_ID, {})["sale.order"].browse(order_id)
            self.assertEqual(len(order.prebill_ids), 1)
            self.assertEqual(len(order.prebill_ids.line_ids), 2)

    def test_invoice_the_same_prebill(self):
        """Two press “Create invoice” on one pre-bill: one invoice, and a reason for the other."""
        for pause, message in (("after", "someone else"), ("before", "invoiced")):
            order_id, _times = self._new_engagement(1, 2)
            with self.registry.cursor() as cr:
                env = api.Environment(cr, self.officer, {})
                prebill_id = env["sale.order"].browse(order_id)._gather_prebills().id

            def invoice(env, prebill_id=prebill_id):
                env["billing.prebill"].browse(prebill_id).action_invoice()

            errors = self._race(invoice, pause)
            self.assertEqual(errors.count(None), 1)
            self.assertIn(message, "".join(filter(None, errors)))
            self._check_billed(order_id, 3)

    def test_edit_time_while_it_is_billed(self):
        """The author changes an entry that a bill takes in that moment: too late, and told so."""
        order_id, time_ids = self._new_engagement(1, 2)
        bill = self._caller(self.officer, partial(self._bill, order_id), pause="after")
        edit = self._caller(self.consultant, partial(self._edit, time_ids[0]))
        edit.join(0.5)  # it waits for the bill
        self.assertIsNone(bill.finish())
        self.assertIn("cannot be changed", edit.finish())
        self._check_billed(order_id, 3)

    def test_bill_while_time_is_edited(self):
        """The bill waits for the author's change and bills what the entry says then."""
        order_id, time_ids = self._new_engagement(1, 2)
        edit = self._caller(self.consultant, partial(self._edit, time_ids[0]), pause="after")
        bill = self._caller(self.officer, partial(self._bill, order_id))
        bill.join(0.5)
        self.assertIsNone(edit.finish())
        self.assertIsNone(bill.finish())
        self._check_billed(order_id, 9)

    def test_edit_time_that_has_been_gathered(self):
        """An entry changed after both began: the change stands, the bill takes it or refuses."""
        order_id, time_ids = self._new_engagement(1, 2)
        bill = self._caller(self.officer, partial(self._bill, order_id), pause="before")
        self.assertIsNone(self._caller(self.consultant, partial(self._edit, time_ids[0])).finish())
        self.assertIsNone(bill.finish())
        self._check_billed(order_id, 9)

    def test_log_time_while_it_is_billed(self):
        """New work logged during a bill is neither on it nor lost."""
        order_id, time_ids = self._new_engagement(1, 2)
        bill = self._caller(self.officer, partial(self._bill, order_id), pause="after")

        def log(env):
            env["account.analytic.line"].browse(time_ids[0]).copy({"unit_amount": 4})

        more = self._caller(self.consultant, log)
        more.join(0.5)
        self.assertIsNone(bill.finish())
        self.assertIsNone(more.finish())
        self._check_billed(order_id, 3)

    def test_two_runs(self):
        """Two runs over the same engagements: each is billed by one of them."""
        orders = [self._new_engagement(1)[0], self._new_engagement(2)[0]]

        def run(env):
            billing_run = env["billing.run"].create(
                {
                    "cutoff_date": fields.Date.to_string(self.today),
                    "mode": "draft",
                    "partner_ids": [Command.set([self.customer])],
                }
            )
            billing_run.action_preview()
            billing_run.action_start()

        for pause in ("after", "before"):
            errors = self._race(run, pause)
            self.assertTrue(all(error is None or "nothing to bill" in error for error in errors))
            self._check_billed(orders[0], 1)
            self._check_billed(orders[1], 2)
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                lines = env["billing.run.line"].search([("order_id", "in", orders)])
                billed = lines.filtered("move_ids")
                self.assertEqual(sorted(billed.order_id.ids), sorted(orders))
                self.assertEqual(len(billed), 2)
                for line in lines - billed:
                    self.assertEqual(line.state, "failed")
                    self.assertIn("someone else is billing", line.error)
            orders = [self._new_engagement(1)[0], self._new_engagement(2)[0]]

    def test_numbers_of_two_workers(self):
        """A worker does not see the numbers that are committed meanwhile: no gap is left noted."""
        order_ids = [self._new_engagement(1)[0], self._new_engagement(2)[0]]
        with self.registry.cursor() as cr:
            env = api.Environment(cr, self.officer, {})
            env["res.partner"].browse(self.customer).sudo().customer_rank = 1
            runs = env["billing.run"].create(
                [
                    {
                        "cutoff_date": self.today,
                        "mode": "post",
                        "order_ids": [Command.set([order_id])],
                    }
                    for order_id in order_ids
                ]
            )
            runs.action_preview()
            runs.state = "running"
            run_ids = runs.ids

        def work(run_id, env):
            env["billing.run"].browse(run_id)._get_pending()._process()

        first = self._caller(self.officer, partial(work, run_ids[0]), pause="after")
        second = self._caller(self.colleague, partial(work, run_ids[1]))
        second.join(1)  # it waits for its number
        self.assertIsNone(first.finish())
        self.assertIsNone(second.finish())
        with self.registry.cursor() as cr:
            runs = api.Environment(cr, SUPERUSER_ID, {})["billing.run"].browse(run_ids)
            numbers = [run.move_ids.sequence_number for run in runs]
            self.assertEqual(numbers[1], numbers[0] + 1)
            # As Odoo notes it where the number before was not visible yet.
            runs[1].move_ids.made_sequence_gap = True
            runs._finish()
            runs.env.flush_all()
            self.assertFalse(runs.move_ids.filtered("made_sequence_gap"))
            self.assertFalse(runs.move_ids.journal_id.has_sequence_holes)
            self.assertEqual(runs.mapped("state"), ["done", "done"])
