import io
from collections.abc import Mapping

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


class Alike(Mapping):
    """The values of a row, all but a few of which it shares with other rows.

    :param shared: {field: value}, the same object for all rows that share it
    :param own: {field: value} of this row alone
    """

    __slots__ = ("own", "shared")

    def __init__(self, shared, own):
        self.shared, self.own = shared, own

    def __getitem__(self, name):
        return self.own[name] if name in self.own else self.shared[name]

    def __iter__(self):
        yield from self.own
        yield from (name for name in self.shared if name not in self.own)

    def __len__(self):
        return len(self.own.keys() | self.shared.keys())


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
        """
        if not vals_list:
            return
        rows = [vals if isinstance(vals, Alike) else Alike(vals, {}) for vals in vals_list]
        own = set().union(*(vals.own for vals in rows))
        parts = {id(vals.shared): vals.shared for vals in rows}.values()
        shared = set().union(*parts) - own
        names = own | shared
        if not self._is_said_by(names):
            computed = {name for name in names if self._fields[name].compute}
            self.create(
                [
                    {name: value for name, value in vals.items() if name not in computed}
                    for vals in rows
                ]
            )
            return
        columns = sorted(own), sorted(shared)
        command = SQL(
            "COPY %s (%s, create_date, write_date) FROM STDIN",
            SQL.identifier(self._table),
            SQL(", ").join(SQL.identifier(name) for part in columns for name in part),
        )
        self.env.cr.copy_expert(command.code, io.StringIO("".join(self._as_rows(rows, *columns))))
        self._tell_inverses([*parts, *(vals.own for vals in rows)], names)

    @api.model
    def _as_rows(self, rows, own_columns, shared_columns):
        """Yield rows as COPY reads them: what rows share is put into words once."""
        flags = {name for name, field in self._fields.items() if field.type == "boolean"}
        now = _as_text(self.env.cr.now())
        texts = {}
        for vals in rows:
            own, shared = vals.own, vals.shared
            if id(shared) not in texts:
                words = [_as_text(shared.get(name), name in flags) for name in shared_columns]
                texts[id(shared)] = "\t".join([*words, now, now]) + "\n"
            for name in own_columns:
                # A value of its own, or what this row shares with some but not with all.
                value = own[name] if name in own else shared.get(name)
                yield _as_text(value, name in flags) + "\t"
            yield texts[id(shared)]

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

    @api.model
    def _execute_by_index(self, query):
        """Execute a statement that changes rows by the thousand, each looked up by an index.

        PostgreSQL takes thousands of look-ups for dearer than reading a whole table, however much is in
        it that has been billed long ago.

        :return: how many rows it changed
        """
        self.env.cr.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        self.env.cr.execute(query)
        changed = self.env.cr.rowcount
        self.env.cr.execute(
            "SET LOCAL enable_hashjoin TO DEFAULT; SET LOCAL enable_mergejoin TO DEFAULT"
        )
        return changed
