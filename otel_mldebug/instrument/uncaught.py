"""Exceptions that nobody catches: seen on their way to Python's own hooks, which then print what they always print."""

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import ending, sink
from otel_mldebug.rules.finding import MAIN_THREAD, UNCAUGHT
from otel_mldebug.semconv.names import Severity

Report = Callable[[BaseException, dict[str, Any]], None]


class Uncaught:
    """The three hooks of this process. `install` and `remove` may be called in any order and any number of times.

    A hook that somebody else has wrapped since cannot be taken out; it then only passes on.
    """

    def __init__(self, report: Report | None = None) -> None:
        self._report = report or _to_sink
        self._on = False
        self._previous: dict[str, tuple[Any, Any]] = {}

    def install(self) -> None:
        """Put our hooks in front of those in place."""
        if self._on:
            return
        self._on = True
        self._chain(sys, "excepthook", self._main)
        self._chain(threading, "excepthook", self._thread)
        self._chain(sys, "unraisablehook", self._unraisable)

    def remove(self) -> None:
        """Put the earlier hooks back, except where somebody else's are in front of ours by now."""
        self._on = False
        for name, (previous, ours) in list(self._previous.items()):
            module = threading if name == "threading.excepthook" else sys
            attribute = name.rpartition(".")[2]
            if getattr(module, attribute, None) is ours:
                setattr(module, attribute, previous)
                del self._previous[name]

    def _chain(self, module: Any, attribute: str, see: Callable[..., None]) -> None:
        name = f"{module.__name__}.{attribute}"
        if name in self._previous:  # still there, behind somebody else's
            return
        previous = getattr(module, attribute)
        if previous is sys.__excepthook__:
            previous = _default

        def hook(*args: Any) -> None:
            # At interpreter shutdown anything may be gone already; what follows must run whatever happens here.
            try:
                if self._on:
                    see(*args)
            except Exception as exc:  # noqa: BLE001
                fault("report an uncaught exception", exc)
            finally:
                previous(*args)

        self._previous[name] = getattr(module, attribute), hook
        setattr(module, attribute, hook)

    def _main(self, _: type[BaseException], exc: BaseException | None, __: Any = None) -> None:
        if exc is not None:
            ending.note()
            self._report(exc, {UNCAUGHT: MAIN_THREAD})

    def _thread(self, args: Any) -> None:
        if args.exc_value is not None:
            thread = getattr(args.thread, "name", "")
            self._report(args.exc_value, {UNCAUGHT: f"thread {thread}".strip()})

    def _unraisable(self, args: Any) -> None:
        """See an exception that Python ignores, as in `__del__`. The object it happened to is not kept."""
        if args.exc_value is not None:
            where = getattr(args.object, "__qualname__", None) or type(args.object).__qualname__
            self._report(args.exc_value, {UNCAUGHT: f"ignored in {where}", "severity": Severity.WARNING})


def _default(kind: type[BaseException], exc: BaseException, traceback: TracebackType | None) -> None:
    """Print an uncaught exception as Python does, with the members of groups on Python 3.10.

    There the exceptiongroup package sees to that, but only where nobody has set `sys.excepthook` before it.
    """
    package = sys.modules.get("exceptiongroup") if sys.version_info < (3, 11) else None
    try:
        if package is not None and sys.excepthook is not sys.__excepthook__:
            package.print_exception(kind, exc, traceback)
            return
    except Exception as problem:  # noqa: BLE001
        fault("print an uncaught exception", problem)
    sys.__excepthook__(kind, exc, traceback)


def _to_sink(exc: BaseException, context: dict[str, Any]) -> None:
    own = {"severity": context.pop("severity")} if "severity" in context else {}
    sink.current().exception(exc, context=context, **own)
