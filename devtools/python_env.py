"""The virtual environment .dev/venv, with exactly the packages of devtools/requirements.txt."""

import hashlib
import os
import shutil
import subprocess
import sys

from . import paths
from .console import Stop, run
from .lock import lock

REQUIREMENTS = paths.DEVTOOLS / "requirements.txt"
VENV_BIN = paths.VENV / "bin"
PYTHON = VENV_BIN / "python"
STAMP = paths.VENV / "stamp"
VERSIONS = [(3, minor) for minor in (10, 11, 12, 13)]


def key():
    """What the environment is made from: a line for its Python, a line for the packages."""
    lines = REQUIREMENTS.read_text().splitlines()
    packages = sorted(line for line in lines if line and not line.startswith("#"))
    return f"{PYTHON.resolve()}\n{hashlib.sha256(repr(packages).encode()).hexdigest()}"


def is_ready():
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == key()


def environment(**more):
    """What tools of the environment run with: their own programs are on the path."""
    return {**os.environ, "PATH": f"{VENV_BIN}{os.pathsep}{os.environ.get('PATH', '')}", **more}


def interpreter():
    """A Python that Odoo 19 runs on: the one running this, else the first one found."""
    if sys.version_info[:2] in VERSIONS:
        return sys.executable
    for major, minor in VERSIONS:
        found = shutil.which(f"python{major}.{minor}")
        if found:
            return found
    raise Stop(
        "Odoo 19 runs on Python 3.10 to 3.13 and none of them is here: install python3.11, say."
    )


def make():
    """Make the environment, or bring it up to date in place: others may be running from it.

    There is no stamp while that goes on, so an interrupted environment is made anew.
    """
    stamp = STAMP.read_text() if STAMP.exists() else ""
    if PYTHON.exists() and stamp.startswith(f"{PYTHON.resolve()}\n"):
        STAMP.unlink()
    else:
        shutil.rmtree(paths.VENV, ignore_errors=True)
        create()
    with lock(paths.CACHE / "pip/lock", "another ./dev is downloading Python packages, waiting"):
        run(
            [PYTHON, "-m", "pip", "install", "--no-input", "--cache-dir", paths.CACHE / "pip"]
            + ["--disable-pip-version-check", "-r", REQUIREMENTS],
            "Installing Python packages",
            "Check the network and pip's configuration, and run ./dev again.",
        )
    STAMP.write_text(key())


def create():
    """An empty environment, by venv, or by virtualenv where Debian's python3-venv is missing."""
    python = interpreter()
    if (
        subprocess.run(
            [python, "-c", "import ensurepip"], capture_output=True, check=False
        ).returncode
        == 0
    ):
        run([python, "-m", "venv", paths.VENV], "Making the Python environment")
    elif shutil.which("virtualenv"):
        run(["virtualenv", "--python", python, paths.VENV], "Making the Python environment")
    else:
        raise Stop("Python's venv module is missing: apt-get install python3-venv (or virtualenv).")
