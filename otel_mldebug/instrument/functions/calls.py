"""What happens at a call beyond counting it. Nothing here raises, and nothing runs for a call that is only counted."""

from typing import TYPE_CHECKING

from otel_mldebug._guard import fault
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.functions.known import Known
from otel_mldebug.instrument.functions.watch import Watch

if TYPE_CHECKING:  # needs OpenTelemetry's API, which takes a while to import: a process that keeps nothing never does
    from otel_mldebug.instrument.functions.spans import Call

NO_ERRORS = (StopIteration, StopAsyncIteration)
"""`Exception`s that are how an iterator says that it has ended."""


def opened(watch: Watch, known: Known, *, enter: bool = True) -> "Call | None":
    """Return a call with a span, if anything is kept and the budget pays for one.

    Args:
        watch: What is about to be called.
        known: What is known of the call.
        enter: Whether to make the span current; a generator does so for each item.
    """
    current = sink.current()
    if not current.active():
        return None
    try:
        from otel_mldebug.instrument.functions import spans

        return spans.opened(watch, current, known, enter=enter)
    except Exception as problem:  # noqa: BLE001
        fault("open a span", problem)
        return None


def ended(watch: Watch, took_ns: int, call: "Call | None", known: Known, exc: BaseException | None = None) -> None:
    """Finish a call, which has been counted, and had a span or took long enough to be looked at.

    Args:
        watch: What was called.
        took_ns: Its duration.
        call: What `opened` returned.
        known: What is known of the call.
        exc: What ended it, if that is no error: `KeyboardInterrupt`, `CancelledError`, `GeneratorExit`, ….
    """
    try:
        watch.look(took_ns)
        current = sink.current()
        if call is not None or current.active():
            from otel_mldebug.instrument.functions import spans

            spans.ended(watch, current, took_ns, call, known, exc)
    except Exception as problem:  # noqa: BLE001
        fault("finish a span", problem)


def failed(watch: Watch, took_ns: int, call: "Call | None", known: Known, exc: BaseException) -> None:
    """Count a call that raised `exc`, and if that is an error, report it.

    Args:
        watch: What was called.
        took_ns: Duration of the call, not counted yet.
        call: What `opened` returned.
        known: What is known of the call.
        exc: The exception, which is about to be raised again.
    """
    if not isinstance(exc, Exception) or issubclass(type(exc), NO_ERRORS):
        watch.append(took_ns)
        ended(watch, took_ns, call, known, exc)
        return
    try:
        kind = type_name(exc)
        watch.failed(kind, took_ns)
        watch.look(took_ns)
        current = sink.current()
        if call is not None or current.active():
            from otel_mldebug.instrument.functions import spans

            spans.failed(watch, current, took_ns, call, known, exc, kind)
    except Exception as problem:  # noqa: BLE001
        fault("report an exception", problem)


def type_name(exc: BaseException) -> str:
    """Return the qualified class name of `exc`, as a traceback prints it."""
    kind = type(exc)
    return (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
