"""How the database keeps the links of rows that come by the thousand (`Many2oneKept`).

Triggers for each statement do what a foreign key does for each row: one on the rows' own table looks
the targets of new rows up and locks them, one on each table they lead to does what `ondelete` says.
"""

from odoo import models
from odoo.tools import SQL

from .field_kept import Many2oneKept

#: What the functions are named by, so that they are found again.
PREFIX = "billing_kept_"

LOOK_UP = """
    IF {ids} IS NOT NULL THEN
        PERFORM FROM {target} WHERE id = ANY({ids}) FOR KEY SHARE;
        GET DIAGNOSTICS found = ROW_COUNT;
        IF found < cardinality({ids}) THEN
            RAISE foreign_key_violation USING
                MESSAGE = '{table}: what {column} leads to is gone.',
                TABLE = '{table}', COLUMN = '{column}', CONSTRAINT = '{table}_{column}_fkey';
        END IF;
    END IF;"""

#: What is done with the rows whose target goes, by `ondelete`.
ON_DELETE = {
    "cascade": """
    DELETE FROM {table} WHERE {column} IN (SELECT id FROM gone);""",
    "set null": """
    UPDATE {table} SET {column} = NULL WHERE {column} IN (SELECT id FROM gone);""",
    "restrict": """
    IF EXISTS (SELECT FROM {table} WHERE {column} IN (SELECT id FROM gone)) THEN
        RAISE foreign_key_violation USING
            MESSAGE = '{target}: still linked to by {column} of {table}.',
            TABLE = '{table}', COLUMN = '{column}', CONSTRAINT = '{table}_{column}_fkey';
    END IF;""",
}


def drop_functions(cr):
    """Remove the functions, and the triggers with them."""
    cr.execute(
        SQL(
            "SELECT proname FROM pg_proc WHERE pronamespace = current_schema::regnamespace"
            " AND starts_with(proname, %s)",
            PREFIX,
        )
    )
    for (name,) in cr.fetchall():
        cr.execute(SQL("DROP FUNCTION %s CASCADE", SQL.identifier(name)))


class BillingBulkLinks(models.AbstractModel):
    _inherit = "billing.bulk"

    def init(self):
        if not self._abstract:
            # Once all tables are there that the links lead to.
            self.pool.post_init(self._keep_links)
        return super().init()

    def _get_kept_links(self):
        """Return [(column, table it leads to, what is done when its target goes)]."""
        return [
            {
                "table": self._table,
                "column": field.name,
                "target": self.env[field.comodel_name]._table,
                "ids": f"ids_{field.name}",
                "ondelete": field.ondelete or "set null",
            }
            for field in self._fields.values()
            if isinstance(field, Many2oneKept)
        ]

    def _keep_links(self):
        links = self._get_kept_links()
        if not links:
            return
        self._keep_new_links(links)
        self._keep_changed_links(links)
        for target in {link["target"] for link in links}:
            self._keep_from(target, [link for link in links if link["target"] == target])

    def _keep_new_links(self, links):
        columns = ", ".join(
            "ARRAY_AGG(DISTINCT {column}) FILTER (WHERE {column} IS NOT NULL)".format(**link)
            for link in links
        )
        body = f"SELECT {columns} INTO {', '.join(link['ids'] for link in links)} FROM fresh;"
        body += "".join(LOOK_UP.format(**link) for link in links)
        self._make_trigger(
            f"{self._table}_new",
            self._table,
            "AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT",
            body,
            ["found int;", *(f"{link['ids']} int[];" for link in links)],
        )

    def _keep_changed_links(self, links):
        differs = "NEW.{column} IS DISTINCT FROM OLD.{column}"
        body = "".join(
            f"IF {differs} AND NEW.{{column}} IS NOT NULL THEN ids := ARRAY[NEW.{{column}}];"
            f"{LOOK_UP} END IF;".format(**{**link, "ids": "ids"})
            for link in links
        )
        columns = ", ".join(link["column"] for link in links)
        changed = " OR ".join(differs.format(**link) for link in links)
        self._make_trigger(
            f"{self._table}_changed",
            self._table,
            f"AFTER UPDATE OF {columns} ON {self._table} FOR EACH ROW WHEN ({changed})",
            body,
            ["found int;", "ids int[];"],
        )

    def _keep_from(self, target, links):
        """Do what is to be done when rows of the table `target` go."""
        self._make_trigger(
            f"{self._table}_{target}",
            target,
            "AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT",
            "".join(ON_DELETE[link["ondelete"]].format(**link) for link in links),
        )

    def _make_trigger(self, name, table, event, body, variables=()):
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION %(name)s() RETURNS trigger LANGUAGE plpgsql AS $$
                %(code)s $$;
                DROP TRIGGER IF EXISTS %(name)s ON %(table)s;
                CREATE TRIGGER %(name)s %(event)s EXECUTE FUNCTION %(name)s()
                """,
                name=SQL.identifier(PREFIX + name),
                code=SQL(f"DECLARE {' '.join(variables)} BEGIN {body} RETURN NULL; END"),
                table=SQL.identifier(table),
                event=SQL(event.format(table=table)),
            )
        )
