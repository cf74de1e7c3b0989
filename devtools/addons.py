"""The add-ons of this repository: the main one and the glue modules beside it."""

import ast
import hashlib

from . import odoo, paths

MAIN = "professional_billing"
#: What does not change a database with the add-on installed.
UNINSTALLED = (
    "tests/",
    "static/tests/",
    "doc/",
    "i18n/",
    "README",
    "pyproject.toml",
    "__pycache__",
)


def manifests():
    """Every add-on of this repository, by name."""
    found = sorted(paths.ROOT.glob("*/__manifest__.py"))
    return {path.parent.name: ast.literal_eval(path.read_text()) for path in found}


def dependencies():
    """What must be installed before ours: all the manifests' `depends`, less our own modules."""
    ours = installable()
    return sorted({name for manifest in ours.values() for name in manifest["depends"]} - set(ours))


def installable():
    """Ours whose dependencies are all here: a glue module may lack its other side."""
    ours = manifests()
    return {
        name: manifest
        for name, manifest in ours.items()
        if all(other in ours or is_known(other) for other in manifest["depends"])
    }


def is_known(name):
    folders = [odoo.python_path() / "odoo/addons", *odoo.addons_path()]
    return any((folder / name / "__manifest__.py").exists() for folder in folders)


def commons_key():
    """A hash of the files in which classes of tests share what they need."""
    digest = hashlib.sha256()
    for name in installable():
        for path in sorted((paths.ROOT / name / "tests").glob("*common*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def content_key():
    """A hash of every file of ours that has a part in what an installed database holds."""
    digest = hashlib.sha256()
    for name in installable():
        for path in sorted((paths.ROOT / name).rglob("*")):
            inside = path.relative_to(paths.ROOT / name).as_posix()
            if (
                path.is_file()
                and not inside.startswith(UNINSTALLED)
                and "__pycache__" not in inside
            ):
                digest.update(f"{name}/{inside}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
