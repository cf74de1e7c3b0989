from odoo import models

from ..rules import rates
from .billing_rater import NoCurrencyRate, Rater

BLOCKER, WARNING = "1_blocker", "2_warning"


class SaleOrderCheck(models.Model):
    """The contract's health: what stops it from being confirmed or billed, and what may go wrong."""

    _inherit = "sale.order"

    def action_check_billing(self):
        """Show what is wrong with this contract, with a way to each place."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Contract check"),
            "res_model": "billing.check",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id},
        }

    def _get_billing_findings(self):
        """Return the findings as `billing.check.line` values, blockers first.

        What stops the confirmation is what `billing.method._get_setup_errors` says; the rest holds
        at any time.
        """
        order = self.sudo()
        findings = [
            order._prepare_finding(BLOCKER, error, line)
            for line in order.order_line.filtered("billing_rule")
            for error in line._get_billing_method()._get_setup_errors(line)
        ]
        findings += order._find_in_order()
        for line in order.order_line.filtered("billing_rule"):
            findings += order._find_in_line(line)
        return sorted(findings, key=lambda finding: finding["severity"])

    def _prepare_finding(self, severity, message, record):
        return {
            "severity": severity,
            "message": message,
            "res_model": record._name,
            "res_id": record.id,
        }

    def _find_in_order(self):
        if self.client_po_required and not self.client_po_number:
            yield self._prepare_finding(
                BLOCKER, self.env._("The client's purchase order number is not entered."), self
            )
        if not self.partner_id.active:
            yield self._prepare_finding(
                BLOCKER, self.env._("The customer is archived."), self.partner_id
            )
        if self.partner_credit_warning:
            yield self._prepare_finding(WARNING, self.partner_credit_warning, self.partner_id)
        if not self.partner_invoice_id.email:
            yield self._prepare_finding(
                WARNING,
                self.env._(
                    "%(customer)s has no e-mail address for its invoices.",
                    customer=self.partner_invoice_id.display_name,
                ),
                self.partner_invoice_id,
            )
        if self.billing_approval == "manager" and self.project_ids.filtered(
            lambda project: not project.user_id
        ):
            yield self._prepare_finding(
                WARNING,
                self.env._("Pre-bills wait for a project manager, but the project has none."),
                self.project_ids.filtered(lambda project: not project.user_id)[0],
            )
        yield from self._find_in_limit(self)
        yield from self._find_in_limit(self.client_po_id)

    def _find_in_limit(self, record):
        limit = record.billing_cap_amount
        if not limit:
            return
        period = record._get_cap_period(record.company_id._billing_today())
        earned = record._get_cap_earned(period).get(record.id, 0.0)
        if earned > limit:
            yield self._prepare_finding(
                WARNING,
                self.env._(
                    "Work of %(earned)s is beyond the limit of %(limit)s.",
                    earned=self.currency_id.format(earned),
                    limit=self.currency_id.format(limit),
                ),
                record,
            )

    def _find_in_line(self, line):
        if not line.tax_ids and self.company_id.account_sale_tax_id:
            yield self._prepare_finding(
                WARNING,
                self.env._("%(line)s: there is no tax on it.", line=line._billing_label()),
                self,
            )
        yield from self._find_in_limit(line)
        if line.billing_rule == "time_materials" and line.rate_source == "card":
            yield from self._find_missing_rates(line)

    def _find_missing_rates(self, line):
        """Look the rate of each member of the team up, as of today."""
        project = line.task_id.project_id or line.project_id or self.project_ids[:1]
        team = project.task_ids.user_ids.employee_id | line.billing_item_ids.employee_id
        today = line.company_id._billing_today()
        entries = self.env["account.analytic.line"].concat(
            *(
                self.env["account.analytic.line"].new(
                    {
                        "employee_id": person.id,
                        "so_line": line.id,
                        "project_id": project.id,
                        "date": today,
                        "company_id": line.company_id.id,
                    }
                )
                for person in team
            )
        )
        rater = Rater(entries) if entries else None
        uom = self.env["billing.method"]._get_uom("hour")
        for entry in entries:
            try:
                rater.price(entry, line, uom)
            except rates.NoRate:
                role = self.env["billing.role"].browse(rater.get_role(entry))
                yield self._prepare_finding(
                    BLOCKER,
                    self.env._(
                        "%(line)s: no rate for %(person)s (%(role)s).",
                        line=line._billing_label(),
                        person=entry.employee_id.name,
                        role=role.name or self.env._("without a role"),
                    ),
                    self.rate_card_id or self.company_id.billing_rate_card_id or line,
                )
            except NoCurrencyRate as missing:
                yield self._prepare_finding(BLOCKER, str(missing), line)
