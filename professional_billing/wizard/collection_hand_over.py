import io

import xlsxwriter

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

MANAGERS = "professional_billing.group_collection_manager"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class CollectionHandOver(models.TransientModel):
    """Cases handed over to an agency: a workbook of what it needs, and no reminders from then on.

    The workbook says who owes what and what was asked when; notes, calls and opinions stay here.
    """

    _name = "collection.hand.over"
    _description = "Hand Over to an Agency"

    case_ids = fields.Many2many("collection.case", string="Cases", required=True)
    agency_id = fields.Many2one(
        "res.partner",
        string="Agency or lawyer",
        required=True,
        domain=[("is_company", "=", True)],
    )

    @api.model
    def default_get(self, fields):
        # EXTENDS web
        result = super().default_get(fields)
        if self.env.context.get("active_model") == "collection.case":
            result["case_ids"] = self.env.context.get("active_ids")
        return result

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_hand_over(self):
        """Put the cases on hold as handed over and return their workbook.

        A case that is handed over already is exported again, and stays as it is.

        :raise AccessError: for who is no collection manager
        :raise UserError: when a case has nothing overdue
        """
        self.ensure_one()
        if not self.env.user.has_group(MANAGERS):
            raise AccessError(
                self.env._("Cases are handed over by a collection manager. Ask one to do it.")
            )
        if not self.case_ids:
            raise UserError(self.env._("Select the cases first."))
        items = {case: case._get_overdue_lines() for case in self.case_ids}
        if paid := next((case for case, lines in items.items() if not lines), None):
            raise UserError(
                self.env._(
                    "%(case)s has nothing overdue: there is nothing to hand over. Take it out.",
                    case=paid.display_name,
                )
            )
        content = self._make_workbook(items)
        self._hold()
        attachment = self.env["ir.attachment"].create(
            {
                "name": self.env._("Hand-over %(date)s.xlsx", date=self._get_day()),
                "raw": content,
                "mimetype": XLSX,
                "res_model": self._name,
                "res_id": self.id,
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}?download=true",
            "target": "download",
        }

    # ------------------------------------------------------------
    # BUSINESS
    # ------------------------------------------------------------

    def _get_day(self):
        return self.case_ids[:1].company_id._billing_today()

    def _hold(self):
        held = (
            self.env["collection.hold"]
            .search(
                [
                    ("case_id", "in", self.case_ids.ids),
                    ("kind", "=", "legal"),
                    ("state", "=", "active"),
                ]
            )
            .case_id
        )
        reason = self.env._("Handed over to %(agency)s", agency=self.agency_id.name)
        self.env["collection.hold"].create(
            [
                {
                    "case_id": case.id,
                    "kind": "legal",
                    "reason": reason,
                    "date_from": case.company_id._billing_today(),
                }
                for case in self.case_ids - held
            ]
        )
        for case in self.case_ids:
            case._message_log(body=reason)

    # -- workbook -------------------------------------------------------------------------------

    def _make_workbook(self, items):
        output = io.BytesIO()
        # Whatever a customer is called, it is text and no formula or link.
        book = xlsxwriter.Workbook(
            output,
            {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        )
        for name, columns, rows in (
            (self.env._("Customers"), self._get_customer_columns(), self._list_customers(items)),
            (self.env._("Contacts"), self._get_contact_columns(), self._list_contacts()),
            (self.env._("Open items"), self._get_item_columns(), self._list_items(items)),
            (self.env._("Reminders"), self._get_reminder_columns(), self._list_reminders(items)),
        ):
            self._write_sheet(book, name, columns, rows)
        book.close()
        return output.getvalue()

    @staticmethod
    def _write_sheet(book, name, columns, rows):
        sheet = book.add_worksheet(name)
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for index, (heading, width) in enumerate(columns):
            sheet.set_column(index, index, width)
            sheet.write_string(0, index, heading, bold)
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, 1):
            for index, value in enumerate(row):
                if hasattr(value, "year"):
                    sheet.write_datetime(number, index, value, day)
                elif isinstance(value, int | float) and not isinstance(value, bool):
                    sheet.write_number(number, index, value)
                elif value:
                    sheet.write_string(number, index, str(value))

    def _get_customer_columns(self):
        return [
            (self.env._("Customer"), 30),
            (self.env._("Street"), 24),
            (self.env._("Street 2"), 16),
            (self.env._("ZIP"), 10),
            (self.env._("City"), 18),
            (self.env._("Country"), 14),
            (self.env._("Tax ID"), 18),
            (self.env._("E-mail"), 28),
            (self.env._("Phone"), 18),
            (self.env._("Language"), 10),
            (self.env._("Currency"), 9),
            (self.env._("Overdue"), 12),
            (self.env._("Unallocated credit"), 16),
        ]

    def _list_customers(self, items):
        for case, lines in items.items():
            customer = case.partner_id
            yield (
                customer.name,
                customer.street,
                customer.street2,
                customer.zip,
                customer.city,
                customer.country_id.name,
                customer.vat,
                customer.email,
                customer.phone,
                customer.lang,
                case.currency_id.name,
                case.currency_id.round(sum(lines.mapped("amount_residual_currency"))),
                case.credit_amount,
            )

    def _get_contact_columns(self):
        return [
            (self.env._("Customer"), 30),
            (self.env._("Contact"), 26),
            (self.env._("E-mail"), 28),
            (self.env._("Phone"), 18),
        ]

    def _list_contacts(self):
        for customer in self.case_ids.partner_id:
            cases = self.case_ids.filtered(
                lambda case, customer=customer: case.partner_id == customer
            )
            chosen = cases.contact_ids | self.env["res.partner"].union(
                *(case._get_recipients() for case in cases)
            )
            for contact in chosen - customer:
                yield customer.name, contact.name, contact.email, contact.phone

    def _get_item_columns(self):
        return [
            (self.env._("Customer"), 30),
            (self.env._("Invoice"), 20),
            (self.env._("Reference"), 18),
            (self.env._("Invoice date"), 12),
            (self.env._("Due date"), 12),
            (self.env._("Days late"), 10),
            (self.env._("Currency"), 9),
            (self.env._("Instalment"), 12),
            (self.env._("Open"), 12),
            (self.env._("In dispute"), 12),
        ]

    def _list_items(self, items):
        for case, lines in items.items():
            today = case.company_id._billing_today()
            disputed = case._get_disputed_amounts(lines)
            for line in lines.sorted(lambda line: (line._collection_due_date(), line.id)):
                yield (
                    case.partner_id.name,
                    line.move_id.name,
                    line.move_id.ref,
                    line.move_id.invoice_date,
                    line._collection_due_date(),
                    line._collection_late_on(today),
                    line.currency_id.name,
                    line.amount_currency,
                    line.amount_residual_currency,
                    disputed[line],
                )

    def _get_reminder_columns(self):
        return [
            (self.env._("Customer"), 30),
            (self.env._("Date"), 12),
            (self.env._("Invoice"), 20),
            (self.env._("Reminder"), 20),
            (self.env._("Sent by"), 12),
            (self.env._("Recipient"), 34),
            (self.env._("Asked then"), 12),
            (self.env._("Delivery"), 16),
        ]

    def _list_reminders(self, items):
        events = self.env["collection.event"]
        channels = dict(events._fields["channel"]._description_selection(self.env))
        states = dict(events._fields["state"]._description_selection(self.env))
        for case, lines in items.items():
            asked = case.event_ids.filtered(
                lambda event, lines=lines: event.move_ref in lines.move_id.ids
            )
            for event in asked.sorted("id"):
                yield (
                    case.partner_id.name,
                    event.date,
                    event.move_name,
                    event.level_name,
                    channels.get(event.channel),
                    event.recipient,
                    event.residual,
                    states.get(event.state),
                )


class CollectionCaseHandOver(models.Model):
    _inherit = "collection.case"

    def _get_disputed_amounts(self, lines):
        """Return what of each open instalment of this case is in dispute."""
        today = self.company_id._billing_today()
        wholly = self.hold_ids.filtered(
            lambda hold: (
                hold.state == "active" and hold.kind == "dispute" and not hold.disputed_amount
            )
        )
        decisions = self.env["collection.decision"]._decide(lines, today)
        return {
            line: line.amount_residual_currency
            if any(not hold.move_ids or line.move_id in hold.move_ids for hold in wholly)
            else self.currency_id.round(line.amount_residual_currency - decisions[line].asked)
            for line in lines
        }
