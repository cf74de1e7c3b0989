"""Time entries as plain rows: what valuing them asks, read at once and without a record of each."""

import datetime
from dataclasses import dataclass

from odoo.tools import SQL


@dataclass(slots=True)
class TimeRow:
    """A time entry; records are given by their ids."""

    id: int
    so_line: int
    employee: int | None
    project: int | None
    date: datetime.date
    hours: float
    treatment: str | None
    hours_to_bill: float
    own_rate: float
    time_type: int | None
    uom: int | None
    name: str
    is_approved: bool


class TimeEntry:
    """The `account.analytic.line` record of a row, what valuing asks of it known beforehand."""

    def __init__(self, record, row, line):
        env = record.env
        self.record = record
        self.id = row.id
        self.so_line = line
        self.employee_id = env["hr.employee"].browse(row.employee)
        self.project_id = env["project.project"].browse(row.project)
        self.date = row.date
        self.name = row.name
        self.unit_amount = row.hours
        self.billing_treatment = row.treatment or False
        self.billing_hours = row.hours_to_bill
        self.billing_rate_override = row.own_rate
        self.billing_time_type_id = env["billing.time.type"].browse(row.time_type)
        self.billing_approved_by_id = row.is_approved
        self.product_uom_id = env["uom.uom"].browse(row.uom)

    def __getattr__(self, name):
        return getattr(self.record, name)


def of(timesheets):
    """Return the rows of a few time entries that are in memory anyway."""
    return [
        TimeRow(
            line.id,
            line.so_line.id,
            line.employee_id.id or None,
            line.project_id.id or None,
            line.date,
            line.unit_amount,
            line.billing_treatment or None,
            line.billing_hours,
            line.billing_rate_override,
            line.billing_time_type_id.id or None,
            line.product_uom_id.id or None,
            line.name,
            bool(line.billing_approved_by_id),
        )
        for line in timesheets
    ]


def read(timesheets):
    """Return the rows of those of many time entries that are to be billed, in their order."""
    if not timesheets:
        return []
    timesheets.env["account.analytic.line"].flush_model()
    timesheets.env["sale.order.line"].flush_model(["billing_rule"])
    rows = timesheets.env.execute_query(
        SQL(
            """
            SELECT time.id, time.so_line, time.employee_id, time.project_id, time.date,
                   COALESCE(time.unit_amount, 0), time.billing_treatment,
                   COALESCE(time.billing_hours, 0),
                   COALESCE(time.billing_rate_override, 0)::float8,
                   time.billing_time_type_id, time.product_uom_id, time.name,
                   time.billing_approved_by_id IS NOT NULL
              FROM account_analytic_line time
              JOIN sale_order_line line ON line.id = time.so_line
             WHERE time.id = ANY(%s)
               AND line.billing_rule IS NOT NULL AND time.project_id IS NOT NULL
            """,
            timesheets.ids,
        )
    )
    found = {row[0]: TimeRow(*row) for row in rows}
    return [found[time_id] for time_id in timesheets.ids if time_id in found]
