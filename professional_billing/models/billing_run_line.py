import logging

from psycopg2 import OperationalError

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..exceptions import BusyError

# So often an engagement somebody is at is left for later.
ATTEMPTS = 3

_logger = logging.getLogger(__name__)


class BillingRunLine(models.Model):
    """One engagement in a billing run, and what became of it."""

    _name = "billing.run.line"
    _description = "Engagement in a billing run"
    _order = "run_id, id"
    _rec_name = "order_id"

    run_id = fields.Many2one("billing.run", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="run_id.company_id", store=True, precompute=True)
    order_id = fields.Many2one(
        "sale.order",
        string="Engagement",
        required=True,
        index=True,
        ondelete="cascade",
        readonly=True,
    )
    partner_id = fields.Many2one(related="order_id.partner_id", string="Customer")
    currency_id = fields.Many2one(related="order_id.currency_id")
    include = fields.Boolean(string="Bill", default=True)
    amount = fields.Monetary(string="To bill", readonly=True)
    blocked_note = fields.Char(string="Held back, and why", readonly=True)
    state = fields.Selection(
        [
            ("pending", "To do"),
            ("nothing", "Nothing to bill"),
            ("done", "Billed"),
            ("waiting", "Waits for approval"),
            ("failed", "Not billed"),
        ],
        default="pending",
        required=True,
        readonly=True,
    )
    error = fields.Char(string="What to do", readonly=True)
    attempts = fields.Integer(readonly=True)
    prebill_ids = fields.Many2many("billing.prebill", string="Pre-bills", readonly=True)
    move_ids = fields.Many2many("account.move", string="Invoices", readonly=True)

    def _process(self, patient=False):
        """Bill these engagements of a run; one that fails says why and does not hold up the others.

        :param patient: somebody tries again later what somebody else is at right now
        """
        for line, sentence in self._get_obstacles().items():
            line._fail(sentence)
        for lines in self._get_shares():
            lines._try(patient)

    def _get_obstacles(self):
        """Return {line: what stands in the way of its bill, as can be told beforehand}."""
        return {}

    def _get_shares(self):
        """Return what is left to do, as sets of lines that are tried together."""
        return [self.filtered(lambda line: line.state == "pending")]

    def _try(self, patient):
        if not self:
            return
        try:
            with self.env.cr.savepoint():
                self._bill()
        except OperationalError:
            raise  # a conflict with somebody else: whoever called tries all of it again
        except BusyError as error:
            self._wait(str(error), patient)
        except UserError as error:
            self._split(str(error), patient)
        except Exception as error:
            if len(self) == 1:
                _logger.exception("Billing run %s: %s", self.run_id.name, self.order_id.name)
            self._split(
                self.env._(
                    "An error that is not yours stopped it: %(error)s. Ask your administrator to look at "
                    "the server's log, then try again what failed.",
                    error=error,
                ),
                patient,
            )

    def _wait(self, sentence, patient):
        """Leave the one line that somebody else is at for later, a few times."""
        if len(self) > 1 or not patient or self.attempts >= ATTEMPTS:
            self._split(sentence, patient)
        else:
            self.attempts += 1

    def _split(self, sentence, patient):
        """Say why the one line was not billed; of several, find out which one it is."""
        self.invalidate_recordset()
        if len(self) == 1:
            self._fail(sentence)
            return
        half = len(self) // 2
        self[:half]._try(patient)
        self[half:]._try(patient)

    def _fail(self, sentence):
        self.write({"state": "failed", "error": sentence})

    def _bill(self):
        """Gather the engagements of these lines of a run, and go as far as its mode says."""
        run = self.run_id
        gathered = self.order_id._gather_prebills(run.cutoff_date, at_once=run._bills_all())
        if run.invoice_date:
            gathered.sudo().invoice_date = run.invoice_date
        waiting, moves = {}, self.env["account.move"]
        if run.mode != "prebill":
            waiting = self._get_waiting(gathered)
            ready = gathered.filtered(lambda prebill: prebill not in waiting)
            moves = ready._invoice_for_run(post=run.mode in ("post", "send"))
        self._tell_billed(gathered, waiting, moves)
        return moves

    def _get_waiting(self, prebills):
        """Return {pre-bill that somebody looks at before it is invoiced: why}."""
        return {
            prebill: self.env._(
                "Pre-bill %(name)s waits for approval.",
                name=prebill.name,
            )
            for prebill in prebills
            if prebill.needs_approval and prebill.state != "approved"
        }

    def _tell_billed(self, prebills, waiting, moves):
        """Write what became of these engagements.

        :param waiting: {pre-bill that is not invoiced yet: why}
        :param moves: the invoices of the others
        """
        by_order = prebills._group_by_order()
        lines = {"done": self.browse(), "nothing": self.browse(), "waiting": self.browse()}
        documents = []
        for line in self:
            mine = by_order.get(line.order_id, prebills.browse())
            reasons = [waiting[prebill] for prebill in mine if prebill in waiting]
            state = "nothing" if not mine else "waiting" if reasons else "done"
            lines[state] += line
            documents.append((line, mine, mine.move_ids & moves if moves else moves))
            if reasons:
                line.error = " ".join(reasons)
        for state, those in lines.items():
            those.state = state
        for index, name in enumerate(("prebill_ids", "move_ids"), start=1):
            # One statement for all, where a write for each would be two for each.
            self._fields[name].write_batch(
                [(row[0], [Command.set(row[index].ids)]) for row in documents]
            )

    def action_view_order(self):
        self.ensure_one()
        return self.order_id._get_records_action()

    def action_view_documents(self):
        """Open the invoice, or the pre-bill that waits for somebody."""
        self.ensure_one()
        return (self.move_ids or self.prebill_ids)._get_records_action()
