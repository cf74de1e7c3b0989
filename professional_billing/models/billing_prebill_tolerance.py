from odoo import models


class BillingPrebillTolerance(models.Model):
    """What may be invoiced and posted without anybody looking at it."""

    _inherit = "billing.prebill"

    def _get_question(self, last):
        """Return why somebody should look at this bill, by the company's tolerance, or None.

        :param last: the engagement's last bill, a pre-bill, or None
        """
        company, currency = self.company_id, self.currency_id
        most, deviation = (
            company.billing_schedule_max_amount,
            company.billing_schedule_max_deviation,
        )
        if not most:
            return self.env._(
                "Settings, Billing, say no amount up to which scheduled runs post by themselves."
            )
        amount = currency._convert(self.amount_untaxed, company.currency_id, company)
        if company.currency_id.compare_amounts(amount, most) > 0:
            return self.env._(
                "%(amount)s is more than the %(most)s up to which scheduled runs post by themselves.",
                amount=currency.format(self.amount_untaxed),
                most=company.currency_id.format(most),
            )
        return self._get_deviation_question(last, deviation) if deviation else None

    def _get_deviation_question(self, last, most):
        if not last:
            return self.env._("It is the first bill, with no earlier one to compare it with.")
        difference = self.amount_untaxed - last.amount_untaxed
        if abs(difference) * 100 <= most * abs(last.amount_untaxed) + self.currency_id.rounding / 2:
            return None
        return self.env._(
            "%(amount)s differs by more than %(most)s %% from the last bill of %(last)s.",
            amount=self.currency_id.format(self.amount_untaxed),
            most=f"{most:g}",
            last=self.currency_id.format(last.amount_untaxed),
        )
