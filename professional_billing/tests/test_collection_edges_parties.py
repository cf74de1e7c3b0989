from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.modules.neutralize import neutralize_database
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.professional_billing.models.collection_letter import CollectionLetter

from .test_collection_common import day
from .test_collection_edges_dates import EdgesCommon


@tagged("post_install", "-at_install")
class TestCollectionEdgesParties(EdgesCommon):
    """Customers and companies that are not like others, by the numbers of the specification."""

    def _hold(self, move, kind):
        return (
            self.env["collection.hold"]
            .with_user(self.agent)
            .create(
                {
                    "case_id": move.action_view_collection_case()["res_id"],
                    "kind": kind,
                    "date_from": day(0),
                    "reason": "Told by the family",
                }
            )
        )

    def _contact(self, name, lang):
        return self.env["res.partner"].create(
            {
                "name": name,
                "email": f"{name.lower()}@late.example.com",
                "parent_id": self.customer.id,
                "lang": lang,
            }
        )

    def test_case_56_several_languages(self):
        """What was said to a customer is one text: in the customer's own language."""
        for code in ("fr_FR", "de_DE"):
            self.env["res.lang"]._activate_lang(code)
        template = self.first.mail_template_id
        for code, subject in (("fr_FR", "Rappel"), ("de_DE", "Erinnerung")):
            template.with_context(lang=code).subject = subject
        self.customer.lang = "de_DE"
        move = self._invoice(100)
        case = self.env["collection.case"].browse(move.action_view_collection_case()["res_id"])
        case.contact_ids = self._contact("Amelie", "fr_FR") + self._contact("Bob", "en_US")
        run = self._send(day(7))
        self.assertEqual(run.letter_ids.subject, "Erinnerung")
        self.assertEqual(run.letter_ids.mail_message_id.partner_ids, case.contact_ids)
        self.assertEqual(set(self._mails(run).mapped("subject")), {"Erinnerung"})
        self.assertEqual(case._get_recipient_lang(case.contact_ids[:1]), "fr_FR")

    def test_case_56_no_language(self):
        """Without one of their own they get the company's; Odoo keeps one in use active."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.company.partner_id.lang = "fr_FR"
        self.customer.lang = False
        move = self._invoice(100)
        case = self.env["collection.case"].browse(move.action_view_collection_case()["res_id"])
        self.assertEqual(case._get_recipient_lang(self.customer), "fr_FR")
        with self.assertRaisesRegex(UserError, "used by contacts"):
            self.env["res.lang"].search([("code", "=", "fr_FR")]).active = False

    def test_case_58_company_of_our_own(self):
        """Companies of the group get a policy without levels: nothing is sent, and it says why."""
        other = self.setup_other_company()["company"].partner_id
        other.email = "sister@example.com"
        self._invoice(100, partner=other)
        other.collection_policy_id = self.policy.copy({"name": "Own group", "level_ids": False})
        self.assertEqual(self._reason(7), "no_policy")

    def test_case_60_protected_person(self):
        """Handed to a person: no run, no statement and no charge goes out until that is closed."""
        move = self._invoice(100)
        hold = self._hold(move, "legal")
        self.assertFalse(hold.date_until)
        self.assertEqual(self._reason(400), "legal")
        self.company.collection_statement_frequency = "monthly"
        due = self.env["collection.statement"]._get_due()
        self.assertNotIn(hold.case_id, [case for case, *_period in due])
        self.assertFalse(self._charge(move, day(400), self._contract(10)))

    def test_case_77_rolled_back_in_the_middle(self):
        """A reminder or a bill of charges that fails half-way leaves no mail and no invoice."""
        move = self._invoice(100)
        run = self._propose(day(7))
        run.action_approve()
        run.action_send()
        before = self.env["mail.mail"].search_count([])
        write = CollectionLetter.write

        def fail(letters, vals):
            if vals.get("state") == "done":
                raise UserError(letters.env._("The disk is full."))
            return write(letters, vals)

        with patch.object(CollectionLetter, "write", fail):
            self._release(run)
        self.assertEqual(run.letter_ids.state, "failed")
        self.assertFalse(run.letter_ids.body)
        self.assertEqual(self.env["mail.mail"].search_count([]), before)

        charges = self._charge(move, day(30), self._contract(10))
        moves = self.env["account.move"].search_count([])
        with (
            patch.object(
                self.registry["collection.case"], "_message_log", side_effect=UserError("No space.")
            ),
            self.assertRaisesRegex(UserError, "No space"),
            self.cr.savepoint(),
        ):
            self._bill(charges)
        self.env.invalidate_all()
        self.assertEqual(self.env["account.move"].search_count([]), moves)
        self.assertEqual(charges.state, "draft")

    def test_case_79_branches(self):
        """A branch is a creditor of its own: own case and letter; the policy is its parent's."""
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        # Odoo gives a branch its accounts at the end of the transaction.
        self.cr.precommit.run()
        both = self._new_user(
            "both", "professional_billing.group_collection_agent", self.company | branch
        )
        own = self._new_user("own", "professional_billing.group_collection_agent", branch)
        self.policy.company_id = self.company
        self.env.user.company_ids |= branch
        at_root = self._invoice(100)
        at_branch = self._invoice(30, company_id=branch.id)
        self.assertEqual(at_branch.company_id, branch)
        run = self._send(day(7), both)
        self.assertEqual(run.line_ids.event_id.move_id, at_root)
        self.assertNotIn("30.00", run.letter_ids.body)
        run = self._send(day(7), own, company_id=branch.id)
        event = run.line_ids.event_id
        self.assertEqual((event.move_id, event.level_id), (at_branch, self.first))
        self.assertNotIn("100.00", event.letter_id.body)
        self.assertEqual(event.case_id.company_id, branch)
        self.assertNotEqual(event.case_id.id, at_root.action_view_collection_case()["res_id"])
        own_policy = self.policy.copy({"name": "Of the branch", "company_id": branch.id})
        self.assertEqual(self.env["collection.policy"]._get_default(branch), own_policy)
        self.assertEqual(self.env["collection.policy"]._get_default(self.company), self.policy)

    @mute_logger("odoo.modules.neutralize")
    def test_case_85_neutralized_copy(self):
        """A copy of the database made for tests runs nothing by itself and mails nobody."""
        crons = self.env["ir.cron"].union(
            *(
                self.env.ref(f"professional_billing.cron_collection_{name}")
                for name in ("run", "release", "judge", "statement")
            )
        )
        self.assertEqual(crons.mapped("active"), [True] * 4)
        self.env.flush_all()
        neutralize_database(self.cr)
        self.env.invalidate_all()
        self.assertFalse(any(crons.mapped("active")))
        [server] = self.env["ir.mail_server"].search([])
        self.assertEqual((server.smtp_host, server.smtp_encryption), ("invalid", "none"))
