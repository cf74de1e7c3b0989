from odoo import api, fields, models

from ..rules import followup
from ..rules.rounding import decimal


class CollectionPolicy(models.Model):
    """The steps by which a company follows up late payment, and the plan made from them."""

    _name = "collection.policy"
    _description = "Follow-up Policy"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        help="Leave empty to share the policy. A company's own policy goes before a shared one.",
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    level_ids = fields.One2many("collection.level", "policy_id", string="Levels", copy=True)

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("company_id.currency_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for policy in self:
            policy.currency_id = (policy.company_id or self.env.company).currency_id

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _get_default(self, company):
        """Return the company's own policy, else the shared one, else nothing."""
        policies = self.search([("company_id", "in", [company.id, False])])
        return policies.sorted(lambda policy: not policy.company_id)[:1]

    def _plan(self, lines, on, histories=None):
        """Decide what is due for each receivable journal item, without writing anything.

        The number of queries does not depend on the number of lines.

        :param lines: account.move.line, receivable, all of one company
        :param on: date of the decision, in the company's time zone
        :param histories: what `collection.event._get_histories` returns, if it is at hand
        :return: dict of followup.Decision by line
        """
        self.ensure_one()
        if not lines:
            return {}
        levels = self._rule_levels()
        histories = histories or self.env["collection.event"]._get_histories(lines)
        balances = lines._collection_balances(on)
        holds = lines._collection_holds()
        decisions = {}
        for line in lines:
            reminders, last_contact = histories[line]
            overdue, overdue_company, credit = balances[line.partner_id, line.currency_id]
            item = followup.Item(
                due_date=line._collection_due_date(),
                residual=decimal(line.amount_residual_currency),
                overdue=decimal(overdue),
                overdue_company=decimal(overdue_company),
                credit=decimal(credit),
                last_contact=last_contact,
            )
            decisions[line] = followup.due_level(item, levels, reminders, holds[line], on)
        return decisions

    def _rule_levels(self):
        return [
            followup.Level(
                id=level.id,
                sequence=level.sequence,
                delay_days=level.delay_days,
                min_gap_days=level.min_gap_days,
                min_amount=decimal(level.min_amount),
            )
            for level in self.level_ids
        ]
