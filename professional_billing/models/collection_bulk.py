from odoo import api, models
from odoo.tools import SQL

from .billing_bulk import MAGIC

CHUNK = 1000


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
        selected = SQL(", ").join(columns.values())
        if not self._is_said_by(columns):
            return self._create_selected(columns, SQL("SELECT %s FROM %s", selected, source))
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO %(table)s (%(names)s, create_uid, write_uid, create_date, write_date)
                     SELECT %(selected)s, %(uid)s, %(uid)s, %(now)s, %(now)s
                       FROM %(source)s
                %(conflict)s
                """,
                table=SQL.identifier(self._table),
                names=SQL(", ").join(map(SQL.identifier, columns)),
                selected=selected,
                uid=self.env.uid,
                now=self.env.cr.now(),
                source=source,
                conflict=SQL("ON CONFLICT %s DO NOTHING", conflict) if conflict else SQL(),
            )
        )
        self.env.invalidate_all()

    @api.model
    def _create_selected(self, columns, query):
        assert not MAGIC & columns.keys()
        rows = self.env.execute_query_dict(
            SQL(
                "SELECT * FROM (%s) row (%s)",
                query,
                SQL(", ").join(map(SQL.identifier, columns)),
            )
        )
        for start in range(0, len(rows), CHUNK):
            self.create(rows[start : start + CHUNK])
