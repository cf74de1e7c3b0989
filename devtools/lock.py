"""Two ./dev at once, or two threads of one, must not build the same thing."""

import fcntl
import threading
from contextlib import contextmanager

from . import paths
from .console import say

_mine = threading.local()


@contextmanager
def lock(path=paths.DEV / "lock", message="another ./dev is setting up, waiting"):
    """Hold the lock file `path`; a thread that holds it already goes straight on."""
    held = vars(_mine).setdefault("held", set())
    if path in held:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(message)
            fcntl.flock(handle, fcntl.LOCK_EX)
        held.add(path)
        try:
            yield
        finally:
            held.discard(path)
