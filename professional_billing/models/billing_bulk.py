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


class Alike(dict):
    """The values of a row, all but a few of which it shares with other rows; not to be changed.

    :param shared: {field: value}, the same object for all rows that share it
    :param own: {field: value} of this row alone
    """

    __slots__ = ("own", "shared")

    def __init__(self, shared, own):
        super().__init__(shared)
        self.update(own)
        self.shared, self.own = shared, own


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
        own = set().union(*(vals.own for vals in vals_list if isinstance(vals, Alike)))
        columns = sorted(names - own), sorted(own)
        command = SQL(
            "COPY %s (id, create_date, write_date, %s) FROM STDIN",
            SQL.identifier(self._table),
            SQL(", ").join(SQL.identifier(name) for part in columns for name in part),
        )
        rows = io.StringIO("\n".join(self._as_rows(ids, vals_list, *columns)))
        self.env.cr.copy_expert(command.code, rows)
        records = self.browse(ids)
        self._tell_inverses(vals_list, names)
        return records

    @api.model
    def _as_rows(self, ids, vals_list, shared_columns, own_columns):
        """Yield rows as COPY reads them: what rows share is put into words once."""
        flags = {name for name, field in self._fields.items() if field.type == "boolean"}
        now = _as_text(self.env.cr.now())
        texts = {}
        for record_id, vals in zip(ids, vals_list, strict=True):
            shared = getattr(vals, "shared", vals)
            if id(shared) not in texts:
                texts[id(shared)] = [
                    _as_text(shared.get(name), name in flags) for name in shared_columns
                ]
            own = [_as_text(vals.get(name), name in flags) for name in own_columns]
            yield "\t".join([str(record_id), now, now, *texts[id(shared)], *own])

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
