from odoo import fields
from odoo.tools import sql


class Many2oneUnchecked(fields.Many2one):
    """A link that the database does not look up for each row that is written.

    Looking up is half of what rows by the hundred thousand cost. For links only whose target stays as
    long as the row does: what is refused there is said where the target could be deleted.
    """

    def update_db_foreign_key(self, model, column):
        # OVERRIDES base: no foreign key, and none that an earlier version left
        name = f"{model._table}_{self.name}_fkey"
        if sql.constraint_definition(model.env.cr, model._table, name):
            sql.drop_constraint(model.env.cr, model._table, name)
