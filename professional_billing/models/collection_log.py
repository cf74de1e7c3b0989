from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class CollectionLog(models.AbstractModel):
    """Rows written once: the database itself refuses to change or delete them.

    Links may be emptied, as foreign keys do when their target is deleted, and columns that hold
    nothing may be filled, as an upgrade does with a new column.
    """

    _name = "collection.log"
    _description = "Append-only Rows"

    # Links to records that may go away.
    _log_links = ()
    # Columns that say how far the row has come, and change with that.
    _log_progress = ()

    def init(self):
        if self._abstract:
            return
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION collection_log_append_only() RETURNS trigger
                LANGUAGE plpgsql AS $$
                DECLARE
                    links text[];
                    before jsonb;
                    after jsonb;
                BEGIN
                    IF TG_OP = 'UPDATE' THEN
                        links := TG_ARGV[0]::text[];
                        before := jsonb_strip_nulls(to_jsonb(OLD)) - TG_ARGV[1]::text[];
                        after := jsonb_strip_nulls(to_jsonb(NEW)) - TG_ARGV[1]::text[];
                        IF after @> (before - links)
                            AND before @> (SELECT COALESCE(jsonb_object_agg(key, value), '{}')
                                             FROM jsonb_each(after) WHERE key = ANY(links))
                        THEN
                            RETURN NEW;
                        END IF;
                    END IF;
                    RAISE EXCEPTION 'The collection log is append-only.';
                END $$;
                DROP TRIGGER IF EXISTS collection_log_append_only ON %(table)s;
                CREATE TRIGGER collection_log_append_only
                    BEFORE UPDATE OR DELETE ON %(table)s FOR EACH ROW
                    EXECUTE FUNCTION collection_log_append_only(%(links)s, %(progress)s);
                DROP TRIGGER IF EXISTS collection_log_no_truncate ON %(table)s;
                CREATE TRIGGER collection_log_no_truncate
                    BEFORE TRUNCATE ON %(table)s FOR EACH STATEMENT
                    EXECUTE FUNCTION collection_log_append_only();
                """,
                table=SQL.identifier(self._table),
                links="{" + ",".join(self._log_links) + "}",
                progress="{" + ",".join(self._log_progress) + "}",
            )
        )

    def write(self, vals):
        # OVERRIDE base: rows are written once
        allowed = {*self._log_progress, *(self.env.context.get("collection_fill") or ())}
        if self and (vals.keys() - allowed or not self.env.su):
            raise UserError(self._append_only_message())
        return super().write(vals)

    def _fill(self, vals):
        """Write columns that are still empty; from then on the database keeps them."""
        return self.sudo().with_context(collection_fill=tuple(vals)).write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        if self:
            raise UserError(self._append_only_message())

    def _append_only_message(self):
        return self.env._(
            "The collection log cannot be changed or deleted: it is the proof of what was sent. "
            "Write a note on the collection case instead."
        )
