from odoo import fields, models
from odoo.fields import Domain

from .collection_statement import FREQUENCIES
from .field_groups import COLLECTORS
from .res_company import CONSOLIDATIONS


class ResPartner(models.Model):
    _inherit = "res.partner"

    collection_case_count = fields.Integer(
        compute="_compute_collection_case_count",
        groups="professional_billing.group_collection_agent",
    )

    collection_policy_id = fields.Many2one(
        "collection.policy",
        string="Follow-up policy",
        copy=False,
        company_dependent=True,
        ondelete="restrict",
        groups=COLLECTORS,
        help="How this customer is reminded. If empty, the tags decide, and then the company.",
    )

    collection_statement_frequency = fields.Selection(
        FREQUENCIES,
        string="Statements of account",
        copy=False,
        company_dependent=True,
        groups=COLLECTORS,
        help="How often this customer gets a statement by itself, as long as something is open. If "
        "empty, as the company does it.",
    )

    billing_consolidation = fields.Selection(
        CONSOLIDATIONS,
        string="Engagements are invoiced",
        company_dependent=True,
        help="How this customer wants engagements put together on invoices: those of the same company, "
        "currency, fiscal position and payment terms. Empty: as the company does it.",
    )

    billing_item_count = fields.Integer(
        compute="_compute_billing_item_count",
        groups="professional_billing.group_billing_officer,"
        "professional_billing.group_billing_reviewer",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    def _compute_collection_case_count(self):
        customers = self.commercial_partner_id
        counts = dict(
            self.env["collection.case"]._read_group(
                [("partner_id", "in", customers.ids)], ["partner_id"], ["__count"]
            )
        )
        for partner in self:
            partner.collection_case_count = counts.get(partner.commercial_partner_id, 0)

    def _compute_billing_item_count(self):
        counts = {}
        for customer, count in self.env["billing.item"]._read_group(
            [("partner_id", "child_of", self.commercial_partner_id.ids), ("is_open", "=", True)],
            ["partner_id"],
            ["__count"],
        ):
            key = customer.commercial_partner_id
            counts[key] = counts.get(key, 0) + count
        for partner in self:
            partner.billing_item_count = counts.get(partner.commercial_partner_id, 0)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_billing_items(self):
        """Open the customer's work in progress."""
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_item"
        )
        return {
            **action,
            "domain": [("partner_id", "child_of", self.commercial_partner_id.ids)],
        }

    def action_view_collection_cases(self):
        """Open the collection case of the customer, or the list if there are several."""
        self.ensure_one()
        cases = self.env["collection.case"].search(
            [("partner_id", "=", self.commercial_partner_id.id)]
        )
        return cases._get_records_action(name=self.env._("Collection"))

    def action_statement(self):
        """Print or send statements of these customers' accounts."""
        return self._get_collection_cases().action_statement()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_collection_cases(self):
        """Return a case for each company and currency in which these customers have an account."""
        Line = self.env["account.move.line"]
        rows = Line._read_group(
            Domain("company_id", "in", self.env.companies.ids)
            & Domain("partner_id", "child_of", self.commercial_partner_id.ids)
            & Domain("parent_state", "=", "posted")
            & Domain("account_type", "=", "asset_receivable"),
            ["company_id", "partner_id", "currency_id"],
            ["id:min"],
        )
        lines = Line.browse([row[-1] for row in rows])
        cases = self.env["collection.case"]._for_lines(lines)
        return self.env["collection.case"].union(*cases.values())
