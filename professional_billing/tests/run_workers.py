"""Processes that work on billing runs, for tests that kill them.

A nursery is one process that has loaded Odoo and holds no connection. It forks a worker for each line
it reads, the name of a scheduled action, so that a worker costs a few milliseconds, not an Odoo's
start. A worker calls the scheduled action, as Odoo's own scheduler does, until no run is left.
"""

import os
import signal
import subprocess
import sys
import time

TIMEOUT = 600


class Nursery:
    """The test's end of it.

    :param config: Odoo's configuration, to reach the same database and add-ons
    """

    def __init__(self, config, database):
        words = ["--database", database, "--addons-path", ",".join(config["addons_path"])]
        words += ["--data-dir", config["data_dir"], "--log-level", "critical"]
        for option in ("db_host", "db_port", "db_user", "db_password"):
            if config[option]:
                words += [f"--{option}", str(config[option])]
        self.process = subprocess.Popen(
            [sys.executable, __file__, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("The nursery of workers has ended.")
        return line.strip()

    def start(self, cron):
        """Return the process id of a new worker."""
        _say(self.process.stdin, cron)
        return int(self._read())

    @staticmethod
    def kill(pid):
        os.kill(pid, signal.SIGKILL)

    def warm(self, run_id):
        """Fill Odoo's caches in the nursery by billing of this run what is undone again."""
        _say(self.process.stdin, f"warm {run_id}")
        self._read()

    def wait(self, pid):
        """Return the exit code of a worker that is to end by itself."""
        _say(self.process.stdin, f"wait {pid}")
        return int(self._read())

    def close(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT)
        self.process.stdout.close()


def _say(stream, word):
    stream.write(f"{word}\n")
    stream.flush()


def main():
    import odoo
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(sys.argv[1:])
    database = config["db_name"][0]
    Registry(database)
    odoo.sql_db.close_all()
    _say(sys.stdout, "ready")
    codes = {}
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "wait":
            wanted = int(rest[0])
            while wanted not in codes:
                pid, status = os.wait()
                codes[pid] = os.waitstatus_to_exitcode(status)
            _say(sys.stdout, codes[wanted])
        elif word == "warm":
            warm(database, int(rest[0]))
            odoo.sql_db.close_all()
            _say(sys.stdout, "warm")
        else:
            pid = os.fork()
            if not pid:
                os._exit(work(database, word))
            _say(sys.stdout, pid)


def warm(database, run_id):
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry

    with Registry(database).cursor() as cr:
        run = api.Environment(cr, SUPERUSER_ID, {})["billing.run"].browse(run_id)
        run.line_ids[:3].with_user(run.create_uid)._process()
        cr.rollback()


def work(database, cron):
    """Call the scheduled action until no run is left; return 0, or 1 where it took too long."""
    from odoo import SUPERUSER_ID, api
    from odoo.exceptions import UserError
    from odoo.modules.registry import Registry

    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        with Registry(database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            if not env["billing.run"].search_count([("state", "=", "running")]):
                return 0
            try:
                env.ref(cron).method_direct_trigger()
            except UserError:  # the database has not noticed yet that its last worker is dead
                cr.rollback()
        time.sleep(0.05)
    return 1


if __name__ == "__main__":
    main()
