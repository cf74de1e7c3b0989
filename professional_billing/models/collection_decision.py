import datetime
from dataclasses import dataclass

from odoo import api, models
from odoo.tools import SQL

from .collection_decision_steps import POLICIES, POLICY, STEPS

# Payment states of an invoice that end or suspend its follow-up.
SETTLED_STATES = ("in_payment", "paid", "reversed", "invoicing_legacy")

# After so many days the rest is asked for that a payment on its way leaves.
DAYS_IN_PROCESS = 14


@dataclass(frozen=True)
class Decision:
    """What is due for an instalment: `level_id`, or None and the `reason` why not.

    `date` is the day from which level `upcoming_id` is due, or the last day of a hold. `asked` is
    what is open and not in dispute; `overdue` and `credit` what the customer has in all.
    """

    level_id: int | None
    reason: str
    date: datetime.date | None = None
    upcoming_id: int | None = None
    asked: float = 0.0
    overdue: float = 0.0
    credit: float = 0.0


class CollectionDecision(models.AbstractModel):
    """Decides what is due for all open instalments of a company by one query.

    It gives the answers of `rules.followup.due_level`, which is where they are explained;
    `tests/test_collection_decision.py` compares the two on random data.
    """

    _name = "collection.decision"
    _description = "What is due for open instalments"

    @api.model
    def _decide(self, lines, on):
        """Return the Decision on each journal item of `lines`, all of one company."""
        if not lines:
            return {}
        partners = lines.partner_id.commercial_partner_id
        rows = self.env.execute_query(
            SQL(
                """%s
                SELECT line_id, level_id, reason, date, upcoming_id, asked, overdue, credit
                  FROM decision WHERE line_id = ANY(%s)""",
                self._with_decisions(lines.company_id, on, partners),
                lines.ids,
            )
        )
        found = {row[0]: Decision(*row[1:5], *map(float, row[5:])) for row in rows}
        return {line: found.get(line.id) or self._decide_closed(line) for line in lines}

    @api.model
    def _decide_closed(self, line):
        return Decision(None, "paid" if line.parent_state == "posted" else "not_posted")

    @api.model
    def _with_decisions(self, company, on, partners=None):
        """Return a WITH clause that ends in `decision`, a row for each open instalment.

        :param partners: commercial partners to confine it to
        """
        self.env.flush_all()
        odd_moves, odd_pairs = self.env["collection.event"]._share_odd_histories(company)
        scope = SQL("AND customer.id = ANY(%s)", partners.ids) if partners else SQL()
        parts = {
            "company": company.id,
            "family": company._get_family().ids,
            "on": on,
            "scope": scope,
            "default_policy": self.env["collection.policy"]._get_default(company).id or None,
            "settled": SETTLED_STATES,
            "process_days": DAYS_IN_PROCESS,
            "odd_moves": odd_moves,
            "odd_events": [event for event, _line in odd_pairs],
            "odd_lines": [line for _event, line in odd_pairs],
        }
        return SQL(
            "WITH %s",
            SQL(", ").join(SQL(text, **parts) for text in STEPS),
        )

    @api.model
    def _get_policies(self, moves):
        """Return the follow-up policy of each customer invoice, open or not, of one company."""
        if not moves:
            return {}
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                f"""
                WITH {POLICIES}
                SELECT move.id, {POLICY}
                  FROM account_move move
                  JOIN res_partner customer ON customer.id = move.commercial_partner_id
             LEFT JOIN engagement ON engagement.move_id = move.id
             LEFT JOIN tag ON tag.partner_id = customer.id
                 WHERE move.id = ANY(%(moves)s)
                """,
                company=moves.company_id.id,
                family=moves.company_id._get_family().ids,
                default_policy=self.env["collection.policy"]._get_default(moves.company_id).id
                or None,
                moves=moves.ids,
            )
        )
        found = dict(rows)
        return {move: self.env["collection.policy"].browse(found[move.id] or ()) for move in moves}
