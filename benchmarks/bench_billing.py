"""Billing many engagements by their time, against stock Odoo, plain invoices, OCA and raw SQL.

    ./dev bench billing                    200 engagements with 50 time entries each, in minutes
    ./dev bench billing 200x100 1000x100 3000x100
                                           what the figures of a release are taken from
    ./dev bench billing 50x100 bills       only a part: bills, items, history, preview, contract

All in one process, taking turns, medians of 3 (of 1 beyond 1,000 engagements); each turn is undone.

ours        a billing run that posts: time never seen before is accrued and rated, gathered,
            approved, invoiced and posted, and the ledger and Odoo's own fields follow
stock       `_create_invoices` and `action_post` on the same orders without billing rules
plain       `account.move.create` and `action_post` of the same invoices, tracking off: the floor
raw SQL     the rows that ours writes, inserted into and updated in the same tables by SQL alone
contract    OCA's contract, as many contracts with one line; from its wheel, when it can be had
"""

import contextlib
import os
import tempfile
from unittest.mock import patch

import measure
from engagements import QUIET, RATE, Firm

from odoo.fields import Command
from odoo.modules.module import initialize_sys_path
from odoo.tools import config

arguments = os.environ.get("BENCH_ARGUMENTS", "").split()
sizes = [tuple(map(int, size.split("x"))) for size in arguments if "x" in size] or [(200, 50)]
parts = [word for word in arguments if "x" not in word]
PLAIN = {**QUIET, "mail_create_nolog": True}
#: Beyond this many engagements only ours and the floor are measured, once.
LARGE = 1000

admin = env(user=env.ref("base.user_admin"))


# -- the ways to bill -------------------------------------------------------------------------------


@contextlib.contextmanager
def uncommitted():
    """Let a run believe that it commits: what it wrote is flushed and forgotten, and can be undone."""

    def commit(cr):
        cr.flush()
        cr.clear()

    with patch.object(type(env.cr), "commit", commit):
        yield


def run(orders):
    """Bill `orders` by a billing run, as its cron does."""
    billing = admin["billing.run"].create(
        {"mode": "post", "cutoff_date": env.company._billing_today()}
    )
    with (
        patch.object(type(billing), "_get_order_domain", lambda self: [("id", "in", orders.ids)]),
        uncommitted(),
    ):
        billing.action_start()
        if billing.state == "running":
            admin["billing.run"]._cron_process()
    states = set(billing.line_ids.mapped("state"))
    assert states == {"done"}, (states, billing.line_ids.mapped("error")[:1])
    return billing.move_ids


def stock(orders):
    orders.with_env(admin)._create_invoices(grouped=True).action_post()


def plain(vals_list):
    admin["account.move"].with_context(**PLAIN).create(vals_list).action_post()


# -- the same rows by SQL ---------------------------------------------------------------------------

WRITTEN = (
    "billing_item",
    "billing_prebill",
    "account_move",
    "account_move_line",
    "billing_prebill_line",
    "billing_allocation",
    "account_partial_reconcile",
)
RELATIONS = {
    "billing_prebill_sale_order_rel": "billing_prebill_id",
    "account_move_billing_prebill_rel": "account_move_id",
    "account_move_line_account_tax_rel": "account_move_line_id",
    "sale_order_line_invoice_rel": "invoice_line_id",
}
CHANGED = {
    "account_analytic_line": ("timesheet_invoice_id", "timesheet_invoice_type"),
    "sale_order": ("invoice_status",),
    "sale_order_line": (
        "billing_billed_quantity",
        "billing_billed_amount",
        "qty_invoiced",
        "qty_to_invoice",
        "invoice_status",
    ),
}


class RawRows:
    """What `work` writes, kept in files, to be written again by one statement for each table."""

    def __init__(self, orders, work):
        self.folder = tempfile.TemporaryDirectory()
        self.cr, self.tables = env.cr, {}
        self.orders = tuple(orders.ids)
        savepoint = env.cr.savepoint()
        highest = {table: self._highest(table) for table in WRITTEN}
        highest.update((t, self._highest(t, key)) for t, key in RELATIONS.items())
        work()
        env.flush_all()
        for table, last in highest.items():
            key = RELATIONS.get(table, "id")
            self._copy_out(table, "*", f"{key} > {last}")
        where = {
            "account_analytic_line": "so_line IN (SELECT id FROM sale_order_line WHERE order_id"
            f" IN {self._ids()})",
            "sale_order": f"id IN {self._ids()}",
            "sale_order_line": f"order_id IN {self._ids()}",
        }
        for table, columns in CHANGED.items():
            self._copy_out(table, ", ".join(["id", *columns]), where[table])
        savepoint.close(rollback=True)

    def _ids(self):
        return "(" + ",".join(map(str, self.orders)) + ")"

    def _highest(self, table, key="id"):
        self.cr.execute(f"SELECT COALESCE(MAX({key}), 0) FROM {table}")
        return self.cr.fetchone()[0]

    def _copy_out(self, table, columns, where):
        path = f"{self.folder.name}/{table}"
        self.tables[table] = path
        with open(path, "w") as file:
            self.cr._obj.copy_expert(
                f"COPY (SELECT {columns} FROM {table} WHERE {where} ORDER BY 1) TO STDOUT", file
            )

    def load(self):
        for table, path in self.tables.items():
            columns = ", ".join(["id", *CHANGED[table]]) if table in CHANGED else "*"
            self.cr.execute(
                f"CREATE TEMPORARY TABLE raw_{table} ON COMMIT DROP AS"
                f" SELECT {columns} FROM {table} WHERE FALSE"
            )
            with open(path) as file:
                self.cr._obj.copy_expert(f"COPY raw_{table} FROM STDIN", file)
            self.cr.execute(f"ANALYZE raw_{table}")

    def write(self):
        for table in self.tables:
            if table in CHANGED:
                pairs = ", ".join(f"{name} = raw.{name}" for name in CHANGED[table])
                self.cr.execute(
                    f"UPDATE {table} SET {pairs} FROM raw_{table} raw WHERE raw.id = {table}.id"
                )
            else:
                self.cr.execute(f"INSERT INTO {table} SELECT * FROM raw_{table}")


# -- what is measured -------------------------------------------------------------------------------


def show_head(title):
    print(f"\n{title}")
    print(
        f"{'':<22}{'ms/invoice':>11}{'of it SQL':>10}{'queries/inv':>12}{'peak MB':>9}"
        f"{'x floor':>9}{'x stock':>9}"
    )


def show(name, cost, count, floor=None, reference=None):
    ratios = [
        f"{cost.cpu / other.cpu:>9.2f}" if other else f"{'':>9}" for other in (floor, reference)
    ]
    print(
        f"{name:<22}{cost.cpu / count * 1000:>11.1f}{cost.backend / count * 1000:>10.1f}"
        f"{cost.queries / count:>12.1f}{cost.megabytes:>9.0f}{''.join(ratios)}",
        flush=True,
    )


def bench_size(firm, orders, entries):
    count = len(orders)
    large = count > LARGE
    vals_list = firm.prepare_invoices(orders)
    variants = {
        "ours": (lambda: run(orders), None),
        "plain (the floor)": (lambda: plain(vals_list), None),
    }
    if not large:
        variants["stock"] = (lambda: stock(orders), lambda: firm.forget_rules(orders))
        raw = RawRows(orders, lambda: run(orders))
        variants["raw SQL"] = (raw.write, raw.load)
    costs = measure.compare(env, variants, 1 if large else 3)
    show_head(f"{count} engagements with {entries} time entries each, one line")
    for name, cost in costs.items():
        show(name, cost, count, costs["plain (the floor)"], costs.get("stock"))
    return costs["ours"]


def bench_itemised(firm, orders):
    """One invoice line for each person."""
    vals_list = firm.prepare_invoices(orders, per_person=True)

    def by_person():
        orders.billing_detail = "person"

    costs = measure.compare(
        env,
        {
            "ours": (lambda: run(orders), by_person),
            "plain (the floor)": (lambda: plain(vals_list), None),
        },
        3,
    )
    show_head(f"{len(orders)} engagements, invoices of {len(firm.people)} lines")
    for name, cost in costs.items():
        show(name, cost, len(orders), costs["plain (the floor)"])


def bench_history(firm, orders, entries):
    """The same work on engagements that have billed once, and ten times, as much before."""
    found, rounds = [], 0
    lines = orders.order_line
    env.cr.execute("DELETE FROM account_analytic_line WHERE so_line IN %s", [tuple(lines.ids)])
    savepoint = env.cr.savepoint()
    for before in (1, 10):
        while rounds < before:
            firm.log_time(orders, entries, f"{2015 + rounds}-01-01")
            run(orders)
            rounds += 1
        env.cr.execute(
            "ANALYZE billing_item; ANALYZE billing_allocation; ANALYZE account_move_line"
        )
        found += measure.compare(
            env,
            {
                f"billed {before} x before": (
                    lambda: run(orders),
                    lambda: firm.log_time(orders, entries),
                )
            },
            3,
        ).items()
    savepoint.close(rollback=True)
    show_head(f"{len(orders)} engagements with {entries} new entries each, and history")
    for name, cost in found:
        show(name, cost, len(orders))
    print(f"ten times the history: {found[1][1].cpu / found[0][1].cpu:.2f} x")


def bench_preview(orders, entries):
    """What a billing run would bill, of work that is in WIP as it was logged."""
    savepoint = env.cr.savepoint()
    orders.order_line._accrue_billing()
    env.flush_all()
    env.cr.execute("ANALYZE billing_item")
    billing = admin["billing.run"].create({"cutoff_date": env.company._billing_today()})
    with patch.object(type(billing), "_get_order_domain", lambda self: [("id", "in", orders.ids)]):
        costs = measure.compare(env, {"plan": (billing._plan_lines, None)}, 3)
    savepoint.close(rollback=True)
    cost = costs["plan"]
    print(
        f"\npreview of {len(orders) * entries} unbilled entries: {cost.cpu:.2f} CPU s, "
        f"{cost.queries} queries, {cost.megabytes:.0f} MB"
    )


def bench_contract(count):
    """OCA's contract, installed now, so that it was not in the way of what was measured before."""
    folder = os.environ.get("BENCH_CONTRACT")
    if not folder:
        print("\ncontract: its wheel could not be had")
        return
    config["addons_path"] = [*config["addons_path"], folder]
    initialize_sys_path()
    env["ir.module.module"].update_list()
    env["ir.module.module"].search([("name", "=", "contract")]).button_immediate_install()
    firm = Firm(env, count)
    today = env.company._billing_today()
    contracts = admin["contract.contract"].create(
        [
            {
                "name": f"Contract {order.name}",
                "partner_id": order.partner_id.id,
                "line_recurrence": True,
                "contract_line_ids": [
                    Command.create(
                        {
                            "product_id": firm.service.id,
                            "name": "Advice",
                            "quantity": 10.0,
                            "price_unit": RATE,
                            "recurring_rule_type": "monthly",
                            "date_start": today,
                            "recurring_next_date": today,
                        }
                    )
                ],
            }
            for order in firm.orders
        ]
    )
    firm.log_time(firm.orders, 1)
    vals_list = firm.prepare_invoices(firm.orders)

    def by_contract():
        contracts._recurring_create_invoice().action_post()

    costs = measure.compare(
        env,
        {
            "contract": (by_contract, None),
            "ours, 1 entry each": (lambda: run(firm.orders), None),
            "plain (the floor)": (lambda: plain(vals_list), None),
        },
        3,
    )
    show_head(f"{count} contracts of OCA's contract, with it installed")
    for name, cost in costs.items():
        show(name, cost, count, costs["plain (the floor)"])


def wanted(part):
    return not parts or part in parts


growth = {}
if parts != ["contract"]:
    firm = Firm(env, max(count for count, _entries in sizes))
    print(f"{len(firm.orders)} engagements made", flush=True)
    for count, entries in sizes:
        outer = env.cr.savepoint()
        orders = firm.orders[:count]
        firm.log_time(orders, entries)
        if wanted("bills"):
            growth[count, entries] = bench_size(firm, orders, entries)
        if wanted("preview") and count <= LARGE:
            bench_preview(orders, entries)
        if (count, entries) == sizes[0]:
            if wanted("items"):
                bench_itemised(firm, orders)
            if wanted("history"):
                bench_history(firm, orders, entries)
        outer.close(rollback=True)
        env.invalidate_all()
if len(growth) > 1:
    (first, one), *_others, (last, other) = growth.items()
    ratio = (other.cpu / last[0]) / (one.cpu / first[0])
    print(f"\nan engagement of {last[0]} costs {ratio:.2f} x one of {first[0]}")
env.cr.rollback()
if wanted("contract"):
    bench_contract(min(LARGE, max(count for count, _entries in sizes)))
env.cr.rollback()
