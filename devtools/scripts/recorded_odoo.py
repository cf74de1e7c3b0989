"""Run Odoo as `python -m odoo` does, and write down what its tests did and what it warned of.

The file named by the environment variable RECORD gets one JSON object a line. We read Odoo's own
log records (their message and arguments, not their text), so nothing of Odoo is patched:
    {"test": "/module:Class.method", "event": "start" | "skip" | "fail", "text": "..."}
    {"log": "WARNING", "logger": "...", "text": "..."}
    {"end": true}                       the test suite ran to its end
"""

import json
import logging
import os
import re
import runpy

STARTED, SKIPPED, FAILED = "Starting %s ...", "skipped %s : %s", "%s: %s\n%s"
ENDED = "%d post-tests in %.2fs, %s queries"


class Recorder(logging.Handler):
    def __init__(self, path):
        super().__init__()
        self.file = open(path, "a", buffering=1)  # noqa: SIM115 (open as long as the process)

    def emit(self, record):
        entry = described(record)
        if entry:
            self.file.write(json.dumps(entry) + "\n")


def described(record):
    if ".tests." in record.name or record.name.startswith("odoo.tests"):
        if record.msg == STARTED:
            return {"test": test_id(record, record.args[0]), "event": "start"}
        if record.msg == SKIPPED:
            return {
                "test": test_id(record, record.args[0]),
                "event": "skip",
                "text": record.args[1],
            }
        if record.msg == FAILED:
            return {
                "test": test_id(record, record.args[1]),
                "event": "fail",
                "text": record.args[2],
            }
    if record.msg == ENDED:
        return {"end": True}
    if record.levelno >= logging.WARNING:
        text = logging.Formatter().format(record)
        return {"log": record.levelname, "logger": record.name, "text": text}
    return None


def test_id(record, description):
    """The test as --test-tags names it. A subtest is its test, a class's set-up is on its own."""
    name = re.sub(r"^Subtest (\S+).*", r"\1", str(description), flags=re.DOTALL)
    match = re.match(r"odoo\.(?:addons|upgrade)\.(\w+)\.", record.name)
    if match:
        return f"/{match[1]}:{name}"
    return re.sub(r"(\w+) \(odoo\.addons\.(\w+)\..*?(\w+)\)", r"/\2:\3 \1", name)


if __name__ == "__main__":
    logging.getLogger().addHandler(Recorder(os.environ["RECORD"]))
    runpy.run_module("odoo", run_name="__main__")
