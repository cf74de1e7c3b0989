"""What the tests of progress, recurring fees, prices per unit and success fees share."""

import datetime
import re
from contextlib import contextmanager

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time

from .common import BillingCommon


class MethodCommon(BillingCommon):
    """A salesperson sells, a project manager records, an officer bills, month by month."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        unit = {"uom": cls.uom_unit}
        cls.building = cls._new_service("Design of the building", "progress", 26200.0, **unit)
        cls.support = cls._new_service("Support plan", "recurring", 2400.0, **unit)
        cls.returns = cls._new_service("Tax return", "unit", 2.5, **unit)
        cls.sale = cls._new_service("Fee on the sale", "success_fee", 0.0, **unit)

    @contextmanager
    def _on(self, year, month, day):
        """Do what follows on that day."""
        real, self.today = self.today, datetime.date(year, month, day)
        try:
            with freeze_time(f"{self.today} 12:00:00"):
                yield
        finally:
            self.today = real

    def _sell(self, product, terms=None, confirm=True, others=(), **vals):
        """Return the first line of an order of the salesperson, led by the reviewer.

        :param terms: what they enter in the dialog “Billing terms”
        :param others: services of further lines
        """
        services = [{"product_id": product.id, **vals}, *({"product_id": o.id} for o in others)]
        order = (
            self.env["sale.order"]
            .with_user(self.salesperson)
            .create(
                {
                    "partner_id": self.customer.id,
                    "order_line": [
                        Command.create({"product_uom_qty": 1, **service}) for service in services
                    ],
                }
            )
        )
        if terms:
            order.order_line[0].write(terms)
        if confirm:
            order.action_confirm()
            order.with_env(self.env).project_ids.user_id = self.reviewer
        return order.with_env(self.env).order_line[0]

    def _confirm_error(self, product, terms=None, **vals):
        """Return the sentence that stops the confirmation."""
        line = self._sell(product, terms, confirm=False, **vals)
        with self.assertRaises(UserError) as caught:
            line.order_id.with_user(self.salesperson).action_confirm()
        self.assertEqual(line.state, "draft")
        return str(caught.exception)

    def _record(self, model, line, user=None, **vals):
        """Have the project manager (or another user) record a claim or a usage today."""
        records = self.env[model].with_user(user or self.reviewer)
        vals = {"order_line_id": line.id, "date": self.today, **vals}
        return records.create(vals).with_env(self.env)

    def _post(self, line, **vals):
        """Bill what is due as the officer; return the amount of the posted invoice, 0 for none."""
        prebill = self._prebill(line.order_id)
        if not prebill:
            return 0
        if vals:
            prebill.line_ids.write(vals)
        self.last_move = prebill.action_invoice().with_env(self.env)
        self.last_move.with_user(self.officer).action_post()
        self.assertLedger(line.order_id)
        return self.last_move.amount_untaxed

    def assertExplained(self, item, *sentences):
        """The item says why its amount is what it is, in these sentences."""
        text = self._plain(item.explanation or "")
        for sentence in sentences:
            self.assertIn(sentence, text)

    def assertInWords(self, line, sentence):
        """The contract says so in words, on the screen and on the quotation."""
        self.assertEqual(self._plain(line.order_id.billing_summary), sentence)

    def _plain(self, text):
        """Return a text with its amounts as figures alone, without the currency's symbol."""
        symbol = re.escape(self.company.currency_id.symbol)
        text = re.sub(rf"{symbol}\xa0|\xa0{symbol}", "", text)
        return text.replace("\N{ZERO WIDTH NO-BREAK SPACE}", "")

    def assertKeptOff(self, record, user, *operations, **vals):
        """`user` is refused these operations (read, write, create, unlink) on `record`.

        :param vals: what else to create a record with
        """
        own = record.with_user(user)
        # What another user has read before is not asked for again.
        record.env.flush_all()
        record.env.invalidate_all()
        actions = {
            "read": lambda: own.read(["display_name"]),
            "write": lambda: own.write({"order_line_id": record.order_line_id.id}),
            "create": lambda: own.create({"order_line_id": record.order_line_id.id, **vals}),
            "unlink": own.unlink,
        }
        for operation in operations:
            with self.subTest(user=user.name, operation=operation), self.assertRaises(AccessError):
                actions[operation]()
