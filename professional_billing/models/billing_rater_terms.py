"""What the valuing of time asks of an order line, read once for all entries on it."""

import datetime


class Terms:
    """What the valuing of each entry of an order line asks of the line, read once."""

    def __init__(self, line):
        Item, order = line.env["billing.item"], line.order_id
        self.method = line._get_billing_method()
        self.decimals = line.currency_id.decimal_places
        self.common = Item._prepare_common(line)
        # No day is before the first: what holds the work back whatever its date.
        self.reason = Item._get_common_reason(line, datetime.date.min)
        self.today = line.company_id._billing_today()
        self.discount = line.discount
        self.narrative_required = order.narrative_required
        self.time_approval = order.time_approval
        self.product_id = line.product_id.id or None
        self.by_weekend = bool(order.billing_time_type_ids)
        # Whether what an entry comes to hangs on other entries too.
        self.alone = not self.method._shares_hours and order.time_rounding_per != "day"
