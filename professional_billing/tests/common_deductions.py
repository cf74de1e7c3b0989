"""What the tests of discounts, retentions and deposits share."""

from odoo.fields import Command

from .common import BillingCommon


class DeductionsCommon(BillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.deposit_account = cls.env["account.account"].create(
            {"name": "Deposits of clients", "code": "DEPOS", "account_type": "liability_current"}
        )
        cls.company.downpayment_account_id = cls.deposit_account
        cls.retention_account = cls.env["account.account"].create(
            {"name": "Retentions", "code": "RETENT", "account_type": "asset_current"}
        )
        cls.company.billing_retention_account_id = cls.retention_account

    def _new_pricelist(self, decimals):
        """Return the price list of a foreign currency with that many decimals."""
        currency = self.env["res.currency"].create(
            {
                "name": f"XX{decimals}",
                "symbol": f"X{decimals}",
                "rounding": 10**-decimals,
                "rate_ids": [Command.create({"name": "2016-01-01", "rate": 2})],
            }
        )
        return self.env["product.pricelist"].create(
            {"name": currency.name, "currency_id": currency.id}
        )

    def _deposit(self, order, amount, post=True):
        """Invoice a down payment that is `amount` before tax."""
        total = order.amount_total * amount / order.amount_untaxed
        move = self._bill_by_wizard(
            order, advance_payment_method="fixed", fixed_amount=order.currency_id.round(total)
        )
        if post:
            move.action_post()
        return move

    def _draws(self, move):
        return move.invoice_line_ids.filtered(
            lambda line: line.is_downpayment and line.display_type == "product"
        )

    def _retention(self, move):
        return move.invoice_line_ids.filtered("billing_retention_order_id")

    def _discount(self, move):
        return move.invoice_line_ids.filtered("billing_discount_order_id")
