import datetime
from dataclasses import dataclass


@dataclass
class TimeWork:
    """Time that stands on one invoice line: hours in `uom` at `rate`, and whose it is.

    `employee`, `task` and `narrative` are there where the contract asks for that detail.
    """

    hours: float
    rate: float
    uom: object
    first_date: datetime.date
    last_date: datetime.date
    roles: object
    employee: object = None
    task: object = None
    narrative: str = ""
    is_free: bool = False

    @classmethod
    def of(cls, lines):
        """Return what these pre-bill lines, of one rate and detail, make together."""
        items = lines.item_id
        dates = items.mapped("date")
        return cls(
            hours=sum(lines.mapped("quantity")),
            rate=lines[0].rate,
            uom=items.uom_id,
            first_date=min(dates),
            last_date=max(dates),
            roles=items.role_id,
            employee=items.employee_id[:1],
            task=items.sudo().timesheet_id.task_id[:1],
            narrative=lines[0].narrative,
            is_free=lines[0].decision == "complimentary",
        )
