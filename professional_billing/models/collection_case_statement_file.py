import io

import xlsxwriter

from odoo import models
from odoo.tools import format_date

from .account_move_annex import MIMETYPES, PDF, XLSX
from .collection_case_statement import CREDIT_NOTE, INVOICE, OTHER, PAYMENT

REPORT = "professional_billing.report_collection_statement"


class CollectionCaseStatementFile(models.Model):
    """A statement as a file, in the customer's language: PDF, or a workbook."""

    _inherit = "collection.case"

    def _get_statement_lang(self):
        return self._get_recipient_lang(self.partner_id)

    def _get_statement_file(self, kind, date_to, date_from=None):
        """Return (file name, content) of the statement of these cases, `kind` is `pdf` or `xlsx`.

        A workbook has a sheet for each case, a PDF begins each on a page of its own.
        """
        render = {PDF: self._render_statement_pdf, XLSX: self._render_statement_xlsx}[kind]
        name = self._in_statement_lang()._get_statement_file_name(kind, date_to)
        return name, render(date_to, date_from)

    def _prepare_statement_attachment(self, kind, date_to, date_from=None):
        name, content = self._get_statement_file(kind, date_to, date_from)
        return {
            "name": name,
            "raw": content,
            "mimetype": MIMETYPES[kind],
            "res_model": self._name,
            "res_id": self.id,
        }

    def _in_statement_lang(self):
        return self.with_context(lang=self[:1]._get_statement_lang())

    def _get_statement_file_name(self, kind, date_to):
        name = "".join(
            letter if letter.isalnum() or letter in " -_." else "-"
            for letter in (self.display_name if len(self) == 1 else self.env._("all"))
        )
        return self.env._(
            "Statement %(name)s %(date)s.%(kind)s", name=name, date=date_to.isoformat(), kind=kind
        )

    def _render_statement_pdf(self, date_to, date_from):
        content, _type = (
            self.env["ir.actions.report"]
            .sudo()
            ._render_qweb_pdf(REPORT, self.ids, data={"date_to": date_to, "date_from": date_from})
        )
        return content

    def _format_statement_date(self, date):
        return format_date(self.env, date)

    def _get_statement_kinds(self):
        return {
            INVOICE: self.env._("Invoice"),
            CREDIT_NOTE: self.env._("Credit note"),
            PAYMENT: self.env._("Payment"),
            OTHER: self.env._("Other"),
        }

    def _get_statement_ages(self, statement):
        """Return (label, amount) of each column of the ageing; credits stand apart."""
        labels = (
            self.env._("1 to 30 days"),
            self.env._("31 to 60 days"),
            self.env._("61 to 90 days"),
            self.env._("Over 90 days"),
        )
        aged = statement.ageing
        return [
            (self.env._("Not due"), aged.not_due),
            *zip(labels, (bucket.amount for bucket in aged.buckets), strict=True),
            (self.env._("Not allocated"), aged.credits),
            (self.env._("Total"), aged.total),
        ]

    # -- workbook -------------------------------------------------------------------------------

    def _render_statement_xlsx(self, date_to, date_from):
        """Return a workbook whose dates and amounts are real ones."""
        output = io.BytesIO()
        book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False})
        for number, case in enumerate(self, start=1):
            case._in_statement_lang()._write_statement_sheet(book, number, date_to, date_from)
        book.close()
        return output.getvalue()

    def _write_statement_sheet(self, book, number, date_to, date_from):
        statement = self._get_statement(date_to, date_from)
        sheet = book.add_worksheet(f"{number} {self.currency_id.name}")
        decimals = "0" * self.currency_id.decimal_places
        formats = {
            "head": book.add_format({"bold": True}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "money": book.add_format({"num_format": f"#,##0.{decimals}" if decimals else "#,##0"}),
        }
        for column, width in enumerate((14, 30, 24, 14, 12, 16, 16)):
            sheet.set_column(column, column, width)
        title = [self.company_id.name, self.partner_id.name, self.currency_id.name]
        sheet.write_row(0, 0, title, formats["head"])
        row = 2
        if statement.activity:
            row = self._write_statement_activity(sheet, row, formats, statement, date_from, date_to)
        row = self._write_statement_items(sheet, row, formats, statement)
        for column, (label, amount) in enumerate(self._get_statement_ages(statement)):
            sheet.write_string(row, column, label, formats["head"])
            sheet.write_number(row + 1, column, float(amount), formats["money"])

    def _write_statement_activity(self, sheet, row, formats, statement, date_from, date_to):
        headings = [
            self.env._("Date"),
            self.env._("Document"),
            self.env._("Kind"),
            self.env._("Amount"),
            self.env._("Balance"),
        ]
        sheet.write_row(row, 0, headings, formats["head"])
        kinds = self._get_statement_kinds()
        activity = statement.activity
        rows = [(date_from, self.env._("Opening balance"), "", None, activity.opening)]
        rows += [
            (entry.date, entry.name, kinds[entry.kind], entry.amount, entry.balance)
            for entry in activity.entries
        ]
        rows.append((date_to, self.env._("Closing balance"), "", None, activity.closing))
        for date, name, kind, amount, balance in rows:
            row += 1
            sheet.write_datetime(row, 0, date, formats["date"])
            sheet.write_string(row, 1, name)
            sheet.write_string(row, 2, kind)
            if amount is not None:
                sheet.write_number(row, 3, float(amount), formats["money"])
            sheet.write_number(row, 4, float(balance), formats["money"])
        return row + 2

    def _write_statement_items(self, sheet, row, formats, statement):
        headings = [
            self.env._("Date"),
            self.env._("Document"),
            self.env._("Reference"),
            self.env._("Due date"),
            self.env._("Days late"),
            self.env._("Original amount"),
            self.env._("Open"),
        ]
        sheet.write_row(row, 0, headings, formats["head"])
        for item in statement.items:
            row += 1
            sheet.write_datetime(row, 0, item.date, formats["date"])
            sheet.write_string(row, 1, item.name)
            sheet.write_string(row, 2, item.reference)
            sheet.write_datetime(row, 3, item.due, formats["date"])
            sheet.write_number(row, 4, item.days_late)
            sheet.write_number(row, 5, float(item.amount), formats["money"])
            sheet.write_number(row, 6, float(item.open), formats["money"])
        return row + 2
