import io

import xlsxwriter

from odoo import api, fields, models
from odoo.tools import format_date

PDF, XLSX = "pdf", "xlsx"
FORMATS = {"pdf": (PDF,), "xlsx": (XLSX,), "both": (PDF, XLSX)}
REPORT = "professional_billing.report_invoice_annex"
MIMETYPES = {
    PDF: "application/pdf",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class AccountMoveAnnex(models.Model):
    """The annex of a bill: every piece of work it bills, line by line, for the client."""

    _inherit = "account.move"

    billing_annex_ids = fields.Many2many(
        "ir.attachment",
        "account_move_billing_annex_rel",
        string="Annexes",
        copy=False,
        help="The detail of the work, as it was sent.",
    )

    def _get_annex_formats(self):
        """Return the file types that the engagements on this invoice want, `pdf` and `xlsx`."""
        if not self.is_professional_bill:
            return []
        wanted = self.sudo().invoice_line_ids.sale_line_ids.order_id.mapped("billing_annex")
        return [
            kind for kind in (PDF, XLSX) if any(kind in FORMATS.get(annex, ()) for annex in wanted)
        ]

    def _get_annex_name(self, kind):
        move = self.with_context(lang=self.partner_id.lang or self.env.lang)
        name = (self.name or "").replace("/", "-")
        return move.env._("%(invoice)s detail.%(kind)s", invoice=name, kind=kind)

    def _get_annex_sections(self):
        """Return what each invoice line bills, in the order of the invoice.

        :return: list of dict with `name`, `rows` (dicts with `date`, `person`, `description`,
            `quantity`, `unit`, `rate`, `amount`), `quantity` and `amount`, the totals
        """
        self.ensure_one()
        move = self.sudo().with_context(lang=self.partner_id.lang or self.env.lang)
        lines = move.invoice_line_ids.filtered("billing_settlement_ids")
        billed = lines._get_billed_entries()
        return [
            move._prepare_annex_section(line, billed[line])
            for line in lines.sorted("sequence")
            if billed[line]
        ]

    def _prepare_annex_section(self, line, entries):
        rows = [self._prepare_annex_row(entry) for entry in reversed(entries)]
        time = [row["quantity"] for row in rows if row["unit"]]
        return {
            "name": (line.name or "").split("\n")[0],
            "rows": rows,
            "quantity": sum(time) if time else None,
            "amount": sum(row["amount"] for row in rows),
        }

    def _prepare_annex_row(self, entry):
        item = self.env["billing.item"].browse(entry.key)
        time = item.kind == "time"
        return {
            "date": item.date,
            "person": item.employee_id.name or "",
            "description": item.description or "",
            "quantity": float(entry.quantity) if time else None,
            "unit": item.uom_id.name if time else "",
            "rate": item.rate if time else None,
            "amount": float(entry.amount),
        }

    # -- files ----------------------------------------------------------------------------------

    def _make_annexes(self):
        """Make the annexes that are wanted and not made yet; return those of these invoices."""
        for move in self:
            if move.billing_annex_ids:
                continue
            vals_list = [
                {
                    "name": move._get_annex_name(kind),
                    "raw": getattr(move, f"_render_annex_{kind}")(),
                    "mimetype": MIMETYPES[kind],
                    "res_model": move._name,
                    "res_id": move.id,
                }
                for kind in move._get_annex_formats()
            ]
            move.billing_annex_ids = self.env["ir.attachment"].sudo().create(vals_list)
        return self.billing_annex_ids

    def _render_annex_pdf(self):
        content, _type = self.env["ir.actions.report"].sudo()._render_qweb_pdf(REPORT, self.ids)
        return content

    def _render_annex_xlsx(self):
        """Return the detail as a workbook of one sheet; dates and amounts are real ones."""
        move = self.with_context(lang=self.partner_id.lang or self.env.lang)
        output = io.BytesIO()
        book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False})
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        decimals = "0" * self.currency_id.decimal_places
        money = book.add_format({"num_format": f"#,##0.{decimals}" if decimals else "#,##0"})
        for column, width in enumerate((30, 12, 22, 60, 10, 10, 14)):
            sheet.set_column(column, column, width)
        sheet.write_row(0, 0, move._get_annex_headings(), bold)
        sheet.freeze_panes(1, 0)
        number = 1
        for section in move._get_annex_sections():
            for row in section["rows"]:
                sheet.write_string(number, 0, section["name"])
                sheet.write_datetime(number, 1, row["date"], date)
                sheet.write_string(number, 2, row["person"])
                sheet.write_string(number, 3, row["description"])
                if row["quantity"] is not None:
                    sheet.write_number(number, 4, row["quantity"])
                    sheet.write_number(number, 5, row["rate"], money)
                sheet.write_number(number, 6, row["amount"], money)
                number += 1
        book.close()
        return output.getvalue()

    def _get_annex_headings(self):
        return [
            self.env._("Invoice line"),
            self.env._("Date"),
            self.env._("Person"),
            self.env._("Description"),
            self.env._("Hours"),
            self.env._("Rate"),
            self.env._("Amount (%(currency)s)", currency=self.currency_id.name),
        ]

    def _format_annex_date(self, date):
        return format_date(self.env, date, lang_code=self.partner_id.lang or self.env.lang)


class AccountMoveSendAnnex(models.AbstractModel):
    _inherit = "account.move.send"

    @api.model
    def _get_placeholder_mail_attachments_data(
        self, move, invoice_edi_format=None, extra_edis=None, pdf_report=None
    ):
        # EXTENDS account: the annexes are announced before they are made, as the invoice's PDF is.
        data = super()._get_placeholder_mail_attachments_data(
            move,
            invoice_edi_format=invoice_edi_format,
            extra_edis=extra_edis,
            pdf_report=pdf_report,
        )
        if move.billing_annex_ids:
            return data
        names = {kind: move._get_annex_name(kind) for kind in move._get_annex_formats()}
        return data + [
            {
                "id": f"placeholder_{name}",
                "name": name,
                "mimetype": MIMETYPES[kind],
                "placeholder": True,
            }
            for kind, name in names.items()
        ]

    @api.model
    def _hook_invoice_document_after_pdf_report_render(self, invoice, invoice_data):
        # EXTENDS account
        result = super()._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        invoice._make_annexes()
        return result

    @api.model
    def _get_invoice_extra_attachments(self, move):
        # EXTENDS account
        return super()._get_invoice_extra_attachments(move) | move.billing_annex_ids
