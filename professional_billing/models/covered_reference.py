from odoo import fields


class CoveredMany2one(fields.Many2one):
    """A reference to a record that something else keeps from being deleted as long as the row is there.

    It has no foreign key of its own: the server would look each up for each row that is written, which
    is most of what a row costs that comes by the hundred thousand.
    """

    def update_db_foreign_key(self, model, column):
        pass
