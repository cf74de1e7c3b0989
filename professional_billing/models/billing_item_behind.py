from odoo import api, fields, models
from odoo.tools import SQL


class BillingItemBehind(models.Model):
    """Which work in progress does not say what its time entry says.

    Open work and time that no invoice has are compared as a whole; what the one has and the other has
    not is looked up. So what has been billed before costs next to nothing.
    """

    _inherit = "billing.item"

    @api.model
    def _get_time_behind(self, order_lines):
        """Return the time entries of `order_lines` to be valued, and items that have to follow.

        These are the items that some of the entries have, and those whose entry is gone.
        """
        self.env["account.analytic.line"].flush_model()
        self.env["account.move"].flush_model(["state"])
        self.flush_model()
        differences = self._find_differences(order_lines)
        unknown = [entry_id for entry_id, item_id, _behind in differences if not item_id]
        pairs = [(entry_id, item_id) for entry_id, item_id, behind in differences if behind]
        pairs += self._find_elsewhere(unknown)
        left = [item_id for _entry_id, item_id, behind in differences if item_id and not behind]
        entries = sorted(entry_id for entry_id, _item_id in pairs)
        items = [item_id for _entry_id, item_id in pairs if item_id]
        return (
            self.env["account.analytic.line"].browse(entries),
            self.browse(items) | self._find_lost(left),
        )

    @api.model
    def _get_behind_condition(self):
        """Return whether an `item` does not say what its `timesheet` says, and may still follow it."""
        return SQL(
            """(item.is_open OR item.blocked_reason IS NOT NULL)
            AND item.billed_quantity = 0 AND item.written_off_quantity = 0
            AND (item.order_line_id != timesheet.so_line
                 OR item.date != timesheet.date
                 OR item.worked_quantity != timesheet.unit_amount
                 OR item.employee_id IS DISTINCT FROM timesheet.employee_id
                 OR item.project_id IS DISTINCT FROM timesheet.project_id
                 OR item.blocked_reason = 'future' AND item.date <= %s)""",
            fields.Date.context_today(self),
        )

    @api.model
    def _find_differences(self, order_lines):
        """Return [(time entry id, id of its open item, whether it is behind)] where they differ.

        Either id is None where there is no such entry or item.

        An entry that Odoo ties to an invoice is billed, unless that was cancelled before the line had a
        rule.
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT timesheet.id, item.id,
                       timesheet.id IS NOT NULL AND item.id IS NOT NULL AND %(is_behind)s
                  FROM (SELECT id, so_line, date, unit_amount, employee_id, project_id
                          FROM account_analytic_line
                         WHERE so_line = ANY(%(lines)s)
                           AND project_id IS NOT NULL
                           AND (timesheet_invoice_id IS NULL
                                OR timesheet_invoice_id = ANY(ARRAY(
                                   SELECT document.move_id
                                     FROM sale_order_line_invoice_rel link
                                     JOIN account_move_line document
                                          ON document.id = link.invoice_line_id
                                     JOIN account_move move ON move.id = document.move_id
                                    WHERE link.order_line_id = ANY(%(lines)s)
                                      AND move.state = 'cancel')))
                       ) timesheet
             FULL JOIN (SELECT *
                          FROM billing_item
                         WHERE order_id = ANY(%(orders)s)
                           AND order_line_id = ANY(%(lines)s)
                           AND kind = 'time'
                           AND is_open IS TRUE
                       ) item ON item.timesheet_id = timesheet.id
                 WHERE timesheet.id IS NULL
                    OR item.id IS NULL
                    OR item.order_line_id != timesheet.so_line
                    OR %(is_behind)s
                """,
                is_behind=self._get_behind_condition(),
                lines=order_lines.ids,
                orders=order_lines.order_id.ids,
            )
        )

    @api.model
    def _find_elsewhere(self, entry_ids):
        """Return [(time entry id, id of its item or None)] of those that are new or behind."""
        if not entry_ids:
            return []
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.timesheet_id, item.id, %(is_behind)s
                  FROM billing_item item
    CROSS JOIN LATERAL (SELECT * FROM account_analytic_line
                         WHERE id = item.timesheet_id OFFSET 0) timesheet
                 WHERE item.timesheet_id = ANY(%(entries)s)
                """,
                is_behind=self._get_behind_condition(),
                entries=entry_ids,
            )
        )
        known = {row[0] for row in rows}
        behind = [(entry_id, item_id) for entry_id, item_id, is_behind in rows if is_behind]
        return behind + [(entry_id, None) for entry_id in entry_ids if entry_id not in known]

    @api.model
    def _find_lost(self, item_ids):
        """Return those of these items whose time entry is gone or stands on another line now."""
        if not item_ids:
            return self.browse()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT item.id
                  FROM billing_item item
     LEFT JOIN LATERAL (SELECT * FROM account_analytic_line
                         WHERE id = item.timesheet_id OFFSET 0) timesheet ON TRUE
                 WHERE item.id = ANY(%s)
                   AND item.quantity != 0
                   AND (timesheet.so_line IS NULL OR timesheet.so_line != item.order_line_id)
                """,
                item_ids,
            )
        )
        return self.browse([row[0] for row in rows])
