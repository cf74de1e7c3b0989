"""Odoo's own test suites with and without the add-on: unused, it must not change one result.

Two databases are made equally, one with our add-ons on top, and the same tests run on both, one on
each core. Odoo's suites do not all pass on stock Odoo, so what counts is the same outcome, test by
test. The stock results depend on Odoo alone and are cached.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from . import addons, browser, database, odoo, paths, python_env, results, setup, testing
from .console import Stop, say, step
from .results import Result

#: What ./dev test runs: the module that bills timesheets of sale orders, less what needs a browser,
#: and the class of sale_project that has found a fault of ours.
FAST = (
    "/sale_timesheet",
    "/sale_project:TestDashboardProject",
    "-/sale_timesheet:TestSaleTimesheetUi",
)
#: What ./dev upstream runs: the modules we build on, and those parts of account that we touch. (All
#: of account takes hours: most of it computes taxes in a browser.)
ACCOUNT = (
    "TestAccountMove TestAccountMoveDateAlgorithm TestAccountMoveDuplicate "
    "TestAccountMoveOutInvoiceOnchanges TestAccountMoveOutRefundOnchanges "
    "TestAccountMovePaymentsWidget TestAccountMoveReconcile TestAccountMoveSend "
    "TestAccountComposerPerformance TestAccountPayment TestAccountPaymentDuplicateMoves "
    "TestAccountPaymentItems TestAccountPaymentRegister TestAccountEarlyPaymentDiscount "
    "TestAccountPaymentTerms TestPortalAttachment TestPortalInvoice TestAccountInvoiceReport "
    "TestAccountIncomingSupplierInvoice TestUnexpectedAmount"
)
MODULES = (
    "sale",
    "sale_management",
    "sale_project",
    "sale_timesheet",
    "hr_timesheet",
    "project",
    "sale_expense",
)
#: Country tax tables on down payments: minutes each, the same code as the tests that stay.
SLOW = tuple(
    f"-/sale:TestTaxesDownPaymentSale.test_taxes_l10n_{country}_sale_orders"
    for country in ("be", "br", "in")
)
FULL = (
    *(f"/{module}" for module in MODULES),
    *(f"/account:{name}" for name in ACCOUNT.split()),
    *SLOW,
)


def upstream_command(modules):
    """./dev upstream"""
    setup.ready()
    browser.ensure()
    if modules:
        unknown = [name for name in modules.split(",") if not addons.is_known(name)]
        if unknown:
            raise Stop(f"Odoo has no module {unknown[0]}: --modules takes names like sale,project.")
    extra = tuple(modules.split(",")) if modules else MODULES
    tags = tuple(f"/{name}" for name in extra) if modules else FULL
    with step("Comparing Odoo's own suites with and without the add-on"):
        return results.summary(checks(tags, extra))


def checks(tags, extra=()):
    """One check a test of Odoo's: passed when it goes the same way with the add-on as without.

    `extra` are the modules to install that our add-ons do not depend on.
    """
    stock, ours = both_sides(tags, extra)
    if not stock:
        raise Stop(f"Odoo has no tests for {','.join(tags)}.")
    return settled(stock, ours, extra)


def quick_checks(tags):
    """The same, where Odoo's tests are known to pass: only what fails with us runs on stock Odoo."""
    ours = run_side(tags, "with", database.module_template)
    if not ours:
        raise Stop(f"Odoo has no tests for {','.join(tags)}.")
    return settled({name: ours[name] for name in ours if outcome(ours, name) == "passed"}, ours)


def settled(stock, ours, extra=()):
    """Compare the two sides, test by test."""
    different = [name for name in {**stock, **ours} if outcome(stock, name) != outcome(ours, name)]
    if different:
        # A test may fail by chance: those that differ get a second try on both sides.
        say(f"{len(different)} of Odoo's tests went another way with the add-on; trying them again")
        again = tuple(sorted({tag_of(name) for name in different}))
        fresh = both_sides(again, extra, cached=False)
        stock, ours = {**stock, **fresh[0]}, {**ours, **fresh[1]}
    return [compared(name, stock, ours) for name in {**stock, **ours}]


def both_sides(tags, extra, cached=True):
    """The results without and with the add-on, each {test: [outcome, text]}."""
    names = database.base_template(extra=extra), database.module_template(extra=extra)
    key = stock_key(names[0], tags)
    with ThreadPoolExecutor(2) as pool:
        ours = pool.submit(run_side, tags, "with", partial(database.module_template, extra=extra))
        stock = read_cache(key) if cached else None
        if stock is None:
            stock = run_side(tags, "without", partial(database.base_template, extra=extra))
            if cached:
                write_cache(key, stock)
        return stock, ours.result()


def run_side(tags, side, make):
    with testing.scratch_copy(f"upstream_{side}", make) as name:
        record, output = testing.run_tests(name, ",".join(tags), f"upstream-{side}")
    if not results.ended(record):
        raise Stop(f"Odoo's own suites {side} the add-on did not run to their end: see {output}.")
    return {name: [outcome, text] for name, outcome, text in results.tests(record)}


def outcome(side, name):
    return side.get(name, ["not run"])[0]


def compared(name, stock, ours):
    before, after = outcome(stock, name), outcome(ours, name)
    if before == after:
        return Result(f"upstream {name}", "passed")
    text = ours[name][1] if name in ours else ""
    return Result(
        f"upstream {name}", "failed", f"{before} without the add-on, {after} with it\n{text}"
    )


def tag_of(name):
    """The tag that runs a test again; a class whose set-up failed is run as a whole."""
    return name.split(" ")[0]


def stock_key(base, tags):
    """What the stock results depend on: the template, the tests, the Python, a browser or none."""
    parts = (
        odoo.version(),
        base.rsplit("_", 1)[1],
        ",".join(tags),
        python_env.key(),
        str(browser.missing()),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def read_cache(key):
    path = paths.CACHE / "stock" / f"{key}.json"
    return json.loads(path.read_text()) if path.exists() else None


def write_cache(key, stock):
    path = paths.CACHE / "stock" / f"{key}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(stock))
    part.rename(path)
