"""Have everything ready: Python environment, Odoo, PostgreSQL. Quick when nothing is to be done."""

from . import odoo, postgres, python_env
from .lock import lock


def ready():
    """For commands that run Odoo."""
    ready_python()
    odoo.ensure()
    postgres.ensure()


def ready_python():
    """For commands that need no more than the Python environment."""
    if not python_env.is_ready():
        with lock():
            if not python_env.is_ready():
                python_env.make()
