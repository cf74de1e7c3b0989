from contextlib import contextmanager

from odoo import api, models
from odoo.tools import SQL

CHUNK = 1000


@contextmanager
def planned_for_many(cr):
    """Have the database plan for many rows.

    It believes that a table is as small as it was before this transaction filled it, and would go
    through it once for every row of another.
    """
    cr.execute("SET LOCAL enable_nestloop = off; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")
    yield
    cr.execute(
        "SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL jit TO DEFAULT; SET LOCAL work_mem TO DEFAULT"
    )


class CollectionBulk(models.AbstractModel):
    """Rows that one statement makes out of other rows, without their passing through here."""

    _name = "collection.bulk"
    _description = "Rows made of rows"
    _inherit = ["billing.bulk"]

    @api.model
    def _insert_select(self, columns, source, conflict=None):
        """Insert what `SELECT columns FROM source` returns; by `create` where that does more.

        :param columns: dict of SQL by field name
        :param source: SQL after `FROM`
        :param conflict: SQL of the unique index a row may be known by already, which is then left
            as it is
        """
        if not self._is_said_by(columns):
            self._create_selected(columns, source)
            return
        if self._log_access:
            now, uid = SQL("%s", self.env.cr.now()), SQL("%s", self.env.uid)
            columns = {
                **columns,
                "create_uid": uid,
                "write_uid": uid,
                "create_date": now,
                "write_date": now,
            }
        self.env.cr.execute(
            SQL(
                "INSERT INTO %s (%s) SELECT %s FROM %s %s",
                SQL.identifier(self._table),
                SQL(", ").join(map(SQL.identifier, columns)),
                SQL(", ").join(columns.values()),
                source,
                SQL("ON CONFLICT %s DO NOTHING", conflict) if conflict else SQL(),
            )
        )
        self.env.invalidate_all()

    @api.model
    def _create_selected(self, columns, source):
        rows = self.env.execute_query_dict(
            SQL(
                "SELECT * FROM (SELECT %s FROM %s) row (%s)",
                SQL(", ").join(columns.values()),
                source,
                SQL(", ").join(map(SQL.identifier, columns)),
            )
        )
        for start in range(0, len(rows), CHUNK):
            self.create(rows[start : start + CHUNK])
