"""./dev bench: each benchmarks/bench_*.py in Odoo's shell, on a database of its own."""

import subprocess
import zipfile

from . import database, paths, python_env, setup, testing
from .console import Stop, say

FOLDER = paths.ROOT / "benchmarks"
#: What we compare ourselves with: the wheel and the module in it, by the name its path goes by.
PEERS = {
    "BENCH_CONTRACT": ("odoo-addon-contract==19.0.1.2.1.2", "contract"),
    "BENCH_CREDIT_CONTROL": (
        "odoo-addon-account_credit_control==19.0.1.0.0.13",
        "account_credit_control",
    ),
}


def bench_command(name, arguments=()):
    """Run all benchmarks or the one named. They may import what lies beside them.

    Its `arguments` reach a benchmark as BENCH_ARGUMENTS, since Odoo's shell takes none.
    """
    scripts = sorted(FOLDER.glob(f"bench_{name or '*'}.py"))
    if not scripts:
        wanted = f"bench_{name or '*'}.py"
        raise Stop(
            f"There is no benchmark benchmarks/{wanted}: write one, it runs in Odoo's shell."
        )
    setup.ready()
    failed = [script.stem for script in scripts if measure(script, arguments)]
    if failed:
        say(f"bench: {', '.join(failed)} failed")
    return 1 if failed else 0


def measure(script, arguments):
    say(f"{script.stem}:")
    with testing.scratch_copy("bench") as name:
        return database.run_script(
            name, script, path=FOLDER, BENCH_ARGUMENTS=" ".join(arguments), **peers()
        )


def peers():
    """Where the add-ons lie that we compare ourselves with, those whose wheel can be had."""
    folder = paths.DEV / "peers"
    addons = folder / "odoo/addons"
    wanted = {wheel for wheel, module in PEERS.values() if not (addons / module).exists()}
    for wheel in wanted:
        words = [python_env.PYTHON, "-m", "pip", "download", "--no-deps", "-d", folder, wheel]
        subprocess.run(words, capture_output=True, check=False)
    for wheel in folder.glob("*.whl") if wanted else ():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return {
        name: str(addons) for name, (_wheel, module) in PEERS.items() if (addons / module).exists()
    }
