from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace

from odoo.exceptions import UserError
from odoo.tools import format_date

from ..rules import charges, instalments
from ..rules.rounding import decimal, money

# What keeps an open instalment from being charged, besides credit that covers all: it may be
# charged afterwards, for the whole time.
HELD = (
    "no_followup",
    "blocked",
    "in_payment",
    "payment_pending",
    "dispute",
    "promise",
    "plan",
    "manual",
    "reply",
    "legal",
    "insolvency",
)


@dataclass(frozen=True)
class Claim:
    """What one instalment costs of one kind: `target` in all, `amount` now, or a `problem`."""

    line: object
    kind: str
    target: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    level_ref: int = 0
    level_name: str | bool = False
    terms: object = None
    problem: str | bool = False
    segments: tuple = ()
    number: int = 1


class ChargePlan:
    """Works out what the instalments of some invoices of one company cost for being late.

    :param moves: customer invoices, open or not, and cancelled ones that were charged for
    :param on: last day that counts
    :param demanded: instalments whose interest was claimed by a reminder; None: charge them all
    """

    def __init__(self, moves, on, demanded=None):
        self.env, self.on, self.demanded = moves.env, on, demanded
        self.moves = moves.filtered(
            lambda move: not move.is_late_charge and move.state in ("posted", "cancel")
        )
        self.lines = self.moves._collection_instalments()
        self.company = self.moves.company_id
        self.decisions = self.env["collection.decision"]._decide(self.lines, on)
        self.policies = self.env["collection.decision"]._get_policies(self.moves)
        everything = self.env["collection.charge"].search(
            [("move_ref", "in", self.moves.ids)], order="number, id"
        )
        self.charges = self._share(everything, lambda charge: decimal(charge.principal))
        self.events = self._share(
            self.env["collection.event"]
            .search([("move_ref", "in", self.moves.ids)], order="id")
            .filtered(lambda event: event.state not in ("failed", "cancelled")),
            lambda event: decimal(event.amount),
        )
        self.considered = set()
        self.rated = {}  # {(currency, date): whether there is an exchange rate}
        self.holidays = None  # read when terms ask for them

    def _share(self, records, amount):
        """Return the records of each instalment, which they know by due date and amount."""
        none = records.browse()
        found = defaultdict(records.browse)
        by_move = records.grouped("move_ref")
        for move in self.moves.filtered(lambda move: move.id in by_move):
            lines = move._collection_instalments()
            tokens = [
                SimpleNamespace(due_date=record.due_date, amount=amount(record), record=record)
                for record in by_move[move.id]
            ]
            keys = [line._collection_key() for line in lines]
            shares, left = instalments.share_history(keys, tokens)
            for line, share in zip(lines, shares, strict=True):
                found[line] |= none.union(*(token.record for token in share))
            if lines and left:
                first = lines.sorted(lambda line: line._collection_due_date())[:1]
                found[first] |= none.union(*(token.record for token in left))
        return found

    # -- reading --------------------------------------------------------------------------------

    def is_held(self, line):
        decision = self.decisions[line]
        covered = decision.overdue and decision.credit >= decision.overdue
        return line.parent_state == "posted" and (decision.reason in HELD or bool(covered))

    def get_disputed(self, line):
        """Return the part of an open instalment that is in dispute."""
        if line.reconciled or line.parent_state != "posted":
            return Decimal(0)
        left = decimal(line.currency_id.round(line.amount_residual_currency))
        return max(left - decimal(self.decisions[line].asked), Decimal(0))

    def get_due(self, line, terms):
        """Return the day until which it can be paid in time by these terms."""
        due = line._collection_due_date()
        if not terms.due_on_working_day:
            return due
        if self.holidays is None:
            first = min(map(type(line)._collection_due_date, self.lines))
            self.holidays = self.company._collection_holidays(first, self.on)
        return self.company._collection_working_day(due, self.holidays)

    def get_debt(self, line, terms):
        payments, credits = [], []
        for partial in line.matched_credit_ids:
            paying = partial.credit_move_id
            known = credits if paying.move_type == "out_refund" else payments
            known.append((paying.date, decimal(partial.debit_amount_currency)))
        return charges.Debt(
            principal=self._round(line, line.amount_currency) - self.get_disputed(line),
            due=self.get_due(line, terms),
            payments=tuple(payments),
            credits=tuple(credits),
        )

    def get_terms(self, line):
        """Return the terms of the first charge, which hold for good, else those of the policy."""
        before = self._settled(line, "interest") or self._settled(line, "compensation")
        return before[:1].terms_id or self.policies[line.move_id].charge_terms_id

    def _settled(self, line, kind, level_ref=0):
        return self.charges[line].filtered(
            lambda charge: (
                charge.kind == kind and charge.level_ref == level_ref and charge.state != "draft"
            )
        )

    def get_drafts(self, line, kind, level_ref=0):
        return self.charges[line].filtered(
            lambda charge: (
                charge.kind == kind and charge.level_ref == level_ref and charge.state == "draft"
            )
        )

    def get_considered(self):
        """Return the charges to review of all that claims were looked for."""
        return self.env["collection.charge"].union(
            *(
                self.charges[line].filtered(
                    lambda charge, kind=kind: charge.kind == kind and charge.state == "draft"
                )
                for line, kind in self.considered
            )
        )

    # -- claims ---------------------------------------------------------------------------------

    def get_claims(self):
        """Return a Claim for each thing to charge, to give back, or to put right first."""
        claims = []
        for move in self.moves:
            lines = move._collection_instalments().sorted(lambda line: line._collection_due_date())
            for line in lines:
                claims += [*self._claim_interest(line), *self._claim_fees(line)]
            claims += self._claim_compensation(lines)
        return claims

    def _is_charged(self, line):
        """Tell whether terms that may charge interest hold for this instalment."""
        return (
            self.demanded is None or line in self.demanded or bool(self._settled(line, "interest"))
        )

    def _is_spared(self, line, terms):
        customer = line.partner_id.commercial_partner_id
        return line.parent_state != "posted" or (
            terms.business_only and customer.collection_consumer
        )

    def _claim_interest(self, line):
        if not self._is_charged(line):
            return
        self.considered.add((line, "interest"))
        terms = self.get_terms(line)
        if self.is_held(line):
            return
        if not terms:
            if self.demanded is not None and line.parent_state == "posted":
                problem = self._describe_no_terms(line)
                yield self._put_off(line, "interest", None, problem)
            return
        if self._is_spared(line, terms):
            yield from self._compare(Claim(line, "interest", terms=terms))
            return
        decimals = line.currency_id.decimal_places
        try:
            found = terms._get_interest(self.get_debt(line, terms), self.on, decimals)
            least = self._convert_from(terms, line, terms.minimum_amount)
            claim = Claim(line, "interest", found.total, terms=terms, segments=found.segments)
            yield from (each for each in self._compare(claim) if not 0 < each.amount < least)
        except UserError as error:
            yield self._put_off(line, "interest", terms, str(error))

    def _claim_compensation(self, lines):
        """Charge for each instalment, or for all of an invoice with the first that is late."""
        late = lines.filtered(self._is_charged)
        for line in late:
            self.considered.add((line, "compensation"))
        if any(self.is_held(line) for line in late):
            return
        terms = self.get_terms(late[:1]) if late else None
        if not terms:
            return
        per_invoice = terms.compensation_per == "invoice"
        for group in [late] if per_invoice else list(late):
            owed = sum(
                self.get_debt(line, terms).paid_late(terms.grace_days)
                for line in group
                if not self._is_spared(line, terms)
                and (self.on - self.get_due(line, terms)).days > terms.grace_days
            )
            try:
                target = self._get_compensation(terms, group, decimal(owed))
            except UserError as error:
                yield self._put_off(group[0], "compensation", terms, str(error))
            else:
                yield from self._compare(Claim(group[0], "compensation", target, terms=terms))

    def _get_compensation(self, terms, lines, owed):
        line = lines[0]
        if not owed:
            return Decimal(0)
        charged = sum(
            (target for each in lines for *_level, target in self._get_fees(each)), Decimal(0)
        )
        fixed = terms._get_compensation(
            self._convert_to(terms, line, owed), self._convert_to(terms, line, charged)
        )
        return self._convert_from(terms, line, fixed)

    def _claim_fees(self, line):
        self.considered.add((line, "fee"))
        if self.is_held(line):
            return
        try:
            fees = self._get_fees(line)
        except UserError as error:
            yield self._put_off(line, "fee", None, str(error))
            return
        for level_ref, level_name, target in fees:
            yield from self._compare(
                Claim(line, "fee", target, level_ref=level_ref, level_name=level_name)
            )

    def _get_fees(self, line):
        """Return (level, its name, fee) of each reminder that claimed one."""
        owed = self.get_debt(line, self.get_terms(line))
        credited = sum(amount for _date, amount in owed.credits) >= owed.principal
        found = []
        for level_ref, events in self.events[line].grouped("level_ref").items():
            if fees := sum(
                self._convert(
                    decimal(event.fee_amount),
                    self.company.currency_id,
                    line.currency_id,
                    event.date,
                )
                for event in events
                if event.fee_amount
            ):
                target = Decimal(0) if credited or line.parent_state != "posted" else fees
                found.append((level_ref, events[-1].level_name, target))
        return found

    def _compare(self, claim):
        """Yield the claim with what is to be charged now, if it is anything."""
        line, before = claim.line, self._settled(claim.line, claim.kind, claim.level_ref)
        charged = sum(decimal(charge._get_net_amount()) for charge in before)
        given_up = sum(decimal(charge.waived_amount) for charge in before)
        amount = charges.to_charge(claim.target, charged, given_up)
        # A dispute that is not decided gives nothing back.
        if amount < 0 and self.get_disputed(line):
            return
        if amount:
            yield replace(claim, amount=amount, number=self._next_number(before))

    def _put_off(self, line, kind, terms, problem):
        number = self._next_number(self._settled(line, kind))
        return Claim(line, kind, terms=terms, problem=problem, number=number)

    @staticmethod
    def _next_number(charges_before):
        return max(charges_before.mapped("number"), default=0) + 1

    def _describe_no_terms(self, line):
        policy = self.policies[line.move_id]
        return self.env._(
            "Interest was claimed, but the follow-up policy “%(policy)s” has no late-payment terms. "
            "Choose them there, then propose again.",
            policy=policy.name or "",
        )

    # -- currencies -----------------------------------------------------------------------------

    def _round(self, line, amount):
        return money(amount, line.currency_id.decimal_places)

    def _convert_to(self, terms, line, amount):
        return self._convert(amount, line.currency_id, terms.currency_id, self.on)

    def _convert_from(self, terms, line, amount):
        return self._convert(decimal(amount), terms.currency_id, line.currency_id, self.on)

    def _convert(self, amount, currency, other, date):
        """Convert by the company's rates; unlike Odoo never by a rate that is not there.

        :raise UserError: when a currency has no rate by that day
        """
        if not amount or currency == other:
            return money(amount, other.decimal_places)
        for each in (currency, other):
            if (each, date) not in self.rated:
                self.rated[each, date] = self.company._has_exchange_rate(each, date)
            if not self.rated[each, date]:
                raise UserError(
                    self.env._(
                        "There is no exchange rate for %(currency)s on %(date)s. Enter one under "
                        "Invoicing > Configuration > Currencies, then propose again.",
                        currency=each.name,
                        date=format_date(self.env, date),
                    )
                )
        return decimal(currency._convert(float(amount), other, self.company, date))
