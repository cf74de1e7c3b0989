"""The command line of ./dev: reads the words, calls the part that does the work."""

import argparse
import sys

from . import bench, database, demo, lint, postgres, setup, testing, upstream
from .console import Stop, say

DESCRIPTION = """\
One command for people who work on professional_billing. The first use sets up Odoo 19, a Python
environment and a PostgreSQL server under .dev/ (a few minutes); later uses are quick.
"""
EPILOG = """\
environment:
  ODOO_SOURCE   a checkout of Odoo 19 to use instead of Debian's package
  PGHOST, PGPORT, PGUSER
                a PostgreSQL server of your own to use instead of the embedded one
"""


def main(words=None):
    arguments = parser().parse_args(words)
    try:
        return arguments.run(arguments) or 0
    except Stop as stop:
        say(f"dev: {stop}")
    except KeyboardInterrupt:
        say("dev: interrupted")
    except PermissionError as error:
        say(f"dev: no permission for {error.filename}: does this clone belong to another user?")
    return 1


def parser():
    top = argparse.ArgumentParser(
        prog="./dev",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name, run, text, **options):
        sub = commands.add_parser(name, help=text, description=text, **options)
        sub.set_defaults(run=run)
        return sub

    demo_month = command("demo", run_demo, "make a demo database, bill a month in it, serve it")
    demo_month.add_argument("--no-serve", action="store_true", help="stop before serving")
    add_port(demo_month)

    test = command(
        "test", run_tests, "run the tests: rules, Odoo, life in a database, Odoo's own suites"
    )
    test.add_argument(
        "--tags",
        help="only these Odoo tests, in Odoo's --test-tags syntax; what begins with ':' or '.' is "
        "a class or a method of the main add-on (:TestBilling, .test_cap)",
    )
    test.add_argument(
        "--rules", action="store_true", help="only the rules' tests, which need no database"
    )
    test.add_argument("--no-browser", action="store_true", help="leave out the browser tests")
    test.add_argument("--long", action="store_true", help="more examples in the property tests")

    command("lint", run_lint, "check style: ruff, pylint-odoo, XML")

    upstream = command(
        "upstream", run_upstream, "run Odoo's own suites with and without the add-on"
    )
    upstream.add_argument("--modules", help="these modules' suites, separated by commas")

    benchmark = command("bench", run_bench, "run the benchmarks")
    benchmark.add_argument("name", nargs="?", help="only benchmarks/bench_NAME.py")
    benchmark.add_argument("arguments", nargs="*", help="what it is to measure, as its file says")

    install = command("install", install_database, "make a fresh database with the add-on")
    install.add_argument("database", metavar="DB")
    install.add_argument(
        "--demo", action="store_true", help="with Odoo's and the add-on's demo data"
    )
    install.add_argument(
        "--force", action="store_true", help="drop the database first if it exists"
    )

    shell = command(
        "shell", shell_on, "open Odoo's shell on a database; takes a script on standard input"
    )
    shell.add_argument("database", metavar="DB")

    serve = command("serve", serve_database, "serve a database on this machine")
    serve.add_argument("database", metavar="DB")
    add_port(serve)

    command("stop", stop_server, "stop the embedded PostgreSQL server")
    return top


def add_port(command):
    command.add_argument("--port", type=int, default=8069, help="the port (default: 8069)")


def run_demo(arguments):
    return demo.demo_command(not arguments.no_serve, arguments.port)


def run_bench(arguments):
    return bench.bench_command(arguments.name, arguments.arguments)


def run_tests(arguments):
    return testing.test_command(
        arguments.tags, arguments.rules, not arguments.no_browser, arguments.long
    )


def run_lint(arguments):
    return lint.lint_command()


def run_upstream(arguments):
    return upstream.upstream_command(arguments.modules)


def install_database(arguments):
    setup.ready()
    return database.install_command(arguments.database, arguments.demo, arguments.force)


def shell_on(arguments):
    setup.ready()
    return database.shell_command(arguments.database)


def serve_database(arguments):
    setup.ready()
    return database.serve_command(arguments.database, arguments.port)


def stop_server(arguments):
    postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
