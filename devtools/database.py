"""Databases: make, copy, drop, and the templates that make a second run quick.

A template is an installed database nobody connects to. Copying one takes two seconds, installing a
minute. Its name ends in a hash of what it was made from, so a change makes another; the oldest ones
are dropped.
"""

import datetime
import hashlib
import os
import shutil
import socket
import subprocess
import uuid

from . import addons, odoo, paths, postgres, results
from .console import Stop, say, step
from .lock import lock

KEEP_COMMONS = paths.DEVTOOLS / "scripts/keep_commons.py"
RECORDED_ODOO = paths.DEVTOOLS / "scripts/recorded_odoo.py"

#: People may work on two states of the add-on at once, so more than the newest template is kept.
KEPT = 3


def exists(name):
    return bool(
        postgres.psql(f"SELECT 1 FROM pg_database WHERE datname = '{quoted(name)}'").stdout.strip()
    )


def quoted(name):
    return name.replace("'", "''")


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def create(name, template="template0"):
    """A new database, empty or a copy, with a copy of the template's files."""
    postgres.psql(f"CREATE DATABASE {identifier(name)} TEMPLATE {identifier(template)}")
    files, copy = odoo.DATA / "filestore" / template, odoo.DATA / "filestore" / name
    shutil.rmtree(copy, ignore_errors=True)
    if files.exists():
        # Odoo names stored files by their content and never changes one, so hard links do.
        shutil.copytree(files, copy, copy_function=os.link)


def create_copy(name, make):
    """A copy of the template that `make` names, once more if it is dropped at that moment."""
    template = make()
    try:
        create(name, template)
    except Stop:
        create(name, make())


def drop(name):
    """Drop a database, whoever is connected to it."""
    words = f"DROP DATABASE IF EXISTS {identifier(name)}"
    # The server sends its own housekeeping away by itself, and lets nobody force it.
    if postgres.psql(words, check=False).returncode:
        postgres.psql(f"{words} WITH (FORCE)")
    shutil.rmtree(odoo.DATA / "filestore" / name, ignore_errors=True)


def scratch_name(purpose):
    """A name no other ./dev uses, for a database that is dropped at the end."""
    return f"{postgres.TEMPLATES}{purpose}_{uuid.uuid4().hex[:8]}"


def install(name, modules, demo, what, record):
    """Install modules into an existing database. What Odoo warns of goes to `record`."""
    words = odoo.command(name, "--init", ",".join(modules), "--stop-after-init", "--no-http")
    words += ["--with-demo"] if demo else []
    record.unlink(missing_ok=True)
    with step(what):
        code = run_recorded(words, record, record.with_suffix(".log"))
    if code:
        raise Stop(f"{what} failed ({results.error(record)}). Log: {record.with_suffix('.log')}")
    wanted = "', '".join(modules)
    query = (
        f"SELECT count(*) FROM ir_module_module WHERE state = 'installed' AND name IN ('{wanted}')"
    )
    if int(postgres.psql(query, name).stdout or 0) != len(modules):
        raise Stop(
            f"Odoo did not install all of {', '.join(modules)}; its words are in {paths.LOG}."
        )


def run_recorded(words, record, output, feed=None, **environment):
    """Run Odoo with its warnings and test results written to `record` and its log to `output`."""
    words = [str(RECORDED_ODOO) if word == "odoo" else word for word in words if word != "-m"]
    with open(output, "w") as log:
        return subprocess.run(
            words,
            env=odoo.environment(RECORD=str(record), **environment),
            input=feed or "",
            text=True,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def run_script(name, script, path=None, **environment):
    """Run a script in Odoo's shell, what it prints shown at once; its modules may lie in `path`."""
    environment = odoo.environment(**environment)
    if path:
        environment["PYTHONPATH"] += f"{os.pathsep}{path}"
    words = odoo.command(name, "--no-http", "--log-level", "warn", shell=True)
    with open(script) as feed:
        return subprocess.run(words, env=environment, stdin=feed, check=False).returncode


def install_record(name):
    """Where the warnings of a template's installation are kept."""
    folder = paths.DEV / "templates"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.jsonl"


def template_name(kind, *ingredients):
    digest = hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:10]
    return f"{postgres.TEMPLATES}{kind}_{digest}"


def base_template(demo=False, extra=()):
    """A template with what our add-ons depend on, and `extra` modules."""
    modules = sorted({*addons.dependencies(), *extra})
    name = template_name("demobase" if demo else "base", odoo.version(), *modules)
    what = f"Installing Odoo's modules{' with demo data' if demo else ''}"

    def make(new):
        create(new)
        install(new, modules, demo, what, install_record(name))

    return template(name, make)


def module_template(demo=False, extra=()):
    """A template with our add-ons on top of the base template."""
    base = base_template(demo, extra)
    name = template_name("demo" if demo else "test", base, addons.content_key())
    what = f"Installing the add-on{' with demo data' if demo else ''}"

    def make(new):
        create(new, base)
        install(new, list(addons.installable()), demo, what, install_record(name))

    return template(name, make)


def tests_template():
    """A template in which is made what many classes of our tests share (tests/common_kept.py).

    Some of it has the date of the day, so it is made anew every day.
    """
    installed = module_template()
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    name = template_name("kept", installed, addons.commons_key(), today)

    def make(new):
        create(new, installed)
        record = install_record(name)
        record.unlink(missing_ok=True)
        log = record.with_suffix(".log")
        words = odoo.command(new, "--no-http", shell=True)
        with step("Making the tests' company"):
            code = run_recorded(words, record, log, KEEP_COMMONS.read_text())
        warned = results.warnings(record)
        if code or warned:
            raise Stop(f"Making the tests' company failed ({', '.join(warned)}). Log: {log}")

    return template(name, make)


def template(name, make):
    """The template `name`, made if need be, under another name first: it is complete or absent."""
    with lock(paths.DEV / f"templates/{name}.lock", "this template is being made, waiting"):
        if not exists(name):
            part = f"{name}_part"
            drop(part)
            try:
                make(part)
            except BaseException:
                drop(part)
                raise
            rename(part, name)
            drop_old(name)
        return name


def rename(old, new):
    postgres.psql(f"ALTER DATABASE {identifier(old)} RENAME TO {identifier(new)}")
    files = odoo.DATA / "filestore"
    shutil.rmtree(files / new, ignore_errors=True)
    if (files / old).exists():
        (files / old).rename(files / new)


def drop_old(newest):
    """Keep only the last few templates of a kind. A database's oid grows, so it tells the age."""
    kind = newest.rsplit("_", 1)[0]
    pattern = f"^{kind}_[0-9a-f]{{10}}$"
    query = f"SELECT datname FROM pg_database WHERE datname ~ '{pattern}' ORDER BY oid DESC"
    for name in postgres.psql(query).stdout.split()[KEPT:]:
        drop(name)


def copy_of_template(name, demo=False):
    """A new database with our add-ons installed."""
    create_copy(name, lambda: module_template(demo))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def require_port(port):
    """Stop when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Stop(f"Port {port} is taken: choose another one with --port.") from error


def require(name):
    if not exists(name):
        raise Stop(f"There is no database {name}: make it with ./dev install {name}.")


def install_command(name, demo=False, force=False):
    """./dev install DB"""
    if exists(name):
        if not force:
            raise Stop(
                f"The database {name} exists already: ./dev install {name} --force makes it anew."
            )
        drop(name)
    copy_of_template(name, demo)
    say(f"Database {name} is ready: ./dev serve {name}, login admin, password admin.")


def shell_command(name):
    """./dev shell DB: this process becomes Odoo's shell."""
    require(name)
    become(odoo.command(name, "--no-http", "--log-level", "warn", shell=True))


def serve_command(name, port):
    """./dev serve DB: this process becomes the server."""
    require(name)
    require_port(port)
    say(f"Serving {name} on http://localhost:{port} (login admin, password admin); Ctrl-C ends it.")
    become(odoo.command(name, "--http-port", str(port), "--db-filter", f"^{name}$"))


def become(words):
    """Replace this process, so that signals, the terminal and the exit code are Odoo's."""
    os.execve(words[0], words, odoo.environment())
