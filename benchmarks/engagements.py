"""A firm with many engagements and much time on them, made quickly: time entries by one INSERT."""

import copy

from odoo.fields import Command

PEOPLE = 10
QUIET = {"tracking_disable": True, "mail_create_nosubscribe": True, "mail_notrack": True}
RATE = 150.0


class Firm:
    """Engagements by the hour, each with its project and task, two for each customer.

    :param env: a superuser's environment on a database of one's own
    """

    def __init__(self, env, engagements):
        self.env = env = env(context={**env.context, **QUIET})
        self.company = env.company
        self._keep_statistics()
        self._set_up_company()
        self.people = env["hr.employee"].create(
            [{"name": f"Person {number}"} for number in range(PEOPLE)]
        )
        self.service = env["product.product"].create(
            {
                "name": "Advice",
                "type": "service",
                "service_policy": "delivered_timesheet",
                "service_tracking": "task_in_project",
                "uom_id": env.ref("uom.product_uom_hour").id,
                "list_price": RATE,
                "taxes_id": [Command.set(self.company.account_sale_tax_id.ids)],
                "billing_rule": "time_materials",
            }
        )
        self.customers = env["res.partner"].create(
            [
                {
                    "name": f"Client {number}",
                    "is_company": True,
                    "property_payment_term_id": env.ref("account.account_payment_term_30days").id,
                }
                for number in range((engagements + 1) // 2)
            ]
        )
        self.orders = env["sale.order"].create(
            [
                {
                    "partner_id": self.customers[number // 2].id,
                    "order_line": [Command.create({"product_id": self.service.id})],
                }
                for number in range(engagements)
            ]
        )
        self.orders.action_confirm()
        env.flush_all()

    def with_env(self, env):
        """Return the same firm as `env` sees it."""
        firm = copy.copy(self)
        firm.env = env(context={**env.context, **QUIET})
        for name in ("company", "people", "service", "customers", "orders"):
            setattr(firm, name, getattr(self, name).with_env(firm.env))
        return firm

    def first(self, count):
        """Return the same firm with the first `count` of its engagements."""
        firm = copy.copy(self)
        firm.orders = self.orders[:count]
        return firm

    def _keep_statistics(self):
        """Let every turn find the same statistics, whether or not the server would renew them."""
        self.env.cr.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(billing|account)_'"
        )
        for (table,) in self.env.cr.fetchall():
            self.env.cr.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')

    def _set_up_company(self):
        env, company = self.env, self.company
        if not company.chart_template:
            env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)

    def forget_time(self):
        self.env.cr.execute(
            "DELETE FROM account_analytic_line WHERE so_line IN %s",
            [tuple(self.orders.order_line.ids)],
        )

    def log_time(self, entries, day="2026-01-01"):
        """Add `entries` time entries to each order, on 30 days from `day` on."""
        env, lines = self.env, self.orders.order_line
        env.flush_all()
        env.cr.execute(
            """
            INSERT INTO account_analytic_line (name, date, unit_amount, amount, employee_id,
                        project_id, task_id, so_line, order_id, partner_id, company_id, user_id,
                        currency_id, product_uom_id, timesheet_invoice_type, create_date)
                 SELECT 'Work ' || n, %(day)s::date + n %% 30, 0.5 + n %% 4, 0,
                        (%(people)s::int[])[1 + n %% %(people_count)s],
                        task.project_id, task.id, line.id, line.order_id, task.partner_id,
                        %(company)s, %(user)s, %(currency)s, %(uom)s, 'billable_time', now()
                   FROM sale_order_line line
                   JOIN project_task task ON task.id = line.task_id
             CROSS JOIN generate_series(1, %(entries)s) n
                  WHERE line.id IN %(lines)s
            """,
            {
                "day": day,
                "people": self.people.ids,
                "people_count": PEOPLE,
                "company": self.company.id,
                "user": env.uid,
                "currency": self.company.currency_id.id,
                "uom": self.company.project_time_mode_id.id,
                "entries": entries,
                "lines": tuple(lines.ids),
            },
        )
        env.invalidate_all()
        env.add_to_compute(lines._fields["qty_delivered"], lines)
        env.flush_all()
        for table in ("account_analytic_line", "sale_order", "sale_order_line", "project_task"):
            env.cr.execute(f"ANALYZE {table}")  # pylint: disable=sql-injection

    def forget_rules(self):
        """Make the orders stock Odoo's."""
        env, lines = self.env, self.orders.order_line
        env.flush_all()
        env.cr.execute(
            "UPDATE sale_order_line SET billing_rule = NULL WHERE id IN %s", [tuple(lines.ids)]
        )
        env.invalidate_all()
        for name in ("qty_delivered", "qty_invoiced", "qty_to_invoice", "invoice_status"):
            env.add_to_compute(lines._fields[name], lines)
        env.flush_all()

    def prepare_invoices(self, per_person=False):
        """Return the values of the plain invoices that bill what is on the orders."""
        groups = self.env["account.analytic.line"]._read_group(
            [("so_line", "in", self.orders.order_line.ids)],
            ["so_line", *(["employee_id"] if per_person else [])],
            ["unit_amount:sum"],
            order="so_line",
        )
        lines = {}
        for so_line, *person, hours in groups:
            name = f"{so_line.name}\n{person[0].name}" if person else so_line.name
            lines.setdefault(so_line.order_id, []).append(
                Command.create(
                    {
                        "name": name,
                        "product_id": self.service.id,
                        "quantity": hours,
                        "price_unit": RATE,
                        "tax_ids": [Command.set(so_line.tax_ids.ids)],
                    }
                )
            )
        return [
            {
                "move_type": "out_invoice",
                "partner_id": order.partner_invoice_id.id,
                "invoice_line_ids": commands,
            }
            for order, commands in lines.items()
        ]
