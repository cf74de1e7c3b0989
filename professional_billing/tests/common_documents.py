"""What the tests of the life of a bill share."""

from .common import BillingCommon


class DocumentsCommon(BillingCommon):
    def _engagement(self, *hours, **vals):
        """An engagement at 100 an hour; the entries of `hours` lie on days before today."""
        order = self._create_engagement([self.hours], **vals)
        for number, worked in enumerate(hours):
            self._log_time(order.order_line, worked, number - len(hours))
        return order

    def _open(self, order):
        """Return the open quantities and amounts of the items, oldest first."""
        self.assertLedger(order)
        items = self._items(order)
        return [(item.open_quantity, item.open_amount) for item in items]

    def _open_hours(self, order):
        return [quantity for quantity, _amount in self._open(order)]
