"""./dev bench: each benchmarks/bench_*.py in Odoo's shell, on a database of its own."""

from . import database, paths, setup, testing
from .console import Stop, say

FOLDER = paths.ROOT / "benchmarks"


def bench_command(name):
    """Run all benchmarks or the one named. They may import what lies beside them."""
    scripts = sorted(FOLDER.glob(f"bench_{name or '*'}.py"))
    if not scripts:
        wanted = f"bench_{name or '*'}.py"
        raise Stop(
            f"There is no benchmark benchmarks/{wanted}: write one, it runs in Odoo's shell."
        )
    setup.ready()
    failed = [script.stem for script in scripts if measure(script)]
    if failed:
        say(f"bench: {', '.join(failed)} failed")
    return 1 if failed else 0


def measure(script):
    say(f"{script.stem}:")
    with testing.scratch_copy("bench") as name:
        return database.run_script(name, script, path=FOLDER)
