from odoo import api, fields, models


class CollectionPolicy(models.Model):
    """The steps by which a company follows up late payment.

    Which policy holds for an instalment: the invoice's, else that of the engagement it bills, the
    customer's, that of a tag of the customer, the company's, the one shared by all companies.
    """

    _name = "collection.policy"
    _description = "Follow-up Policy"
    _order = "sequence, id"
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        help="Leave empty to share the policy. A company's own policy goes before that of the company "
        "it is a branch of, and that before a shared one.",
    )
    category_ids = fields.Many2many(
        "res.partner.category",
        string="Customer tags",
        help="The policy is for customers with one of these tags. Without tags it is for all whose "
        "invoice, engagement, contact or tag says nothing else.",
    )
    catch_up = fields.Selection(
        [
            ("progressive", "One level after the other"),
            ("by_age", "The highest level reached by age"),
        ],
        required=True,
        default="progressive",
        help="What an instalment gets that has been late for long when it is first reminded.",
    )
    contact_gap_days = fields.Integer(
        string="Days between messages",
        help="Least number of days between two messages to the same customer, whatever invoices "
        "they are about.",
    )
    posting_days = fields.Integer(
        string="Days after posting",
        help="An invoice that was late already when it was posted is first reminded so many days "
        "after that.",
    )
    discount_days = fields.Integer(
        string="Grace for early-payment discount",
        default=3,
        help="Whoever takes the discount no more than so many days late is not reminded of the rest.",
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    level_ids = fields.One2many("collection.level", "policy_id", string="Levels", copy=True)

    _days_not_negative = models.Constraint(
        "CHECK(contact_gap_days >= 0 AND posting_days >= 0 AND discount_days >= 0)",
        "Days between messages, after posting and of grace must be zero or more.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends("company_id.currency_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for policy in self:
            policy.currency_id = (policy.company_id or self.env.company).currency_id

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def unlink(self):
        # EXTENDS base: levels have something to tidy up
        self.level_ids.unlink()
        return super().unlink()

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    @api.model
    def _get_default(self, company):
        """Return the company's own policy for everybody, else its parents', else the shared one.

        :return: nothing if there is none
        """
        family = company._get_family()
        policies = self.search(
            [("company_id", "in", [*family.ids, False]), ("category_ids", "=", False)]
        ).grouped("company_id")
        return next(
            (policies[each][:1] for each in [*family, family.browse()] if each in policies),
            self.browse(),
        )
