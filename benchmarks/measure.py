"""What a piece of work costs: CPU of Python and of its PostgreSQL backend, queries, peak memory.

CPU, not time on the clock: the machine may have other things to do. Memory is what the process
holds at most beyond what it held at the start; caches that stay are part of it.
"""

import ctypes
import gc
import os
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

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


def measure(env, work, prepare=None):
    """Do `work` after `prepare`, undo both, and return what the work alone cost.

    What Odoo leaves for the end of the transaction, such as messages of tracked changes, is part
    of the work.
    """
    savepoint = env.cr.savepoint()
    try:
        if prepare:
            prepare()
            env.cr.flush()
        env.invalidate_all()
        with Meter(env.cr) as meter:
            work()
            env.cr.flush()
    finally:
        savepoint.close(rollback=True)
        env.invalidate_all()
    return meter.cost


def compare(env, variants, repetitions):
    """Return {name: median cost} of {name: (work, prepare)}, taking turns."""
    costs = {name: [] for name in variants}
    for _repetition in range(repetitions):
        for name, (work, prepare) in variants.items():
            costs[name].append(measure(env, work, prepare))
    return {name: Cost.median(rows) for name, rows in costs.items()}
