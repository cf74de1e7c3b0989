"""Follow-up runs over many open instalments, against raw SQL and OCA's account_credit_control.

    ./dev bench collection                 10,000 instalments of 1,000 customers
    ./dev bench collection 10000 100000    what the figures of a release are taken from

A tenth as many customers as instalments. All in one process, taking turns, medians of 3 (of 1 from
100,000 on); each turn is undone.

ours        a proposal, its approval and its execution: cases, run lines, reminders and events; mails
            are worded and queued afterwards, by a cron
second run  the same once more, when each instalment has a reminder already
raw SQL     the rows that the first run writes, inserted into the same tables by SQL alone
ageing      what is owed by each customer, by age
OCA         `generate_credit_lines` of account_credit_control on the same instalments; from its wheel,
            when it can be had
"""

import datetime
import os
import tempfile

from measure import Cost, Meter

from odoo.modules.module import initialize_sys_path
from odoo.tools import config

sizes = list(map(int, os.environ.get("BENCH_ARGUMENTS", "").split())) or [10000]
#: From so many instalments on, each way is measured once.
LARGE = 100_000
OCA = "OCA's run"
TODAY = datetime.date(2026, 6, 30)
WRITTEN = ("collection_case", "collection_run_line", "collection_letter", "collection_event")

env["ir.config_parameter"].flush_model()
admin = env(user=env.ref("base.user_admin"))
admin.user.group_ids |= env.ref("professional_billing.group_collection_manager")
company = env.company
if not company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)


# -- data -------------------------------------------------------------------------------------------


def make_open_instalments(count):
    """Insert posted invoices of one instalment each, 10 to 90 days late, for `count` / 10 customers."""
    journal = env["account.journal"].search(
        [("type", "=", "sale"), ("company_id", "=", company.id)], limit=1
    )
    account = env["account.account"].search([("account_type", "=", "asset_receivable")], limit=1)
    values = {
        "count": count,
        "customers": count // 10,
        "company": company.id,
        "currency": company.currency_id.id,
        "journal": journal.id,
        "account": account.id,
        "today": TODAY,
        "uid": env.uid,
    }
    env.flush_all()
    env.cr.execute(
        """
        INSERT INTO res_partner (name, complete_name, email, active, is_company, type, autopost_bills)
             SELECT 'Bench ' || n, 'Bench ' || n, 'bench' || n || '@example.com', TRUE, TRUE,
                    'contact', 'ask'
               FROM generate_series(1, %(customers)s) n;
        UPDATE res_partner SET commercial_partner_id = id WHERE name LIKE 'Bench %%';
        INSERT INTO account_move (name, move_type, state, payment_state, partner_id,
                    commercial_partner_id, company_id, currency_id, journal_id, date, invoice_date,
                    invoice_date_due, auto_post, amount_total, amount_residual, access_token)
             SELECT 'BENCH/' || n, 'out_invoice', 'posted', 'not_paid', partner.id, partner.id,
                    %(company)s, %(currency)s, %(journal)s, day, day, day, 'no', 100 + n %% 900,
                    100 + n %% 900, n::text
               FROM (SELECT n, %(today)s::date - 10 - n %% 80 AS day
                       FROM generate_series(1, %(count)s) n) made
               JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place
                       FROM res_partner WHERE name LIKE 'Bench %%') partner
                 ON partner.place = 1 + made.n %% %(customers)s;
        INSERT INTO account_move_line (move_id, move_name, parent_state, company_id,
                    company_currency_id, currency_id, journal_id, account_id, partner_id, date,
                    invoice_date, date_maturity, display_type, debit, credit, balance,
                    amount_currency, amount_residual, amount_residual_currency, reconciled, name)
             SELECT id, name, state, company_id, currency_id, currency_id, journal_id, %(account)s,
                    partner_id, date, date, invoice_date_due, 'payment_term', amount_total, 0,
                    amount_total, amount_total, amount_total, amount_total, FALSE, name
               FROM account_move
              WHERE name LIKE 'BENCH/%%'
        """,
        values,
    )
    for table in ("res_partner", "account_move", "account_move_line"):
        env.cr.execute(f"ANALYZE {table}")  # pylint: disable=sql-injection
    env.invalidate_all()


# -- ways to follow up ------------------------------------------------------------------------------


def follow_up(day=TODAY):
    run = admin["collection.run"].create({"date": day})
    run.action_propose()
    run.action_approve()
    run.action_send()
    return run


class RawRows:
    """What `work` writes, kept in files, to be written again by one statement for each table."""

    def __init__(self, work):
        self.folder = tempfile.TemporaryDirectory()
        savepoint = env.cr.savepoint()
        highest = {table: self._highest(table) for table in WRITTEN}
        self.run = work()
        env.flush_all()
        for table, last in highest.items():
            with open(f"{self.folder.name}/{table}", "w") as file:
                env.cr._obj.copy_expert(
                    f"COPY (SELECT * FROM {table} WHERE id > {last} ORDER BY id) TO STDOUT", file
                )
        env.cr.execute("SELECT * FROM collection_run WHERE id = %s", [self.run.id])
        self.run_values = env.cr.dictfetchone()
        savepoint.close(rollback=True)
        env.invalidate_all()

    @staticmethod
    def _highest(table):
        env.cr.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
        return env.cr.fetchone()[0]

    def load(self):
        names = ", ".join(self.run_values)
        env.cr.execute(
            f"INSERT INTO collection_run ({names}) VALUES %s", [tuple(self.run_values.values())]
        )
        for table in WRITTEN:
            env.cr.execute(
                f"CREATE TEMPORARY TABLE raw_{table} ON COMMIT DROP AS"
                f" SELECT * FROM {table} WHERE FALSE"
            )
            with open(f"{self.folder.name}/{table}") as file:
                env.cr._obj.copy_expert(f"COPY raw_{table} FROM STDIN", file)
            env.cr.execute(f"ANALYZE raw_{table}")

    def write(self):
        for table in WRITTEN:
            env.cr.execute(f"INSERT INTO {table} SELECT * FROM raw_{table}")


def age():
    """What each customer owes by age, as the screen over all of them asks it."""
    ageing = admin["collection.ageing"].with_context(collection_as_of=str(TODAY))
    ageing._read_group([], ["partner_id", "age"], ["open_amount:sum"])


def install_oca():
    """Install account_credit_control, after what was measured before; say whether it is there."""
    folder = os.environ.get("BENCH_CREDIT_CONTROL")
    if not folder:
        print("\naccount_credit_control: its wheel could not be had")
        return False
    config["addons_path"] = [*config["addons_path"], folder]
    initialize_sys_path()
    env["ir.module.module"].update_list()
    module = env["ir.module.module"].search([("name", "=", "account_credit_control")])
    module.button_immediate_install()
    return True


def oca():
    policy = env.ref("account_credit_control.credit_control_3_time")
    account = env["account.account"].search([("account_type", "=", "asset_receivable")], limit=1)
    policy.account_ids |= account
    # The model has got fields since this record was read.
    env["res.company"].browse(company.id).credit_policy_id = policy
    run = env["credit.control.run"].create({"date": TODAY, "policy_ids": policy.ids})
    run.with_context(lang="en_US").generate_credit_lines()
    assert run.line_ids, "OCA's run found nothing"


# -- what is measured -------------------------------------------------------------------------------


def measured(work, prepare=None):
    """Return what `work` costs after `prepare`; both are undone."""
    savepoint = env.cr.savepoint()
    if prepare:
        prepare()
    env.flush_all()
    env.invalidate_all()
    with Meter(env.cr) as meter:
        work()
        env.flush_all()
    savepoint.close(rollback=True)
    env.invalidate_all()
    return meter.cost


def compare(variants, repetitions):
    """Return {name: median cost} of {name: (work, prepare)}, taking turns."""
    costs = {name: [] for name in variants}
    for _repetition in range(repetitions):
        for name, (work, prepare) in variants.items():
            costs[name].append(measured(work, prepare))
    return {name: Cost.median(rows) for name, rows in costs.items()}


def show(name, cost, floor=None):
    ratio = f"{cost.cpu / floor.cpu:>9.2f}" if floor else ""
    print(
        f"{name:<14}{cost.cpu:>9.2f}{cost.backend:>9.2f}{cost.queries:>9.0f}{cost.megabytes:>9.0f}"
        f"{ratio}",
        flush=True,
    )


def bench_size(count):
    repetitions = 1 if count >= LARGE else 3
    raw = RawRows(follow_up)
    costs = compare(
        {
            "ours": (follow_up, None),
            "raw SQL": (raw.write, raw.load),
            "ageing": (age, None),
            "second run": (
                lambda: follow_up(TODAY + datetime.timedelta(days=15)),
                lambda: (follow_up(), env.cr.execute("ANALYZE collection_event")),
            ),
        },
        repetitions,
    )
    print(f"\n{count} open instalments of {count // 10} customers")
    print(f"{'':<14}{'CPU s':>9}{'of it SQL':>9}{'queries':>9}{'peak MB':>9}{'x raw':>9}")
    for name, cost in costs.items():
        show(name, cost, costs["raw SQL"] if name == "ours" else None)
    return costs["ours"]


growth = {}
for count in sizes:
    outer = env.cr.savepoint()
    make_open_instalments(count)
    growth[count] = bench_size(count)
    outer.close(rollback=True)
    env.invalidate_all()
if len(growth) > 1:
    (first, one), *_others, (last, other) = growth.items()
    print(f"\n{last // first} times the instalments: {other.cpu / one.cpu:.1f} x the CPU")
env.cr.rollback()
if install_oca():
    make_open_instalments(sizes[0])
    costs = compare({OCA: (oca, None), "ours": (follow_up, None)}, 1)
    print(f"\n{sizes[0]} open instalments, with account_credit_control installed")
    for name, cost in costs.items():
        show(name, cost)
    print(f"OCA's run: {costs[OCA].cpu / costs['ours'].cpu:.1f} x ours")
env.cr.rollback()
