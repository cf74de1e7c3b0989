import subprocess
import sys
import unittest
from pathlib import Path

RULES = Path(__file__).parents[1] / "rules"


class TestRulesImport(unittest.TestCase):
    """The arithmetic is plain Python: each file can be used without Odoo."""

    def test_imports_without_odoo(self):
        """`import rules.x` in a fresh Python that cannot find Odoo, with only the add-on's folder."""
        modules = sorted(path.stem for path in RULES.glob("*.py") if path.stem != "__init__")
        self.assertIn("rounding", modules)
        for module in modules:
            with self.subTest(module=module):
                code = (
                    "import sys\n"
                    "class NoOdoo:\n"
                    "    def find_spec(self, name, path=None, target=None):\n"
                    "        if name.split('.')[0] in ('odoo', 'psycopg2', 'dateutil'):\n"
                    "            raise ImportError(f'{name} is not for the rules')\n"
                    "sys.meta_path.insert(0, NoOdoo())\n"
                    f"sys.path.insert(0, {str(RULES.parent)!r})\n"
                    f"import rules.{module}\n"
                    "print([name for name in sys.modules if name.startswith('odoo')])\n"
                )
                done = subprocess.run(
                    [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout.strip(), "[]")
