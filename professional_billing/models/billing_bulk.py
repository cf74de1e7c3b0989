import io

from odoo import api, models
from odoo.tools import SQL

MAGIC = {"id", "create_uid", "create_date", "write_uid", "write_date"}


#: What PostgreSQL's COPY would take for the end of a value or a row.
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _as_text(value, is_flag=False):
    """Return a value of a column as COPY reads it; what is False is empty, but for a flag."""
    if is_flag:
        return "t" if value else "f"
    if value is None or value is False:
        return "\\N"
    return value.translate(ESCAPES) if isinstance(value, str) else str(value)


class BillingBulk(models.AbstractModel):
    """Rows that come by the thousand, written by one statement for all of them.

    Only where that is the same as `create`: no stored field is left to be computed or to take a
    default. A module that adds such a field makes these models take Odoo's own way by itself.
    They name no author until somebody changes them, since the server looks every name up: who gathered,
    billed or wrote off is said by the pre-bill and the settlement.
    """

    _name = "billing.bulk"
    _description = "Rows written many at once"

    # Inverse fields of which whoever inserts keeps in step what depends on them.
    _inverses_kept_in_step = ()

    @api.model
    def _is_said_by(self, names):
        """Tell whether values of the fields `names` leave no stored field to Odoo."""
        return all(
            field.name in names or not (field.compute or field.default)
            for field in self._fields.values()
            if field.store and field.column_type and field.name not in MAGIC
        )

    @api.model
    def _insert(self, vals_list):
        """Do what `create` does, for values that say every stored field.

        Called as superuser, by the engine: checks of what people enter are not made.

        :return: the records, in the order of `vals_list`
        """
        if not vals_list:
            return self.browse()
        names = set().union(*vals_list)
        if not self._is_said_by(names):
            computed = {name for name in names if self._fields[name].compute}
            return self.create(
                [
                    {name: value for name, value in vals.items() if name not in computed}
                    for vals in vals_list
                ]
            )
        columns = sorted(names)
        flags = {name for name in names if self._fields[name].type == "boolean"}
        table = SQL.identifier(self._table)
        ids = [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                    self._table,
                    len(vals_list),
                )
            )
        ]
        ending = [_as_text(self.env.cr.now())] * 2
        rows = "\n".join(
            "\t".join(
                [
                    str(record_id),
                    *(_as_text(vals.get(name), name in flags) for name in columns),
                    *ending,
                ]
            )
            for record_id, vals in zip(ids, vals_list, strict=True)
        )
        command = SQL(
            "COPY %s (id, %s, create_date, write_date) FROM STDIN",
            table,
            SQL(", ").join(map(SQL.identifier, columns)),
        )
        self.env.cr.copy_expert(command.code, io.StringIO(rows))
        records = self.browse(ids)
        self._tell_inverses(vals_list, names)
        return records

    @api.model
    def _tell_inverses(self, vals_list, names):
        """Let what depends on these new rows, by an inverse field, be computed again."""
        for name in names:
            for inverse in self.pool.field_inverses[self._fields[name]]:
                ids = {vals[name] for vals in vals_list if vals.get(name)}
                records = self.env[inverse.model_name].browse(ids)
                records.invalidate_recordset([inverse.name], flush=False)
                if str(inverse) not in self._inverses_kept_in_step:
                    records.modified([inverse.name])
