"""A thread that exists only while there is something to do."""

import threading
from collections.abc import Callable

from otel_mldebug._guard import guard

MOST_IDLE = 20
"""Calls in a row that find nothing to do after which the thread ends: to start one costs as much as many of those."""


class Flusher:
    """Calls `work` every `interval_s` seconds from the first `wake` on, until it has had nothing to do for a while.

    Args:
        work: Does what is to be done; returns whether there was anything.
        waiting: Whether there is something to do.
        interval_s: Seconds between two calls.

    Attributes:
        awake: Whether the thread runs, or is about to; read without a lock on the hot path.
    """

    def __init__(self, work: Callable[[], bool], waiting: Callable[[], bool], interval_s: float) -> None:
        self._work, self._waiting, self._interval_s = work, waiting, interval_s
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self.awake = False

    def wake(self) -> None:
        """Start the thread unless it runs. Where none can be started, as at the end of the interpreter, work now."""
        with self._lock:
            if self.awake:
                return
            self.awake = True
        try:
            threading.Thread(target=self._run, name="otel-mldebug-store", daemon=True).start()
        except RuntimeError:
            self.awake = False
            self._work()

    def stop(self) -> None:
        """Let the thread end; it is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        idle = 0
        while not self._stop.wait(self._interval_s):
            worked = False
            with guard("write to the store"):
                worked = self._work()
            idle = 0 if worked else idle + 1
            if idle < MOST_IDLE:
                continue
            with self._lock:
                # First `awake`, then the look: who adds something after the look finds `awake` false and wakes us.
                self.awake = False
                if not self._waiting():
                    return
                self.awake = True
