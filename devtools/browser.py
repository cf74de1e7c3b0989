"""The optional system packages: Chromium for the browser tests, wkhtmltopdf for PDF."""

import os
import shutil
import subprocess

from .console import Stop, run, say
from .lock import lock

#: What Odoo looks for, and the package that brings one of them.
PROGRAMS = {
    "chromium": ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable"),
    "wkhtmltopdf": ("wkhtmltopdf",),
}
WITHOUT = {
    "chromium": "browser tests are skipped",
    "wkhtmltopdf": "documents are not made into PDF",
}


def missing():
    return [package for package, names in PROGRAMS.items() if not any(map(shutil.which, names))]


def ensure():
    """Install what is missing if we may; else say what is lost. Never an error."""
    if missing():
        with lock():
            install(missing())


def install(packages):
    try:
        if packages and may_install():
            run([*as_root(), "apt-get", "update"], "Reading the machine's package lists")
            options = ["install", "--yes", "--no-install-recommends"]
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            run(
                [*as_root(), "apt-get", *options, *packages],
                f"Installing {' and '.join(packages)}",
                env=environment,
            )
    except Stop as stop:
        say(str(stop))
    for package in missing():
        say(f"Without {package} {WITHOUT[package]}: apt-get install {package}.")


def as_root():
    return () if os.geteuid() == 0 else ("sudo", "-n")


def may_install():
    """Root, or a user whom sudo lets through without a password."""
    if not shutil.which("apt-get"):
        return False
    if os.geteuid() == 0:
        return True
    return (
        bool(shutil.which("sudo"))
        and not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode
    )
