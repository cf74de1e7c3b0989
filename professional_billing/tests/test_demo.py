from collections import Counter
from datetime import date, timedelta

from odoo.tests import BaseCase, tagged

from ..demo import history, narratives, timesheets
from ..demo.billing_demo import START
from ..demo.calendar import Day, month_end
from ..demo.engagements import ENGAGEMENTS, TEAM

DAYS = [date(2027, 1, 1) + timedelta(days=count) for count in range(2 * 365 + 1)]


@tagged("post_install", "-at_install")
class TestDemo(BaseCase):
    """The demonstration's tables make sense on whatever day they are loaded."""

    def test_parts_of_a_fee(self):
        for today in DAYS:
            for engagement in ENGAGEMENTS:
                parts = [part for line in engagement.lines for part in line.parts]
                for part in parts:
                    self.assertGreaterEqual(part.due.on(today), START.on(today))
                    if part.reached:
                        self.assertLessEqual(part.reached.on(today), month_end(today, -1))
                    if part.accepted:
                        self.assertGreaterEqual(part.accepted.on(today), part.reached.on(today))

    def test_percentages_add_up(self):
        for engagement in ENGAGEMENTS:
            for line in engagement.lines:
                if line.parts:
                    self.assertEqual(sum(part.percentage for part in line.parts), 100, line.name)

    def test_bills_before_they_are_due(self):
        stories = {**history.OVERDUE, **history.PARTLY_PAID, **history.DISPUTED}
        for today in DAYS:
            for (_key, month), days in stories.items():
                billed = Day(month + 1, 5).on(today)
                self.assertGreater(billed, month_end(today, month))
                self.assertGreater(today - timedelta(days=days), billed, today)

    def test_time(self):
        for today in (date(2027, 1, 1), date(2027, 2, 28), date(2028, 2, 29), date(2028, 5, 31)):
            entries = timesheets.entries(today)
            self.assertEqual(entries, timesheets.entries(today))
            self.assertGreater(len(entries), 1200)
            self.assertTrue(all(entry.day <= today for entry in entries))
            self.assertTrue(all(entry.day.weekday() < 5 for entry in entries))
            hours = Counter()
            for entry in entries:
                hours[entry.person, entry.day] += entry.hours
            self.assertEqual({person for person, _day in hours}, set(TEAM))
            self.assertTrue(all(6 <= day <= 8 for day in hours.values()))

    def test_narratives(self):
        works = {task.work for engagement in ENGAGEMENTS for task in engagement.tasks}
        works |= {*narratives.INTERNAL_WORK.values(), "internal"}
        self.assertEqual(works, set(narratives.NARRATIVES))
