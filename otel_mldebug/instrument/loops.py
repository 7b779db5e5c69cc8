"""Exceptions that end in an asyncio loop: of tasks nobody awaited, and of callbacks."""

import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.replaced import Replaced, ReplacedOnImport

_here = threading.local()


def handled_here() -> BaseException | None:
    """Return the exception that a loop's handler is looking at in this thread: what it logs is reported already."""
    found = getattr(_here, "exception", None)
    return found if isinstance(found, BaseException) else None


class Loops(ReplacedOnImport):
    """Sees what loops hand to their exception handler, the program's own or the default one, which runs as ever.

    Loops that are not asyncio's own, such as uvloop's, log what they see, and it is seen there.
    """

    def __init__(self) -> None:
        super().__init__(("asyncio.base_events",), self._replaced)

    def _replaced(self, module: ModuleType) -> tuple[Replaced, ...]:
        return (Replaced(module.BaseEventLoop, "call_exception_handler", self._in_front),)

    def _in_front(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def call_exception_handler(loop: Any, context: Mapping[str, Any]) -> Any:
            handling = _here.__dict__
            handling["exception"] = context.get("exception")
            try:
                return previous(loop, context)
            finally:
                handling.clear()
                if self.on:
                    _see(context)

        return call_exception_handler


def _see(context: Mapping[str, Any]) -> None:
    try:
        exc = context.get("exception")
        if not isinstance(exc, BaseException):
            return
        known = {"uncaught": "asyncio", "asyncio_message": str(context.get("message", ""))}
        task = context.get("task") or context.get("future")
        if (name := getattr(task, "get_name", None)) is not None:
            known["task"] = str(name())

        def report() -> None:
            sink.current().exception(exc, context=known)

        # A callback failed just now, in the loop; all else may come from the removal of a task, at any moment.
        if "handle" in context:
            report()
        else:
            later.put(report)
    except Exception as problem:  # noqa: BLE001
        fault("report an exception of an asyncio loop", problem)
