from dateutil.relativedelta import relativedelta

from odoo.tests import tagged

from .common_review import ReviewCommon

REVIEW = "professional_billing.mail_activity_type_review"
STALE = "professional_billing.mail_activity_type_stale_wip"


@tagged("post_install", "-at_install")
class TestReviewReminders(ReviewCommon):
    """Activities for those who approve, and for work that nobody bills."""

    def _asked(self, prebill):
        kind = self.env.ref(REVIEW)
        return (
            prebill.sudo()
            .activity_ids.filtered(lambda activity: activity.activity_type_id == kind)
            .user_id
        )

    def test_approvers(self):
        """The project manager is asked; done when approved, other activities stay."""
        prebill = self._work(2)
        own = prebill.activity_schedule("mail.mail_activity_data_todo", user_id=self.officer.id)
        prebill.with_user(self.officer).action_submit()
        self.assertEqual(self._asked(prebill), self.reviewer)
        prebill.action_approve()
        self.assertFalse(self._asked(prebill))
        self.assertIn(own, prebill.sudo().activity_ids)
        prebill.action_reopen()
        self.assertFalse(self._asked(prebill))

    def test_over_the_limit(self):
        """More than may be written off: a billing manager is asked too."""
        self.company.billing_write_off_limit = 100
        prebill = self._work(2)
        self._wizard(prebill.line_ids, "write_off")
        prebill.with_user(self.officer).action_submit()
        self.assertIn(self.manager, self._asked(prebill))
        self.assertIn(self.reviewer, self._asked(prebill))
        prebill.with_user(self.manager).action_approve()
        self.assertFalse(self._asked(prebill))

    def test_own_submission(self):
        """Nobody is asked to approve what they submitted: a billing manager is."""
        prebill = self._work(2)
        prebill.action_submit()
        self.assertNotIn(self.reviewer, self._asked(prebill))
        self.assertIn(self.manager, self._asked(prebill))
        prebill.action_cancel()
        self.assertFalse(self._asked(prebill))

    def _remind(self):
        self.env["billing.item"].with_user(self.env.ref("base.user_root"))._cron_remind_stale()
        kind = self.env.ref(STALE)
        return self.order.project_ids.activity_ids.filtered(
            lambda activity: activity.activity_type_id == kind
        )

    def test_old_work(self):
        """One reminder for the project manager, once until it is dealt with."""
        self._log_time(self.line, 4, -60)
        self.assertFalse(self._remind())
        self._log_time(self.line, 3, -61)
        self._log_time(self.line, 1, -90)
        reminder = self._remind()
        self.assertRecordValues(reminder, [{"user_id": self.reviewer.id}])
        for part in (self.order.name, "Client Ltd", "400.00"):
            self.assertIn(part, reminder.summary)
        self.assertEqual(self._remind(), reminder)
        reminder.with_user(self.reviewer).action_feedback()
        self.assertFalse(self._remind(), "marked as done: not told again")
        self._bill(self.order)
        self.assertFalse(self._remind())
        self._log_time(self.line, 2, -70)
        self.assertTrue(self._remind(), "new old work after the bill is told")
        self._bill(self.order)
        self.assertFalse(self._remind(), "billed: the reminder is gone")

    def test_switched_off(self):
        self._log_time(self.line, 4, -600)
        self.company.billing_stale_wip_days = 0
        self.assertFalse(self._remind())
        self.company.billing_stale_wip_days = 700
        self.assertFalse(self._remind())
        self.company.billing_stale_wip_days = 30
        self.assertEqual(len(self._remind()), 1)

    def test_held_back_is_not_told(self):
        """What cannot be billed is no reason to remind of billing."""
        self.order.time_approval = True
        self._log_time(self.line, 4, self.today - relativedelta(months=6))
        self.assertEqual(self._items(self.order).blocked_reason, "unapproved")
        self.assertFalse(self._remind())
