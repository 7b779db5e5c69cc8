"""Reports from places where nothing may be waited for, handed over a moment later by a thread of their own.

Python runs `__del__` at any moment, also while this very thread holds a lock of the SDK or of `threading`. What is seen
there is only put aside.
"""

import _thread
import os
from collections import deque
from collections.abc import Callable

from otel_mldebug._guard import fault

WAIT_S = 5.0
"""How long `drain` waits for a report that another thread is handing over: the first one has the SDK to import."""


class Later:
    """Does pieces of work in order, soon, in another thread; `put` waits for nothing and may be called anywhere."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = _thread.allocate_lock()
        self._pid = 0
        """The process in which a thread has been started for what waits; 0 when there is none."""

    def put(self, work: Callable[[], None]) -> None:
        """Have `work` done; at the latest by `drain`."""
        self._waiting.append(work)
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        try:
            # Not `threading.Thread`: it takes a lock that may be held by this thread, in a frame further out.
            _thread.start_new_thread(self._run, ())
        except RuntimeError:  # no more threads, or the interpreter is ending
            self._pid = 0

    def drain(self) -> None:
        """Do what waits now, and wait for what another thread is doing, at most `WAIT_S`."""
        if self._lock.acquire(timeout=WAIT_S):
            try:
                self._work()
            finally:
                self._lock.release()

    def after_fork(self) -> None:
        """Forget what the parent was about to do, in the child."""
        self.__init__()  # type: ignore[misc]

    def _run(self) -> None:
        with self._lock:
            self._pid = 0  # from here on, what is put asks for another thread: none is forgotten
            self._work()

    def _work(self) -> None:
        while self._waiting:
            try:
                work = self._waiting.popleft()
            except IndexError:  # drained in between
                return
            try:
                work()
            except Exception as exc:  # noqa: BLE001
                fault("report what was put aside", exc)


later = Later()
"""The one of this process."""
