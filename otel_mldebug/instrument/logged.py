"""Exceptions that the program logs: seen after its own handlers have had the record, which stays as it is."""

import logging
import sys
from collections.abc import Callable
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import loops, sink
from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.replaced import Replaced
from otel_mldebug.semconv.names import Severity

_NOT_THE_PROGRAMS = ("otel_mldebug", "opentelemetry")
"""Loggers that speak of watching, not of what is watched: a finding about a finding that could not be sent would be
the next one that cannot be sent."""
_HEAD = "Traceback (most recent call last)"
_FROM_ANYWHERE = "asyncio"
"""The logger that is also used while objects are being removed."""


class Logged:
    """Sees every record with an exception that a logger of this process hands to its handlers.

    A log at warning or below says that the program expects the failure: such a finding is at most a warning.
    """

    def __init__(self) -> None:
        self._method = Replaced(logging.Logger, "callHandlers", self._in_front)

    def install(self) -> None:
        """Begin."""
        self._method.install()

    def remove(self) -> None:
        """Stop."""
        self._method.remove()

    def _in_front(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        method = self._method

        def callHandlers(logger: logging.Logger, record: logging.LogRecord) -> Any:  # noqa: N802
            # Looked at before, because a handler may drop it; reported after, because the report may add a note.
            given = (record.exc_info or _quoted(record)) if method.on else None
            try:
                return previous(logger, record)
            finally:
                if given:
                    _see(record, given)

        return callHandlers


def _quoted(record: logging.LogRecord) -> Any:
    """Return what is being handled if `record` has its traceback as text, as uvicorn's when an app cannot start."""
    handled = sys.exc_info()
    if handled[1] is not None:
        said = (record.msg, *record.args) if isinstance(record.args, tuple) else (record.msg,)
        if any(type(text) is str and _HEAD in text for text in said):
            return handled
    return None


def _see(record: logging.LogRecord, given: Any) -> None:
    try:
        exc = given[1]
        if not isinstance(exc, BaseException) or record.name.partition(".")[0] in _NOT_THE_PROGRAMS:
            return
        if exc is loops.handled_here():
            return
        own: dict[str, Any] = {}
        if record.levelno < logging.ERROR:
            own["at_most"] = Severity.WARNING if record.levelno >= logging.WARNING else Severity.INFO
        context = {"logged_by": record.name, "logged_as": record.levelname}
        text = record.__dict__.get("message", record.msg)  # formatted already, if a handler has: nothing is run again
        if type(text) is str:
            context["log_message"] = text

        def report() -> None:
            sink.current().exception(exc, context=context, **own)

        if record.name == _FROM_ANYWHERE:
            later.put(report)
        else:
            report()
    except Exception as problem:  # noqa: BLE001
        fault("report a logged exception", problem)
