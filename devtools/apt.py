"""Odoo's Debian packages, through the machine's own apt, without touching the machine.

Debian packages Odoo 19 in its suite sid. We ask apt where the machine gets Debian from, make a
private apt state with that archive, let apt download (it checks signatures and hashes), and unpack
the files. Nothing is installed, no root is needed.
"""

import os
import shutil
import subprocess
from pathlib import Path

from . import paths
from .console import Stop, run, step
from .lock import lock

#: The web client's links point into these; sid's font-awesome has another layout than Odoo expects.
PACKAGES = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-montserrat",
    "fonts-roboto-unhinted",
    "fonts-inconsolata",
    "fonts-glyphicons-halflings",
    "fonts-ocr-b",
    "fonts-font-awesome/bookworm",
)
KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
INSTEAD = "Set ODOO_SOURCE to a checkout of Odoo 19 instead."
CACHE = paths.CACHE / "debian"
COMPLETE = CACHE / "complete"
ODOO = paths.DEV / "odoo"
STAMP = ODOO / "stamp"


def unpacked_version():
    """The unpacked Odoo's version, or None."""
    return STAMP.read_text() if STAMP.exists() else None


def make():
    """Unpack Odoo into .dev/odoo, a folder that appears only when complete."""
    debs = downloaded()
    part = paths.DEV / "odoo.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(ODOO, ignore_errors=True)
    part.mkdir(parents=True)
    with step("Unpacking Odoo"):
        for deb in debs:
            done = subprocess.run(
                ["dpkg", "-x", str(deb), str(part)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                COMPLETE.unlink(missing_ok=True)
                deb.unlink(missing_ok=True)
                raise Stop(
                    f"Unpacking {deb.name} failed ({done.stderr.strip() or 'no output'}): "
                    "check the free disk space and run ./dev again, it will be downloaded anew."
                )
    add_missing_files(part)
    version = next(deb.name.split("_")[1] for deb in debs if deb.name.startswith("odoo-19_"))
    (part / STAMP.name).write_text(version)
    part.rename(ODOO)


def add_missing_files(root):
    """Debian leaves one bundled file out; an empty one silences the web client's console error."""
    library = root / "usr/lib/python3/dist-packages/odoo/addons/mail/static/lib/selfie_segmentation"
    if library.parent.is_dir():
        library.mkdir(exist_ok=True)
        (library / "selfie_segmentation.js").touch()


def downloaded():
    """The packages' files, from the cache when a former download was complete."""
    with lock(CACHE / "lock", "another ./dev is downloading Odoo, waiting"):
        if not COMPLETE.exists():
            download()
        return [CACHE / name for name in COMPLETE.read_text().split()]


def download():
    """Let apt download the packages. Files it has already verified are not fetched again."""
    for tool in ("apt-get", "apt-config", "dpkg"):
        if not shutil.which(tool):
            raise Stop(f"Odoo comes as a Debian package, and this machine has no {tool}. {INSTEAD}")
    apt = private_state()
    advice = "Check the network and the machine's apt, and run ./dev again, or: " + INSTEAD
    run(["apt-get", "update"], "Reading Debian's package lists", advice, env=apt)
    run(["apt-get", "download", *PACKAGES], "Downloading Odoo", advice, env=apt, cwd=CACHE)
    names = [package.split("/")[0] for package in PACKAGES]
    newest = [max(CACHE.glob(f"{name}_*.deb"), key=os.path.getmtime).name for name in names]
    for old in set(CACHE.glob("*.deb")) - {CACHE / name for name in newest}:
        old.unlink()
    COMPLETE.write_text("\n".join(newest))


def private_state():
    """An environment in which apt knows Debian's sid and bookworm, its state in our cache.

    The machine's configuration (proxies and so on) is taken over, its hooks and pins are not.
    """
    apt, keyring = CACHE / "apt", debian_keyring()
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    row = f"deb [signed-by={keyring}] {debian_archive()}"
    (apt / "sources.list").write_text(f"{row} sid main\n{row} bookworm main\n")
    machine = subprocess.run(
        ["apt-config", "dump"], capture_output=True, text=True, check=True
    ).stdout
    kept = [
        line
        for line in machine.splitlines()
        if not line.startswith(("APT::Update", "DPkg", "Dir "))
    ]
    ours = {
        "Dir::State::lists": apt / "lists/",
        "Dir::Cache": apt / "cache/",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": "/dev/null",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }
    kept += [f'{name} "{value}";' for name, value in ours.items()]
    (apt / "apt.conf").write_text("\n".join(kept) + "\n")
    return {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C.UTF-8"}


def debian_keyring():
    for keyring in KEYRINGS:
        if Path(keyring).exists():
            return keyring
    raise Stop(f"Odoo comes as a Debian package, and this machine has no Debian keyring. {INSTEAD}")


def debian_archive():
    """The address this machine gets Debian from, out of its own apt configuration.

    Before the first `apt-get update` apt does not know yet who stands behind an address; then the
    row of this Debian's own release is the one.
    """
    form = "$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(RELEASE)"
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", form], capture_output=True, text=True, check=False
    )
    rows = [line.split("|") for line in found.stdout.splitlines()]
    release = debian_release()
    for uri, origin, label, suite in rows:
        if (origin, label) == ("Debian", "Debian") or (release and suite in (release, "stable")):
            return uri
    raise Stop(
        f"Odoo comes as a Debian package, and this machine's apt knows no Debian archive. {INSTEAD}"
    )


def debian_release():
    """The code name of the Debian this machine runs, or None on anything else."""
    lines = (
        Path("/etc/os-release").read_text().splitlines() if Path("/etc/os-release").exists() else []
    )
    facts = dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)
    return facts.get("VERSION_CODENAME") if facts.get("ID") == "debian" else None
