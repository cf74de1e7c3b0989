from odoo import fields


class CoveredMany2one(fields.Many2one):
    """A reference to a record that another reference of the same row keeps from being deleted.

    It has no foreign key of its own: the server would look each up for each row that is written, which
    is most of what a row costs that comes by the hundred thousand.
    """

    def update_db_foreign_key(self, model, column):
        pass
