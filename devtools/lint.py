"""./dev lint: ruff, pylint-odoo, and the XML files against Odoo's own grammars."""

import subprocess

from . import addons, odoo, paths, python_env, setup
from .console import say, step

XML_CHECK = paths.DEVTOOLS / "scripts/check_xml.py"


def lint_command():
    """Run every check, even after one failed. The exit code says whether all passed."""
    setup.ready_files()
    names = list(addons.manifests())
    ruff, pylint = (python_env.VENV_BIN / name for name in ("ruff", "pylint"))
    commands = {
        "ruff check": [ruff, "check", "."],
        "ruff format": [ruff, "format", "--check", "."],
        # A model that has several jobs gives each its own file, against the check left out.
        "pylint-odoo": [pylint, "--disable=consider-merging-classes-inherited", *names],
        "XML": [python_env.PYTHON, XML_CHECK, odoo.python_path(), *names],
    }
    failed = [title for title, words in commands.items() if not passes(title, words)]
    say(f"lint: {', '.join(failed)} failed" if failed else "lint: all passed")
    return 1 if failed else 0


def passes(title, words):
    """Run one check and show what it says only when it fails."""
    environment = python_env.environment(XDG_CACHE_HOME=str(paths.DEV / "cache"))
    with step(title):
        done = subprocess.run(
            list(map(str, words)),
            cwd=paths.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        print((done.stdout + done.stderr).strip(), flush=True)
    return not done.returncode
