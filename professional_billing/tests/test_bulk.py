import contextlib
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged

from ..models.account_move_complete import AccountMoveComplete as AccountMove
from ..models.billing_item_balance import BALANCE
from .common import BillingCommon

#: Columns that no two rows of different turns share.
OWN = {"create_date", "write_date", "access_token"}
#: Tables whose new rows name no author.
BULK = ("billing_item", "billing_prebill_line", "billing_allocation")
#: Tables of which each turn makes rows of its own, and the columns that point to them.
MADE = {
    "billing_item": ("item_id",),
    "billing_prebill": ("prebill_id",),
    "billing_prebill_line": ("prebill_line_id",),
    "account_move": ("move_id", "timesheet_invoice_id"),
    "account_move_line": ("move_line_id", "invoice_line_id", "account_move_line_id"),
    "billing_allocation": (),
}


@tagged("post_install", "-at_install")
class TestBulk(BillingCommon):
    """What is written by one statement is what Odoo's own way writes, in every stored column."""

    def _engagement(self, **vals):
        """Hours that do not print clean, a discount, a fee, and time that is not billed."""
        order = self._create_engagement(
            [
                {"product_id": self.hours.id, "price_unit": 99.99},
                {"product_id": self.days.id, "discount": 7.5},
                {
                    "product_id": self.fee.id,
                    "installments": [{"percentage": 40}, {"percentage": 60}],
                },
            ],
            **vals,
        )
        hours, days, _fee = order.order_line
        for number, worked in enumerate((1, 0.333333, 2.5, 7.75)):
            self._log_time(hours, worked, -number)
            self._log_time(days, worked, -number)
        self._log_time(hours, 1).billing_treatment = "non_billable"
        self._log_time(hours, 1).billing_treatment = "complimentary"
        return order

    def _turn(self, order, mode="post", post_later=False):
        """Accrue anew, bill, and return what is stored; the turn is undone."""
        savepoint = self.env.cr.savepoint()
        order.billing_item_ids.sudo().unlink()
        lines = order.order_line
        lines._accrue_billing()
        run = self.env["billing.run"].create(
            {
                "mode": mode,
                "cutoff_date": self.today,
                "partner_ids": order.partner_id.ids,
            }
        )
        run.action_start()
        self.assertEqual(set(run.line_ids.mapped("state")), {"done"})
        if post_later:
            run.move_ids._post(soft=False)
        self.env.flush_all()
        rows = self._get_rows(order)
        savepoint.close(rollback=True)
        self.env.invalidate_all()
        return rows

    def _get_rows(self, order):
        prebills, moves = order.prebill_ids, order.invoice_ids
        where = {
            "billing_item": ("id", order.billing_item_ids.ids),
            "billing_prebill": ("id", prebills.ids),
            "billing_prebill_line": ("prebill_id", prebills.ids),
            "account_move": ("id", moves.ids),
            "account_move_line": ("move_id", moves.ids),
            "billing_allocation": ("item_id", order.billing_item_ids.ids),
            "account_analytic_line": ("so_line", order.order_line.ids),
            "sale_order_line": ("order_id", order.ids),
            "sale_order": ("id", order.ids),
            "account_move_line_account_tax_rel": ("account_move_line_id", moves.line_ids.ids),
            "account_account_tag_account_move_line_rel": (
                "account_move_line_id",
                moves.line_ids.ids,
            ),
        }
        tables = {
            table: self._query(
                f"SELECT * FROM {table} WHERE {column} = ANY(%s) ORDER BY 1, 2", list(ids)
            )
            for table, (column, ids) in where.items()
        }
        tables["mail_followers"] = self._query(
            "SELECT res_id AS move_id, partner_id, mail_message_subtype_id FROM mail_followers"
            " JOIN mail_followers_mail_message_subtype_rel ON mail_followers_id = mail_followers.id"
            " WHERE res_model = 'account.move' AND res_id = ANY(%s) ORDER BY 1, 2, 3",
            moves.ids,
        )
        ranks = {
            table: {row["id"]: rank for rank, row in enumerate(tables[table])} for table in MADE
        }
        pointing = {column: ranks[table] for table, columns in MADE.items() for column in columns}
        for table, rows in tables.items():
            for row in rows:
                for column in OWN & set(row):
                    del row[column]
                if table in BULK:
                    del row["create_uid"], row["write_uid"]
                for column in pointing.keys() & set(row):
                    row[column] = pointing[column].get(row[column])
                if table in ranks:
                    row["id"] = ranks[table][row["id"]]
                if table == "billing_prebill":
                    del row["name"]
        return tables

    def _sort(self, table, rows):
        if table != "billing_allocation":
            return rows
        # In whichever order they are settled: nothing points to a settlement.
        unnumbered = [{name: row[name] for name in row if name != "id"} for row in rows]
        return sorted(unnumbered, key=lambda row: (row["item_id"], row["kind"], row["amount"]))

    def assertSameRows(self, mine, other, but=()):
        for table in mine:
            rows, others = (self._sort(table, turn[table]) for turn in (mine, other))
            self.assertEqual(len(rows), len(others), table)
            for row, expected in zip(rows, others, strict=True):
                differing = {
                    name: (row[name], expected[name])
                    for name in row
                    if row[name] != expected[name] and name not in but
                }
                self.assertFalse(differing, f"{table}: (ours, Odoo's way)")

    def _turn_by_odoo(self, order, mode="post"):
        with contextlib.ExitStack() as stack:
            for name in ("billing.item", "billing.prebill.line", "billing.allocation"):
                model = type(self.env[name])
                stack.enter_context(patch.object(model, "_is_said_by", lambda *_args: False))
            return self._turn(order, mode)

    def test_rows(self):
        """Items, pre-bill lines, settlements and all that follows from them."""
        order = self._engagement()
        rows = self._turn(order)
        # The taxes of this chart of accounts have no tags; followers have a test of their own.
        empty = {table for table in rows if not rows[table]}
        self.assertEqual(empty, {"account_account_tag_account_move_line_rel", "mail_followers"})
        self.assertSameRows(rows, self._turn_by_odoo(order))

    def test_rows_of_drafts(self):
        order = self._engagement(billing_detail="person")
        self.assertSameRows(self._turn(order, "draft"), self._turn_by_odoo(order, "draft"))

    def test_posted_at_once(self):
        """A run that posts leaves what a run and a person who posts leave.

        But for who wrote journal items last: no person dates the invoice after it was made.
        """
        order = self._engagement()
        later = self._turn(order, "draft", post_later=True)
        self.assertSameRows(self._turn(order), later, but=("write_uid",))

    def test_balances(self):
        """The statement that balances items says what the field's computation says."""
        order = self._engagement()
        move = self._bill(order, post=True)
        self._credit(move, {self._product_lines(move)[0]: 1})
        items = order.billing_item_ids.sudo()
        expected = self._stored(items)
        items._refresh_balances()
        self.assertEqual(self._stored(items), expected)
        items._compute_balance()
        self.env.flush_all()
        self.assertEqual(self._stored(items), expected)
        self.assertLedger(order)

    def _stored(self, items):
        self.env.flush_all()
        return self._query(
            f"SELECT id, {', '.join(BALANCE)} FROM billing_item WHERE id = ANY(%s) ORDER BY id",
            items.ids,
        )

    def test_totals_of_prebills(self):
        order = self._engagement()
        prebill = self._prebill(order).sudo()
        names = [name for name in prebill._fields if name.startswith("amount_")]
        totals = [prebill[name] for name in names]
        with patch.object(type(prebill), "_get_plain_totals", lambda _self: {}):
            prebill._compute_amounts()
        self.assertEqual([prebill[name] for name in names], totals)

    def _invoiced_both_ways(self, order, mode="post", odd=False):
        """Check that invoices created whole are what Odoo makes of them, unless they are `odd`."""
        whole = []
        complete = AccountMove._complete

        def told(moves, vals):
            whole.append(complete(moves, vals))
            return whole[-1]

        with patch.object(AccountMove, "_complete", told):
            mine = self._turn(order, mode)
        self.assertEqual([not vals for vals in whole], [odd])
        with patch.object(AccountMove, "_adds_lines_as_known", lambda _self: False):
            self.assertSameRows(mine, self._turn(order, mode))
        return mine

    def _new_terms(self):
        """Return Odoo's way to pay at once, two instalments, and the end of the month."""
        return self.env["account.payment.term"].create(
            [
                {
                    "name": "At once",
                    "line_ids": [Command.create({"value": "percent", "value_amount": 100})],
                },
                {
                    "name": "Two instalments",
                    "line_ids": [
                        Command.create({"value": "percent", "value_amount": 30, "nb_days": 10}),
                        Command.create({"value": "percent", "value_amount": 70, "nb_days": 40}),
                    ],
                },
                {
                    "name": "Fixed part, the rest at the end of the month",
                    "line_ids": [
                        Command.create({"value": "fixed", "value_amount": 100}),
                        Command.create(
                            {
                                "value": "percent",
                                "value_amount": 100,
                                "delay_type": "days_after_end_of_month",
                            }
                        ),
                    ],
                },
            ]
        )

    def test_invoices(self):
        """Taxes on and in the price, fixed, of a group, none; rounded by line and as a whole."""
        Tax = self.env["account.tax"]
        analytic, ten, included, fixed, first, second = Tax.create(
            [
                {"name": "Analytic", "amount": 8, "analytic": True},
                {"name": "10 %", "amount": 10},
                {"name": "7 % included", "amount": 7, "price_include_override": "tax_included"},
                {"name": "5 fixed", "amount": 5, "amount_type": "fixed"},
                {"name": "First", "amount": 3.5, "include_base_amount": True},
                {"name": "Second", "amount": 2},
            ]
        )
        both = Tax.create(
            {
                "name": "Both",
                "amount_type": "group",
                "children_tax_ids": [Command.set((first + second).ids)],
            }
        )
        at_once, instalments, end_of_month = self._new_terms()
        cases = {
            "none": (Tax, at_once),
            "one": (ten, instalments),
            "two": (ten + self.tax_sale_a, end_of_month),
            "included": (included, at_once),
            "fixed": (fixed + ten, instalments),
            "group": (both, at_once),
            "analytic": (analytic, at_once),
        }
        for rounding_method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding_method
            for name, (tax, term) in cases.items():
                order = self._engagement(
                    payment_term_id=term.id,
                    partner_id=self.env["res.partner"].create({"name": name}).id,
                )
                order.order_line.tax_ids = tax
                with self.subTest(name, rounding=rounding_method):
                    self._invoiced_both_ways(order)

    def test_draft_invoices(self):
        order = self._engagement(billing_detail="person", payment_term_id=self._new_terms()[1].id)
        self._invoiced_both_ways(order, "draft")

    def test_fiscal_position(self):
        """Both accounts are another one abroad."""
        accounts = self.env["account.account"].create(
            [
                {"name": "Abroad", "code": "ABROAD", "account_type": "income"},
                {
                    "name": "Owed abroad",
                    "code": "OWEDABROAD",
                    "account_type": "asset_receivable",
                    "reconcile": True,
                },
            ]
        )
        usual = (
            self.company_data["default_account_revenue"]
            + self.company_data["default_account_receivable"]
        )
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "account_ids": [
                    Command.create({"account_src_id": usual[index].id, "account_dest_id": dest.id})
                    for index, dest in enumerate(accounts)
                ],
            }
        )
        order = self._engagement(
            fiscal_position_id=position.id, payment_term_id=self._new_terms()[0].id
        )
        self._invoiced_both_ways(order)
        self.assertEqual(self._bill(order).line_ids.account_id & accounts, accounts)

    def test_odd_invoices(self):
        """What only Odoo knows how to complete is left to it."""
        plain = self._new_terms()[0]
        discount = self.env["account.payment.term"].create(
            {
                "name": "2 % within 10 days",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "line_ids": [Command.create({"value": "percent", "value_amount": 100})],
            }
        )
        foreign = self.env["product.pricelist"].create(
            {"name": "Foreign", "currency_id": self.setup_other_currency("EUR").id}
        )
        cases = {
            "no term": {"payment_term_id": False},
            "early payment": {"payment_term_id": discount.id},
            "currency": {"pricelist_id": foreign.id},
        }
        for name, terms in cases.items():
            partner = self.env["res.partner"].create({"name": name})
            order = self._engagement(
                **{"payment_term_id": plain.id, "partner_id": partner.id, **terms}
            )
            with self.subTest(name):
                self._invoiced_both_ways(order, odd=True)

    def test_followers(self):
        """The salesperson and who follows a team's invoices follow those that are created whole."""
        team = self.env["crm.team"].create({"name": "Consulting"})
        subtypes = self.env["mail.message.subtype"].search([("res_model", "=", "crm.team")])
        team.message_subscribe(self.officer.partner_id.ids, subtype_ids=subtypes.ids)
        order = self._engagement(team_id=team.id, payment_term_id=self._new_terms()[0].id)
        self.env = self.env(context={**self.env.context, "tracking_disable": False})
        rows = self._invoiced_both_ways(order)["mail_followers"]
        followers = {row["partner_id"] for row in rows}
        self.assertEqual(followers, set((self.officer + order.user_id).partner_id.ids))

    def test_batch_of_a_client(self):
        """What a client says in the context does not make the ledger leave credit notes out."""
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line, 8)
        move = self._bill(order, post=True)
        self._credit(move, {self._product_lines(move)[0]: 1})
        move.button_draft()
        move.with_context(billing_batch=True).action_post()
        self.assertEqual(order.order_line.billing_open_quantity, 1)
        self.assertLedger(order)

    def test_changed_while_billed(self):
        """Plain time of which something else is open than is billed is refused, not balanced."""
        order = self._create_engagement([self.hours])
        self._log_time(order.order_line, 8)
        prebill = self._prebill(order)
        prebill.action_approve()
        refresh = type(prebill)._check_current

        def meanwhile(prebills):
            refresh(prebills)
            self.env.cr.execute(
                "UPDATE billing_item SET open_quantity = 3 WHERE id = %s",
                order.billing_item_ids.ids,
            )

        with (
            patch.object(type(prebill), "_check_current", meanwhile),
            self.assertRefused("changed"),
        ):
            prebill.action_invoice()
