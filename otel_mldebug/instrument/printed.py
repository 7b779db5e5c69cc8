"""Exceptions of the program that a library catches and prints, as Gradio and socketserver do where a handler fails."""

import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.replaced import Replaced
from otel_mldebug.rules.capture import cause_of, traceback_of
from otel_mldebug.rules.origin import in_app
from otel_mldebug.semconv.names import Severity

_ANSWERS = ("gradio.exceptions", "Error")
"""Module and name of the class that tells the user of an interface something. Source: gradio/exceptions.py."""

_NOT_THESE = frozenset(
    {
        "logging",  # what a handler of a log stumbled over: no failure of what the program is for
        *("multiprocessing.process", "multiprocess.process"),  # what ended a process, which is seen there
        *("multiprocessing.util", "multiprocess.util"),  # what could not be tidied up at the end
    }
)
"""Modules whose printing is no news."""
_ON_THE_WAY = frozenset({"traceback", "otel_mldebug.instrument.processes"})
"""Modules through which others print."""


class Printed:
    """Sees what libraries print by `traceback.print_exc` and `traceback.print_exception`, after it is printed.

    A program that prints a failure of its own got over it. A library that prints one of the program's swallows it:
    nobody else hears of it.
    """

    def __init__(self) -> None:
        self._function = Replaced(traceback, "print_exception", self._in_front)  # `print_exc` calls it

    def install(self) -> None:
        """Begin."""
        self._function.install()

    def remove(self) -> None:
        """Stop."""
        self._function.remove()

    def _in_front(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        function = self._function

        def print_exception(*args: Any, **more: Any) -> Any:
            try:
                return previous(*args, **more)
            finally:
                if function.on:
                    _see(sys._getframe(1), args, more)

        return print_exception


def _see(caller: FrameType | None, args: tuple[Any, ...], more: dict[str, Any]) -> None:
    try:
        while caller is not None and caller.f_globals.get("__name__") in _ON_THE_WAY:
            caller = caller.f_back
        file = more.get("file", args[4] if len(args) > 4 else None)
        if caller is None or file not in (None, sys.stderr, sys.stdout) or in_app(caller.f_code.co_filename):
            return  # what goes into a file or a string is for the program itself
        library = str(caller.f_globals.get("__name__"))
        given = (*args[:2], more.get("exc"), more.get("value"))
        exc = next((value for value in reversed(given) if isinstance(value, BaseException)), None)
        if exc is not None and library not in _NOT_THESE:
            own: dict[str, Any] = {"at_most": Severity.INFO} if _is_answer(exc) else {}
            sink.current().exception(exc, context={"printed_by": library}, **own)
    except Exception as problem:  # noqa: BLE001
        fault("report a printed exception", problem)


def _is_answer(exc: BaseException) -> bool:
    """Return whether the program itself raised `exc`, and for no other failure, to tell its user something."""
    known = any((base.__module__, base.__name__) == _ANSWERS for base in type(exc).__mro__)
    if not known or cause_of(exc) is not None:
        return False
    frames = [frame for frame, _ in traceback.walk_tb(traceback_of(exc))]
    return bool(frames) and in_app(frames[-1].f_code.co_filename)
