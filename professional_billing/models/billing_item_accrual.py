from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

from ..rules import rounding
from . import billing_time_rows as time_rows
from .billing_bulk import Alike
from .billing_rater import Rater, has_narrative

SOURCES = (
    "timesheet_id",
    "installment_id",
    "milestone_id",
    "progress_id",
    "usage_id",
    "block_id",
)
# Reasons that only billing itself gives and takes: the source of an item knows nothing of them.
KEPT_REASONS = ("price_credit", "over_cap", "negative_bill", "on_hold")
# Reasons that a time entry has no value.
UNPRICED = ("no_rate", "no_currency_rate")
# So many engagements are accrued together: each set is in memory as a whole.
TOGETHER = 100
# Where a transaction keeps the time entries that are accrued before it is committed.
WAITING = "professional_billing.accrue"


class BillingItemAccrual(models.Model):
    """How work in progress follows its sources: a plan of values, then one create and few writes.

    Accruing again changes nothing. What has been billed or written off keeps its values.
    """

    _inherit = "billing.item"

    @api.model
    def _accrue(self, order_lines, timesheets=None, items=None, rerate=False):
        """Bring the items of `order_lines` in line with the work, instalments and milestones.

        :param order_lines: `sale.order.line` recordset; those without a rule lose open items
        :param timesheets: when given, only these time entries are looked at, nothing else
        :param items: the items that `timesheets` have, when the caller knows
        :param rerate: look rates up again; without, work that was valued once keeps its rate
        """
        self = self.sudo()
        order_lines = order_lines.sudo()
        if timesheets is None:
            for lines in split_every(TOGETHER, order_lines.grouped("order_id").values()):
                self._accrue_all(order_lines.browse().concat(*lines), rerate)
            return
        timesheets = timesheets.sudo()
        items = self._get_items_of(timesheets) if items is None else items.sudo()
        self.env.cr.precommit.data.get(WAITING, set()).difference_update(timesheets.ids)
        timesheets = self._with_same_day(timesheets)
        items |= self._get_items_of(timesheets - items.timesheet_id)
        work = timesheets.filtered(lambda entry: entry.so_line.billing_rule and entry.project_id)
        self._apply_accrual(self._plan_rows(work, time_rows.of(work), items, rerate), items)

    @api.model
    def _accrue_all(self, order_lines, rerate):
        """Do that for whatever is behind on these lines."""
        self._record_due(order_lines)
        plan = self._plan_fees(order_lines)
        behind, items = self._get_time_behind(order_lines)
        timesheets = self._with_sharing(order_lines, behind)
        items |= self._get_items_of(timesheets - behind) | self._get_fee_items(order_lines)
        plan += self._plan_time(timesheets, items, rerate)
        self._apply_accrual(plan, items)

    @api.model
    def _with_sharing(self, order_lines, timesheets):
        """Add to `timesheets`, all of `order_lines`, those that share hours or a day with them."""
        sharing = order_lines.filtered("billing_rule").filtered(
            lambda line: (
                line.order_id.time_rounding_per == "day" or line._get_billing_method()._shares_hours
            )
        )
        return self._with_same_day(timesheets) if sharing else timesheets

    @api.model
    def _accrue_later(self, timesheets):
        """Accrue entries that a recomputation moved, once this transaction's changes are known."""
        cr = self.env.cr
        waiting = cr.precommit.data.setdefault(WAITING, set())
        if not waiting:

            @cr.precommit.add
            def accrue():
                ids = cr.precommit.data.pop(WAITING, ())
                lines = self.env["account.analytic.line"].sudo().browse(ids).exists()
                lines._accrue_billing()

        waiting.update(timesheets._origin.ids)

    # -- plan -----------------------------------------------------------------------------------

    @api.model
    def _record_due(self, order_lines):
        for rule, lines in order_lines._group_confirmed().items():
            self.env["billing.method"]._for_rule(rule)._record_due(lines)

    @api.model
    def _plan_fees(self, order_lines):
        """Return the planned instalments and milestones of confirmed `order_lines`."""
        plan = []
        for rule, lines in order_lines._group_confirmed().items():
            for vals in self.env["billing.method"]._for_rule(rule)._plan_items(lines):
                line = order_lines.browse(vals["order_line_id"])
                plan.append(self._complete_fee(line, vals))
        return plan

    @api.model
    def _complete_fee(self, line, vals):
        return {
            **self._prepare_common(line),
            "project_id": (line.project_id or line.order_id.project_id).id,
            "uom_id": self.env["billing.method"]._get_uom("unit").id,
            "quantity": 1.0,
            "standard_rate": vals["standard_amount"],
            "rate": vals["amount"],
            **vals,
            "blocked_reason": vals["blocked_reason"] or self._get_common_reason(line, vals["date"]),
        }

    @api.model
    def _plan_time(self, timesheets, items, rerate=False):
        """Return the planned items of time entries that stand on a line with a rule.

        :param items: those that the entries have
        :param rerate: look rates up again; without, they stay as long as the work is the same
        """
        return self._plan_rows(timesheets, time_rows.read(timesheets), items, rerate)

    @api.model
    def _plan_rows(self, timesheets, rows, items, rerate=False):
        """Return the planned items of `rows`, the `TimeRow` of those of `timesheets` that are billed.

        Entries of the same length by the same person are many: what they come to is worked out for
        one of them.
        """
        if not rows:
            return []
        work = timesheets.browse([row.id for row in rows])
        rater = Rater(work, items, rerate, rows)
        keys = [rater.get_value_key(row) or ("entry", row.id) for row in rows]
        firsts = {}
        for key, row in zip(keys, rows, strict=True):
            firsts.setdefault(key, row)
        found = dict(zip(firsts, self._value_rows(firsts.values(), rater), strict=True))
        # Why there is no rate is said of each by itself: it names the day.
        unpriced = [
            row
            for key, row in zip(keys, rows, strict=True)
            if found[key]["blocked_reason"] in UNPRICED and row is not firsts[key]
        ]
        values = self._value_rows(unpriced, rater)
        own = {row.id: vals for row, vals in zip(unpriced, values, strict=True)}
        return [
            Alike(
                own.get(row.id) or found[key],
                {"timesheet_id": row.id, "date": row.date, "description": row.name},
            )
            for key, row in zip(keys, rows, strict=True)
        ]

    @api.model
    def _value_rows(self, rows, rater):
        """Yield the values of the items of these time entries, in their order."""
        together = rater.timesheets.browse([row.id for row in rows if not rater.is_alone(row)])
        billable = self._get_billable_hours(together)
        for row in rows:
            timesheet = rater.get_entry(row)
            hours = billable[timesheet] if timesheet in billable else self._round_entry(timesheet)
            price = self._price_entry(timesheet, rater)
            yield self._prepare_time(timesheet, hours, price, rater)

    @api.model
    def _price_entry(self, timesheet, rater):
        """Return what `billing.method._price_time` says, or said when the entry was valued."""
        line, item = timesheet.so_line, rater.items.get(timesheet)
        if item and item._keeps_rate(timesheet, rater):
            return {
                "standard_rate": rounding.decimal(item.standard_rate),
                "rate": rounding.decimal(item.rate),
                "billable": True,
                "steps": (item.rate_explanation,),
                "blocked_reason": False,
                "role_id": item.role_id.id,
            }
        method = rater.terms(line).method
        return method._price_time(timesheet, line, self._get_uom_of(timesheet), rater)

    def _keeps_rate(self, timesheet, rater):
        """Tell whether this item was valued by rates, for the same work that the entry is now."""
        return (
            not rater.rerate
            and self.rate
            and self.rate_explanation
            and self.order_line_id.rate_source == "card"
            and self.order_line_id == timesheet.so_line
            and self.employee_id == timesheet.employee_id
            and self.project_id == timesheet.project_id
            and self.date == timesheet.date
            and not self.env.context.get("billing_price_changed")
        )

    @api.model
    def _get_uom_of(self, timesheet):
        return timesheet.product_uom_id or timesheet.company_id.project_time_mode_id

    @api.model
    def _prepare_time(self, timesheet, hours, price, rater):
        terms = rater.terms(timesheet.so_line)
        decimals = terms.decimals
        worked = rounding.decimal(timesheet.unit_amount)
        treatment = timesheet.billing_treatment
        rate = rounding.decimal(0) if treatment == "complimentary" else price["rate"]
        billable = price["billable"] and treatment != "non_billable"
        amount = rounding.money(hours * rate, decimals)
        return {
            **terms.common,
            "kind": "time",
            "timesheet_id": timesheet.id,
            "project_id": timesheet.project_id.id,
            "employee_id": timesheet.employee_id.id,
            "role_id": price.get("role_id") or rater.get_role(timesheet),
            "date": timesheet.date,
            "description": timesheet.name,
            "uom_id": self._get_uom_of(timesheet).id,
            "worked_quantity": timesheet.unit_amount,
            "quantity": float(hours) if billable else 0.0,
            "standard_rate": float(price["standard_rate"]),
            "rate": float(rate),
            "standard_amount": float(rounding.money(worked * price["standard_rate"], decimals)),
            "amount": float(amount) if billable else 0.0,
            "blocked_reason": self._get_time_reason(timesheet, terms, price, hours),
            "rate_explanation": "\n".join(price["steps"]),
            "explanation": self._explain_time(timesheet, price, hours, amount, rater),
        }

    @api.model
    def _prepare_common(self, line):
        order = line.order_id
        return {
            "company_id": order.company_id.id,
            "order_id": order.id,
            "order_line_id": line.id,
            "partner_id": order.partner_id.id,
            "currency_id": order.currency_id.id,
        }

    @api.model
    def _get_time_reason(self, timesheet, terms, price, hours):
        if not price["billable"]:
            return "included"
        if timesheet.billing_treatment == "non_billable":
            return "non_billable"
        if timesheet.unit_amount <= 0 or hours <= 0:
            return "no_hours"
        if price["blocked_reason"]:
            return price["blocked_reason"]
        if not price["rate"] and not terms.discount:
            return "no_price"
        if terms.narrative_required and not has_narrative(timesheet.name):
            return "no_narrative"
        if terms.time_approval and not timesheet.billing_approved_by_id:
            return "unapproved"
        return terms.reason or ("future" if timesheet.date > terms.today else False)

    @api.model
    def _get_common_reason(self, line, date):
        if line.state == "cancel":
            return "order_cancelled"
        if line.state != "sale":
            return "not_confirmed"
        if line.order_id.client_po_required and not line.order_id.client_po_number:
            return "missing_po"
        return "future" if date > line.company_id._billing_today() else False

    @api.model
    def _explain_time(self, timesheet, price, hours, amount, rater):
        if not price["billable"] or price["blocked_reason"]:
            return "\n".join(price["steps"])
        treatment, line = timesheet.billing_treatment, timesheet.so_line
        if treatment == "non_billable":
            return self.env._("Not billable: marked so on the time entry.")
        worked = timesheet.unit_amount
        # Entries of the same length at the same rate are many: their words are put together once. Only
        # how hours are rounded is said by the engagement.
        is_rounded = rounding.decimal(worked) != hours
        place = line.order_id.id if is_rounded else None, line.currency_id.id
        work = worked, timesheet.billing_hours, hours, treatment
        return rater.remember(
            ("explain", place, work, price["steps"], price["rate"], amount),
            lambda: "\n".join(self._get_time_steps(timesheet, price, hours, amount, rater)),
        )

    @api.model
    def _get_time_steps(self, timesheet, price, hours, amount, rater):
        line = timesheet.so_line
        yield from price["steps"]
        worked = rounding.quantize(timesheet.unit_amount, 2)
        if worked != rounding.quantize(hours, 2):
            yield self._explain_hours(timesheet, worked, hours)
        if timesheet.billing_treatment == "complimentary":
            yield self.env._("Complimentary: shown on the bill, free of charge.")
        else:
            yield self.env._(
                "%(hours)s h × %(rate)s = %(amount)s",
                hours=f"{hours:.2f}",
                rate=rater.format(line.currency_id, price["rate"]),
                amount=rater.format(line.currency_id, amount),
            )

    # -- what there is --------------------------------------------------------------------------

    @api.model
    def _get_items_of(self, timesheets):
        Item = self.sudo()
        return Item.search([("timesheet_id", "in", timesheets.ids)]) if timesheets else Item

    @api.model
    def _get_fee_items(self, order_lines):
        return self.search([("order_line_id", "in", order_lines.ids), ("kind", "!=", "time")])

    # -- apply ----------------------------------------------------------------------------------

    @api.model
    def _get_source_fields(self):
        """Return the fields that lead to what an item is made of, one of which is set."""
        return SOURCES

    @api.model
    def _get_source_key(self, vals):
        """Return what there is only one item of: its source, or a period of its order line."""
        for field in self._get_source_fields():
            if vals.get(field):
                return field, vals[field]
        return "period_start", vals["order_line_id"], vals["period_start"]

    def _get_item_key(self):
        """Return the same for an item, None when its source is gone."""
        for field in self._get_source_fields():
            if source := self[field]:
                return field, source.id
        if self.period_start:
            return "period_start", self.order_line_id.id, self.period_start
        return None

    def _apply_accrual(self, plan, items):
        """Write `plan`; `items` that it does not name have lost their source and are closed."""
        by_source = {item._get_item_key(): item for item in items}
        by_source.pop(None, None)
        kept, to_create = self.browse(), []
        for vals in plan:
            item = by_source.get(self._get_source_key(vals))
            if item:
                kept |= item
                item._update_accrued(vals)
            else:
                to_create.append(vals)
        (items - kept)._close_lost()
        self._insert_open(to_create)

    def _update_accrued(self, vals):
        """Write what differs, unless the item is settled: then only its source counts."""
        self.ensure_one()
        if self._is_settled():
            return
        record = self._convert_to_write({name: self[name] for name in vals})
        changed = {name: value for name, value in vals.items() if record[name] != value}
        if changed.get("blocked_reason") is False and self.blocked_reason in KEPT_REASONS:
            del changed["blocked_reason"]
        if "order_id" in changed:
            self._take_from_prebills()
        if changed:
            self.write(changed)

    def _close_lost(self):
        """Delete items without history; keep the others, with nothing left to bill.

        An approved pre-bill keeps its lines, and is refused when it is invoiced.
        """
        self._take_from_prebills()
        lines = self.env["billing.prebill.line"].search([("item_id", "in", self.ids)])
        with_history = self.filtered("allocation_ids") | lines.item_id
        for item in with_history.filtered(lambda item: not item._is_billed()):
            item.write(
                {
                    "quantity": item.written_off_quantity - item.written_up_quantity,
                    "amount": item.written_off_amount - item.written_up_amount,
                    "worked_quantity": 0.0,
                    "standard_amount": 0.0,
                    "blocked_reason": False,
                }
            )
        (self - with_history).unlink()

    # -- cron -----------------------------------------------------------------------------------

    @api.model
    def _cron_accrue(self):
        """Bring all open engagements up to date: what falls due today is billable today."""
        today = fields.Date.context_today(self)
        lines = self.env["sale.order.line"].search(
            Domain("billing_rule", "!=", False) & Domain("state", "=", "sale")
        )
        due = self.search([("blocked_reason", "=", "future"), ("date", "<=", today)])
        self._accrue(lines | due.order_line_id)
        lines.order_id._tell_all_cap_thresholds()
