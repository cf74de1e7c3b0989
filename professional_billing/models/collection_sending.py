from datetime import timedelta

from pytz import UnknownTimeZoneError, timezone, utc

from odoo import fields, models
from odoo.exceptions import UserError

from ..rules.working_days import roll_forward

# So far ahead the next time to send is looked for.
DAYS_AHEAD = 30


class ResCompany(models.Model):
    _inherit = "res.company"

    collection_calendar_id = fields.Many2one(
        "resource.calendar",
        string="Sending hours",
        domain="[('company_id', 'in', (False, id))]",
        ondelete="restrict",
        help="Reminders are mailed within these hours, in the recipient's time zone, and not on the "
        "calendar's public holidays. If empty, at any time.",
    )

    def _collection_next_sending(self, now, zone):
        """Return when a message may go to somebody in a time zone: `now`, or later.

        :param now: datetime in UTC, naive as Odoo's
        :raise UserError: when there is no time to send in the next thirty days
        """
        calendar = self.collection_calendar_id
        if not calendar:
            return now
        start = utc.localize(now)
        found = calendar._work_intervals_batch(
            start, start + timedelta(days=DAYS_AHEAD), tz=_timezone(zone or self.partner_id.tz)
        )[False]
        for begin, _end, _meta in found:
            return begin.astimezone(utc).replace(tzinfo=None)
        raise UserError(
            self.env._(
                "“%(calendar)s” leaves no time to send in the next %(days)s days. Correct it, or "
                "choose other sending hours in the settings.",
                calendar=calendar.name,
                days=DAYS_AHEAD,
            )
        )

    def _collection_working_day(self, day, holidays=None):
        """Return `day`, or the next one that is neither a weekend nor a public holiday.

        :param holidays: what `_collection_holidays` says of the days that come into question
        """
        if holidays is None:
            holidays = self._collection_holidays(day, day + timedelta(days=DAYS_AHEAD))
        return roll_forward(day, holidays)

    def _collection_holidays(self, start, end):
        """Return the public holidays between two days: those of the sending hours, if there are.

        Otherwise those of the company's working hours.
        """
        calendar = self.collection_calendar_id or self.resource_calendar_id
        zone = _timezone(calendar.tz or self.partner_id.tz)
        leaves = (
            self.env["resource.calendar.leaves"]
            .sudo()
            .search(
                [
                    ("resource_id", "=", False),
                    ("company_id", "in", [self.id, False]),
                    ("calendar_id", "in", [calendar.id, False]),
                    ("date_from", "<=", end + timedelta(days=1)),
                    ("date_to", ">=", start - timedelta(days=1)),
                ]
            )
        )
        days = set()
        for leave in leaves:
            first, last = (
                utc.localize(moment).astimezone(zone).date()
                for moment in (leave.date_from, leave.date_to)
            )
            days.update(first + timedelta(days=number) for number in range((last - first).days + 1))
        return days


class CollectionLetterSending(models.Model):
    """Mails wait for the sending hours of whoever gets them; then they are looked at once more."""

    _inherit = "collection.letter"

    send_after = fields.Datetime(string="Not before", readonly=True)

    def _release(self):
        # EXTENDS professional_billing
        return super(CollectionLetterSending, self - self._hold_back())._release()

    def _hold_back(self):
        """Put off the mails whose recipients are not to be written to now, and return them."""
        now = fields.Datetime.now()
        times, held = {}, self.browse()
        for letter in self.filtered(
            lambda letter: letter.channel == "email" and letter.company_id.collection_calendar_id
        ):
            company, zone = letter.company_id, letter._get_recipient_zone()
            try:
                if (company, zone) not in times:
                    times[company, zone] = company._collection_next_sending(now, zone)
            except UserError as error:
                letter._fail(str(error))
                held |= letter
                continue
            if times[company, zone] > now:
                letter.send_after = times[company, zone]
                held |= letter
        for moment in set(held.filtered("send_after").mapped("send_after")):
            self.env.ref("professional_billing.cron_collection_release").sudo()._trigger(moment)
        return held

    def _get_recipient_zone(self):
        return self.case_id._get_recipients()[:1].tz or self.case_id.partner_id.tz or None


def _timezone(name):
    try:
        return timezone(name or "UTC")
    except UnknownTimeZoneError:
        return utc
