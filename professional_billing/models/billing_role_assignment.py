from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class BillingRoleAssignment(models.Model):
    """The role somebody has on one project, when it is not their own: a senior billed as consultant."""

    _name = "billing.role.assignment"
    _description = "Role on a project"
    _order = "project_id, employee_id, date_from desc"
    _check_company_auto = True

    project_id = fields.Many2one("project.project", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="project_id.company_id", store=True, precompute=True)
    employee_id = fields.Many2one(
        "hr.employee", string="Person", required=True, index=True, ondelete="cascade"
    )
    role_id = fields.Many2one(
        "billing.role", string="Billed as", required=True, ondelete="restrict"
    )
    date_from = fields.Date(string="From", help="First day of work; empty: from the beginning.")
    date_to = fields.Date(string="To", help="Last day of work; empty: for good.")

    @api.constrains("project_id", "employee_id", "date_from", "date_to")
    def _check_overlap(self):
        filed = self.search(
            Domain("project_id", "in", self.project_id.ids)
            & Domain("employee_id", "in", self.employee_id.ids)
        ).grouped(lambda row: (row.project_id, row.employee_id))
        for assignment in self:
            same = filed[assignment.project_id, assignment.employee_id] - assignment
            if any(assignment._overlaps(other) for other in same):
                raise ValidationError(
                    self.env._(
                        "%(person)s already has a role on %(project)s in these days. End that one "
                        "first.",
                        person=assignment.employee_id.name,
                        project=assignment.project_id.name,
                    )
                )

    def _overlaps(self, other):
        return not (
            (self.date_to and other.date_from and self.date_to < other.date_from)
            or (other.date_to and self.date_from and other.date_to < self.date_from)
        )
