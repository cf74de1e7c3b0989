from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL


class BillingClientPo(models.Model):
    """A client's purchase order that several engagements bill against, with a limit in common."""

    _name = "billing.client.po"
    _inherit = ["mail.thread", "billing.cap.mixin"]
    _description = "Client's purchase order"
    _order = "name desc, id desc"
    _check_company_auto = True
    _cap_field = "order_id.client_po_id"

    name = fields.Char(
        string="Number", required=True, tracking=True, help="Printed on the invoices."
    )
    partner_id = fields.Many2one(
        "res.partner", string="Client", required=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    active = fields.Boolean(default=True)
    billing_cap_amount = fields.Monetary(
        string="Limit",
        tracking=True,
        help="Most that is billed on all its engagements together, before tax.",
    )
    order_ids = fields.One2many("sale.order", "client_po_id", string="Engagements")
    billed_amount = fields.Monetary(
        string="Billed", compute="_compute_billed_amount", compute_sudo=True
    )
    left_amount = fields.Monetary(
        string="Left", compute="_compute_billed_amount", compute_sudo=True
    )

    _unique_number = models.UniqueIndex(
        "(company_id, partner_id, name)", "This client has a purchase order of that number already."
    )

    def _compute_billed_amount(self):
        # Without dependencies on purpose: every bill would look for its purchase order.
        billed = dict(
            self.env["billing.item"]._read_group(
                self._get_cap_domain((None, None)),
                [self._cap_field],
                ["billed_amount:sum"],
            )
        )
        for order in self:
            order.billed_amount = billed.get(order._origin, 0.0)
            order.left_amount = max(order.billing_cap_amount - order.billed_amount, 0.0)

    @api.constrains("partner_id", "currency_id", "company_id")
    def _check_orders(self):
        self.sudo().order_ids._check_client_po()

    def _get_cap_orders(self):
        return self.order_ids

    def _get_cap_label(self):
        return self.env._("Purchase order %(number)s", number=self.name)

    def _lock_for_billing(self):
        """Take these rows, so that nobody else bills against their limit in the meantime.

        :return: those that somebody else has taken
        """
        locked = self.try_lock_for_update(allow_referencing=True)
        if locked:
            # A new version of the row: who has an older view of what is billed must start again.
            self.env.cr.execute(
                SQL("UPDATE billing_client_po SET id = id WHERE id IN %s", tuple(locked.ids))
            )
        return self - locked


class SaleOrderClientPo(models.Model):
    _inherit = "sale.order"

    client_po_id = fields.Many2one(
        "billing.client.po",
        string="Shared purchase order",
        check_company=True,
        copy=False,
        index="btree_not_null",
        domain="[('partner_id', 'parent_of', partner_id), ('currency_id', '=', currency_id)]",
        help="A purchase order of the client for several engagements: its number and its limit.",
    )

    @api.onchange("client_po_id")
    def _onchange_client_po_id(self):
        if self.client_po_id:
            self.client_po_number = self.client_po_id.name

    @api.constrains("client_po_id", "partner_id", "currency_id")
    def _check_client_po(self):
        for order in self.filtered("client_po_id"):
            purchase = order.client_po_id
            if purchase.partner_id.commercial_partner_id != order.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Purchase order %(number)s is of %(client)s, not of %(customer)s. Choose another "
                        "one for %(order)s.",
                        number=purchase.name,
                        client=purchase.partner_id.display_name,
                        customer=order.partner_id.display_name,
                        order=order.name,
                    )
                )
            if purchase.currency_id != order.currency_id:
                raise ValidationError(
                    self.env._(
                        "%(order)s is in %(currency)s, the purchase order %(number)s in %(other)s.",
                        order=order.name,
                        currency=order.currency_id.name,
                        number=purchase.name,
                        other=purchase.currency_id.name,
                    )
                )
