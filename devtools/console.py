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


_steps = []


@contextmanager
def step(text):
    """Show `text` and the time it takes, but only for what lasts longer than two seconds.

    Only the innermost of nested steps shows; those of other threads do not (the main one's does).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    start, done = time.monotonic(), threading.Event()
    thread = threading.Thread(target=show, args=(text, start, done), daemon=True)
    _steps.append(text)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        _steps.remove(text)
        elapsed = time.monotonic() - start
        if elapsed > 2:
            say(f"{chr(13) if sys.stderr.isatty() else ''}{text}: {elapsed:.0f} s")


def show(text, start, done):
    """Tell of a step until it is done: every second on a terminal, else every half minute."""
    tty, told = sys.stderr.isatty(), 0
    while not done.wait(1):
        elapsed = time.monotonic() - start
        if elapsed < 2 or _steps[-1] != text:
            continue
        if tty:
            print(f"\r{text} ... {elapsed:.0f} s", end="", file=sys.stderr, flush=True)
        elif not told or elapsed - told >= 30:
            say(f"{text} ... {elapsed:.0f} s" if told else f"{text} ...")
            told = elapsed


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
