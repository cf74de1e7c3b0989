import datetime

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .test_collection_common import CollectionCommon, day

# What the bill of vector V26 comes to: 10,000 due on 31 January 2025, 4,000 paid on 31 March, the
# rest on 15 August, at the German rate between businesses.
V26 = 428.42


def date(text):
    return datetime.date.fromisoformat(text)


class ChargeCommon(CollectionCommon):
    """Terms in the company's currency, chosen on the policy that all customers have."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.german = cls._terms("de")

    @classmethod
    def _terms(cls, key, **values):
        """Return the preset in the company's currency, so that its amounts are those of the law."""
        terms = cls.env.ref(f"professional_billing.terms_{key}")
        return terms.copy({"currency_id": cls.company.currency_id.id, **values})

    @classmethod
    def _contract(cls, percent, **values):
        return cls.env["collection.charge.terms"].create(
            {"name": "Contract", "margin": percent, **values}
        )

    def _charge(self, moves, on, terms=None, user=None):
        """Propose the charges of `moves`, with the standard policy's terms set to `terms`."""
        if terms:
            self.policy.charge_terms_id = terms
        return self.env["collection.charge"].with_user(user or self.agent)._propose(moves, on)

    def _bill(self, charges):
        action = charges.with_user(self.manager).action_invoice()
        return self.env["account.move"].browse(action["res_id"])

    def _amounts(self, charges):
        return {charge.kind: charge.amount for charge in charges}

    def _credit(self, move, amount, on):
        """Post and match a credit note over a part of an invoice."""
        credit = self._invoice(
            amount,
            on,
            partner=move.partner_id,
            move_type="out_refund",
            invoice_date=on,
            date=on,
            currency_id=move.currency_id.id,
            reversed_entry_id=move.id,
        )
        lines = (move | credit).line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled
        )
        if lines.move_id == move | credit:
            lines.reconcile()
        return credit


@tagged("post_install", "-at_install")
class TestCollectionCharge(ChargeCommon):
    """What late payment costs on real invoices: the published vectors, end to end."""

    def _v26(self):
        move = self._invoice(10000, date("2025-01-31"))
        self._register_payment(move, amount=4000, payment_date=date("2025-03-31"))
        return move

    def test_v26_part_payment_and_rate_change(self):
        """Segments by balance and rate, from what accounting says was paid when (edge case 1)."""
        move = self._v26()
        self._register_payment(move, amount=6000, payment_date=date("2025-08-15"))
        charges = self._charge(move, date("2025-10-31"), self.german)
        interest = charges.filtered(lambda charge: charge.kind == "interest")
        self.assertEqual(interest.amount, V26)
        self.assertRecordValues(
            interest.segment_ids,
            [
                {"days": 59, "balance": 10000, "percent": 11.27, "amount": 182.1726},
                {"days": 91, "balance": 6000, "percent": 11.27, "amount": 168.5868},
                {"days": 46, "balance": 6000, "percent": 10.27, "amount": 77.6581},
            ],
        )
        self.assertEqual(self._amounts(charges), {"interest": V26, "compensation": 40})

    def test_v26_payment_day_not_counted(self):
        move = self._v26()
        self._register_payment(move, amount=6000, payment_date=date("2025-08-15"))
        terms = self._terms("de", count_payment_day=False, compensation="none")
        self.assertEqual(self._charge(move, date("2025-10-31"), terms).amount, 425.49)

    def test_v3_german_consumer_and_v4_business(self):
        due = date("2023-01-01")
        move = self._invoice(10000, due)
        consumer = self._terms("de_consumer")
        self.assertEqual(self._charge(move, date("2023-07-01"), consumer).amount, 328.69)
        # The published vectors have the first half-year's rate on the first of July as well.
        fixed = self._contract(6.62)
        self.assertEqual(self._charge(move, date("2023-07-01"), fixed).amount, 328.28)
        self.assertEqual(
            self._charge(move, date("2023-07-01"), self._contract(10.62)).amount, 526.64
        )

    def test_v6_fixed_sum_and_interest(self):
        move = self._invoice(262.25, date("2025-01-01"))
        terms = self._contract(8.5, compensation="uk")
        charges = self._charge(move, date("2025-05-20"), terms)
        self.assertEqual(self._amounts(charges), {"interest": 8.49, "compensation": 40})

    def test_v7_interest_on_the_amount_with_tax(self):
        """851.06 and 148.94 of tax are 1,000.00 that were not paid."""
        tax = self.company_data["default_tax_sale"].copy({"amount": 17.5, "name": "17.5"})
        move = self._invoice(
            due=date("2025-01-01"),
            invoice_line_ids=[
                Command.create(
                    {"name": "x", "price_unit": 851.06, "tax_ids": [Command.set(tax.ids)]}
                )
            ],
        )
        self.assertEqual(move.amount_total, 1000)
        self.assertEqual(self._charge(move, date("2025-01-31"), self._contract(12)).amount, 9.86)

    def test_v10_compensation_by_the_debt(self):
        move = self._invoice(5000, date("2025-01-01"))
        charges = self._charge(move, date("2025-01-31"), self._contract(12.5, compensation="uk"))
        self.assertEqual(self._amounts(charges), {"interest": 51.37, "compensation": 70})

    def test_v11_v13_v20_rounded_at_the_end(self):
        for amount, percent, days, expected in (
            (2000, 13.25, 45, 32.67),
            (1000, 5.12, 25, 3.51),
            (100, 10, 15, 0.41),
        ):
            move = self._invoice(amount, date("2025-01-01"))
            on = date("2025-01-01") + datetime.timedelta(days=days)
            self.assertEqual(self._charge(move, on, self._contract(percent)).amount, expected)

    def test_v15_v16_of_360_days(self):
        for amount, percent, on, expected in (
            (22800, 7.5, "2025-05-07", 171.0),
            (1500, 6.5, "2025-04-11", 2.71),
        ):
            move = self._invoice(amount, date("2025-04-01"))
            terms = self._contract(percent, day_count="act/360")
            self.assertEqual(self._charge(move, date(on), terms).amount, expected)

    def test_v20_fee_and_interest(self):
        """A fee of ten and fifteen days at ten percent on a hundred are 10.41."""
        self.first.write({"fee_amount": 10, "charge_interest": True, "delay_days": 15})
        move = self._invoice(100)
        self.policy.charge_terms_id = self._contract(10)
        self._send(day(15))
        charges = self._charge(move, day(15))
        self.assertEqual(self._amounts(charges), {"interest": 0.41, "fee": 10})
        self.assertEqual(self._bill(charges).amount_total, 10.41)

    def test_v24_steps_of_the_united_kingdom(self):
        terms = self._terms("uk")
        for amount, expected in ((999.99, 40), (1000, 70), (9999.99, 70), (10000, 100)):
            move = self._invoice(amount, date("2025-06-15"))
            charges = self._charge(move, date("2025-06-20"), terms)
            self.assertEqual(self._amounts(charges)["compensation"], expected)

    def test_v25_belgium_as_published(self):
        terms = self._terms("be", compensation="none")
        for due, expected in (("2024-03-01", 12.5), ("2025-03-01", 11.5), ("2025-08-01", 10.5)):
            move = self._invoice(1000, date(due))
            on = date(due) + datetime.timedelta(days=10)
            self.assertEqual(self._charge(move, on, terms).segment_ids.percent, expected)

    def test_v27_rate_fixed_at_default_or_floating(self):
        move = self._invoice(5000, date("2025-06-15"))
        self._register_payment(move, payment_date=date("2025-09-23"))
        terms = self._terms("uk", compensation="none")
        self.assertEqual(self._charge(move, date("2025-12-31"), terms).amount, 174.66)
        terms = self._terms("uk", compensation="none", fixing="floating")
        self.assertEqual(self._charge(move, date("2025-12-31"), terms).amount, 168.84)

    def test_v28_leap_year(self):
        """Edge case 39: a year's end and 29 February."""
        move = self._invoice(1000, date("2023-11-30"))
        for day_count, expected in (("act/365", 25.21), ("act/act", 25.16), ("act/360", 25.56)):
            terms = self._contract(10, day_count=day_count)
            self.assertEqual(self._charge(move, date("2024-03-01"), terms).amount, expected)

    def test_v31_no_interest_on_interest(self):
        """Edge case 21: an invoice of late charges costs nothing to be late with."""
        self.first.write({"fee_amount": 10, "charge_interest": True})
        self.policy.charge_terms_id = self.german
        move = self._invoice(1000)
        with freeze_time(day(30)):
            invoice = self._bill(self._charge(move, day(30)))
            self.assertTrue(invoice.is_late_charge)
        events = self._send(day(60)).line_ids.event_id
        told = events.filtered(lambda event: event.move_id == invoice)
        self.assertEqual((told.fee_amount, told.charge_interest), (0, False))
        self.assertFalse(self._charge(invoice, day(90)))
        case = self.env["collection.case"].search([]).with_user(self.agent)
        with freeze_time(day(90)):
            proposals = self.env["collection.charge"]._propose(case._get_chargeable(), day(90))
        self.assertEqual(proposals.move_id, move)

    def test_v32_norway_less_the_fees(self):
        """The standard compensation is lowered by the reminder fees that were charged."""
        self.first.fee_amount = 35
        self.policy.charge_terms_id = self._terms("no", table_id=False)
        move = self._invoice(1000)
        self._send(day(14))
        charges = self._charge(move, day(20))
        self.assertEqual(self._amounts(charges), {"fee": 35, "compensation": 365})

    def test_v33_rate_of_a_year_only(self):
        """Terms hold a yearly percentage, and every calculation says it: Canada wants it printed."""
        move = self._invoice(1000, date("2025-01-01"))
        charge = self._charge(move, date("2025-01-31"), self._terms("us"))
        self.assertEqual((charge.segment_ids.percent, charge.amount), (18, 14.5))

    def test_netherlands_compounds_yearly(self):
        terms = self._contract(10, compounding="yearly", compensation="nl_wik")
        move = self._invoice(1000, date("2023-01-01"))
        charges = self._charge(move, date("2025-01-01"), terms)
        # 100.00 after a year, which then bears interest too; 15 % of 1,000.
        self.assertEqual(self._amounts(charges), {"interest": 210.3, "compensation": 150})

    def test_per_instalment(self):
        """Edge case 31: each instalment has its own due date, interest and compensation."""
        term = self.env["account.payment.term"].create(
            {
                "name": "30/70",
                "line_ids": [
                    Command.create({"value_amount": 30, "nb_days": 10}),
                    Command.create({"value_amount": 70, "nb_days": 40}),
                ],
            }
        )
        move = self._invoice(
            1000,
            invoice_payment_term_id=term.id,
            invoice_date=date("2025-01-01"),
        )
        charges = self._charge(move, date("2025-01-31"), self.german)
        self.assertEqual(charges.mapped("due_date"), [date("2025-01-11")] * 2)
        self.assertEqual(self._amounts(charges), {"interest": 1.85, "compensation": 40})
        charges = self._charge(move, date("2025-02-20"), self.german)
        compensations = charges.filtered(lambda charge: charge.kind == "compensation")
        self.assertEqual(compensations.mapped("amount"), [40, 40])
        per_invoice = self._terms("de", compensation_per="invoice")
        charges = self._charge(move, date("2025-02-20"), per_invoice)
        compensations = charges.filtered(lambda charge: charge.kind == "compensation")
        self.assertEqual(compensations.mapped("amount"), [40])

    def test_stale_table_stops_the_charge(self):
        """Edge case 23: what is not known is not charged, and the sentence says what to do."""
        move = self._invoice(1000, date("2025-12-01"))
        charge = self._charge(move, date("2026-08-01"), self._terms("de", compensation="none"))
        self.assertEqual(charge.amount, 0)
        self.assertIn("Basiszinssatz", charge.problem)
        self.assertIn("07/17/2026", charge.problem)
        self.assertIn("add it in", charge.problem)
        with self.assertRaisesRegex(UserError, "has no rate for"):
            self._bill(charge)
        table = self.env.ref("professional_billing.rate_table_bundesbank")
        self.assertEqual(table.valid_until, date("2026-07-16"))
        rates = self.env["collection.rate"].with_user(self.manager)
        rates.create({"table_id": table.id, "date_from": "2026-07-01", "percent": 1.5})
        self._charge(move, date("2026-08-01"))
        self.assertFalse(charge.problem)
        self.assertEqual(charge.segment_ids.mapped("percent"), [10.27, 10.5])

    def test_table_begins_too_late(self):
        move = self._invoice(1000, date("2023-12-01"))
        charge = self._charge(move, date("2024-02-01"), self._terms("be", compensation="none"))
        self.assertIn("no rate for 07/01/2023", charge.problem)

    def test_one_rate_a_day(self):
        table = self.env.ref("professional_billing.rate_table_ecb")
        with self.assertRaisesRegex(ValidationError, "Change that one"):
            self.env["collection.rate"].create(
                {"table_id": table.id, "date_from": "2026-01-01", "percent": 2}
            )

    def test_update_brings_a_rate_entered_by_hand(self):
        table = self.env.ref("professional_billing.rate_table_ecb")
        rates = self.env["collection.rate"]
        rates.create({"table_id": table.id, "date_from": "2026-07-01", "percent": 2.4})
        rates.with_context(install_mode=True).create(
            {"table_id": table.id, "date_from": "2026-07-01", "percent": 2.45}
        )
        newest = table.rate_ids.filtered(lambda rate: rate.date_from == date("2026-07-01"))
        self.assertEqual(newest.percent, 2.45)

    def test_negative_rate_costs_nothing(self):
        """Edge case 20: the base rate was below zero; nobody gets interest for paying late."""
        move = self._invoice(1000, date("2021-01-01"))
        terms = self._terms("de", margin=0.5, compensation="none")
        self.assertFalse(self._charge(move, date("2021-06-01"), terms))

    def test_paid_on_the_due_date(self):
        move = self._invoice(1000)
        self._register_payment(move, payment_date=day(0))
        self.assertFalse(self._charge(move, day(30), self.german))

    def test_grace_and_minimum(self):
        move = self._invoice(100)
        terms = self._contract(10, grace_days=5, minimum_amount=0.5)
        self.assertFalse(self._charge(move, day(20), terms))
        self.assertEqual(self._charge(move, day(30), terms).amount, 0.68)

    def test_without_terms(self):
        with self.assertRaisesRegex(UserError, "There is nothing to charge"):
            self._invoice(100).with_user(self.agent).action_propose_charges()

    def test_terms_by_customer(self):
        """The policy's terms: that of the invoice goes before that of the customer."""
        self.policy.charge_terms_id = self._contract(10)
        mild = self.policy.copy({"name": "Mild", "charge_terms_id": self._contract(1).id})
        dear = self.policy.copy({"name": "Dear", "charge_terms_id": self._contract(20).id})
        move = self._invoice(3650)
        self.assertEqual(self._charge(move, day(10)).amount, 10)
        self.customer.with_company(self.company).collection_policy_id = mild
        self.assertEqual(self._charge(move, day(10)).amount, 1)
        move.collection_policy_id = dear
        self.assertEqual(self._charge(move, day(10)).amount, 20)

    def test_consumers_are_spared(self):
        self.customer.collection_consumer = True
        move = self._invoice(1000)
        self.assertFalse(self._charge(move, day(30), self.german))
        self.assertTrue(self._charge(move, day(30), self._contract(5, business_only=False)))

    def test_yen_and_dinar(self):
        """Edge case 19: no decimals, or three."""
        for name, decimals, expected in (("JPY", 0, 25), ("KWD", 3, 24.658)):
            currency = self.env["res.currency"].with_context(active_test=False)
            currency = currency.search([("name", "=", name)])
            currency.write({"active": True, "rounding": 10**-decimals})
            self.env["res.currency.rate"].create(
                {"currency_id": currency.id, "name": "2020-01-01", "rate": 2}
            )
            move = self._invoice(10000, currency_id=currency.id)
            charge = self._charge(move, day(9), self._contract(10))
            self.assertEqual((charge.currency_id, charge.amount), (currency, expected))
            self.assertEqual(self._bill(charge).currency_id, currency)

    def test_foreign_currency_converts_the_fixed_sums(self):
        currency = self.setup_other_currency("EUR", rates=[("2020-01-01", 0.5)])
        self.first.fee_amount = 10
        move = self._invoice(1000, currency_id=currency.id)
        self._send(day(7))
        terms = self._contract(10, compensation="eu")
        charges = self._charge(move, day(7), terms)
        self.assertEqual(self._amounts(charges), {"interest": 1.92, "fee": 5, "compensation": 20})
        self.assertEqual(self._bill(charges).amount_total, 26.92)

    def test_without_exchange_rate(self):
        terms = self._contract(0, compensation="eu", currency_id=self.env.ref("base.CHF").id)
        charge = self._charge(self._invoice(1000), day(7), terms)
        self.assertIn("no exchange rate for CHF", charge.problem)
