"""What a piece of work costs: CPU of Python and of its PostgreSQL backend, queries, peak memory.

CPU, not time on the clock: the machine may have other things to do. Memory is what the process
holds at most beyond what it held at the start; caches that stay are part of it.
"""

import contextlib
import ctypes
import gc
import os
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from odoo import api, sql_db
from odoo.tools import SQL

TICKS = os.sysconf("SC_CLK_TCK")
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass
class Cost:
    """CPU seconds, queries, and megabytes at most beyond the start."""

    cpu: float
    backend: float
    queries: int
    megabytes: float

    @classmethod
    def median(cls, costs):
        """Return the medians, of memory the most."""
        rows = [(cost.cpu, cost.backend, cost.queries) for cost in costs]
        medians = map(statistics.median, zip(*rows, strict=True))
        return cls(*medians, max(cost.megabytes for cost in costs))


class Meter:
    """Measure the work done inside: `with Meter(env.cr) as meter: ...`, then `meter.cost`."""

    def __init__(self, cr):
        self.cr = cr
        cr.execute("SELECT pg_backend_pid()")
        [self.backend] = cr.fetchone()

    def __enter__(self):
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # or what an earlier turn freed would hide this one's need
        CLEAR.write_text("5")  # the peak is counted from here
        self.held = _memory("VmRSS")
        self.queries = self.cr.sql_log_count
        self.start = time.process_time(), self._backend_cpu()
        return self

    def __exit__(self, *_failure):
        own, backend = (
            end - start
            for end, start in zip(
                (time.process_time(), self._backend_cpu()), self.start, strict=True
            )
        )
        queries = self.cr.sql_log_count - self.queries
        self.cost = Cost(own + backend, backend, queries, _memory("VmHWM") - self.held)

    def _backend_cpu(self):
        """Return the CPU seconds of the server's process, 0 when it is on another machine."""
        try:
            fields = Path(f"/proc/{self.backend}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(name):
    return int(re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())[1]) / 1024


class Stage:
    """A database in which each piece of work starts from the same state and commits for real.

    Rows of earlier transactions cost less than those of one's own: foreign keys that do not change
    are not looked up again. So nothing is undone; the database is copied anew for each turn.

    :param registry: of a database that nobody else has a cursor on
    """

    def __init__(self, registry):
        self.registry, self.name = registry, registry.db_name
        self._saved = f"{self.name}_saved"
        self.save()

    def save(self):
        """Let the turns from now on start from what the database is like now."""
        self._copy(self.name, self._saved)

    def strike(self):
        """Leave nothing but the database itself."""
        self._copy(None, self._saved)

    def _copy(self, source, target):
        for name in filter(None, (source, target)):
            sql_db.close_db(name)
        with contextlib.closing(sql_db.db_connect("postgres").cursor()) as cr:
            cr._cnx.autocommit = True
            cr.execute(SQL("DROP DATABASE IF EXISTS %s", SQL.identifier(target)))
            if source:
                cr.execute(
                    SQL(
                        "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy",
                        SQL.identifier(target),
                        SQL.identifier(source),
                    )
                )

    @contextlib.contextmanager
    def play(self, afresh=True):
        """Give an environment, by default on the state that was saved last."""
        if afresh:
            self._copy(self._saved, self.name)
        with self.registry.cursor() as cr:
            yield api.Environment(cr, api.SUPERUSER_ID, {})

    def measure(self, work, prepare=None):
        """Call `work` after `prepare`, each with an environment; return what the work alone cost.

        What Odoo leaves for the end of the transaction, such as messages of tracked changes, is
        part of the work.
        """
        with self.play() as env:
            if prepare:
                prepare(env)
                env.cr.commit()
            env.invalidate_all()
            with Meter(env.cr) as meter:
                work(env)
                env.cr.commit()
        return meter.cost

    def compare(self, variants, repetitions):
        """Return {name: median cost} of {name: (work, prepare)}, taking turns."""
        costs = {name: [] for name in variants}
        for _repetition in range(repetitions):
            for name, (work, prepare) in variants.items():
                costs[name].append(self.measure(work, prepare))
        return {name: Cost.median(rows) for name, rows in costs.items()}
