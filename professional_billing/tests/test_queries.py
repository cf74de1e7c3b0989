import contextlib
import logging
import types
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from .common import BillingCommon

_logger = logging.getLogger(__name__)

OURS = "odoo.addons.professional_billing.models"
#: Posted by a run, with its settlements and links.
MOST_FOR_AN_INVOICE = 14
#: What such an invoice costs more than a plain one with the same line.
MOST_BEYOND_PLAIN = 6
#: Odoo's models that we extend and that logging time touches.
EXTENDED = (
    "account.analytic.line",
    "project.milestone",
    "project.project",
    "res.company",
    "sale.order",
    "sale.order.line",
)


@tagged("post_install", "-at_install")
class TestQueries(BillingCommon):
    """What we add to Odoo in queries, and that bills do not cost more with more work on them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engagement = cls._create_engagement([cls.hours])
        stock = cls._create_engagement([{"product_id": cls.hours.id, "billing_rule": False}])
        cls.ruled, cls.stock = cls.engagement.order_line, stock.order_line
        cls.assertFalse(cls, cls.stock.billing_rule)

    # -- counting -------------------------------------------------------------------------------

    def _count(self, what, work):
        """Count the queries of `work`, with the program's caches warm and the records' cold."""
        queries = []
        for warm in (False, True):
            with contextlib.closing(self.cr.savepoint()), patch("random.random", lambda: 1):
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                with self._recorded(queries) if warm else contextlib.nullcontext():
                    work()
                    self.env.flush_all()
                    self.env.cr.precommit.run()
                count = self.cr.sql_log_count - before
        _logger.info("%s: %s queries", what, count)
        return count, queries

    @contextlib.contextmanager
    def _recorded(self, queries):
        execute = type(self.cr).execute

        def recorded(cursor, query, params=None, log_exceptions=True):
            queries.append(query.code if hasattr(query, "code") else str(query))
            return execute(cursor, query, params, log_exceptions)

        with patch.object(type(self.cr), "execute", recorded):
            yield

    @contextlib.contextmanager
    def _without_overrides(self):
        """Take our methods out of Odoo's models, as if the add-on were not there."""
        with contextlib.ExitStack() as stack:
            for model in EXTENDED:
                mro = type(self.env[model]).mro()
                for index, part in enumerate(mro):
                    if not part.__module__.startswith(OURS):
                        continue
                    for name, value in list(vars(part).items()):
                        overrides = any(name in vars(other) for other in mro[index + 1 :])
                        if isinstance(value, types.FunctionType) and overrides:
                            delattr(part, name)
                            stack.callback(setattr, part, name, value)
            yield

    # -- time -----------------------------------------------------------------------------------

    def _log(self, line, hours=2):
        """Log time as an ordinary consultant does."""
        task = line.task_id
        values = {
            "name": "Work",
            "project_id": task.project_id.id,
            "task_id": task.id,
            "unit_amount": hours,
            "date": self.today,
        }
        self.env["account.analytic.line"].with_env(self._client(self.consultant)).create(values)

    def _client(self, user):
        """Return an environment as Odoo's web client makes it, with language and time zone."""
        return self.env(user=user.id, context={"lang": "en_US", "tz": "Europe/Brussels"})

    def _on_time(self, line):
        """Return what people do with time on `line`, by name."""
        time = self._log_time(line, 1)
        own = time.with_env(self._client(self.consultant))
        return {
            "log": lambda: self._log(line),
            "change": lambda: own.write({"unit_amount": 3}),
            "delete": own.unlink,
        }

    def test_line_without_rule(self):
        """Time on a line without a rule costs what it costs in Odoo, to the last query."""
        for name, work in self._on_time(self.stock).items():
            count, queries = self._count(f"{name}, no rule", work)
            with self._without_overrides():
                odoo_count, odoo_queries = self._count(f"{name}, Odoo alone", work)
            with self.subTest(name):
                self.assertEqual(queries, odoo_queries)
                self.assertEqual(count, odoo_count)
                for query in queries:
                    self.assertNotRegex(query, r'(FROM|INTO|UPDATE|JOIN) "?(billing|collection)_')

    def test_overrides_are_taken_out(self):
        """The measure of the test above measures: with a rule the two ways differ."""
        count, _queries = self._count("log, rule", lambda: self._log(self.ruled))
        with self._without_overrides():
            odoo_count, _queries = self._count("log, Odoo alone", lambda: self._log(self.ruled))
        self.assertGreater(count, odoo_count)

    def test_line_with_rule(self):
        """Time on an engagement costs a few queries more, however much is there already.

        Deleting an entry deletes its item, and Odoo asks a lot for each deletion. Work of a weekend
        asks for the contract's surcharges.
        """
        most = {"log": 4, "change": 7, "delete": 25}
        without = {
            name: self._count(f"{name}, no rule", work)[0]
            for name, work in self._on_time(self.stock).items()
        }
        for entries in (0, 30):
            for number in range(entries):
                self._log_time(self.ruled, 1, -number)
            for name, work in self._on_time(self.ruled).items():
                count, _queries = self._count(f"{name}, rule, {entries} entries", work)
                with self.subTest(name, entries=entries):
                    self.assertLessEqual(count - without[name], most[name])

    # -- bills ----------------------------------------------------------------------------------

    def _bill_of(self, entries):
        order = self._create_engagement([self.hours])
        for number in range(entries):
            self._log_time(order.order_line, 1 + number % 3, -(number % 20))
        return order

    def test_bill(self):
        """Gathering and invoicing cost no query more for four times the work."""
        counts = {}
        for entries in (10, 40):
            order = self._bill_of(entries)
            gather, _queries = self._count(
                f"gather {entries}", lambda order=order: self._prebill(order)
            )
            again = self._prebill(order)
            regather, _queries = self._count(
                f"gather {entries} again", lambda order=order: self._prebill(order)
            )
            invoice, _queries = self._count(f"invoice {entries}", again.action_invoice)
            move = again.action_invoice()
            post, _queries = self._count(f"post {entries}", move.action_post)
            delete, _queries = self._count(f"delete draft of {entries}", move.unlink)
            counts[entries] = [gather, regather, invoice, post, delete]
        for few, many in zip(counts[10], counts[40], strict=True):
            self.assertLessEqual(many, few + 2, counts)

    def test_credit(self):
        """Crediting costs no query more for four times the work."""
        counts = {}
        for entries in (10, 40):
            move = self._bill(self._bill_of(entries), post=True)
            refund = self._reverse(move)
            counts[entries], _queries = self._count(f"credit {entries}", refund.action_post)
        self.assertLessEqual(counts[40], counts[10] + 2)

    def test_run(self):
        """A run's invoice costs the same however much work is on it, and few queries each."""
        counts = {}
        for entries in (5, 20):
            for engagements in (2, 12):
                orders = self.env["sale.order"]
                for _number in range(engagements):
                    orders += self._bill_of(entries)
                run = self.env["billing.run"].create({"cutoff_date": self.today, "mode": "post"})
                domain = [("id", "in", orders.ids)]
                with patch.object(type(run), "_get_order_domain", lambda _self, it=domain: it):
                    run.action_preview()
                counts[entries, engagements], _queries = self._count(
                    f"run of {engagements} engagements with {entries} entries", run.action_start
                )
        each = {entries: (counts[entries, 12] - counts[entries, 2]) / 10 for entries in (5, 20)}
        self.assertLessEqual(each[20], each[5] + 0.5, counts)
        self.assertLessEqual(each[20], MOST_FOR_AN_INVOICE, counts)

    def test_run_after_others(self):
        """What has been billed before costs no query."""
        orders, counts = self._bills_of(6), []
        for _month in range(3):
            run = self.env["billing.run"].create(
                {"cutoff_date": self.today, "mode": "post", "order_ids": orders.ids}
            )
            run.action_preview()
            found, _queries = self._count(f"run {len(counts)}", run.line_ids._process)
            run.line_ids._process()
            self.assertEqual(set(run.line_ids.mapped("state")), {"done"})
            counts.append(found)
            for order in orders:
                self._log_time(order.order_line, 3)
            self.env.invalidate_all()
        self.assertLessEqual(counts[2], counts[1] + 2, counts)

    def test_run_beside_plain_invoices(self):
        """Twice the engagements, of customers of their own, cost what plain invoices cost more.

        Beyond that few queries each: a pre-bill draws its number, the order's own are read.
        """
        beyond, gathered = {}, {}
        for engagements in (6, 12):
            orders = self._bills_of(engagements)
            run = self.env["billing.run"].create(
                {"cutoff_date": self.today, "mode": "post", "order_ids": orders.ids}
            )
            run.action_preview()
            ours, _queries = self._count(
                f"run of {engagements}", run.line_ids.browse(run.line_ids.ids)._process
            )
            vals_list = [self._prepare_plain_invoice(order) for order in orders]
            Move = self.env["account.move"].with_context(tracking_disable=True)
            plain, _queries = self._count(
                f"{engagements} plain invoices",
                lambda Move=Move, vals_list=vals_list: Move.create(vals_list).action_post(),
            )
            beyond[engagements] = ours - plain
            gathered[engagements], _queries = self._count(
                f"gather {engagements} engagements", lambda orders=orders: self._prebill(orders)
            )
        self.assertLessEqual(gathered[12] - gathered[6], 6, gathered)
        self.assertLessEqual(beyond[12] - beyond[6], 6 * MOST_BEYOND_PLAIN, beyond)

    def _bills_of(self, engagements):
        """Return engagements with three hours each, all of customers of their own."""
        orders = self.env["sale.order"]
        for number in range(engagements):
            customer = self.env["res.partner"].create({"name": f"Client {number}"})
            order = self._create_engagement([self.hours], partner_id=customer.id)
            self._log_time(order.order_line, 3)
            orders += order
        return orders

    def _prepare_plain_invoice(self, order):
        line = order.order_line
        return {
            "move_type": "out_invoice",
            "partner_id": order.partner_invoice_id.id,
            "invoice_date": self.today,
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": line.name,
                        "product_id": line.product_id.id,
                        "quantity": 3,
                        "price_unit": line.price_unit,
                        "tax_ids": [Command.set(line.tax_ids.ids)],
                        "analytic_distribution": line.task_id.project_id._get_analytic_distribution(),
                    }
                )
            ],
        }

    def test_run_preview(self):
        """The preview looks at all engagements at once."""
        counts = {}
        orders = self.env["sale.order"]
        for engagements in (5, 20):
            while len(orders) < engagements:
                orders += self._bill_of(2)
            run = (
                self.env["billing.run"].with_user(self.officer).create({"cutoff_date": self.today})
            )
            counts[engagements], _queries = self._count(
                f"preview {engagements} engagements", run.action_preview
            )
        self.assertLessEqual(counts[20], counts[5] + 6)

    def test_confirm(self):
        """An order with a rule costs little more to confirm."""
        counts = {}
        for rule in ("time_materials", False):
            order = self._create_engagement(
                [{"product_id": self.hours.id, "billing_rule": rule}], confirm=False
            )
            counts[rule], _queries = self._count(f"confirm {rule}", order.action_confirm)
        self.assertLessEqual(counts["time_materials"] - counts[False], 15)
