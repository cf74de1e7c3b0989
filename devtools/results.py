"""What was checked and how it went: read what the runners wrote down, tell it, count it."""

import json
import re
import time
from typing import NamedTuple

from . import paths
from .console import say

#: Warnings that speak of this machine, not of our code. Each is a regular expression on "logger:
#: text".
HARMLESS = (
    # Debian's wkhtmltopdf is built without the patched Qt; Odoo renders bodies without repeating
    # headers.
    r"ir_actions_report: .*wkhtmltopdf",
    # Optional Python packages, databases and programs that a machine may lack.
    r"geoip|GeoIP|GeoLite|phonenumbers|rtlcss|python-slugify|pdfminer|unaccent|pg_trgm",
    # A browser test may end while its page still loads something.
    r"\.browser: Error received after termination",
    # Odoo's own sum of a run; the failures it speaks of are counted one by one.
    r"odoo\.tests\.result: ",
)


class Result(NamedTuple):
    name: str
    outcome: str  # passed, failed or skipped
    text: str = ""


def record_file(name):
    """A new file for a runner to write its results into."""
    paths.LOG.mkdir(parents=True, exist_ok=True)
    path = paths.LOG / f"{name}-{time.strftime('%H%M%S')}-{time.monotonic_ns() % 10**6:06d}.jsonl"
    path.unlink(missing_ok=True)
    return path


def entries(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def tests(path):
    """One result a test that was started, skipped or failed."""
    found = {}
    for entry in entries(path):
        if "test" not in entry:
            continue
        name, event = entry["test"], entry["event"]
        if event == "start":
            found.setdefault(name, Result(name, "passed"))
        elif event == "skip" and found.get(name, Result(name, "")).outcome != "failed":
            found[name] = Result(name, "skipped", entry["text"])
        elif event == "fail":
            text = found[name].text if name in found else ""
            found[name] = Result(name, "failed", f"{text}\n{entry['text']}".strip())
    return list(found.values())


def ended(path):
    return any(entry.get("end") for entry in entries(path))


def warnings(path):
    """The warnings and errors in the log that are not a test's failure nor the machine's fault."""
    lines = [
        f"{entry['log']} {entry['logger']}: {entry['text']}"
        for entry in entries(path)
        if "log" in entry
    ]
    return [line for line in lines if not any(re.search(pattern, line) for pattern in HARMLESS)]


def clean_log(name, *records):
    """One check: nothing was logged as a warning or worse."""
    lines = [line for record in records for line in warnings(record)]
    return Result(f"clean log: {name}", "failed" if lines else "passed", "\n".join(lines))


def error(path):
    """The words of the worst that was logged: of a traceback what follows its last frame."""
    texts = [entry["text"] for entry in entries(path) if entry.get("log") in ("ERROR", "CRITICAL")]
    lines = texts[-1].splitlines() if texts else ["no error in the log"]
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    # After the last frame's place comes a line of source, then the exception.
    rest = lines[frames[-1] + 1 :] if frames else []
    told = [line.strip() for line in rest if not line.startswith("    ^")] or lines
    return " ".join(told[1:4] if len(told) > 1 else told)[:300]


def count(results, outcome):
    return sum(result.outcome == outcome for result in results)


def tell(title, results, seconds):
    """One line on a group of checks, and where the details of the failed ones are."""
    numbers = f"{count(results, 'passed')} passed, {count(results, 'failed')} failed"
    if count(results, "skipped"):
        numbers += f", {count(results, 'skipped')} skipped"
    say(f"{title}: {numbers} ({seconds:.0f} s)")


def summary(results):
    """List the failures, keep their texts in a file, end with the count. Returns the exit code."""
    failed = [result for result in results if result.outcome == "failed"]
    if failed:
        report = paths.LOG / f"failed-{time.strftime('%Y%m%d-%H%M%S')}.log"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text("".join(f"{'=' * 70}\n{name}\n{text}\n\n" for name, _, text in failed))
        print("\nFailed:")
        for result in failed:
            lines = result.text.strip().splitlines() or [""]
            # A traceback tells most in its last line, a list of differences in its first ones.
            shown = lines[-1:] if "Traceback" in lines[0] else lines[:5]
            print("\n".join([f"  {result.name}", *(f"      {line[:200]}" for line in shown)]))
        print(f"Details: {report}")
    passed, skipped = count(results, "passed"), count(results, "skipped")
    print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0
