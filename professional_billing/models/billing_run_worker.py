import logging
import math
import random
import time
from functools import partial

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

# Engagements billed and committed together: more take memory, fewer the fixed costs more often.
FIRST, FEWEST, MOST = 100, 5, 300
# Fewer than so many are not shared with the other workers.
SHARED = 50
# What is billed together takes about so many seconds: no longer does a stop wait, or a crash undo.
SECONDS = 10
# So often work is tried again that was in conflict with somebody else's.
TRIES = 6


class BillingRunWorker(models.Model):
    """Workers that share the runs: each takes what nobody is at, bills it, commits, and goes on.

    A worker is a scheduled action. What it has taken is locked in the database, and free again when
    it dies: workers need not know of each other, on whatever host they are.
    """

    _inherit = "billing.run"

    @api.model
    def _get_workers(self):
        """Return the scheduled actions that process runs, with the copies made for more of them."""
        crons = self.env["ir.cron"].sudo()
        return crons.search(
            [("model_id.model", "=", self._name), ("code", "=", "model._cron_process()")]
        )

    @api.model
    def _call_workers(self, at=None):
        for cron in self._get_workers():
            cron._trigger(at)

    @api.model
    def _cron_process(self):
        """Bill the engagements of started runs, committing some at a time, beside other workers."""
        cron, busy = self.env["ir.cron"], self.env["billing.run.line"]
        workers = max(len(self._get_workers()), 1)
        size, remaining = FIRST, self._count_pending()
        cron._commit_progress(remaining=remaining)
        time_left = True
        while time_left:
            start = time.monotonic()
            share = max(math.ceil(remaining / workers), SHARED)
            lines = self._retry(partial(self._work, min(size, share), busy))
            if not lines:
                cron._commit_progress(remaining=0)
                break
            busy |= lines.filtered(lambda line: line.state == "pending")
            remaining = self._count_pending()
            time_left = cron._commit_progress(len(lines), remaining=remaining)
            # What is billed is needed no more: a long run takes no more memory than a short one.
            self.env.invalidate_all()
            pace = len(lines) / max(time.monotonic() - start, 0.01)
            size = min(max(int(pace * SECONDS), FEWEST), MOST)
        self._retry(self._finish)
        if time_left and self._count_pending():
            # Others are at it, or were: a dead worker's locks last until the database notices.
            self._call_workers(fields.Datetime.now() + relativedelta(minutes=1))

    @api.model
    def _retry(self, work):
        """Do `work` in this transaction, and again from its start after a conflict with others'."""
        for attempt in range(1, TRIES + 1):
            try:
                result = work()
                self.env.cr.flush()
                return result
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
                self.env.cr.rollback()
                _logger.info("Billing runs: conflict %s, %s: tried again", attempt, error)
                time.sleep(random.uniform(0, 0.1 * 2**attempt))
        return None

    @api.model
    def _work(self, size, busy):
        """Bill about `size` engagements nobody is at, none of `busy`, and return their lines."""
        lines = self._claim(size, busy)
        run = lines.run_id
        lines.with_user(run.create_uid).with_company(run.company_id)._process(patient=True)
        return lines

    @api.model
    def _claim(self, size, busy):
        """Lock and return the next lines to do, of one run, all those of a customer together.

        Several engagements may be one invoice, and two bills of one customer write the customer. A
        customer of whom another worker holds a part is left for the next time.
        """
        rows = self._lock_pending(busy, SQL("TRUE"), size)
        if not rows:
            return busy.browse()
        run_id = rows[0][1]
        customers = list({row[2] for row in rows if row[1] == run_id})
        theirs = SQL(
            "line.run_id = %s AND partner.commercial_partner_id = ANY(%s)", run_id, customers
        )
        rows += self._lock_pending(busy, theirs)
        held = {row[0] for row in rows if row[1] == run_id}
        divided = {
            row[2] for row in self._select_pending(busy, theirs, SQL()) if row[0] not in held
        }
        return busy.browse(
            sorted({row[0] for row in rows if row[0] in held and row[2] not in divided})
        )

    @api.model
    def _lock_pending(self, busy, condition, limit=None):
        ending = SQL("LIMIT %s FOR NO KEY UPDATE OF line SKIP LOCKED", limit)
        return self._select_pending(busy, condition, ending)

    @api.model
    def _select_pending(self, busy, condition, ending):
        """Return [(line id, run id, customer id)] of what is to do, but for the lines `busy`."""
        busy.flush_model()
        self.flush_model()
        return self.env.execute_query(
            SQL(
                """
                SELECT line.id, line.run_id, partner.commercial_partner_id
                  FROM billing_run_line line
                  JOIN billing_run run ON run.id = line.run_id
                  JOIN sale_order sale ON sale.id = line.order_id
                  JOIN res_partner partner ON partner.id = sale.partner_invoice_id
                 WHERE run.state = 'running' AND line.state = 'pending' AND line.include
                   AND line.id != ALL(%s) AND %s
              ORDER BY line.run_id, line.id
                    %s
                """,
                busy.ids,
                condition,
                ending,
            )
        )

    @api.model
    def _count_pending(self):
        return self.env["billing.run.line"].search_count(
            [("run_id.state", "=", "running"), ("include", "=", True), ("state", "=", "pending")]
        )

    @api.model
    def _finish(self):
        """Close the runs all of whose work is committed: of two workers, the last one sees it."""
        runs = self.search([("state", "in", ("running", "stopped"))])
        runs = runs.try_lock_for_update(allow_referencing=True)
        runs._look_for_gaps()
        runs._close()

    def _look_for_gaps(self):
        """Let Odoo look again for gaps in the invoice numbers of these runs.

        A worker does not see the numbers that another one commits in the meantime, and Odoo takes
        them for missing.
        """
        Move = self.env["account.move"].sudo()
        moves = Move.search(
            [("id", "in", self.line_ids.move_ids.ids), ("made_sequence_gap", "=", True)]
        )
        self.env.add_to_compute(Move._fields["made_sequence_gap"], moves)
