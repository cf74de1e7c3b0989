"""The add-on in a database: installs cleanly, updates without a change, leaves without a trace."""

from . import addons, database, odoo, paths, postgres, results, testing
from .results import Result

UNINSTALL = paths.DEVTOOLS / "scripts/uninstall.py"

#: What a database is made of, one line a thing.
SCHEMA = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable
    FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""
#: Odoo itself leaves some dangling names behind for every uninstalled model with a mixin of mail's:
#: those in other modules' names of a selection or of an inheritance.
XMLIDS = """
SELECT 'xmlid ' || module || '.' || name || ' ' || model FROM ir_model_data
    WHERE module IN ({ours}) OR model NOT IN ('ir.model.fields.selection', 'ir.model.inherit')
"""
#: Tables whose rows are not counted: those that fill by themselves (logs, caches, queues), those
#: compared by name above, and the register of constraints (of a foreign key on another module's
#: table Odoo itself drops the constraint and keeps the row).
UNCOUNTED = (
    "bus_bus",
    "ir_attachment",
    "ir_cron_progress",
    "ir_cron_trigger",
    "ir_logging",
    "ir_model_constraint",
    "ir_model_data",
    "ir_profile",
    "mail_message",
    "mail_tracking_value",
    "res_device_log",
    "res_users_log",
)


def checks():
    """Install, update, uninstall."""
    with testing.scratch_copy("before", database.base_template) as name:
        before = content(name)
    with testing.scratch_copy("life") as name:
        installed = content(name)
        update = run(name, ["--update", addons.MAIN, "--stop-after-init", "--no-http"], "update")
        updated = content(name)
        uninstall = run(name, ["--no-http"], "uninstall", script=UNINSTALL)
        after = content(name)
    return [
        results.clean_log("install", *install_records(database.module_template())),
        compared("an update changes nothing", installed, updated),
        results.clean_log("update", update),
        compared("uninstalling leaves nothing behind", before, after),
        results.clean_log("uninstall", uninstall),
    ]


def demo_checks():
    """The add-on installs on a database with Odoo's demo data, with its own."""
    name = database.module_template(demo=True)
    return [
        Result("install with demo data", "passed"),
        results.clean_log("install with demo data", *install_records(name)),
    ]


def run(name, words, purpose, script=None):
    """Run Odoo (its shell for a script) and return the file with what it warned of."""
    record = results.record_file(purpose)
    feed = script.read_text() if script else None
    environment = {"MODULES": ",".join(addons.installable())}
    database.run_recorded(
        odoo.command(name, *words, shell=bool(script)),
        record,
        record.with_suffix(".log"),
        feed,
        **environment,
    )
    return record


def install_records(template):
    record = database.install_record(template)
    return [record] if record.exists() else []


def content(name):
    """What is in the database: its schema, its external ids, the number of rows of each table."""
    ours = ", ".join(f"'{module}'" for module in addons.manifests())
    lines = postgres.psql(
        f"{SCHEMA} UNION ALL {XMLIDS.format(ours=ours)}", name
    ).stdout.splitlines()
    tables = postgres.psql(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name
    ).stdout.split()
    counts = " UNION ALL ".join(
        f"SELECT 'rows of {table}: ' || count(*) FROM {database.identifier(table)}"
        for table in tables
        if table not in UNCOUNTED and not table.startswith("orm_signaling")
    )
    return sorted(lines + postgres.psql(counts, name).stdout.splitlines())


def compared(title, before, after):
    gone, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    lines = [f"- {line}" for line in gone] + [f"+ {line}" for line in new]
    return Result(title, "failed" if lines else "passed", "\n".join(lines))
