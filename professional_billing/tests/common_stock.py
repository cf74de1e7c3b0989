"""What the tests against Odoo's own invoicing share: the same order twice, and how they compare."""

from odoo.fields import Command

from .common import BillingCommon


class StockCommon(BillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.setup_other_currency("EUR", rates=[("2016-01-01", 0.85)])
        cls.tax_included = cls.percent_tax(cls, 20.0, price_include_override="tax_included")
        cls.pricelists = cls.env["product.pricelist"].create(
            [
                {"name": currency.name, "currency_id": currency.id}
                for currency in (cls.company.currency_id, cls.euro)
            ]
        )

    @classmethod
    def _pair(cls, name, rule, price, uom=None, **vals):
        """Return the same service twice: as Odoo has it and with a rule."""
        common = {"service_tracking": "no", **vals}
        return tuple(cls._new_service(name, each, price, uom, **common) for each in (False, rule))

    @classmethod
    def _create_pair(cls, lines, **vals):
        """Return two confirmed orders, stock first, of lines [(pair of services, values)]."""
        orders = cls.env["sale.order"].create(
            [
                {
                    "partner_id": cls.customer.id,
                    "order_line": [
                        Command.create({"product_id": pair[side].id, **values})
                        for pair, values in lines
                    ],
                    **vals,
                }
                for side in (0, 1)
            ]
        )
        orders.action_confirm()
        return orders[0], orders[1]

    @classmethod
    def _create_project(cls, name):
        return cls.env["project.project"].create(
            {
                "name": name,
                "allow_billable": True,
                "allow_timesheets": True,
                "partner_id": cls.customer.id,
                "user_id": cls.reviewer.id,
            }
        )

    @classmethod
    def _prepare_time(cls, project, line, hours, date):
        return {
            "name": "Work",
            "project_id": project.id,
            "so_line": line.id,
            "is_so_line_edited": True,
            "unit_amount": hours,
            "date": date,
            "employee_id": cls.employee.id,
        }

    def _compare_invoices(self, theirs, ours, hours=0.0):
        """Check that two invoices bill the same, line by line, but for `hours` of rounding."""
        self.assertEqual(theirs.move_type, ours.move_type)
        self.assertEqual(theirs.currency_id, ours.currency_id)
        lines = zip(self._product_lines(theirs), self._product_lines(ours), strict=True)
        for their_line, our_line in lines:
            self.assertEqual(their_line.tax_ids, our_line.tax_ids)
            self.assertEqual(their_line.product_uom_id, our_line.product_uom_id)
            self.assertAlmostEqual(their_line.price_unit, our_line.price_unit, 6)
            self.assertAlmostEqual(their_line.discount, our_line.discount, 6)
            self.assertAlmostEqual(their_line.quantity, our_line.quantity, delta=hours + 1e-6)
            # Both are rounded to the cent.
            money = hours * their_line.price_unit + (0.01 if hours else 0) + 1e-6
            self.assertAlmostEqual(their_line.price_subtotal, our_line.price_subtotal, delta=money)
            self.assertAlmostEqual(their_line.price_total, our_line.price_total, delta=money * 1.2)
        if not hours:
            self.assertAlmostEqual(theirs.amount_untaxed, ours.amount_untaxed, 6)
            self.assertAlmostEqual(theirs.amount_tax, ours.amount_tax, 6)
            self.assertAlmostEqual(theirs.amount_total, ours.amount_total, 6)

    def _compare_order_lines(self, theirs, ours, entries=0, hours=0.0):
        """Check what two orders say of delivered and invoiced, quantities, amounts and states.

        :param entries: open entries of each line: we value each, Odoo their sum in 0.01 units
        :param hours: rounding that earlier bills left between the two
        """
        for their_line, our_line in zip(theirs.order_line, ours.order_line, strict=True):
            for name in ("qty_delivered", "qty_invoiced", "qty_to_invoice"):
                self.assertAlmostEqual(
                    their_line[name], our_line[name], msg=name, delta=hours + 1e-6
                )
            cents = 0.005 * (entries + 1) + (0.005 if entries else 0) * their_line.price_unit
            cents += hours * their_line.price_unit
            # Odoo multiplies a rounded unit price by the quantity.
            unit = 0.01 * max(their_line.qty_delivered / (their_line.product_uom_qty or 1), 1)
            for name in ("untaxed_amount_to_invoice", "amount_to_invoice"):
                self.assertAlmostEqual(
                    their_line[name], our_line[name], msg=name, delta=cents * 1.2 + unit
                )
            if not hours:
                self.assertEqual(their_line.invoice_status, our_line.invoice_status)
        if not hours:
            self.assertEqual(theirs.invoice_status, ours.invoice_status)
