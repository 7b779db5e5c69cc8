"""Reporting an exception by hand."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

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
        category: Yours, which wins over ours; names that other toolkits use are understood, such as `oom`.
        severity: The same. Where an exception has been seen already, as by `@trace`, all of yours is added in the local
            store, for `finding_of`, `user_message` and the spans it still passes; what has left by OTLP stays.

    Returns:
        What was made of it, with an `id` that can be quoted; None when nothing is being watched.

    Raises:
        ValueError: `category` or `severity` does not exist.

    Example:
        try:
            risky()
        except Exception as exc:
            capture_exception(exc, context={"attempt": 3})
    """
    own: dict[str, Any] = {}
    if category is not None:
        own["category"] = _known(category_of(str(category)), "category", category, Category)
    if severity is not None:
        own["severity"] = _known(severity_of(str(severity)), "severity", severity, Severity)
    exc = sys.exc_info()[1] if exc is None else exc
    if exc is None:
        return None
    extra = {f"user.{key}": value for key, value in (user_data or {}).items()}
    return sink.current().exception(exc, context={**(context or {}), **extra}, by_hand=True, **own)


def _known(found: T | None, what: str, given: object, all_of: Iterable[object]) -> T:
    if found is None:
        raise ValueError(f"{what}={str(given)!r} does not exist. There are: {', '.join(map(str, all_of))}.")
    return found
