import psycopg2

from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.field_kept import Many2oneKept
from .common import BillingCommon


@tagged("post_install", "-at_install")
class TestLinks(BillingCommon):
    """Links that the database looks up once for each target do all that a foreign key does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_engagement([cls.hours])
        cls.entry = cls._log_time(cls.order.order_line, 2)
        cls.item = cls.entry.billing_item_ids.sudo()

    def _refused(self):
        return self.assertRaises(psycopg2.errors.ForeignKeyViolation)

    def _insert_like(self, record, **values):
        """Insert a row like that of `record` but for `values`, without the ORM's help."""
        self.env.flush_all()
        table = record._table
        own = {"id", "timesheet_id", *values}
        names = [
            name
            for name, field in record._fields.items()
            if field.store and field.column_type and name not in own
        ]
        columns = SQL(", ").join(map(SQL.identifier, [*names, *values]))
        kept = SQL(", ").join(
            [*map(SQL.identifier, names), *(SQL("%s", v) for v in values.values())]
        )
        self.env.cr.execute(
            SQL(
                "INSERT INTO %(table)s (%(columns)s) SELECT %(kept)s FROM %(table)s WHERE id = %(id)s",
                table=SQL.identifier(table),
                columns=columns,
                kept=kept,
                id=record.id,
            )
        )

    @mute_logger("odoo.sql_db")
    def test_new_row_without_target(self):
        """Each link of each model, on rows that are inserted."""
        move = self._bill(self.order, post=True)
        line = self.env["billing.prebill.line"].sudo().search([("item_id", "=", self.item.id)])
        settlement = self.item.allocation_ids
        self.assertTrue(move and line and settlement)
        apart = {line: {"decision": "postpone"}}  # work has one line for each decision
        for record in (self.item, line, settlement):
            names = [
                name for name, field in record._fields.items() if isinstance(field, Many2oneKept)
            ]
            self.assertTrue(names)
            for name in names:
                with self.subTest(f"{record._name}.{name}"):
                    with self._refused() as caught, self.env.cr.savepoint():
                        self._insert_like(record, **apart.get(record, {}), **{name: 2**30})
                    self.assertEqual(
                        caught.exception.diag.constraint_name, f"{record._table}_{name}_fkey"
                    )

    @mute_logger("odoo.sql_db")
    def test_changed_row_without_target(self):
        with self._refused(), self.env.cr.savepoint():
            self.env.cr.execute(
                "UPDATE billing_item SET employee_id = %s WHERE id = %s", [2**30, self.item.id]
            )
        self.item.employee_id = self.env["hr.employee"].create({"name": "Somebody else"})
        self.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_target_goes(self):
        """What `ondelete` says is done: refuse, empty the link, take the rows along."""
        role = self.env["billing.role"].create({"name": "Expert"})
        self.item.role_id = role
        self.env.flush_all()
        with self._refused(), self.env.cr.savepoint():
            role.unlink()
        self.assertTrue(role.exists())
        project = self.env["project.project"].create({"name": "Another"})
        self.item.project_id = project
        self.env.flush_all()
        project.unlink()
        self.item.invalidate_recordset()
        self.assertFalse(self.item.project_id)
        # As a database does it, whatever Odoo allows.
        self.env.cr.execute("DELETE FROM sale_order_line WHERE id = %s", [self.order.order_line.id])
        self.assertFalse(self._query("SELECT id FROM billing_item WHERE id = %s", self.item.id))

    def test_target_is_locked(self):
        """Nobody deletes a target while new rows that link to it are not committed."""
        unit = self.item.uom_id
        self._log_time(self.order.order_line, 1)
        self.env.flush_all()
        with (
            db_connect(self.env.cr.dbname).cursor() as cr,
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.LockNotAvailable),
        ):
            cr.execute("SELECT FROM uom_uom WHERE id = %s FOR UPDATE NOWAIT", [unit.id])

    def test_merged_contacts(self):
        """Odoo merges contacts where it finds foreign keys, and here."""
        partner = self.item.partner_id
        other = partner.copy({"name": "The same one"})
        self.env["base.partner.merge.automatic.wizard"].sudo()._merge((partner + other).ids, other)
        self.item.invalidate_recordset()
        self.assertEqual(self.item.partner_id, other)

    def test_key_of_an_earlier_version(self):
        """An update drops the foreign key that a link had."""
        self.env.cr.execute(
            "ALTER TABLE billing_item ADD CONSTRAINT billing_item_employee_id_fkey"
            " FOREIGN KEY (employee_id) REFERENCES hr_employee (id)"
        )
        found = "SELECT conname FROM pg_constraint WHERE conname = %s"
        self.assertTrue(self._query(found, "billing_item_employee_id_fkey"))
        self.item._fields["employee_id"].update_db_foreign_key(self.item, None)
        self.assertFalse(self._query(found, "billing_item_employee_id_fkey"))
