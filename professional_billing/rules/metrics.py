"""Key figures of billing and collection.

Percentages are 0-100 and more, figures are not rounded. A ratio without a denominator is None,
never zero. Numerator and denominator must be of one period and one scope: that is the caller's,
as is whether money is with or without tax. Hours and money are Decimal or what reads as one.
"""

from dataclasses import dataclass
from decimal import Decimal

from .rounding import decimal

KEPT = "kept"
BROKEN = "broken"


def utilisation(hours, available):
    """Return hours in percent of those available.

    Billable, client or total utilisation by what is counted: hours on billable work before any
    write-down (fixed fees too), all hours for clients, or all that were recorded (Ruddr).
    """
    return _percent(hours, available)


@dataclass(frozen=True)
class Realisation:
    """What is left of the standard value at each step, in percent.

    `rate`: agreed of standard value; `billing`: billed of standard value, `billing_of_agreed` of
    agreed value; `collection`: collected of billed; `overall`: collected of standard value.
    """

    rate: Decimal | None
    billing: Decimal | None
    billing_of_agreed: Decimal | None
    collection: Decimal | None
    overall: Decimal | None


def realisation(standard, agreed, billed, collected):
    """Return the `Realisation` of one set of work, as law firms have it (Altman Weil).

    :param standard: worked hours at standard rates
    :param agreed: billable hours at the contract's rates
    :param billed: fees billed for this work, net of credits, without tax and expenses
    :param collected: cash received on those bills, for fees
    """
    return Realisation(
        rate=_percent(agreed, standard),
        billing=_percent(billed, standard),
        billing_of_agreed=_percent(billed, agreed),
        collection=_percent(collected, billed),
        overall=_percent(collected, standard),
    )


def effective_rate(revenue, hours):
    """Return fee revenue an hour: of all hours worked (Ruddr), or billed ones for the billed rate."""
    return _ratio(revenue, hours)


@dataclass(frozen=True)
class Lockup:
    """Days of fees that lie in work in progress and with debtors."""

    wip_days: Decimal
    debtor_days: Decimal

    @property
    def total(self):
        return self.wip_days + self.debtor_days


def lockup(wip, debtors, fees, days=365):
    """Return the `Lockup` as the Law Gazette has it, or None without fees.

    :param wip: work in progress at the end, or the average of beginning and end
    :param debtors: likewise
    :param fees: fees of the last `days` days
    """
    if not decimal(fees):
        return None
    return Lockup(dso(wip, fees, days), dso(debtors, fees, days))


def dso(receivables, sales, days):
    """Return the days sales outstanding: receivables / credit sales x days (creditguru)."""
    return _ratio(decimal(receivables) * days, sales)


def best_possible_dso(current, sales, days):
    """Return the DSO there would be with only what is not yet due (creditguru)."""
    return dso(current, sales, days)


def average_days_delinquent(receivables, current, sales, days):
    """Return DSO less best possible DSO: by how many days customers pay late (creditguru)."""
    return dso(decimal(receivables) - decimal(current), sales, days)


@dataclass(frozen=True)
class CountBack:
    """Days counted back, and whether sales reached back far enough; if not, it is more days."""

    days: Decimal
    complete: bool


def dso_countback(receivables, periods):
    """Return the `CountBack` of receivables on the sales of past periods (Benji Pays).

    Sales are taken off the receivables, newest first; a period that is used up counts with its
    days, the last with the share of its days that is needed.

    :param periods: list of (sales, days), newest first
    """
    left, counted = decimal(receivables), Decimal(0)
    for sales, days in periods:
        if left <= 0:
            break
        sales = decimal(sales)
        if left < sales:
            return CountBack(counted + left / sales * days, True)
        left -= sales
        counted += days
    return CountBack(counted, left <= 0)


def true_dso(invoices):
    """Return the DSO by open invoice (Oracle): its age times its share of its month's sales.

    :param invoices: list of (days since the invoice, open amount, credit sales of its month)
    """
    parts = [dso(amount, sales, days) for days, amount, sales in invoices]
    return None if None in parts else sum(parts, Decimal(0))


def cei(opening, sales, closing, closing_current, months=1):
    """Return the collection effectiveness index in percent (creditguru, Gaviti).

    (opening + sales - closing) / (opening + sales - closing not yet due)

    :param opening: receivables at the beginning
    :param sales: credit sales of the period
    :param closing: receivables at the end
    :param closing_current: those of them that are not yet due
    :param months: length of the period for the variant that takes a month's sales, else 1
    """
    collectable = decimal(opening) + decimal(sales) / months
    return _percent(collectable - decimal(closing), collectable - decimal(closing_current))


def days_to_pay(payments):
    """Return the days from invoice to payment, weighted by amount (MyLeanLaw).

    :param payments: list of (amount, days)
    """
    weighted = sum((decimal(amount) * days for amount, days in payments), Decimal(0))
    return _ratio(weighted, sum((decimal(amount) for amount, _days in payments), Decimal(0)))


@dataclass(frozen=True)
class KeptRate:
    """Promises kept in percent of those that have matured, and the amount paid of that promised."""

    by_count: Decimal | None
    by_amount: Decimal | None


def promise_kept_rate(promises):
    """Return the `KeptRate`. Only promises kept or broken have matured; all others are left out.

    :param promises: list of (state, promised, paid); what is paid beyond a promise does not count
    """
    matured = [row for row in promises if row[0] in (KEPT, BROKEN)]
    kept = sum(1 for state, _promised, _paid in matured if state == KEPT)
    paid = sum((min(decimal(paid), decimal(amount)) for _, amount, paid in matured), Decimal(0))
    promised = sum((decimal(amount) for _state, amount, _paid in matured), Decimal(0))
    return KeptRate(_percent(kept, len(matured)), _percent(paid, promised))


def _ratio(part, whole):
    whole = decimal(whole)
    return decimal(part) / whole if whole else None


def _percent(part, whole):
    return _ratio(100 * decimal(part), whole)
