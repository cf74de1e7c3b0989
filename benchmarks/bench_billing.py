"""Billing many engagements by their time, against stock Odoo, plain invoices, OCA and raw SQL.

    ./dev bench billing                    200 engagements with 50 time entries each, in minutes
    ./dev bench billing 200x100 1000x100 3000x100
                                           what the figures of a release are taken from
    ./dev bench billing 50x100 bills       only a part: bills, items, history, preview, contract

All in one process, taking turns, medians of 3 (of 1 beyond 1,000 engagements); each turn commits,
on a fresh copy of the database.

ours        a billing run that posts: time never seen before is accrued and rated, gathered,
            approved, invoiced and posted, and the ledger and Odoo's own fields follow
stock       `_create_invoices` and `action_post` on the same orders without billing rules
plain       `account.move.create` and `action_post` of the same invoices, tracking off: the floor
raw SQL     the rows that ours writes, inserted into and updated in the same tables by SQL alone
contract    OCA's contract, as many contracts with one line; from its wheel, when it can be had
"""

import os
import sys
import tempfile
from unittest.mock import patch

from engagements import QUIET, RATE, Firm
from measure import Stage

from odoo.fields import Command
from odoo.modules.module import initialize_sys_path
from odoo.modules.registry import Registry
from odoo.tools import config

arguments = os.environ.get("BENCH_ARGUMENTS", "").split()
sizes = [tuple(map(int, size.split("x"))) for size in arguments if "x" in size] or [(200, 50)]
parts = [word for word in arguments if "x" not in word]
PLAIN = {**QUIET, "mail_create_nolog": True}
#: Beyond this many engagements only ours and the floor are measured, once.
LARGE = 1000


def as_admin(env):
    return env(user=env.ref("base.user_admin"))


# -- the ways to bill -------------------------------------------------------------------------------


def run(firm, env):
    """Bill the orders of `firm` by a billing run, as its cron does."""
    admin = as_admin(env)
    orders = firm.with_env(env).orders
    billing = admin["billing.run"].create(
        {"mode": "post", "cutoff_date": admin.company._billing_today()}
    )
    with patch.object(type(billing), "_get_order_domain", lambda self: [("id", "in", orders.ids)]):
        billing.action_start()
        if billing.state == "running":
            admin["billing.run"]._cron_process()
    states = set(billing.line_ids.mapped("state"))
    assert states == {"done"}, (states, billing.line_ids.mapped("error")[:1])
    return billing.move_ids


def stock(firm, env):
    orders = firm.orders.with_env(as_admin(env))
    orders._create_invoices(grouped=True).action_post()


def plain(vals_list, env):
    as_admin(env)["account.move"].with_context(**PLAIN).create(vals_list).action_post()


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

    def __init__(self, stage, firm, work):
        self.folder = tempfile.TemporaryDirectory()
        self.tables = {}
        orders = "(" + ",".join(map(str, firm.orders.ids)) + ")"
        with stage.play() as env:
            cr = env.cr
            keys = {**dict.fromkeys(WRITTEN, "id"), **RELATIONS}
            highest = {table: self._highest(cr, table, key) for table, key in keys.items()}
            work(env)
            cr.commit()
            for table, last in highest.items():
                self._copy_out(cr, table, "*", f"{keys[table]} > {last}")
            where = {
                "account_analytic_line": "so_line IN (SELECT id FROM sale_order_line"
                f" WHERE order_id IN {orders})",
                "sale_order": f"id IN {orders}",
                "sale_order_line": f"order_id IN {orders}",
            }
            for table, columns in CHANGED.items():
                self._copy_out(cr, table, ", ".join(["id", *columns]), where[table])

    @staticmethod
    def _highest(cr, table, key):
        cr.execute(f"SELECT COALESCE(MAX({key}), 0) FROM {table}")
        return cr.fetchone()[0]

    def _copy_out(self, cr, table, columns, where):
        path = f"{self.folder.name}/{table}"
        self.tables[table] = path
        with open(path, "w") as file:
            cr._obj.copy_expert(
                f"COPY (SELECT {columns} FROM {table} WHERE {where} ORDER BY 1) TO STDOUT", file
            )

    def load(self, env):
        for table, path in self.tables.items():
            columns = ", ".join(["id", *CHANGED[table]]) if table in CHANGED else "*"
            env.cr.execute(f"CREATE TABLE raw_{table} AS SELECT {columns} FROM {table} WHERE FALSE")
            with open(path) as file:
                env.cr._obj.copy_expert(f"COPY raw_{table} FROM STDIN", file)
            env.cr.execute(f"ANALYZE raw_{table}")

    def write(self, env):
        for table in self.tables:
            if table in CHANGED:
                pairs = ", ".join(f"{name} = raw.{name}" for name in CHANGED[table])
                env.cr.execute(
                    f"UPDATE {table} SET {pairs} FROM raw_{table} raw WHERE raw.id = {table}.id"
                )
            else:
                env.cr.execute(f"INSERT INTO {table} SELECT * FROM raw_{table}")


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


def bench_size(stage, firm, entries):
    count = len(firm.orders)
    large = count > LARGE
    with stage.play() as env:
        vals_list = firm.with_env(env).prepare_invoices()
    variants = {
        "ours": (lambda env: run(firm, env), None),
        "plain (the floor)": (lambda env: plain(vals_list, env), None),
    }
    if not large:
        raw = RawRows(stage, firm, lambda env: run(firm, env))
        variants["stock"] = (
            lambda env: stock(firm, env),
            lambda env: firm.with_env(env).forget_rules(),
        )
        variants["raw SQL"] = (raw.write, raw.load)
    costs = stage.compare(variants, 1 if large else 3)
    show_head(f"{count} engagements with {entries} time entries each, one line")
    for name, cost in costs.items():
        show(name, cost, count, costs["plain (the floor)"], costs.get("stock"))
    return costs["ours"]


def bench_itemised(stage, firm):
    """One invoice line for each person."""
    with stage.play() as env:
        vals_list = firm.with_env(env).prepare_invoices(per_person=True)

    def by_person(env):
        firm.with_env(env).orders.billing_detail = "person"

    costs = stage.compare(
        {
            "ours": (lambda env: run(firm, env), by_person),
            "plain (the floor)": (lambda env: plain(vals_list, env), None),
        },
        3,
    )
    show_head(f"{len(firm.orders)} engagements, invoices of {len(firm.people)} lines")
    for name, cost in costs.items():
        show(name, cost, len(firm.orders), costs["plain (the floor)"])


def bench_history(stage, firm, entries):
    """The same work on engagements that have billed once, and ten times, as much before."""
    found, rounds = [], 0
    for before in (1, 10):
        with stage.play() as env:
            firm_here = firm.with_env(env)
            if not rounds:
                firm_here.forget_time()
            while rounds < before:
                firm_here.log_time(entries, f"{2015 + rounds}-01-01")
                run(firm, env)
                env.cr.commit()
                rounds += 1
            for table in WRITTEN:
                env.cr.execute(f"ANALYZE {table}")  # as the server would have done meanwhile
        stage.save()
        found += stage.compare(
            {
                f"billed {before} x before": (
                    lambda env: run(firm, env),
                    lambda env: firm.with_env(env).log_time(entries),
                )
            },
            3,
        ).items()
    show_head(f"{len(firm.orders)} engagements with {entries} new entries each, and history")
    for name, cost in found:
        show(name, cost, len(firm.orders))
    print(f"ten times the history: {found[1][1].cpu / found[0][1].cpu:.2f} x")


def bench_preview(stage, firm, entries):
    """What a billing run would bill, of work that is in WIP as it was logged."""

    def accrue(env):
        firm.with_env(env).orders.order_line._accrue_billing()
        env.flush_all()
        env.cr.execute("ANALYZE billing_item")

    def plan(env):
        billing = as_admin(env)["billing.run"].create({"cutoff_date": env.company._billing_today()})
        chosen = [("id", "in", firm.orders.ids)]
        with patch.object(type(billing), "_get_order_domain", lambda self: chosen):
            billing._plan_lines()

    cost = stage.compare({"plan": (plan, accrue)}, 3)["plan"]
    print(
        f"\npreview of {len(firm.orders) * entries} unbilled entries: {cost.cpu:.2f} CPU s, "
        f"{cost.queries} queries, {cost.megabytes:.0f} MB"
    )


def make_contracts(env, count):
    """OCA's contract, installed now, so that it was not in the way of what was measured before."""
    folder = os.environ.get("BENCH_CONTRACT")
    if not folder:
        print("\ncontract: its wheel could not be had")
        return None
    config["addons_path"] = [*config["addons_path"], folder]
    initialize_sys_path()
    env["ir.module.module"].update_list()
    env["ir.module.module"].search([("name", "=", "contract")]).button_immediate_install()
    firm = Firm(env, count)
    today = env.company._billing_today()
    contracts = as_admin(env)["contract.contract"].create(
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
    firm.log_time(1)
    env.cr.commit()
    return firm, contracts, firm.prepare_invoices()


def bench_contract(stage, count):
    with stage.play() as env:
        made = make_contracts(env, count)
    if not made:
        return
    firm, contracts, vals_list = made
    stage.registry = Registry(stage.name)
    stage.save()

    def by_contract(env):
        contracts.with_env(as_admin(env))._recurring_create_invoice().action_post()

    costs = stage.compare(
        {
            "contract": (by_contract, None),
            "ours, 1 entry each": (lambda env: run(firm, env), None),
            "plain (the floor)": (lambda env: plain(vals_list, env), None),
        },
        3,
    )
    show_head(f"{count} contracts of OCA's contract, with it installed")
    for name, cost in costs.items():
        show(name, cost, count, costs["plain (the floor)"])


def bench_sizes(stage, firm):
    """Return {size: what ours costs}."""
    growth = {}
    for count, entries in sizes:
        mine = firm.first(count)
        with stage.play() as env:
            logging = firm.with_env(env)
            logging.forget_time()
            logging.first(count).log_time(entries)
        stage.save()
        if wanted("bills"):
            growth[count, entries] = bench_size(stage, mine, entries)
        if wanted("preview") and count <= LARGE:
            bench_preview(stage, mine, entries)
        if wanted("items") and (count, entries) == sizes[0]:
            bench_itemised(stage, mine)
    if wanted("history"):
        bench_history(stage, firm.first(sizes[0][0]), sizes[0][1])
    return growth


def wanted(part):
    return not parts or part in parts


firm = Firm(env, max(count for count, _entries in sizes))
print(f"{len(firm.orders)} engagements made", flush=True)
env.cr.commit()
env.cr.close()
stage = Stage(env.registry)
try:
    if parts != ["contract"]:
        growth = bench_sizes(stage, firm)
        if len(growth) > 1:
            (first, one), *_others, (last, other) = growth.items()
            ratio = (other.cpu / last[0]) / (one.cpu / first[0])
            print(f"\nan engagement of {last[0]} costs {ratio:.2f} x one of {first[0]}")
    if wanted("contract"):
        bench_contract(stage, min(LARGE, max(count for count, _entries in sizes)))
finally:
    stage.strike()
sys.exit(0)  # Odoo's shell would look for its cursor
