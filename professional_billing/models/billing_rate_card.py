from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain


class BillingRateCard(models.Model):
    """Rates by person, role and service: the company's own, a client's, or a contract's.

    A card may build on another one: what it does not say itself is taken from there, raised or
    lowered by a percentage.
    """

    _name = "billing.rate.card"
    _description = "Rate card"
    _inherit = ["mail.thread"]
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        tracking=True,
        help="Contracts in another currency convert the rates at the date of the work.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Client",
        index="btree_not_null",
        check_company=True,
        tracking=True,
        help="All contracts of this client use the card, unless they name one of their own.",
    )
    base_card_id = fields.Many2one(
        "billing.rate.card",
        string="Builds on",
        check_company=True,
        ondelete="restrict",
        tracking=True,
        help="Rates that this card does not have are taken from that one.",
    )
    adjustment = fields.Float(
        string="Raised by %",
        aggregator=None,
        tracking=True,
        help="Percentage added to the rates of the other card. Negative for a discount.",
    )
    rate_ids = fields.One2many("billing.rate", "card_id", string="Rates", copy=True)
    is_company_card = fields.Boolean(compute="_compute_is_company_card")

    _client_uniq = models.UniqueIndex(
        "(company_id, partner_id) WHERE partner_id IS NOT NULL AND active IS TRUE",
        "This client already has a rate card. Archive it first, or add the rates to it.",
    )

    @api.depends("company_id")
    def _compute_currency_id(self):
        for card in self:
            card.currency_id = card.currency_id or card.company_id.currency_id

    @api.depends("company_id.billing_rate_card_id")
    def _compute_is_company_card(self):
        for card in self:
            card.is_company_card = card == card.company_id.billing_rate_card_id

    @api.constrains("base_card_id")
    def _check_base_card(self):
        if self._has_cycle("base_card_id"):
            raise ValidationError(
                self.env._(
                    "%(card)s builds on itself by way of the other card. Choose another one.",
                    card=self[:1].name,
                )
            )

    @api.constrains("partner_id")
    def _check_partner(self):
        for card in self.filtered("partner_id"):
            if card.partner_id != card.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "%(card)s: choose the company %(company)s instead of its contact "
                        "%(contact)s. A card holds for the whole client.",
                        card=card.name,
                        company=card.partner_id.commercial_partner_id.name,
                        contact=card.partner_id.display_name,
                    )
                )

    @api.constrains("adjustment")
    def _check_adjustment(self):
        for card in self:
            if card.adjustment <= -100:
                raise ValidationError(
                    self.env._("%(card)s: a discount is less than 100 %%.", card=card.name)
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        order = self.env["sale.order"].sudo().search([("rate_card_id", "in", self.ids)], limit=1)
        if order:
            raise UserError(
                self.env._(
                    "%(card)s is the rate card of %(order)s. Archive it instead.",
                    card=order.rate_card_id.name,
                    order=order.name,
                )
            )

    def action_view_open_work(self):
        """Show what a change of these rates could still change: the unbilled work they valued."""
        return self._get_open_items()._get_records_action(name=self.env._("Unbilled work"))

    def _get_open_items(self):
        """Return the unsettled time of the contracts that may take a rate from these cards."""
        cards = self | self._get_cards_above()
        contracts = Domain("order_id.rate_card_id", "in", cards.ids)
        clients = cards.partner_id
        if clients:
            contracts |= Domain("partner_id.commercial_partner_id", "in", clients.ids)
        companies = cards.filtered("is_company_card").company_id
        if companies:
            contracts |= Domain("company_id", "in", companies.ids)
        return self.env["billing.item"].search(
            Domain("kind", "=", "time")
            & Domain("order_line_id.rate_source", "=", "card")
            & Domain("billed_quantity", "=", 0)
            & Domain("written_off_quantity", "=", 0)
            & Domain("company_id", "in", self.company_id.ids)
            & contracts
        )

    def _get_cards_above(self):
        """Return the cards that build on these, however far up."""
        found, layer = self.browse(), self
        while layer := self.search([("base_card_id", "in", layer.ids)]) - found:
            found |= layer
        return found

    def _get_chain(self):
        """Return [(card, factor in percent of its rates)]: this card, then what it builds on."""
        chain, factor, card = [], 100.0, self
        while card:
            chain.append((card, factor))
            factor *= (100 + card.adjustment) / 100
            card = card.base_card_id
        return chain
