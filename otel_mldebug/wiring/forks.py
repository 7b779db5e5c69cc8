"""Waiting for the right moment to fork: not while telemetry is being set up or something is being explained.

A child has only the thread that forked. What another thread was in the middle of, above all an import, stays half done
in the child for ever, and waiting for it would never end.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

WAIT_S = 1.0
"""How long a fork waits for one of our locks. Longer than anything takes that happens under them, and bounded."""
_LAST = -100
"""Priority among what multiprocessing calls then: queues and pools, from 15 to -5, come before us."""
_FAILURE = "otel_mldebug.export.failure"


class Forks:
    """Takes our locks before a fork and gives them back after it, in the parent.

    Args:
        locks: Returns the locks to take, outermost first; None for one that is not there.
    """

    def __init__(self, locks: Callable[[], Iterable[Any]]) -> None:
        self._locks = locks
        self._held: dict[int, list[Any]] = {}

    def before(self) -> None:
        """Take the locks, each unless it cannot be had in a second."""
        failure = sys.modules.get(_FAILURE)
        for lock in (*self._locks(), getattr(failure, "forking", None)):
            if lock is not None and lock.acquire(timeout=WAIT_S):
                self._held.setdefault(threading.get_ident(), []).append(lock)

    def after(self) -> None:
        """Give them back."""
        for lock in reversed(self._held.pop(threading.get_ident(), [])):
            lock.release()

    def in_child(self) -> None:
        """Forget them: their owners make new ones."""
        self._held.clear()
        failure = sys.modules.get(_FAILURE)
        if failure is not None:
            failure.after_fork()


def at_end_of_child(then: Callable[[], None]) -> None:
    """Have `then` called at the end of a process that multiprocessing has started: forked ones know no `atexit`."""
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, then, exitpriority=_LAST)
