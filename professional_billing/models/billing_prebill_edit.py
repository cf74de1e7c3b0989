from odoo import models
from odoo.exceptions import UserError

from .billing_prebill_line import REVIEWED_FIELDS


class BillingPrebillEdit(models.Model):
    """Totals that follow what is typed in the lines of a pre-bill, before it is saved."""

    _inherit = "billing.prebill"

    def onchange(self, values, field_names, fields_spec):
        # OVERRIDES web for a change of the lines: Odoo would compute and compare each of them, for
        # minutes on a large bill. Saving and undoing tells the same, limits of the contract included.
        if not self or field_names != ["line_ids"]:
            return super().onchange(values, field_names, fields_spec)
        self.check_access("write")
        spec = {
            name: fields_spec[name] for name in fields_spec if self._fields[name].type == "monetary"
        }
        spec["realisation"] = {}
        savepoint = self.env.cr.savepoint()
        try:
            self.write({"line_ids": self._get_line_edits(values["line_ids"])})
            [value] = self.web_read(spec)
        except UserError:
            return {}  # saving says it
        finally:
            savepoint.close(rollback=True)
        value.pop("id")
        return {"value": value}

    def _get_line_edits(self, commands):
        """Return what of these commands a reviewer enters; the rest follows from it."""
        edits = []
        for code, line_id, vals in commands:
            if code == 1:
                vals = {name: vals[name] for name in vals if name in REVIEWED_FIELDS}
            if code in (1, 2):
                edits.append((code, line_id, vals))
        return edits
