"""Two ./dev in the same clone (or the same cache) must not build the same thing at once."""

import fcntl
from contextlib import contextmanager

from . import paths
from .console import say

_held = set()


@contextmanager
def lock(folder=paths.DEV, message="another ./dev is setting up, waiting"):
    """Hold the lock of `folder`; a part of this process that already holds it goes straight on."""
    if folder in _held:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(message)
            fcntl.flock(handle, fcntl.LOCK_EX)
        _held.add(folder)
        try:
            yield
        finally:
            _held.discard(folder)
