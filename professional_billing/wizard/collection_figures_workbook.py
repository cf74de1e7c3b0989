import base64
import io

import xlsxwriter

from odoo import api, fields, models
from odoo.tools import format_date


class CollectionFiguresWorkbook(models.TransientModel):
    """The figures, and what was owed at the end of the period, as a workbook."""

    _inherit = "collection.figures"

    workbook = fields.Binary(compute="_compute_workbook", export_string_translation=False)

    @api.depends("line_ids")
    def _compute_workbook(self):
        for figures in self:
            figures.workbook = base64.b64encode(figures._render_workbook())

    def action_export(self):
        """Download the figures and the ageing as a workbook."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/collection.figures/{self.id}/workbook/figures.xlsx?download=true",
        }

    def _render_workbook(self):
        """Return the figures and what was owed at the end, by customer, as a workbook."""
        self.ensure_one()
        output = io.BytesIO()
        book = xlsxwriter.Workbook(output, {"in_memory": True, "strings_to_formulas": False})
        bold = book.add_format({"bold": True})
        decimals = "0" * self.currency_id.decimal_places
        number = book.add_format({"num_format": f"#,##0.{decimals}" if decimals else "#,##0"})
        self._write_figures(book.add_worksheet(self.env._("Figures")), bold, number)
        self._write_ageing(book.add_worksheet(self.env._("Ageing")), bold, number)
        book.close()
        return output.getvalue()

    def _write_figures(self, sheet, bold, number):
        units = dict(
            self.env["collection.figures.line"]._fields["unit"]._description_selection(self.env)
        )
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, 1, 16)
        sheet.set_column(3, 3, 80)
        headings = [
            self.company_id.name,
            format_date(self.env, self.date_from),
            format_date(self.env, self.date_to),
            self.partner_id.display_name or self.env._("All customers"),
        ]
        sheet.write_row(0, 0, headings, bold)
        for index, line in enumerate(self.line_ids, start=1):
            sheet.write_string(index, 0, line.name)
            if line.is_known:
                sheet.write_number(index, 1, line.value, number)
            unit = self.currency_id.name if line.unit == "money" else units[line.unit]
            sheet.write_string(index, 2, unit)
            sheet.write_string(index, 3, line.working or "")

    def _write_ageing(self, sheet, bold, number):
        ages = dict(self.env["collection.ageing"]._fields["age"]._description_selection(self.env))
        groups = (
            self.env["collection.ageing"]
            .with_context(collection_as_of=fields.Date.to_string(self.date_to))
            ._read_group(
                self._get_scope(),
                ["partner_id", "user_id", "currency_id", "age"],
                ["open_amount:sum"],
            )
        )
        rows = {}
        for partner, user, currency, age, amount in groups:
            rows.setdefault((partner, user, currency), {})[age] = currency.round(amount)
        sheet.set_column(0, 1, 30)
        sheet.set_column(2, 2 + len(ages), 16)
        texts = [self.env._("Customer"), self.env._("Collector"), self.env._("Currency")]
        sheet.write_row(0, 0, [*texts, *ages.values(), self.env._("Total")], bold)
        sheet.freeze_panes(1, 0)
        for index, ((partner, user, currency), amounts) in enumerate(rows.items(), start=1):
            names = [partner.display_name, user.name or "", currency.name]
            sheet.write_row(index, 0, names)
            for column, age in enumerate(ages, start=3):
                sheet.write_number(index, column, amounts.get(age, 0), number)
            sheet.write_number(index, 3 + len(ages), currency.round(sum(amounts.values())), number)
