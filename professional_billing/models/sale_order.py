from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..exceptions import BusyError
from .billing_prebill_plain import PlainTime
from .billing_terms_mixin import DECISIVE_TERMS
from .field_groups import BILLING_STAFF, CONTRACT_STAFF


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "billing.terms.mixin", "billing.cap.mixin"]
    _cap_field = "order_id"

    is_engagement = fields.Boolean(
        compute="_compute_is_engagement", search="_search_is_engagement", string="Engagement"
    )
    has_fixed_fee = fields.Boolean(compute="_compute_is_engagement")
    billing_cap_amount = fields.Monetary(
        string="Limit",
        tracking=True,
        help="Most that is billed, before tax. Empty: no limit in money.",
    )
    client_po_number = fields.Char(
        string="Purchase order",
        copy=False,
        help="The client's number for this engagement. It is the reference of the invoices.",
    )
    billing_installment_ids = fields.One2many(
        "billing.installment", "order_id", string="Instalments", copy=False, groups=CONTRACT_STAFF
    )
    billing_item_ids = fields.One2many("billing.item", "order_id", groups=CONTRACT_STAFF)
    billing_open_amount = fields.Monetary(compute="_compute_billing_amounts", string="To bill")
    billing_billed_amount = fields.Monetary(compute="_compute_billing_amounts", string="Billed")
    prebill_ids = fields.Many2many(
        "billing.prebill", string="Pre-bills", copy=False, groups=BILLING_STAFF
    )
    prebill_count = fields.Integer(compute="_compute_prebill_count", compute_sudo=True)

    @api.depends("order_line.billing_rule")
    def _compute_is_engagement(self):
        for order in self:
            rules = order.order_line.mapped("billing_rule")
            order.is_engagement = any(rules)
            order.has_fixed_fee = "fixed_fee" in rules

    def _search_is_engagement(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain("order_line", "any", [("billing_rule", "!=", False)])

    def _compute_project_ids(self):
        # EXTENDS sale_project: it fails for accountants, who read orders without rights on sales.
        # What they get is still only the projects they may read.
        if self.env.su or self.env.user.has_group("sales_team.group_sale_salesman"):
            return super()._compute_project_ids()
        result = super(SaleOrder, self.sudo())._compute_project_ids()
        for order in self:
            projects = order.sudo().project_ids.sudo(False)._filtered_access("read")
            order.project_ids = projects
            order.project_count = len(projects.filtered("active"))
        return result

    def _compute_show_hours_recorded_button(self):
        # EXTENDS sale_timesheet: it fails for people with timesheets but without projects.
        return super(SaleOrder, self.sudo())._compute_show_hours_recorded_button()

    @api.depends("order_line.billing_open_amount", "order_line.billing_billed_amount")
    def _compute_billing_amounts(self):
        for order in self:
            order.billing_open_amount = sum(order.order_line.mapped("billing_open_amount"))
            order.billing_billed_amount = sum(order.order_line.mapped("billing_billed_amount"))

    @api.depends("prebill_ids")
    def _compute_prebill_count(self):
        for order in self:
            order.prebill_count = len(order.prebill_ids)

    @api.onchange("sale_order_template_id")
    def _onchange_sale_order_template_id(self):
        # EXTENDS sale_management
        result = super()._onchange_sale_order_template_id()
        if self.sale_order_template_id.is_engagement:
            self.update(self.sale_order_template_id._get_billing_terms())
        return result

    def write(self, vals):
        result = super().write(vals)
        lines = self.order_line.filtered("billing_rule") if DECISIVE_TERMS & set(vals) else ()
        if lines:
            if "client_po_number" in vals or "client_po_required" in vals:
                lines._accrue_billing()
            lines._rerate_billing()
        return result

    # -- actions --------------------------------------------------------------------------------

    def action_view_billing_items(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_item"
        )
        return {**action, "domain": [("order_id", "=", self.id)], "context": {}}

    def action_view_prebills(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_prebill"
        )
        return {**action, "domain": [("order_ids", "in", self.ids)], "context": {}}

    def action_make_prebill(self):
        """Gather what can be billed today and open the pre-bill."""
        self._check_gather_rights()
        prebills = self._gather_prebills()
        if not prebills:
            raise UserError(self._get_nothing_to_bill_message())
        return prebills._get_records_action()

    # -- confirmation and cancellation -----------------------------------------------------------

    def _confirmation_error_message(self):
        # EXTENDS sale
        if message := super()._confirmation_error_message():
            return message
        errors = self.order_line._get_billing_errors()
        if not errors:
            return False
        return (
            self.env._("This order cannot be billed as it is set up:")
            + "\n- "
            + "\n- ".join(errors)
        )

    def _action_confirm(self):
        # EXTENDS sale
        result = super()._action_confirm()
        lines = self.order_line.filtered("billing_rule")
        if lines:
            lines._complete_confirmed_billing()
            lines._rerate_billing()
        return result

    def _action_cancel(self):
        # EXTENDS sale: what waits in pre-bills is given back; drafts free their work themselves.
        engagements = self.filtered("is_engagement")
        engagements.sudo().prebill_ids.filtered("is_open").action_cancel()
        result = super()._action_cancel()
        if lines := engagements.order_line.filtered("billing_rule"):
            lines._accrue_billing()
            lines._rerate_billing()
        return result

    # -- gathering ------------------------------------------------------------------------------

    def _gather_prebills(self, cutoff_date=None, date_from=None, at_once=False):
        """Put everything billable up to `cutoff_date` on pre-bills, one per engagement.

        An engagement whose pre-bill is still in draft or review gets new work added to it; gathering
        again changes nothing.

        :param cutoff_date: last date of work to bill, today where the company is by default
        :param date_from: first date of work to bill, when only a period is wanted
        :param at_once: the caller invoices what needs no approval in the same transaction
        :return: the `billing.prebill` records that hold work of these engagements
        :raise UserError: when someone else is billing one of them right now
        """
        engagements = self.sudo().filtered("is_engagement")
        engagements._lock_for_billing()
        lines = engagements.order_line.filtered("billing_rule")
        lines._accrue_billing()
        prebills = self.env["billing.prebill"]
        for company, orders in engagements.grouped("company_id").items():
            cutoff = cutoff_date or company._billing_today()
            prebills |= prebills.sudo()._gather(orders, cutoff, date_from, at_once)
        engagements._tell_all_cap_thresholds()
        return prebills.sudo(self.env.su)

    def _check_gather_rights(self):
        """Officers gather the engagements of their companies, project managers those they lead."""
        user = self.env.user
        officer = user.has_group("professional_billing.group_billing_officer")
        reviewer = user.has_group("professional_billing.group_billing_reviewer")
        for order in self.sudo():
            projects = order.project_ids | order.billing_item_ids.project_id
            allowed = officer or (reviewer and user in projects.user_id)
            if not allowed or order.company_id not in self.env.companies:
                raise AccessError(
                    self.env._(
                        "Pre-bills of %(order)s are made by its project managers and by the billing "
                        "officers of %(company)s. Ask one of them.",
                        order=order.name,
                        company=order.company_id.name,
                    )
                )

    def _lock_for_billing(self):
        """Take these orders' rows, so that nobody else bills them in the meantime."""
        busy = self - self.try_lock_for_update(allow_referencing=True)
        busy = busy.mapped("name") or self.client_po_id._lock_for_billing().mapped("name")
        if busy:
            raise BusyError(
                self.env._(
                    "%(orders)s: someone else is billing this right now. Try again in a moment.",
                    orders=", ".join(busy),
                )
            )

    def _tell_all_cap_thresholds(self):
        self._tell_cap_thresholds()
        self.order_line.filtered("billing_rule")._tell_cap_thresholds()
        self.client_po_id._tell_cap_thresholds()

    def _get_cap_orders(self):
        return self

    def _get_cap_label(self):
        return self.name

    def _get_nothing_to_bill_message(self):
        """Say that nothing can be billed, and what is held back and why."""
        blocked = (
            self.env["billing.item"]
            .sudo()
            ._read_group(
                [
                    ("order_id", "in", self.ids),
                    ("is_open", "=", True),
                    ("blocked_reason", "!=", False),
                ],
                ["blocked_reason"],
                ["__count"],
            )
        )
        labels = dict(
            self.env["billing.item"]._fields["blocked_reason"]._description_selection(self.env)
        )
        message = self.env._(
            "There is nothing to bill for %(orders)s up to this date.",
            orders=", ".join(self.mapped("name")),
        )
        if blocked:
            held = [f"{labels[reason]} ({count})" for reason, count in blocked]
            message += "\n" + self.env._("Held back: %(reasons)s.", reasons=", ".join(held))
        return message

    # -- invoicing ------------------------------------------------------------------------------

    def _nothing_to_invoice_error_message(self):
        # EXTENDS sale: say what is held back, and why.
        if all(order.is_engagement for order in self):
            return self._get_nothing_to_bill_message()
        return super()._nothing_to_invoice_error_message()

    def _get_invoiceable_lines(self, final=False):
        # EXTENDS sale: lines with a rule are billed exactly when a pre-bill says so.
        lines = super()._get_invoiceable_lines(final)
        if not self.is_engagement:
            return lines
        bills = self.env["billing.prebill"]._get_bills_from_context()
        billed = self.order_line.filtered(lambda line: line in bills)
        stock = lines.filtered(lambda line: not line.billing_rule and not line.display_type)
        if self.env.context.get("billing_prebills_only"):
            stock = stock.browse()
        wanted = billed | stock.filtered(lambda line: not line.is_downpayment)
        deposits = stock.filtered("is_downpayment")
        if self._draws_deposits():
            deposits = deposits.browse()  # they are drawn once the bill's total is known
        return self._with_sections(wanted, lines) + deposits

    def _with_sections(self, wanted, lines):
        """Return `wanted` in the order of the order, under their sections, with the notes of `lines`."""
        result, headings = self.env["sale.order.line"], self.env["sale.order.line"]
        for line in self.order_line:
            if line.display_type == "line_section":
                headings = line
            elif line.display_type == "line_subsection":
                headings = (
                    headings.filtered(lambda head: head.display_type == "line_section") + line
                )
            elif line in wanted:
                result += headings + line
                headings = headings.browse()
            elif line.display_type and line in lines and not headings:
                result += line
        return result

    def _create_invoices(self, grouped=False, final=False, date=None):
        # EXTENDS sale: Odoo's own "Create Invoice" takes the same way as a pre-bill.
        engagements = self.filtered("is_engagement")
        if not engagements or self.env["billing.prebill"]._is_invoicing():
            return super()._create_invoices(grouped=grouped, final=final, date=date)
        prebills = engagements._gather_for_invoice_button()
        return prebills._invoice(orders=self, grouped=grouped, final=final, date=date)

    def _gather_for_invoice_button(self):
        context = self.env.context
        date_from, date_to = context.get("timesheet_start_date"), context.get("timesheet_end_date")
        waiting = self.sudo().prebill_ids.filtered("is_open")
        if waiting and (date_from or date_to):
            raise UserError(
                self.env._(
                    "%(orders)s already has the pre-bill %(prebill)s. Invoice or cancel it before "
                    "billing a period of its own.",
                    orders=", ".join(waiting.order_ids.mapped("name")),
                    prebill=", ".join(waiting.mapped("name")),
                )
            )
        prebills = self._gather_prebills(date_to, date_from)
        approved = waiting.filtered(lambda prebill: prebill.state == "approved").sudo(False)
        return prebills | approved

    def _prepare_invoice(self):
        # EXTENDS sale: the client finds the invoice by their own number.
        vals = super()._prepare_invoice()
        if self.client_po_number:
            vals["ref"] = self.client_po_number
        if date := self.env["billing.prebill"]._get_invoice_date_from_context(self):
            vals["invoice_date"] = date
        return vals

    def _create_account_invoices(self, invoice_vals_list, final):
        # EXTENDS sale: an invoice knows that it settles work in progress. Its settlements are many
        # more rows than its lines: they are written for all invoices together.
        settlements = []
        for vals in invoice_vals_list:
            mine = [
                command[2].pop("billing_allocation_ids", ()) for command in vals["invoice_line_ids"]
            ]
            vals["is_professional_bill"] = any(mine)
            settlements.append(mine)
        if any(map(any, settlements)):
            self._complete_journals(invoice_vals_list)
        moves = super()._create_account_invoices(invoice_vals_list, final)
        vals_list, plain = [], []
        for move, of_lines in zip(moves, settlements, strict=True):
            # Odoo creates the lines in their order, and others (of another module) after them.
            for line, bill in zip(move.invoice_line_ids.sorted("id"), of_lines, strict=False):
                if isinstance(bill, PlainTime):
                    bill.invoice_line_id = line.id
                    plain.append(bill)
                else:
                    vals_list += [
                        {**vals, "move_line_id": line.id, "invoice_line_id": line.id}
                        for vals in bill
                    ]
        self.env["billing.item"]._settle_bills(vals_list, plain)
        return moves

    @api.model
    def _complete_journals(self, invoice_vals_list):
        """Say the journal of new invoices, which Odoo would look for once for each of them."""
        journals = {}
        for vals in invoice_vals_list:
            if vals.get("journal_id"):
                continue
            about = {name: vals.get(name) for name in ("move_type", "company_id", "currency_id")}
            key = tuple(about.values())
            if key not in journals:
                journals[key] = self.env["account.move"].new(about).journal_id.id
            vals["journal_id"] = journals[key]
