"""Exceptions that end a child of `multiprocessing`: it prints them itself, and no hook of Python's is called.

Nothing of ours stands between the child's function and what prints its traceback, which stays the program's own.
"""

import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import ending, sink
from otel_mldebug.instrument.replaced import Replaced, ReplacedOnImport
from otel_mldebug.rules.finding import MAIN_THREAD, UNCAUGHT

_MODULES = ("multiprocessing.process", "multiprocess.process")
"""The standard library's, and the one that pickles more, which the library `datasets` uses."""

_SPAWN = "torch.multiprocessing.spawn"
"""Module that runs a process's function and catches what it raises. Source: its `_wrap`."""


class Processes(ReplacedOnImport):
    """Sees what ends the processes that `multiprocessing.Process` starts, in those processes."""

    def __init__(self) -> None:
        super().__init__(_MODULES, self._replaced)

    def _replaced(self, module: ModuleType) -> tuple[Replaced, ...]:
        return (Replaced(module.BaseProcess, "_bootstrap", self._starting),)

    def _starting(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def _bootstrap(process: Any, *args: Any, **more: Any) -> Any:
            if self.on:
                traceback.print_exc = _seeing(traceback.print_exc, previous, process)
                traceback.format_exc = _handed_on(traceback.format_exc)
            return previous(process, *args, **more)

        return _bootstrap


def _seeing(print_exc: Callable[..., None], bootstrap: Callable[..., Any], process: Any) -> Callable[..., None]:
    """Return a `print_exc` that reports what `bootstrap` prints: it does that for what has ended the process, only."""
    code = getattr(bootstrap, "__code__", None)

    def seeing(*args: Any, **more: Any) -> None:
        try:
            exc = sys.exc_info()[1]
            if exc is not None and sys._getframe(1).f_code is code:
                ending.note()
                sink.current().exception(exc, context={UNCAUGHT: f"process {process.name}"})
        except Exception as problem:  # noqa: BLE001
            fault("report what ended a process", problem)
        print_exc(*args, **more)

    return seeing


def _handed_on(format_exc: Callable[..., str]) -> Callable[..., str]:
    """Return a `format_exc` that reports what PyTorch hands on to the parent, as text: it has ended the process."""

    def handed_on(*args: Any, **more: Any) -> str:
        try:
            exc = sys.exc_info()[1]
            if exc is not None and sys._getframe(1).f_globals.get("__name__") == _SPAWN:
                ending.note()
                sink.current().exception(exc, context={UNCAUGHT: MAIN_THREAD})
        except Exception as problem:  # noqa: BLE001
            fault("report what ended a process", problem)
        return format_exc(*args, **more)

    return handed_on
