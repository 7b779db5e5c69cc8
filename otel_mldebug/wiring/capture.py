"""Reporting an exception by hand."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from otel_mldebug._guard import log
from otel_mldebug.instrument import sink
from otel_mldebug.rules.finding import Occurrence
from otel_mldebug.rules.taxonomy import category_of, severity_of
from otel_mldebug.semconv.names import Category, Severity

T = TypeVar("T")


def capture_exception(
    exc: BaseException | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    user_data: Mapping[str, Any] | None = None,
    category: Category | str | None = None,
    severity: Severity | str | None = None,
) -> Occurrence | None:
    """Report an exception by hand.

    Args:
        exc: The exception; the one being handled by default.
        context: Anything worth knowing beside it.
        user_data: The same, about the user; kept under `user.`.
        category: Yours, which wins over ours; names that other toolkits use are understood, such as `oom`. One that
            does not exist is logged and not taken: this runs where the program handles a failure of its own.
        severity: The same. Where an exception has been seen already, as by `@trace`, all of yours is added in the local
            store, for `finding_of`, `user_message` and the spans it still passes; what has left by OTLP stays.

    Returns:
        What was made of it, with an `id` that can be quoted; None when nothing is being watched.

    Example:
        try:
            risky()
        except Exception as exc:
            capture_exception(exc, context={"attempt": 3})
    """
    given = {
        "category": None if category is None else _known(category_of(str(category)), "category", category, Category),
        "severity": None if severity is None else _known(severity_of(str(severity)), "severity", severity, Severity),
    }
    own: dict[str, Any] = {what: value for what, value in given.items() if value is not None}
    exc = sys.exc_info()[1] if exc is None else exc
    if exc is None:
        return None
    if not isinstance(exc, BaseException):
        log.warning("capture_exception() got a %s and no exception: nothing is reported.", type(exc).__name__)
        return None
    extra = {f"user.{key}": value for key, value in (user_data or {}).items()}
    return sink.current().exception(exc, context={**(context or {}), **extra}, by_hand=True, **own)


def _known(found: T | None, what: str, given: object, all_of: Iterable[object]) -> T | None:
    if found is None:
        wanted = ", ".join(map(str, all_of))
        log.warning("%s=%r does not exist and is not taken. There are: %s.", what, str(given), wanted)
    return found
