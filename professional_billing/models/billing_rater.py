"""The price of time entries: reads once what may apply to a set of them, then finds in memory.

The decision is `rules.rates`; this is what it is asked with, and its answer in words.
"""

import bisect
import datetime

from odoo.fields import Domain
from odoo.tools import format_date

from ..rules import rates, rounding
from . import billing_time_rows as time_rows
from .billing_rater_terms import Terms

SATURDAY = 5
_UOM_FIELD = {True: "product_uom_id", False: "uom_id"}


def has_narrative(name):
    """Tell whether somebody wrote what was done; Odoo fills an empty description with “/”."""
    return bool((name or "").strip(" /"))


class NoCurrencyRate(LookupError):
    """A card's currency cannot be converted at the date of the work."""


class Rater:
    """Rates by card, role and person for a set of time entries.

    :param timesheets: `account.analytic.line` recordset on order lines with a rule, as superuser
    :param items: the `billing.item` records that these have
    :param rerate: whether to look up again what was valued before
    :param rows: the `TimeRow` of the entries, when the caller has read them
    """

    def __init__(self, timesheets, items=(), rerate=False, rows=None):
        self.env = timesheets.env
        self.timesheets = timesheets
        self.items = {item.timesheet_id: item for item in items if item.timesheet_id}
        self._with_item = {timesheet.id for timesheet in self.items}
        self.rerate = rerate
        self._precision = self.env["decimal.precision"].precision_get("Product Price")
        self._remembered = {}
        self._price_keys = {}
        rows = time_rows.of(timesheets) if rows is None else rows
        lines = self._get_lines(rows)
        self._lines = {line.id: line for line in lines}
        by_card = lines.filtered(lambda line: line._uses_rate_cards())
        with_role = by_card | lines.filtered(lambda line: line.order_id.billing_detail == "role")
        self._roles = self._read_roles(self._get_people(rows, with_role))
        self._project_roles = self._read_project_roles(rows, with_role)
        self._cards = self._read_client_cards(by_card.order_id)
        self._levels = {}
        self._book = self._read_rates(rows, by_card)
        self._turns = self._get_turns()
        self._conversions = {}

    def _get_lines(self, rows):
        return self.env["sale.order.line"].browse(dict.fromkeys(row.so_line for row in rows))

    def _get_people(self, rows, lines):
        """Return the people whose time is on `lines`."""
        wanted = set(lines._ids)
        people = dict.fromkeys(row.employee for row in rows if row.so_line in wanted)
        return self.env["hr.employee"].browse(filter(None, people))

    def _get_projects(self, rows, lines):
        wanted = set(lines._ids)
        projects = dict.fromkeys(row.project for row in rows if row.so_line in wanted)
        return self.env["project.project"].browse(filter(None, projects))

    def _get_turns(self):
        """Return the days, in order, from which other rates or roles hold than the day before."""
        turns = set(self._book.turns)
        for versions in self._roles.values():
            turns.update(day for day, _role in versions)
        for assignments in self._project_roles.values():
            turns.update(filter(None, assignments.mapped("date_from")))
            turns.update(
                day + datetime.timedelta(days=1) for day in assignments.mapped("date_to") if day
            )
        return sorted(turns)

    def get_value_key(self, row):
        """Return what decides on the value of the entry `row`: entries with the same key differ in
        nothing but their day, their text and themselves. None: it must be looked at by itself."""
        line = self._lines[row.so_line]
        terms = self.terms(line)
        if not terms.alone or row.id in self._with_item:
            return None
        converts = self.remember(("converts", line.id), lambda: self._converts(line))
        price = (
            row.so_line,
            row.employee,
            row.project,
            row.date if converts else bisect.bisect(self._turns, row.date),
            terms.by_weekend and row.date.weekday() >= SATURDAY,
            row.own_rate,
            row.time_type,
            row.uom,
        )
        self._price_keys[row.id] = price
        return (
            price,
            row.date > terms.today,
            row.hours,
            row.treatment,
            row.hours_to_bill,
            terms.narrative_required and has_narrative(row.name),
            row.is_approved,
        )

    def is_alone(self, row):
        """Tell whether what the entry `row` comes to hangs on no other entry and no item."""
        return row.id in self._price_keys

    def get_entry(self, row):
        """Return the time entry of `row` to be valued, without reading it where it stands alone."""
        record = self.timesheets.browse(row.id)
        if not self.is_alone(row):
            return record
        return time_rows.TimeEntry(record, row, self._lines[row.so_line])

    def get_price_key(self, timesheet):
        """Return what decides on the price of an hour of the entry: at the least itself."""
        return self._price_keys.get(timesheet.id, timesheet.id)

    def _converts(self, line):
        """Tell whether a card in another currency may price the time on `line`."""
        if not line._uses_rate_cards():
            return False
        cards = {key for kind, key in self._get_levels(line) if kind == "card"}
        rates = self.env["billing.rate.card"].browse(cards)
        return bool(rates.currency_id - line.currency_id)

    def remember(self, key, make):
        """Return what `make` says of `key`, asked once."""
        if key not in self._remembered:
            self._remembered[key] = make()
        return self._remembered[key]

    def format(self, currency, amount):
        """Return `amount` in words, as many entries have it."""
        return self.remember(
            ("format", currency.id, amount), lambda: currency.format(float(amount))
        )

    def terms(self, line):
        return self.remember(("terms", line.id), lambda: Terms(line))

    # -- what may apply -------------------------------------------------------------------------

    def _read_roles(self, employees):
        """Return {employee id: [(first day, role id)]}, by the dated versions of the person."""
        roles = {}
        if employees:
            versions = self.env["hr.version"].search_fetch(
                [("employee_id", "in", employees.ids)],
                ["employee_id", "date_version", "billing_role_id"],
                order="employee_id, date_version",
            )
            for version in versions:
                rows = roles.setdefault(version.employee_id.id, [])
                rows.append((version.date_version, version.billing_role_id.id))
        return roles

    def _read_project_roles(self, rows, lines):
        """Return {(project id, employee id): assignments} of the work on `lines`."""
        if not lines:
            return {}
        assignments = self.env["billing.role.assignment"].search(
            Domain("project_id", "in", self._get_projects(rows, lines).ids)
            & Domain("employee_id", "in", self._get_people(rows, lines).ids)
        )
        return assignments.grouped(lambda row: (row.project_id.id, row.employee_id.id))

    def _read_client_cards(self, orders):
        """Return {(company id, client id): rate card} of the clients of `orders`."""
        if not orders:
            return {}
        cards = self.env["billing.rate.card"].search(
            [("partner_id", "in", orders.partner_id.commercial_partner_id.ids)]
        )
        return cards.grouped(lambda card: (card.company_id.id, card.partner_id.id))

    def _read_rates(self, rows, lines):
        """File the rates that may hold for the work on `lines`; others of large cards stay unread."""
        if not lines:
            return rates.Book([])
        levels = [level for line in lines for level in self._get_levels(line)]
        cards = {key for kind, key in levels if kind == "card"}
        roles = {role for versions in self._roles.values() for _day, role in versions}
        roles.update(row.role_id.id for found in self._project_roles.values() for row in found)
        domain = (
            (Domain("card_id", "in", cards) | Domain("order_line_id", "in", lines.ids))
            & Domain("employee_id", "in", [False, *self._get_people(rows, lines).ids])
            & Domain("role_id", "in", [False, *filter(None, roles)])
            & Domain("product_id", "in", [False, *lines.product_id.ids])
            & Domain("project_id", "in", [False, *self._get_projects(rows, lines).ids])
        )
        return rates.Book(
            self._prepare_candidate(rate) for rate in self.env["billing.rate"].search(domain)
        )

    def _prepare_candidate(self, rate):
        card = rate.card_id
        return rates.Candidate(
            level=("card", card.id) if card else ("line", rate.order_line_id.id),
            price=rounding.decimal(rate.price_unit),
            source=rate,
            employee=rate.employee_id.id or None,
            role=rate.role_id.id or None,
            product=rate.product_id.id or None,
            project=rate.project_id.id or None,
            start=rate.date_from or None,
            end=(rate.date_to and rate.date_to + datetime.timedelta(days=1)) or None,
        )

    def _get_levels(self, line):
        """Return {level: percent of its rates}, in the order they are asked: the line's own rates,
        the contract's card, the client's, the company's, each with what it builds on."""
        if line.id not in self._levels:
            order = line.order_id
            client = order.partner_id.commercial_partner_id
            cards = (
                order.rate_card_id,
                self._cards.get((order.company_id.id, client.id)),
                order.company_id.billing_rate_card_id,
            )
            levels = {("line", line.id): rounding.decimal(100)}
            for card in filter(None, cards):
                for part, percent in card._get_chain():
                    levels.setdefault(("card", part.id), rounding.decimal(percent))
            self._levels[line.id] = levels
        return self._levels[line.id]

    # -- the work -------------------------------------------------------------------------------

    def get_role(self, timesheet):
        """Return the role id of the entry's person on that day and project, or None."""
        work = timesheet.project_id.id, timesheet.employee_id.id, timesheet.date
        return self.remember(work, lambda: self._get_role_on(*work))

    def _get_role_on(self, project, employee, date):
        for row in self._project_roles.get((project, employee), ()):
            if (not row.date_from or row.date_from <= date) and (
                not row.date_to or date <= row.date_to
            ):
                return row.role_id.id
        versions = self._roles.get(employee, [])
        index = bisect.bisect([day for day, _role in versions], date)
        # Work from before the first version is valued by it, as Odoo values its cost.
        return versions[max(index - 1, 0)][1] or None if versions else None

    def get_time_type(self, timesheet, line):
        """Return the kind of time of the entry, when the contract agrees on a price for it."""
        chosen = timesheet.billing_time_type_id
        weekend = timesheet.date.weekday() >= SATURDAY
        if not chosen and not weekend:
            return chosen
        return self.remember(
            ("time type", line.id, chosen.id, weekend), lambda: self._get_agreed(line, chosen)
        )

    @staticmethod
    def _get_agreed(line, chosen):
        agreed = line.order_id.billing_time_type_ids
        return chosen & agreed if chosen else agreed.filtered("weekend")[:1]

    # -- the price ------------------------------------------------------------------------------

    def price(self, timesheet, line, uom):
        """Return the price of a unit `uom` of time for this entry, by the line's rates and cards.

        :return: (price before the line's discount: Decimal in the order's currency, sentences)
        :raise rates.NoRate: no rate in force; its trace tells what was tried
        :raise NoCurrencyRate: a card in another currency, and no exchange rate on the work date
        """
        context = self._get_context(timesheet, line, self._get_levels(line))
        found = self._find(line, context)
        source = found.source.id if found.level[0] != "price" else None
        key = "price", line.id, uom.id, context.employee, context.role, source
        return self.remember(
            (*key, self._get_conversion_day(found, line, timesheet)),
            lambda: self._value(line, timesheet, uom, found),
        )

    def standard(self, timesheet, line, uom):
        """Return the company card's price of a unit `uom` of this entry, or None."""
        chain = self.remember(("chain", line.id), lambda: self._get_company_chain(line))
        if not chain:
            return None
        try:
            found = self._book.resolve(self._get_context(timesheet, line, chain))
            return self.remember(
                (
                    *("standard", line.id, uom.id, found.source.id),
                    self._get_conversion_day(found, line, timesheet),
                ),
                lambda: self._in_terms_of(line, uom, found, chain[found.level], timesheet.date),
            )
        except (rates.NoRate, NoCurrencyRate):
            # What the firm would have charged is for reports: it holds nothing back.
            return None

    @staticmethod
    def _get_company_chain(line):
        """Return {level: percent of its rates} of the company's card and what it builds on."""
        card = line.company_id.billing_rate_card_id if line._uses_rate_cards() else None
        chain = card._get_chain() if card else ()
        return {("card", part.id): rounding.decimal(percent) for part, percent in chain}

    def _get_context(self, timesheet, line, levels):
        return rates.Context(
            date=timesheet.date,
            employee=timesheet.employee_id.id or None,
            role=self.get_role(timesheet),
            product=self.terms(line).product_id,
            project=timesheet.project_id.id or None,
            levels=tuple(levels),
        )

    def _find(self, line, context):
        try:
            return self._book.resolve(context)
        except rates.NoRate as missing:
            if not line.price_unit or not self.terms(line).method._prices_time:
                raise
            price = rounding.decimal(line.price_unit)
            return rates.Rate(price, line, ("price", line.id), missing.trace)

    def _get_conversion_day(self, found, line, timesheet):
        return timesheet.date if self._get_currency(found, line) != line.currency_id else None

    def _value(self, line, timesheet, uom, found):
        percent = self._get_levels(line).get(found.level, rounding.decimal(100))
        price = self._in_terms_of(line, uom, found, percent, timesheet.date)
        role = self.get_role(timesheet)
        steps = []
        if role:
            steps.append(self._explain_role(timesheet, role))
        steps.append(self._explain_source(line, found))
        if percent != 100:
            steps.append(
                self.env._(
                    "%(percent)s %% of it, as %(card)s agrees",
                    percent=_plain(percent),
                    card=self._get_reaching_card(line, found).name,
                )
            )
        currency = self._get_currency(found, line)
        if currency != line.currency_id:
            steps.append(
                self.env._(
                    "1 %(currency)s = %(rate)s %(own)s on %(date)s",
                    currency=currency.name,
                    rate=_plain(
                        rounding.quantize(self._convert(currency, line, timesheet.date), 6)
                    ),
                    own=line.currency_id.name,
                    date=format_date(self.env, timesheet.date),
                )
            )
        return price, tuple(steps)

    def _in_terms_of(self, line, uom, found, percent, date):
        """Return a found rate per `uom` in the order's currency.

        It is rounded as a price of the order line is, per unit of that line: what the invoice
        prints multiplies.
        """
        price = found.price * percent / 100
        per, sold_per = found.source[_UOM_FIELD[found.level[0] == "price"]], line.product_uom_id
        if not sold_per._has_common_reference(uom):
            sold_per = uom
        price = price * rounding.decimal(sold_per.factor) / rounding.decimal(per.factor)
        currency = self._get_currency(found, line)
        if currency != line.currency_id:
            price *= self._convert(currency, line, date)
        price = rounding.quantize(price, self._precision)
        return price * rounding.decimal(uom.factor) / rounding.decimal(sold_per.factor)

    @staticmethod
    def _get_currency(found, line):
        return line.currency_id if found.level[0] == "price" else found.source.currency_id

    def _get_reaching_card(self, line, found):
        """Return the card of the contract, the client or the company that led to the rate."""
        card = found.source.card_id
        order = line.order_id
        client = order.partner_id.commercial_partner_id
        for start in (
            order.rate_card_id,
            self._cards.get((order.company_id.id, client.id)),
            order.company_id.billing_rate_card_id,
        ):
            if start and any(part == card for part, _percent in start._get_chain()):
                return start
        return card

    # -- currencies -----------------------------------------------------------------------------

    def _convert(self, currency, line, date):
        """Return what one unit of `currency` is worth in the order's currency on `date`."""
        company = line.company_id
        key = currency, line.currency_id, company, date
        if key not in self._conversions:
            values = [
                self._get_exchange_rate(each, company, date)
                for each in (currency, line.currency_id)
            ]
            self._conversions[key] = values[1] / values[0]
        return self._conversions[key]

    def _get_exchange_rate(self, currency, company, date):
        """Return Odoo's rate of the day; unlike Odoo, never that of a later day, and never 1."""
        rows = self.remember(
            ("exchange", currency.id, company.id),
            lambda: self.env["res.currency.rate"].search(
                [
                    ("currency_id", "=", currency.id),
                    ("company_id", "in", [False, company.root_id.id]),
                ],
                order="company_id, name desc",
            ),
        )
        rate = rows.filtered(lambda row: row.name <= date)[:1]
        if not rate:
            if currency == company.currency_id:
                return rounding.decimal(1)
            raise NoCurrencyRate(
                self.env._(
                    "There is no exchange rate for %(currency)s on %(date)s. Enter one under Invoicing > "
                    "Configuration > Currencies.",
                    currency=currency.name,
                    date=format_date(self.env, date),
                )
            )
        return rounding.decimal(rate.rate)

    # -- words ----------------------------------------------------------------------------------

    def _explain_role(self, timesheet, role):
        return self.env._(
            "%(person)s works as %(role)s",
            person=timesheet.employee_id.name,
            role=self.env["billing.role"].browse(role).name,
        )

    def _explain_source(self, line, found):
        if found.level[0] == "price":
            return self.env._(
                "No rate for this work on the cards: price of %(line)s, %(price)s / %(unit)s",
                line=line._billing_label(),
                price=line.currency_id.format(line.price_unit),
                unit=line.product_uom_id.name,
            )
        rate = found.source
        return self.env._(
            "%(place)s, %(whom)s: %(price)s / %(unit)s",
            place=rate.card_id.name or line._billing_label(),
            whom=rate._get_label(),
            price=rate.currency_id.format(rate.price_unit),
            unit=rate.uom_id.name,
        )

    def explain_missing(self, line, timesheet, missing):
        """Say what was tried in vain: the sentences of an item without a rate."""
        role = self.get_role(timesheet)
        steps = [
            self.env._(
                "No rate for %(person)s%(role)s on %(date)s. Tried:",
                person=timesheet.employee_id.name or self.env._("this work"),
                role=f" ({self.env['billing.role'].browse(role).name})" if role else "",
                date=format_date(self.env, timesheet.date),
            )
        ]
        for tried in missing.trace:
            kind, key = tried.level
            if kind == "line":
                place = line._billing_label()
            else:
                place = self.env["billing.rate.card"].browse(key).name
            steps.append(
                self.env._(
                    "- %(place)s: none of its rates is for this person, role, service and day",
                    place=place,
                )
                if tried.rates
                else self.env._("- %(place)s: no rate that could fit", place=place)
            )
        steps.append(self.env._("- the price of the order line: none"))
        return steps


def _plain(number):
    return f"{number.normalize():f}"
