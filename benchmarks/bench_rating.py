"""Valuing 100,000 time entries by rate cards: CPU per entry, and how it grows.

In one run: 10,000 and 100,000 entries with 10 rates on the company's card, and with 10,000. What is
measured is `billing.item._plan_time`, which writes nothing: the rate, the rounding of hours, the
amount and its explanation. CPU is Python's; the entries are made by SQL. Medians of 3, of 1 for
100,000.
"""

import statistics
import time
from datetime import date, timedelta

ENTRIES, PEOPLE, ENGAGEMENTS = 100_000, 100, 50


def prepare():
    """Return the entries' ids, on engagements priced by the company's card with a rate per role."""
    company = env.company
    roles = env["billing.role"].create([{"name": f"Role {number}"} for number in range(10)])
    people = env["hr.employee"].create([{"name": f"Person {number}"} for number in range(PEOPLE)])
    for number, person in enumerate(people):
        person.billing_role_id = roles[number % 10]
        person.version_id.date_version = "2020-01-01"
    company.billing_rate_card_id = env["billing.rate.card"].create({"name": "Bench"})
    add_rates(
        [{"role_id": role.id, "price_unit": 100 + number} for number, role in enumerate(roles)]
    )
    service = env["product.product"].create(
        {
            "name": "Bench",
            "type": "service",
            "service_policy": "delivered_timesheet",
            "service_tracking": "task_in_project",
            "uom_id": env.ref("uom.product_uom_hour").id,
            "billing_rule": "time_materials",
        }
    )
    customer = env["res.partner"].create({"name": "Bench"})
    orders = env["sale.order"].create(
        [
            {
                "partner_id": customer.id,
                "order_line": [
                    (0, 0, {"product_id": service.id, "rate_source": "card", "price_unit": 0})
                ],
            }
            for _number in range(ENGAGEMENTS)
        ]
    )
    orders.action_confirm()
    env.flush_all()
    lines = orders.order_line
    env.cr.execute(
        """
        INSERT INTO account_analytic_line (name, date, unit_amount, amount, employee_id, project_id,
                    task_id, so_line, company_id, user_id, currency_id, product_uom_id)
             SELECT 'Work ' || n, DATE '2026-01-01' + n %% 90, 0.25 * (1 + n %% 31), 0,
                    (%(people)s::int[])[1 + n %% %(people_count)s],
                    task.project_id, task.id, line.id, %(company)s, %(user)s, %(currency)s, %(uom)s
               FROM generate_series(1, %(entries)s) n
               JOIN sale_order_line line ON line.id = (%(lines)s::int[])[1 + n %% %(line_count)s]
               JOIN project_task task ON task.id = line.task_id
          RETURNING id
        """,
        {
            "people": people.ids,
            "people_count": PEOPLE,
            "company": company.id,
            "user": env.uid,
            "currency": company.currency_id.id,
            "uom": company.project_time_mode_id.id,
            "entries": ENTRIES,
            "lines": lines.ids,
            "line_count": len(lines),
        },
    )
    return [row[0] for row in env.cr.fetchall()]


def add_rates(vals_list):
    card = env.company.billing_rate_card_id
    env["billing.rate"].create([{**vals, "card_id": card.id} for vals in vals_list])


def measure(ids):
    """Return the medians of (CPU seconds, queries) of planning the entries `ids`."""
    found = []
    for _repetition in range(3 if len(ids) < ENTRIES else 1):
        env.invalidate_all()
        entries = env["account.analytic.line"].browse(ids)
        queries, start = env.cr.sql_log_count, time.process_time()
        plan = env["billing.item"]._plan_time(entries, env["billing.item"])
        found.append((time.process_time() - start, env.cr.sql_log_count - queries))
        assert len(plan) == len(ids) and all(vals["rate"] >= 100 for vals in plan)
    return [statistics.median(column) for column in zip(*found, strict=True)]


ids = prepare()
print(f"{'entries':>8} {'rates':>7} {'CPU s':>7} {'us/entry':>9} {'queries':>8}")
results = {}
FEW = ENTRIES // 10
for rates in (10, 10_000):
    if rates > 10:
        # Of the same roles and long past: they are read, and each look-up has them to choose from.
        roles = env.company.billing_rate_card_id.rate_ids.role_id
        days = [date(1990, 1, 1) + timedelta(days=number) for number in range(rates // 10 - 1)]
        add_rates(
            [
                {"role_id": role.id, "price_unit": 1, "date_from": day, "date_to": day}
                for role in roles
                for day in days
            ]
        )
    for count in (FEW, ENTRIES):
        seconds, queries = measure(ids[:count])
        results[count, rates] = seconds
        print(
            f"{count:>8} {rates:>7} {seconds:>7.2f} {seconds / count * 1e6:>9.1f} {queries:>8.0f}",
            flush=True,
        )
print(f"10,000 rates instead of 10: {results[FEW, 10_000] / results[FEW, 10]:.2f} x")
print(f"ten times the entries: {results[ENTRIES, 10] / results[FEW, 10]:.2f} x")
env.cr.rollback()
