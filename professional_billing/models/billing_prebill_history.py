from markupsafe import Markup

from odoo import models
from odoo.tools import format_date, formatLang

from .billing_prebill_line import REVIEWED_FIELDS

# Where a transaction keeps what its lines said before it changed them.
CHANGED = "professional_billing.prebill_history"
HISTORY_FIELDS = (
    "decision",
    "hold_until",
    "quantity",
    "rate",
    "narrative",
    "reason_id",
    "reason_note",
)


class BillingPrebillLineHistory(models.Model):
    """Who changed what of a pre-bill, when and why: one note in its chatter for each save.

    Lines are compared at the end of the transaction with what they said at its begin, as Odoo's
    own tracking does, so that a save of many lines is one note and one that changes nothing none.
    """

    _inherit = "billing.prebill.line"

    def write(self, vals):
        before = self._get_history_values() if REVIEWED_FIELDS & set(vals) else {}
        result = super().write(vals)
        self._keep_history(before)
        return result

    def copy(self, default=None):
        lines = super().copy(default)
        lines._keep_history(dict.fromkeys(lines))
        return lines

    def unlink(self):
        before = self._get_history_values()
        result = super().unlink()
        self._keep_history(before)
        return result

    def _get_history_values(self):
        return {
            line: {
                "prebill": line.prebill_id.id,
                "label": line._get_history_label(),
                **{name: line[name] for name in HISTORY_FIELDS},
            }
            for line in self.sudo()
        }

    def _get_history_label(self):
        """Return a line's name as people know it: date, person, text."""
        who = self.item_id.employee_id.name
        what = self.item_id.description or self.narrative or self.order_line_id.name
        date = format_date(self.env, self.date)
        return " ".join(filter(None, [date, who, f"“{what}”"]))

    def _keep_history(self, before):
        """Remember what these lines said, once in a transaction and for each user."""
        if not before:
            return
        data = self.env.cr.precommit.data
        if CHANGED not in data:
            data[CHANGED] = {}
            self.env.cr.precommit.add(self.env["billing.prebill.line"]._write_history)
        for line, values in before.items():
            data[CHANGED].setdefault((self.env.uid, line.id), values)

    def _write_history(self):
        changed = self.env.cr.precommit.data.pop(CHANGED, {})
        by_user = {}
        for (uid, line_id), values in changed.items():
            by_user.setdefault(uid, {})[line_id] = values
        for uid, lines in by_user.items():
            self.with_user(uid).sudo()._post_history(lines)

    def _post_history(self, before):
        """Post what became of the lines `before`, {line id: values}, as the user of `self`."""
        notes = {}
        there = set(self.browse(before).exists().ids)
        for line in self.browse(before):
            old, exists = before[line.id], line.id in there
            text = line._describe_change(old, exists)
            if text:
                prebill_id = line.prebill_id.id if exists else old["prebill"]
                notes.setdefault(prebill_id, []).append(text)
        prebills = self.env["billing.prebill"].browse(notes).exists()
        if prebills:
            prebills._message_log_batch(
                {
                    prebill.id: Markup("<ul>%s</ul>")
                    % Markup("").join(Markup("<li>%s</li>") % text for text in notes[prebill.id])
                    for prebill in prebills
                },
                author_id=self.env.user.partner_id.id,
            )

    def _describe_change(self, old, exists):
        """Return what changed on this line since it said `old`, or None."""
        if old is None and not exists:
            return None
        if not exists:
            return Markup("<b>%s</b>: %s") % (old["label"], self.env._("taken off"))
        if old is None:
            values = self._get_history_values()[self]
            changes = [
                self._describe_value(name, values[name])
                for name in ("decision", "quantity", "reason_id", "reason_note")
                if values[name]
            ]
            return Markup("<b>%s</b>: %s") % (
                values["label"],
                self.env._("new line, %(values)s", values=", ".join(changes)),
            )
        changes = [
            f"{self._fields[name]._description_string(self.env)} "
            f"{self._describe_value(name, old[name])} → {self._describe_value(name, self[name])}"
            for name in HISTORY_FIELDS
            if self._describe_value(name, old[name]) != self._describe_value(name, self[name])
        ]
        if not changes:
            return None
        names = {name for name in HISTORY_FIELDS if old[name] != self[name]}
        if self.reason_id and "reason_id" not in names:
            changes.append(self.env._("reason: %(reason)s", reason=self.reason_id.name))
        return Markup("<b>%s</b>: %s") % (old["label"], ", ".join(changes))

    def _describe_value(self, name, value):
        if name == "decision":
            return dict(self._fields[name]._description_selection(self.env))[value]
        if name == "reason_id":
            return value.sudo().name or "–"
        if name == "hold_until":
            return format_date(self.env, value) if value else "–"
        if name in ("quantity", "rate"):
            return formatLang(self.env, value, digits=2)
        return value or "–"
