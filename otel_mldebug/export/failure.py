"""From an exception to what is written of it: facts, explanation, frames and arguments, all redacted."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from textwrap import indent
from typing import Any

from otel_mldebug.rules.capture import BUDGET_S, facts_of, qualified
from otel_mldebug.rules.catalogue.pattern import Pattern
from otel_mldebug.rules.describe import describe, shorten
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts, Frame, Value
from otel_mldebug.rules.finding import MAIN_THREAD, ORDER, UNCAUGHT, Finding, Occurrence
from otel_mldebug.rules.redact import Redactor
from otel_mldebug.rules.redact.exposure import Exposure
from otel_mldebug.rules.unwrap import causes, links
from otel_mldebug.semconv.names import Category, Severity

ARGUMENT = "argument."
"""Prefix of the arguments of the failed call among the context."""
BY_HAND = "by_hand"
"""Among a user's own values: whether the program reports the exception itself."""
_OF_THE_STEP = frozenset({"step", "epoch", "layer", "loss", "gradient_norm", "learning_rate"})
_MAX_CONTEXT = 32
MAX_WAIT_S = 1.0
"""Seconds to wait for another thread that explains something; the first time it reads the catalogue."""
forking = threading.RLock()
"""Held while something is explained, and by a thread that forks: the rules import some of what they need when they
first need it, and a child that was forked in the middle of an import would wait for it for ever."""
_MAX_CHAIN = 8
_MAX_GROUP_DEPTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What is known of one failure before it is counted.

    Attributes:
        finding: What is wrong.
        function: Qualified name of the function that failed; empty when unknown.
        exception: As `Occurrence.exception`; empty for a detector's finding.
        context: Anything else; `step`, `epoch` and `layer` get fields of their own later.
        late: Whether the time for capturing is used up.
    """

    finding: Finding
    function: str = ""
    exception: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    late: bool = False

    def redacted(self, redactor: Redactor) -> "Explained":
        """Return a copy without secrets."""
        return replace(
            self,
            finding=_redacted(self.finding, redactor),
            exception=redactor.value(dict(self.exception)),
            context=_redacted_context(self.context, redactor),
        )


def explained(
    exc: BaseException,
    redactor: Redactor,
    *,
    function: str = "",
    arguments: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    patterns: tuple[Pattern, ...] | None = None,
    **own: Any,
) -> Explained:
    """Explain `exc`; values of the user's own (`category`, `severity`) win over ours, as do their `patterns`."""
    began_s = time.perf_counter()
    with _turn():
        facts = facts_of(exc)
        left_s = BUDGET_S - (time.perf_counter() - began_s)
        finding = explain(facts, patterns)  # bounded by itself; the first one loads the catalogue, once
    deadline_s = time.perf_counter() + left_s
    finding = _bounded(chosen(finding, own), own)
    exception = as_json(facts)
    made = Explained(
        finding=finding,
        function=function or _function(facts),
        exception=exception,
        context=_context(arguments, context, deadline_s),
    )
    if time.perf_counter() > deadline_s:
        made = replace(made, late=True)
    # All that varies in an explanation is in the traceback, the summary and the evidence. Where those hold no secret,
    # which is nearly always, there is none to look for in each part once more.
    text = "\n".join((exception.get("stacktrace", ""), finding.summary, *map(str, finding.evidence.values())))
    if redactor.exposure is Exposure.FULL and redactor.text(text) == text:
        return replace(made, context=_redacted_context(made.context, redactor))
    return made.redacted(redactor)


@contextmanager
def _turn() -> Iterator[None]:
    """Hold `forking`, or go on without it when it takes too long.

    A hook for what is ignored in `__del__` may run while its thread holds any lock, one that the thread which is
    explaining now waits for.
    """
    lock = forking  # the child of a fork gets another
    held = lock.acquire(timeout=MAX_WAIT_S)
    try:
        yield
    finally:
        if held:
            lock.release()


def chosen(finding: Finding, own: Mapping[str, Any]) -> Finding:
    """Return `finding` with the category and the severity that a user has chosen; itself if there is none."""
    if own.get("category") is not None:
        finding = replace(finding, category=Category(own["category"]))
    if own.get("severity") is not None:
        finding = replace(finding, severity=Severity(own["severity"]))
    return finding


def _bounded(finding: Finding, own: Mapping[str, Any]) -> Finding:
    limit = own.get("at_most")
    if limit is None or "severity" in own or ORDER[finding.severity] <= ORDER[limit]:
        return finding
    return replace(finding, severity=Severity(limit))


def amended(known: Occurrence, redactor: Redactor, context: Mapping[str, Any], own: Mapping[str, Any]) -> Occurrence:
    """Return `known` with what is said of it after it was seen elsewhere; itself if that is nothing new.

    That is what a program says by hand, and that the exception has ended the program in the end. What was known of the
    training step stays.
    """
    finding = chosen(known.finding, own)
    if not own.get(BY_HAND):
        ended = {UNCAUGHT: MAIN_THREAD} if context.get(UNCAUGHT) == MAIN_THREAD else {}
        if finding == known.finding and ended.items() <= known.context.items():
            return known
        return replace(known, finding=finding, context={**known.context, **ended})
    given = {key: value for key, value in context.items() if key not in _OF_THE_STEP}
    further = _redacted_context(_context(None, given, time.perf_counter() + BUDGET_S), redactor)
    return replace(known, finding=_bounded(finding, own), context={**known.context, **further})


def after_fork() -> None:
    """Let go of the lock, in the child."""
    global forking
    forking = threading.RLock()


def as_json(facts: ErrorFacts) -> dict[str, Any]:
    """Return what the store keeps of an exception, as plain JSON values. Not redacted yet."""
    out: dict[str, Any] = {
        "type": facts.type,
        "message": facts.message,
        "stacktrace": stacktrace(facts),
        "frames": [_frame(frame) for frame in facts.frames],
    }
    out["chain"] = [_link(cause) for cause in causes(facts)[:_MAX_CHAIN]]
    out["group"] = _members(facts)
    return {key: value for key, value in out.items() if value not in ("", [])}


def _link(facts: ErrorFacts, depth: int = 0) -> dict[str, Any]:
    frames = [_frame(frame) for frame in facts.frames]
    row = {"type": facts.type, "message": facts.message, "frames": frames, "group": _members(facts, depth)}
    return {key: value for key, value in row.items() if value not in ("", [])}


def _members(facts: ErrorFacts, depth: int = 0) -> list[dict[str, Any]]:
    """Return the members of an exception group, each with what led to it."""
    if depth >= _MAX_GROUP_DEPTH:
        return []
    rows = []
    for member in facts.group[:_MAX_CHAIN]:
        chain = [_link(cause, depth + 1) for cause in causes(member)[:_MAX_CHAIN]]
        rows.append({**_link(member, depth + 1), **({"chain": chain} if chain else {})})
    return rows


def stacktrace(facts: ErrorFacts) -> str:
    """Return the traceback as Python prints it, the first cause at the top, members of groups indented."""
    parts: list[str] = []
    seen: ErrorFacts | None = facts
    while seen is not None and len(parts) <= _MAX_CHAIN:
        parts.append(_traceback(seen))
        seen = seen.cause
    between = "\n\nThe above exception was the direct cause of the following exception:\n\n"
    return between.join(reversed(parts))


def _traceback(facts: ErrorFacts, depth: int = 0) -> str:
    lines = ["Traceback (most recent call last):"] if facts.frames else []
    for frame in facts.frames:
        lines.append(f'  File "{frame.file}", line {frame.line or "?"}, in {frame.function}')
        if frame.code:
            lines.append(f"    {frame.code}")
    lines.append(f"{facts.type}: {facts.message}" if facts.message else facts.type)
    lines += facts.notes
    if depth < _MAX_GROUP_DEPTH:
        for number, member in enumerate(facts.group[:_MAX_CHAIN], 1):
            lines.append(f"  {number} of {len(facts.group)}:")
            lines.append(indent(_traceback(member, depth + 1), "    "))
    return "\n".join(lines)


def _frame(frame: Frame) -> dict[str, Any]:
    row = {
        "file": frame.file,
        "function": frame.function,
        "line": frame.line,
        "module": frame.module,
        "in_app": frame.in_app,
        "code": frame.code,
    }
    return {key: value for key, value in row.items() if value not in ("", None)}


def _function(facts: ErrorFacts) -> str:
    """Return the function of the user's own that failed first, else the innermost of all.

    That is the innermost one that the root cause has left, in whichever process, and as far as anything is known of it.
    """
    chain = links(facts)
    for own in (True, False):
        for link in chain:
            for frame in reversed(link.frames):
                if frame.in_app or not own:
                    return f"{frame.module}.{frame.function}" if frame.module else frame.function
    return ""


def _context(
    arguments: Mapping[str, Any] | None, context: Mapping[str, Any] | None, deadline_s: float
) -> dict[str, Any]:
    """Return both as plain values; arguments that there is no time for any more only by their type."""
    out: dict[str, Any] = {}
    for key, value in (context or {}).items():
        if len(out) < _MAX_CONTEXT:
            out[str(key)] = _plain(value)
    for key, value in (arguments or {}).items():
        if len(out) < _MAX_CONTEXT:
            late = time.perf_counter() > deadline_s
            out[f"{ARGUMENT}{key}"] = qualified(type(value)) if late else describe(value)
    return out


def _plain(value: Any) -> Value:
    """Return `value` itself where an attribute can hold it, else its description."""
    if type(value) is str:
        return shorten(value)
    if type(value) in (bool, float) or (type(value) is int and value.bit_length() < 64):
        return value  # type: ignore[no-any-return]
    return describe(value)


def _redacted_context(context: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    found = ((key, redactor.item(key.removeprefix(ARGUMENT), value)) for key, value in context.items())
    return {key: value for key, value in found if value is not None}


def _redacted(finding: Finding, redactor: Redactor) -> Finding:
    return replace(
        finding,
        summary=redactor.text(finding.summary),
        cause=redactor.text(finding.cause),
        solutions=tuple(redactor.text(solution) for solution in finding.solutions),
        prevention=redactor.text(finding.prevention),
        evidence=_redacted_context(finding.evidence, redactor),
    )
