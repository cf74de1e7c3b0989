"""Check XML files: well formed, and data files and views valid by the grammars that Odoo brings.

Arguments: the folder that holds the package `odoo`, then the add-ons' folders.
"""

import sys
from functools import cache
from pathlib import Path

from lxml import etree


@cache
def grammar(path):
    return etree.RelaxNG(etree.parse(path)) if path.exists() else None


def faults(path, odoo):
    """Sentences about what is wrong in one file."""
    try:
        root = etree.parse(path).getroot()
    except etree.XMLSyntaxError as error:
        return [f"{path}: {error}"]
    if root.tag not in ("odoo", "openerp"):
        return []
    found = invalid(root, grammar(odoo / "import_xml.rng"), path)
    for view in root.iter("record"):
        if view.get("model") == "ir.ui.view" and view.find("field[@name='inherit_id']") is None:
            for arch in view.findall("field[@name='arch']/*"):
                found += invalid(arch, grammar(odoo / f"addons/base/rng/{arch.tag}_view.rng"), path)
    return found


def invalid(element, rules, path):
    # A grammar judges a whole document, so the element becomes one; line numbers are kept.
    if rules is None or rules.validate(element):
        return []
    return [f"{path}:{error.line}: {error.message}" for error in rules.error_log]


def main(odoo, *folders):
    files = sorted(path for folder in folders for path in Path(folder).rglob("*.xml"))
    found = [fault for path in files for fault in faults(path, Path(odoo) / "odoo")]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
