"""Have everything ready: Python environment, Odoo, PostgreSQL. Quick when nothing is to be done."""

from concurrent.futures import ThreadPoolExecutor

from . import odoo, postgres, python_env
from .lock import lock


def ready():
    """For commands that run Odoo."""
    ready_files()
    postgres.ensure()


def ready_files():
    """For commands that read Odoo's files: the Python environment and Odoo, made at the same time."""
    with ThreadPoolExecutor(1) as beside:
        unpacked = beside.submit(odoo.ensure)
        ready_python()
        unpacked.result()


def ready_python():
    """For commands that need no more than the Python environment."""
    if not python_env.is_ready():
        with lock():
            if not python_env.is_ready():
                python_env.make()
