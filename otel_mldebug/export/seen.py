"""What was made of an exception hangs on the exception itself, so that an outer place refers to the same finding."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from otel_mldebug.rules.capture import cause_of
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.semconv.names import Category, Severity

ATTRIBUTE = "__mldebug_finding__"
"""Attribute of an exception that holds what was made of it; read it with `finding_of`."""

_MAX_BEHIND = 64
MAX_WAIT_S = 0.5
"""Seconds that a thread waits for another one that is at the same exception."""
# The real dictionary of any exception, whatever its class makes of slots, `__dict__`, `__getattr__` or `__setattr__`:
# every exception has one, and no code of the user's runs.
_dictionary: Callable[[BaseException], dict[str, Any]] = vars(BaseException)["__dict__"].__get__


class Attached:
    """Holds an `Occurrence` on an exception.

    Exceptions travel between processes, and the other end may not have this package: pickled or copied, this becomes
    a plain dictionary.
    """

    __slots__ = ("occurrence",)

    def __init__(self, occurrence: Occurrence) -> None:
        self.occurrence = occurrence

    def __repr__(self) -> str:
        return f"<finding {self.occurrence.finding.rule} {self.occurrence.id}>"

    def __reduce__(self) -> tuple[Any, ...]:
        occurrence = self.occurrence
        plain = {"id": occurrence.id, "time_ns": occurrence.time_ns, "function": occurrence.function}
        return dict, ({**plain, "finding": occurrence.finding.to_json()},)


class Turns:
    """Lets one thread after the other see the same exception, as when a pool's worker and its caller both do."""

    def __init__(self) -> None:
        self._taken: dict[int, tuple[int, threading.Event]] = {}

    @contextmanager
    def of(self, exc: BaseException) -> Iterator[None]:
        """Wait until no other thread is at `exc`, for a moment at most: nothing of ours holds up the program."""
        mine = threading.get_ident(), threading.Event()
        thread, ended = self._taken.setdefault(id(exc), mine)  # atomic: one of two threads is the first
        if ended is not mine[1] and thread != mine[0]:
            ended.wait(MAX_WAIT_S)
        try:
            yield
        finally:
            if ended is mine[1]:
                self._taken.pop(id(exc), None)
                ended.set()


def remember(exc: BaseException, occurrence: Occurrence) -> None:
    """Tie `occurrence` to `exc`; a later call replaces the earlier one."""
    _dictionary(exc)[ATTRIBUTE] = Attached(occurrence)


def occurrence_of(exc: BaseException) -> Occurrence | None:
    """Return what was made of `exc`, here or in the process that it came from; None if nothing was."""
    held = _dictionary(exc).get(ATTRIBUTE)
    if isinstance(held, Attached):
        return held.occurrence
    if isinstance(held, dict):
        try:
            return _restored(held)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None  # a dictionary of somebody else's
    return None


def occurrences_behind(exc: BaseException) -> Iterator[Occurrence]:
    """Yield what was made of the exceptions that led to `exc`, the nearest first, of those that have been seen."""
    passed = {id(exc)}
    behind = cause_of(exc)
    while behind is not None and id(behind) not in passed and len(passed) < _MAX_BEHIND:
        passed.add(id(behind))
        if (known := occurrence_of(behind)) is not None:
            yield known
        behind = cause_of(behind)


def finding_of(exc: BaseException) -> Finding | None:
    """Return the explanation that hangs on `exc`; None if otel-mldebug has not seen it.

    Example:
        except RuntimeError as exc:
            if (finding := finding_of(exc)) and finding.retryable: ...
    """
    occurrence = occurrence_of(exc)
    return None if occurrence is None else occurrence.finding


_FIELDS = {field.name for field in fields(Finding)}


def _restored(plain: dict[str, Any]) -> Occurrence:
    values = {key: value for key, value in plain["finding"].items() if key in _FIELDS}
    values["category"], values["severity"] = Category(values["category"]), Severity(values["severity"])
    values["solutions"] = tuple(values.get("solutions", ()))
    return Occurrence(
        finding=Finding(**values), id=plain["id"], time_ns=plain["time_ns"], function=plain.get("function", "")
    )
