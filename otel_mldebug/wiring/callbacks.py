"""Functions of the program that are told of findings, and can neither break nor hold up what they are told of."""

import time
from collections.abc import Callable

from otel_mldebug._guard import log
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.wiring.process import listeners

SLOW_S = 0.1
"""A callback that takes longer is named in the log, once."""


class Callback:
    """One function that is told, guarded and timed.

    Args:
        tell: The function.
        timer_s: Seconds that only go forward.
    """

    def __init__(self, tell: Callable[[Occurrence], object], timer_s: Callable[[], float] = time.perf_counter) -> None:
        self._tell, self._timer_s = tell, timer_s
        self._said: set[str] = set()

    def __call__(self, occurrence: Occurrence) -> None:
        """Tell of one occurrence. What the function raises is logged once; SystemExit in it ends nothing."""
        began_s = self._timer_s()
        try:
            self._tell(occurrence)
        except (Exception, SystemExit) as exc:  # noqa: BLE001
            if self._first("failed"):
                log.warning("the callback %s for findings failed; it is still called", self._name(), exc_info=exc)
        took_s = self._timer_s() - began_s
        if took_s > SLOW_S and self._first("slow"):
            log.warning("the callback %s for findings took %.1f s, and the program waited", self._name(), took_s)

    def _first(self, what: str) -> bool:
        first = what not in self._said
        self._said.add(what)
        return first

    def _name(self) -> str:
        return str(getattr(self._tell, "__qualname__", type(self._tell).__qualname__))


def on_finding(callback: Callable[[Occurrence], object]) -> Callable[[], None]:
    """Have `callback` told of every finding made in this process from now on, suppressed ones included.

    It is called at once, in the thread that failed, so it should only note what it is told, or hand it to a queue.
    What fails inside it makes no further finding.

    Returns:
        A function that ends it; a second call of that does nothing.

    Example:
        stop = on_finding(lambda occurrence: alerts.put((occurrence.finding.severity, occurrence.id)))
    """
    told = Callback(callback)
    listeners.append(told)

    def stop() -> None:
        if told in listeners:
            listeners.remove(told)

    return stop
