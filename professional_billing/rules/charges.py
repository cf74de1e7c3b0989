"""What late payment costs, bill by bill: what was paid late, and what of a charge is still to bill."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal


@dataclass(frozen=True)
class Debt:
    """One instalment with its history: (date, amount) of what was paid and what was credited.

    `principal` is what was billed, with tax, less what is in dispute at the moment.
    """

    principal: Decimal
    due: datetime.date
    payments: tuple = ()
    credits: tuple = ()

    def paid_late(self, grace_days=0):
        """Return what was still owed when the due date and the days of grace had passed.

        What was ever credited was not owed.
        """
        last = self.due + datetime.timedelta(days=grace_days)
        paid = sum(decimal(amount) for date, amount in self.payments if date <= last)
        credited = sum(decimal(amount) for _date, amount in self.credits)
        return max(decimal(self.principal) - paid - credited, Decimal(0))


def to_charge(target, charged, given_up):
    """Return what is to be billed now so that all bills come to `target`; below zero: to credit.

    What was given up (left out or waived) is not asked for again, and what is to be credited is
    never more than what was charged.

    :param charged: what earlier bills ask for, less what of them was waived
    """
    return max(decimal(target) - decimal(given_up), Decimal(0)) - decimal(charged)
