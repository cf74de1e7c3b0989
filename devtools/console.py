"""Talk to the person at the terminal: one sentence when something is wrong, progress if slow."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from . import paths


class Stop(Exception):
    """Ends the command with exit code 1 and one sentence that says what to do."""


def say(text):
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(text):
    """Show `text` and the time it takes, but only for what lasts longer than two seconds."""
    start, done, tty = time.monotonic(), threading.Event(), sys.stderr.isatty()

    def show():
        wait = 2
        while not done.wait(wait):
            elapsed = int(time.monotonic() - start)
            if tty:
                print(f"\r{text} ... {elapsed} s", end="", file=sys.stderr, flush=True)
                wait = 1
            else:
                say(f"{text} ..." if wait == 2 else f"{text} ... {elapsed} s")
                wait = 30

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        elapsed = time.monotonic() - start
        if elapsed > 2:
            end = "\r" if tty else ""
            say(f"{end}{text}: {elapsed:.0f} s")


def run(command, what, advice="", **options):
    """Run `command`, its output in a log file; on failure Stop with its last words and `advice`."""
    paths.LOG.mkdir(parents=True, exist_ok=True)
    log = paths.LOG / (what.split(":")[0].lower().replace(" ", "-")[:40] + ".log")
    with step(what), open(log, "wb") as output:
        try:
            code = subprocess.run(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **options,
            ).returncode
        except FileNotFoundError as error:
            raise Stop(f"{what} needs the command '{command[0]}': install it first.") from error
    if code:
        raise Stop(f"{what} failed ({last_words(log)}). {advice}".strip() + f" Output: {log}")
    return log


def last_words(log):
    """The most telling line of a log: the last one that names an error, else the last one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "ERROR", "error", "FATAL"))]
    return ((errors or lines or ["no output"])[-1]).rstrip(".")[:300]
