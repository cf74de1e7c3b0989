from odoo import fields, models


class ProjectProject(models.Model):
    _inherit = "project.project"

    billing_item_count = fields.Integer(
        compute="_compute_billing_item_count",
        groups="professional_billing.group_billing_reviewer,professional_billing.group_billing_officer",
    )

    billing_role_ids = fields.One2many(
        "billing.role.assignment",
        "project_id",
        string="Billing roles",
        groups="professional_billing.group_billing_reviewer,professional_billing.group_billing_officer",
    )

    def _compute_billing_item_count(self):
        counts = self.env["billing.item"]._read_group(
            [("project_id", "in", self.ids), ("is_open", "=", True)], ["project_id"], ["__count"]
        )
        by_project = {project.id: count for project, count in counts}
        for project in self:
            project.billing_item_count = by_project.get(project.id, 0)

    def action_view_billing_items(self):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "professional_billing.action_billing_item"
        )
        return {**action, "domain": [("project_id", "=", self.id)], "context": {}}
