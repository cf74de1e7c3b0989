"""What Odoo does again for each of many new invoices that have it in common, done once for all.

Each piece does what Odoo's own does; `tests/test_bulk.py` compares what is stored both ways.
"""

from odoo import api, models

#: The fields of a journal item that are worked out before it is stored. Where a module adds one, Odoo
#: works all of them out.
PRECOMPUTED = {
    "account_id",
    "amount_currency",
    "balance",
    "company_currency_id",
    "company_id",
    "credit",
    "currency_id",
    "debit",
    "display_type",
    "is_storno",
    "journal_id",
    "name",
    "partner_id",
    "price_unit",
    "product_uom_id",
    "quantity",
    "sequence",
    "tax_group_id",
    "tax_ids",
    "tax_line_id",
}
#: What has to be said of a journal item by its kind, so that the rest of these is known.
SAID = {"account_id", "amount_currency", "balance"}
SAID_BY_KIND = {
    "product": {"name", "quantity", "tax_ids", "price_unit", "product_uom_id"},
    "tax": {"name", "tax_repartition_line_id"},
    "payment_term": set(),
}
SEQUENCES = {"tax": 10000, "payment_term": 12000}


class Batch:
    """What is done with new invoices, in the context (`billing_batch`), where no client can put it."""


CREATED_WHOLE, POSTED_AT_ONCE = Batch(), Batch()


class BillingBatchMixin(models.AbstractModel):
    """Rows that are many and alike, while the context says so."""

    _name = "billing.batch.mixin"
    _description = "Rows made many at once"

    @api.model
    def _is_batch(self, *batches):
        """Tell whether these are new invoices, or of them, in the transaction that makes them."""
        return self.env.context.get("billing_batch") in (batches or (CREATED_WHOLE, POSTED_AT_ONCE))

    def _check_company(self, fnames=None):
        # EXTENDS base: of rows that link to the same, the first one is looked at.
        if not self._is_batch():
            return super()._check_company(fnames)
        if fnames is None or {"company_id", "company_ids"} & set(fnames):
            fnames = self._fields
        for name in fnames:
            field = self._fields[name]
            if field.relational and field.check_company:
                firsts = {}
                for record in self:
                    firsts.setdefault((record.company_id.id, record[name]._ids), record.id)
                super(BillingBatchMixin, self.browse(firsts.values()))._check_company([name])
        return None


class AccountMoveBatch(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "billing.batch.mixin"]

    def _message_auto_subscribe(self, updated_values, followers_existing_policy="skip"):
        # EXTENDS mail: `_subscribe_all` does it once the invoices are made.
        if self._is_batch(CREATED_WHOLE):
            return True
        return super()._message_auto_subscribe(updated_values, followers_existing_policy)

    def _inverse_currency_id(self):
        # EXTENDS account: it looks for lines in another currency, and whole invoices have none.
        if self._is_batch(CREATED_WHOLE):
            return None
        return super()._inverse_currency_id()

    def _subscribe_all(self, vals_list):
        """Let those follow these new invoices, made of `vals_list`, who follow such invoices."""
        if self.env.context.get("tracking_disable"):
            return
        relations = self.env["mail.message.subtype"]._get_auto_subscription_subtypes(self._name)[4]
        names = {name for names in relations.values() for name in names}
        names |= {name for name, field in self._fields.items() if field.comodel_name == "res.users"}
        groups = {}
        for move, vals in zip(self, vals_list, strict=True):
            about = {name: vals[name] for name in sorted(names) if vals.get(name)}
            _about, moves = groups.get(tuple(about.items()), (about, self.browse()))
            groups[tuple(about.items())] = about, moves + move
        for about, moves in groups.values():
            # To tell the salesperson is no change by hand.
            moves = moves.with_context(skip_is_manually_modified=True)
            moves._message_auto_subscribe(about, followers_existing_policy="update")


class AccountMoveLineBatch(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "billing.batch.mixin"]

    @api.model
    def _add_precomputed_values(self, vals_list):
        # EXTENDS base: of a whole invoice nothing has to be found out.
        names = {field.name for field in self._fields.values() if field.precompute}
        is_known = self._is_batch(CREATED_WHOLE) and names == PRECOMPUTED
        odd = [vals for vals in vals_list if not (is_known and self._precompute(vals))]
        return super()._add_precomputed_values(odd)

    @api.model
    def _precompute(self, vals):
        """Say what Odoo works out of a journal item before it is stored; tell whether it is known."""
        move = self.env["account.move"].browse(vals.get("move_id"))
        kind = vals.get("display_type")
        if kind not in SAID_BY_KIND or not (SAID | SAID_BY_KIND[kind]) <= vals.keys():
            return False
        # What is due takes its name from these.
        if kind == "payment_term" and (
            move.payment_reference or len(move.invoice_payment_term_id.line_ids) > 1
        ):
            return False
        part = self.env["account.tax.repartition.line"].browse(vals.get("tax_repartition_line_id"))
        currency = move.company_currency_id
        balance = currency.round(vals["balance"])
        known = {
            "company_currency_id": currency.id,
            "company_id": move.company_id.id,
            "credit": -balance if balance < 0 else 0.0,
            "currency_id": move.currency_id.id,
            "debit": balance if balance > 0 else 0.0,
            "is_storno": False,
            "journal_id": move.journal_id.id,
            "name": False,
            "partner_id": move.partner_id.commercial_partner_id.id,
            "price_unit": 0.0,
            "product_uom_id": False,
            "quantity": 0.0,
            "sequence": SEQUENCES.get(kind, 100),
            "tax_group_id": part.tax_id.tax_group_id.id,
            "tax_ids": [],
            "tax_line_id": part.tax_id.id,
        }
        missing = {name: value for name, value in known.items() if name not in vals}
        vals.update(missing)
        vals["__precomputed__"] = {self._fields[name] for name in missing}
        return True


class AccountAnalyticLineBatch(models.Model):
    _name = "account.analytic.line"
    _inherit = ["account.analytic.line", "billing.batch.mixin"]


class AccountAnalyticAccountBatch(models.Model):
    _inherit = "account.analytic.account"

    def exists(self):
        # EXTENDS base: Odoo asks of each invoice line; of new invoices they have all been looked up.
        known = self.env.context.get("billing_analytic_ids")
        is_known = isinstance(known, frozenset) and known.issuperset(self._ids)
        return self if is_known else super().exists()
