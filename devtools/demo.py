"""./dev demo: a database with demo data, a month billed before your eyes, the web client."""

from . import browser, database, paths, setup
from .console import Stop, say

NAME = "demo"
SCRIPT = paths.DEVTOOLS / "scripts/demo_month.py"


def demo_command(serve, port):
    """Make the database anew, run the script in Odoo's shell, serve. A failing script ends it."""
    if serve:
        database.require_port(port)
    if not SCRIPT.exists():
        raise Stop(f"{SCRIPT.relative_to(paths.ROOT)} is missing: check the clone is whole.")
    setup.ready()
    browser.ensure()
    database.drop(NAME)
    database.copy_of_template(NAME, demo=True)
    code = database.run_script(NAME, SCRIPT)
    if code:
        raise Stop(f"{SCRIPT.relative_to(paths.ROOT)} failed: what it said is above.")
    if serve:
        database.serve_command(NAME, port)
    say(f"Database {NAME} is ready: ./dev serve {NAME}, login admin, password admin.")
    return 0
