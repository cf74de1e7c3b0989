"""Run the rules' tests without Odoo: tests/test_rules_*.py are plain unittest modules.

They import `..rules`, so the add-on and its tests become packages whose __init__ is not executed.
Arguments: the add-on's folder and the file that gets one JSON object a test, as in
recorded_odoo.py.
"""

import importlib
import json
import sys
import types
import unittest
from pathlib import Path

import hypothesis


class Recorder(unittest.TextTestResult):
    def write(self, test, event, text=""):
        test = getattr(test, "test_case", test)
        name = test.id().replace("professional_billing.tests.", "")
        self.file.write(json.dumps({"test": name, "event": event, "text": text}) + "\n")

    def startTest(self, test):
        super().startTest(test)
        self.write(test, "start")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.write(test, "skip", reason)

    def addError(self, test, err):
        super().addError(test, err)
        self.write(test, "fail", self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.write(test, "fail", self._exc_info_to_string(err, test))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.write(test, "fail", self._exc_info_to_string(err, test))

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.write(test, "fail", "succeeded, but is marked as an expected failure")


def stub(name, folder):
    """A package of that name that is only a place for its modules."""
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


def main(folder, record):
    stub(folder.name, folder)
    stub(f"{folder.name}.tests", folder / "tests")
    # How fast the machine is says nothing about the arithmetic.
    hypothesis.settings.register_profile("any machine", deadline=None)
    hypothesis.settings.load_profile("any machine")
    suite = unittest.TestSuite()
    for path in sorted((folder / "tests").glob("test_rules_*.py")):
        module = f"{folder.name}.tests.{path.stem}"
        try:
            suite.addTests(
                unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))
            )
        except Exception as error:  # a broken file is one failed test, the others still run
            suite.addTest(broken(path.stem, error))
    with open(record, "a") as file:
        Recorder.file = file
        unittest.TextTestRunner(resultclass=Recorder).run(suite)
        file.write(json.dumps({"end": True}) + "\n")


def broken(name, error):
    def test_import():
        raise error

    case = unittest.FunctionTestCase(test_import, description=name)
    case.id = lambda: f"professional_billing.tests.{name}.import"
    return case


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
