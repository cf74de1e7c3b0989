"""./dev test: rules, Odoo tests, the add-on's life in a database, part of Odoo's own suites."""

import ast
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from . import (
    addons,
    browser,
    database,
    lifecycle,
    odoo,
    paths,
    python_env,
    results,
    setup,
    upstream,
)
from .console import Stop, step
from .results import Result

RULES_TESTS = paths.DEVTOOLS / "scripts/rules_tests.py"
#: What building the web client's bundles takes, once in a run with tests in a browser.
BUNDLES = 85
BROWSER_CASES = {"BrowserCommon", "HttpCase"}
#: How long a test takes where that is not the usual second.
SECONDS = {
    "TestAgainstStock": 13,
    "TestBulk": 6,
    "TestCollectionConcurrency": 5,
    "TestCollectionDaily": 2,
    "TestCollectionDecision": 75,
    "TestCollectionPortalTour": 11,
    "TestCollectionTour": 11,
    "TestExpenseTours": 12,
    "TestFourMonthsOfMethods": 5,
    "TestLedgerProperty": 60,
    "TestNinetyDays": 35,
    "TestOneInvoice": 8,
    "TestRunSend": 6,
    "TestRunWorkers": 50,
    "TestTours": 11,
    "TestWhereStockIsWrong": 2,
}


def test_command(tags=None, rules=False, use_browser=True, long=False):
    """./dev test. The last line counts the checks; exit code 1 when one failed or none was run."""
    if long:
        os.environ["PROFESSIONAL_BILLING_LONG"] = "1"
    try:
        found = rules_tests() if rules else all_tests(tags, use_browser)
    except Stop as stop:
        found = [Result("set-up", "failed", str(stop))]
    return results.summary(found)


def all_tests(tags, use_browser):
    setup.ready()
    if use_browser:
        browser.ensure()
    if tags:
        database.tests_template()
        return in_parallel({"Odoo tests": lambda: odoo_tests(full_tags(tags), use_browser)})
    first, *others = [
        partial(odoo_tests, tags, use_browser) for tags in shares(os.cpu_count() or 1)
    ]
    return in_parallel(
        {
            # The first makes the template that most others wait for, beside those that do not.
            "Odoo tests 1": first,
            "rules": rules_tests,
            "demo data": lifecycle.demo_checks,
            **{f"Odoo tests {number}": job for number, job in enumerate(others, start=2)},
            "Odoo's own suites": lambda: upstream.quick_checks(upstream.FAST),
            "install, update, uninstall": lifecycle.checks,
        }
    )


def in_parallel(jobs):
    """Run the jobs, as many at once as there are cores, and tell of each when it is done."""
    found = []

    def timed(title, job):
        start = time.monotonic()
        try:
            mine = job()
        except Stop as stop:
            mine = [Result(title, "failed", str(stop))]
        results.tell(title, mine, time.monotonic() - start)
        return mine

    with step("Testing"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for future in [pool.submit(timed, title, job) for title, job in jobs.items()]:
            found += future.result()
    return found


def rules_tests():
    """The arithmetic's tests, without Odoo and without a database."""
    setup.ready_python()
    record = results.record_file("rules")
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(paths.DEV / "hypothesis")}
    words = [python_env.PYTHON, RULES_TESTS, paths.ROOT / addons.MAIN, record]
    output = record.with_suffix(".log")
    with step("Testing the rules"), open(output, "w") as log:
        subprocess.run(words, env=environment, stdout=log, stderr=log, cwd=paths.DEV, check=False)
    return results.tests(record) + crashed("rules tests", record, output)


def odoo_tests(tags, use_browser=True):
    """The add-on's tests on a copy of the template, and a check that the log stayed clean."""
    with scratch_copy("test", database.tests_template) as name:
        record, output = run_tests(name, tags if use_browser else f"{tags},-browser", "odoo")
    tests = results.tests(record)
    if not tests:
        tests = [Result("Odoo tests", "failed", f"no test is tagged {tags}")]
    return [
        *tests,
        *crashed("Odoo tests", record, output),
        results.clean_log("Odoo tests", record),
    ]


def run_tests(name, tags, purpose):
    """Run Odoo tests on a database. Returns the files with what was recorded and logged."""
    record = results.record_file(purpose)
    output = record.with_suffix(".log")
    words = odoo.command(name, "--test-tags", tags, "--stop-after-init")
    words += [
        "--http-port",
        str(database.free_port()),
        "--screenshots",
        str(paths.LOG / "screenshots"),
    ]
    database.run_recorded(words, record, output)
    return record, output


def crashed(title, record, output):
    """A failed check when a run did not come to its end."""
    if results.ended(record):
        return []
    lines = output.read_text(errors="replace").splitlines() if output.exists() else []
    return [
        Result(
            f"{title} ran to the end",
            "failed",
            "\n".join(["", *lines[-30:], f"whole log: {output}"]),
        )
    ]


@contextmanager
def scratch_copy(purpose, make=database.module_template):
    """A copy of a template for the time of one check."""
    name = database.scratch_name(purpose)
    try:
        database.create_copy(name, make)
        yield name
    finally:
        database.drop(name)


def shares(count):
    """The tags of all our Odoo tests in `count` parts that take about as long.

    The first has all that use a browser: each part with one builds the web client's bundles.
    """
    parts = [[] for _number in range(count)]
    weights = [BUNDLES, *([0] * (count - 1))]
    for uses_browser, weight, tag in sorted(odoo_classes(), reverse=True):
        lightest = 0 if uses_browser else weights.index(min(weights))
        parts[lightest].append(tag)
        weights[lightest] += weight
    return [",".join(part) for part in parts if part]


def odoo_classes():
    """(browser?, seconds, tag) of each class with Odoo tests; the rules' tests run by themselves."""
    for name in addons.installable():
        for path in sorted((paths.ROOT / name / "tests").glob("test_*.py")):
            if path.stem.startswith("test_rules"):
                continue
            for node in ast.parse(path.read_text()).body:
                tests = isinstance(node, ast.ClassDef) and sum(
                    isinstance(part, ast.FunctionDef) and part.name.startswith("test_")
                    for part in node.body
                )
                if tests:
                    bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                    seconds = tests * SECONDS.get(node.name, 1.2) + 1
                    yield bool(bases & BROWSER_CASES), seconds, f"/{name}:{node.name}"


def full_tags(tags):
    """Odoo's tag syntax; what begins with ':' or '.' is the main add-on's class or method."""
    return ",".join(
        f"/{addons.MAIN}{tag}" if tag[0] in ":." else tag for tag in tags.split(",") if tag
    )
