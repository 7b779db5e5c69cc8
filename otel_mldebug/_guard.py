"""Our faults stay ours: caught, logged once for each place, counted, and never in the way of the user's program."""

import logging
import threading
from contextlib import suppress
from types import TracebackType

log = logging.getLogger("otel_mldebug")

strict = False
"""Tests set this, so that our own bugs fail them instead of being logged."""

_lock = threading.Lock()
_faults: dict[str, int] = {}


class guard:  # noqa: N801  (reads as a keyword: `with guard("…")`)
    """Swallow any `Exception` raised in the body. Never wrap user code in it.

    A class and not a generator, because entering one costs 0.2 µs and not 1 µs.

    Args:
        doing: What the body does, as a phrase that fits after "could not", such as "read the GPU".
    """

    __slots__ = ("doing",)

    def __init__(self, doing: str) -> None:
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if exc is None or not isinstance(exc, Exception):
            return False
        fault(self.doing, exc)
        return True


def fault(doing: str, exc: BaseException) -> None:
    """Count a fault of ours and log it the first time it happens in this process.

    Hot paths use `try`/`except` and this function, which cost nothing until something goes wrong.

    Raises:
        BaseException: `exc` itself, when `strict` is set.
    """
    if strict:
        raise exc
    with _lock:
        first = doing not in _faults
        _faults[doing] = _faults.get(doing, 0) + 1
    if first:
        try:
            if isinstance(exc, (MemoryError, RecursionError)):
                raise exc  # there is no room for a traceback, which would say nothing of ours
            log.warning("could not %s; your program goes on without it", doing, exc_info=exc)
        except Exception:  # noqa: BLE001  (a handler of the program's, or an exception that cannot be printed)
            with suppress(Exception):
                log.warning("could not %s (%s); your program goes on without it", doing, type(exc).__name__)


def faults() -> dict[str, int]:
    """Return how often each guarded piece of work failed in this process."""
    with _lock:
        return dict(_faults)


def reset() -> None:
    """Forget all faults: for tests, and for a forked child, which starts its own count with a fresh lock."""
    global _lock
    _lock = threading.Lock()
    _faults.clear()
