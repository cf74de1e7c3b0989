"""Odoo itself: which one, where its add-ons and ours lie, and how to run it."""

import os
import subprocess
from pathlib import Path

from . import apt, paths, postgres, python_env
from .console import Stop
from .lock import lock

DATA = paths.DEV / "data"
CONFIG = paths.DEV / "odoo.conf"


def checkout():
    """The checkout that ODOO_SOURCE names, or None for Debian's package."""
    named = os.environ.get("ODOO_SOURCE")
    if not named:
        return None
    folder = Path(named).expanduser().resolve()
    if not (folder / "odoo/addons/base").is_dir() or not (folder / "addons/web").is_dir():
        raise Stop(
            f"ODOO_SOURCE={named} is no checkout of Odoo: it needs odoo/addons/base and addons/web."
        )
    return folder


def ensure():
    """Have Odoo's files and a configuration file of our own (never the user's ~/.odoorc)."""
    if not checkout() and not apt.unpacked_version():
        with lock(paths.DEV / "odoo.lock"):
            if not apt.unpacked_version():
                apt.make()
    DATA.mkdir(parents=True, exist_ok=True)
    CONFIG.touch()


def version():
    """What tells one Odoo from another, for the names of templates and cached results."""
    if not checkout():
        return apt.unpacked_version()
    done = subprocess.run(
        ["git", "-C", checkout(), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or str(checkout())


def python_path():
    return checkout() or apt.ODOO / "usr/lib/python3/dist-packages"


def addons_path():
    """Folders of add-ons; Odoo adds its own base folder."""
    return [paths.ROOT, checkout() / "addons"] if checkout() else [paths.ROOT]


def environment(**more):
    """What Odoo runs with: itself on the path, the server's address, nothing of ODOO_*.

    Its bytecode is kept in a place of ours: to compile Odoo anew costs each process eight seconds.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ODOO_", "OPENERP")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **kept,
        **postgres.environment(),
        "PYTHONPATH": str(python_path()),
        "PYTHONPYCACHEPREFIX": str(paths.DEV / "bytecode"),
        **more,
    }


def command(database, *arguments, shell=False):
    """The command line that runs Odoo on one database."""
    return [
        *(str(python_env.PYTHON), "-m", "odoo", *(["shell"] if shell else [])),
        *("--config", str(CONFIG), "--data-dir", str(DATA), "--database", database),
        *("--addons-path", ",".join(map(str, addons_path())), "--http-interface", "127.0.0.1"),
        *("--workers", "0", *arguments),
    ]
