from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tools import SQL

from ..exceptions import BusyError
from .billing_prebill_line import ON_BILL


class InvoicedPrebills(tuple):
    """The ids of the pre-bills being invoiced, in the context, where no client can put one.

    It keeps what is asked of them for each order and order line.
    """

    bills = prebills = None


class BillingPrebillInvoice(models.Model):
    """How pre-bills become invoices: checks, settlements, and Odoo's own order invoicing."""

    _inherit = "billing.prebill"

    @api.model
    def _from_context(self):
        """Return the pre-bills being invoiced, as superuser: rights are checked by `_invoice`."""
        ids = self.env.context["billing_prebill_ids"] if self._is_invoicing() else ()
        return self.sudo().browse(ids)

    @api.model
    def _is_invoicing(self):
        return isinstance(self.env.context.get("billing_prebill_ids"), InvoicedPrebills)

    @api.model
    def _get_bills_from_context(self):
        """Return {order line: what bills it} of the pre-bills being invoiced.

        What bills it is a list of `PlainTime`, or pre-bill lines.
        """
        if not self._is_invoicing():
            return {}
        kept = self.env.context["billing_prebill_ids"]
        if kept.bills is None:
            prebills = self._from_context()
            plain = prebills._get_plain_time()
            others = prebills._get_bill_lines(besides=plain)
            kept.bills = {**plain, **others.grouped("order_line_id")}
        return kept.bills

    @api.model
    def _get_plain_from_context(self):
        """Return {order line: [PlainTime]} of those that are billed by groups of plain time."""
        bills = self._get_bills_from_context()
        return {line: bill for line, bill in bills.items() if isinstance(bill, list)}

    @api.model
    def _get_invoice_date_from_context(self, order):
        """Return the date of the invoice being made for `order`, or None."""
        if not self._is_invoicing():
            return None
        kept = self.env.context["billing_prebill_ids"]
        if kept.prebills is None:
            kept.prebills = self._from_context()._group_by_order()
        dates = kept.prebills[order].mapped("invoice_date") if order in kept.prebills else []
        return next(filter(None, dates), self.env.context.get("billing_invoice_date"))

    def _group_by_order(self):
        """Return {order: its pre-bills among these}."""
        result = {}
        for prebill in self:
            for order in prebill.order_ids:
                result[order] = result.get(order, self.browse()) | prebill
        return result

    def _get_bill_lines(self, besides=()):
        """Return the lines that are on the bill, without those of the order lines `besides`."""
        lines = (
            self.env["billing.prebill.line"].search(
                [
                    ("prebill_id", "in", self.ids),
                    ("order_line_id", "not in", [line.id for line in besides]),
                ]
            )
            if besides
            else self.line_ids
        )
        return lines.filtered(
            lambda line: (
                line.decision in ON_BILL
                and (line.quantity or line.amount)
                and (line.amount or not line.cap_excess)
            )
        )

    def _get_items(self, besides=()):
        """Return the work on these pre-bills, whatever was decided on it.

        :param besides: `sale.order.line` records whose work is left out
        """
        self.env["billing.prebill.line"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT item_id FROM billing_prebill_line
                 WHERE prebill_id = ANY(%s) AND order_line_id != ALL(%s)
                """,
                self.ids,
                [line.id for line in besides],
            )
        )
        return self.env["billing.item"].browse([row[0] for row in rows])

    def _invoice(
        self, orders, grouped, final=False, date=None, only=False, post=False, is_fresh=False
    ):
        """Settle these pre-bills and invoice them through Odoo's own order invoicing.

        :param orders: `sale.order` records to invoice: those of the pre-bills, and with `only`
            false other lines and orders as Odoo invoices them
        :param grouped: one invoice per order, else one per customer and currency
        :param post: post the invoices, before Odoo's time entries are tied to them: each change of
            an invoice's state would compute them again
        :param is_fresh: this transaction has just gathered their work, under the orders' locks
        :return: the `account.move` records, drafts unless posted
        """
        self._check_invoice_rights()
        self._lock_for_invoice()
        prebills = self.sudo()
        prebills._check_state("approved", self.env._("invoiced"))
        if not is_fresh:
            prebills.order_ids.order_line.filtered("billing_rule")._accrue_billing()
            prebills._check_current()
        prebills._check_limits()
        prebills._check_not_below_zero()
        prebills._check_invoice_date()
        prebills._write_off()
        # The accountant need not see the projects and tasks Odoo reads for an order's invoice.
        orders = orders.sudo().with_context(
            billing_prebill_ids=InvoicedPrebills(self.ids),
            billing_prebills_only=only,
            mail_create_nolog=True,  # `_log_origin` says it of all invoices at once
            mail_notrack=True,
        )
        # Odoo asks these of one line after the other: they are read at once.
        invoiced = orders.order_line.invoice_lines
        invoiced.with_context(prefetch_fields=False).mapped("is_downpayment")
        orders.order_line.mapped("tax_ids")
        if only and not orders.env["billing.prebill"]._get_bills_from_context():
            moves = self.env["account.move"]
        else:
            moves = orders._create_invoices(grouped=grouped, final=final, date=date)
        moves._log_origin(post)
        prebills._finish(moves)
        moves = moves.sudo(self.env.su).with_env(self.env)
        if post:
            moves._post_at_once()
        plain = orders.env["billing.prebill"]._get_plain_from_context()
        prebills._get_items(besides=plain)._after_settlement()
        self.env["billing.item"].sudo()._link_plain_time(
            [part for bill in plain.values() for part in bill]
        )
        return moves

    def _invoice_for_run(self, post):
        """Invoice these pre-bills, one invoice per engagement, and `post` the invoices."""
        if not self:
            return self.env["account.move"]
        if not post:
            return self.action_invoice()
        # Odoo would date each invoice in a write of its own as it is posted.
        dated = self.with_context(billing_invoice_date=fields.Date.context_today(self))
        return dated._invoice(
            orders=dated.order_ids, grouped=True, only=True, post=True, is_fresh=True
        )

    def _check_invoice_rights(self):
        if not self.env.su and not self.env.user.has_group(
            "professional_billing.group_billing_officer"
        ):
            raise AccessError(
                self.env._(
                    "Engagements are invoiced by a billing officer. Ask one to bill %(orders)s.",
                    orders=", ".join(self.sudo().order_ids.mapped("name"))
                    or self.env._("this engagement"),
                )
            )
        self.check_access("write")
        pending = self.filtered(
            lambda prebill: prebill.needs_approval and prebill.state != "approved"
        )
        if pending:
            raise UserError(
                self.env._(
                    "Pre-bill %(names)s must be approved before it is invoiced. Open it and submit it "
                    "to its project manager.",
                    names=", ".join(pending.mapped("name")),
                )
            )
        self.filtered(lambda prebill: prebill.state != "approved").action_approve()

    def _lock_for_invoice(self):
        """Take the rows of these pre-bills: two people invoicing at once make one invoice."""
        locked = self.sudo().try_lock_for_update(allow_referencing=True)
        if busy := self - locked.sudo(False):
            raise BusyError(
                self.env._(
                    "Pre-bill %(names)s is being invoiced by someone else right now.",
                    names=", ".join(busy.mapped("name")),
                )
            )

    def _check_current(self):
        """Refuse to bill what is no longer open as the pre-bill says."""
        if line := self._get_outdated_lines()[:1]:
            raise UserError(
                self.env._(
                    "Pre-bill %(name)s: “%(line)s” has changed since it was gathered. Reopen the "
                    "pre-bill, refresh it and approve it again.",
                    name=line.prebill_id.name,
                    line=line.narrative or line.item_id.display_name,
                )
            )

    def _check_not_below_zero(self):
        """Refuse a bill that as a whole is less than nothing: no invoice can say that."""
        for prebill in self:
            if prebill.currency_id.compare_amounts(prebill.amount_bill, 0) < 0:
                raise UserError(
                    self.env._(
                        "Pre-bill %(name)s comes to %(amount)s, and an invoice cannot be less than "
                        "zero. Bill it together with more work, leave what is below zero in WIP, or "
                        "write it off.",
                        name=prebill.name,
                        amount=prebill.currency_id.format(prebill.amount_bill),
                    )
                )

    def _check_invoice_date(self):
        rated = {}
        for prebill in self:
            company = prebill.company_id
            date = prebill.invoice_date or company._billing_today()
            key = company, prebill.currency_id, date
            if key not in rated:
                rated[key] = company._has_exchange_rate(prebill.currency_id, date)
            if not rated[key]:
                raise UserError(
                    self.env._(
                        "There is no exchange rate for %(currency)s on %(date)s. Enter one under "
                        "Invoicing > Configuration > Currencies, then bill %(name)s.",
                        currency=prebill.currency_id.name,
                        date=date,
                        name=prebill.name,
                    )
                )
            locks = prebill.invoice_date and company._get_violated_lock_dates(
                prebill.invoice_date, False, self.env["account.journal"]
            )
            if locks:
                raise UserError(
                    self.env._(
                        "Pre-bill %(name)s: the books are closed up to %(locked)s. Choose a later "
                        "invoice date than %(date)s.",
                        name=prebill.name,
                        locked=max(lock[0] for lock in locks),
                        date=prebill.invoice_date,
                    )
                )

    def _write_off(self):
        """Write off what the review decided, and what a changed rate gives up or adds."""
        decided = self._get_decided_lines()
        vals_list = [vals for line in decided for vals in line._prepare_write_offs()]
        if vals_list:
            self.env["billing.item"]._settle(vals_list)

    @api.model
    def _prepare_order_line_bill(self, order_line):
        """Return the invoice line values that bill the pre-bills' work on `order_line`.

        Each carries its settlements, so that the line and the ledger are written together.
        """
        bill = self._get_bills_from_context().get(order_line)
        if not bill:
            return []
        method = self.env["billing.method"]._for_rule(order_line.billing_rule)
        if isinstance(bill, list):
            decimals = order_line.currency_id.decimal_places
            vals_list = [method._prepare_time_line(order_line, plain.work) for plain in bill]
            return [
                {**vals, "billing_allocation_ids": plain.settled_by(vals, decimals)}
                for plain, vals in zip(bill, vals_list, strict=True)
            ]
        return [
            {**vals, "billing_allocation_ids": part._prepare_allocations(vals)}
            for part, vals in method._prepare_bill_lines(order_line, bill.with_env(self.env))
        ]

    def _finish(self, moves):
        """Close the pre-bills: tie them to their invoices and let go of the work."""
        by_order = {}
        for move in moves.filtered("is_professional_bill"):
            for order in move.line_ids.sale_line_ids.order_id:
                by_order[order] = by_order.get(order, moves.browse()) | move
        self.write({"state": "invoiced"})
        self._fields["move_ids"].write_batch(
            [
                (
                    prebill,
                    [Command.set([m.id for o in prebill.order_ids for m in by_order.get(o, ())])],
                )
                for prebill in self
            ]
        )
        for date, dated in self.filtered("invoice_date").grouped("invoice_date").items():
            late = dated.move_ids.filtered(lambda move, date=date: move.invoice_date != date)
            if late:
                late.write({"invoice_date": date})
        self._release()
