"""Unfolds what wraps an exception: causes, groups, tracebacks quoted in messages, summaries of process launchers."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.launched import ROOT, root_failure
from otel_mldebug.rules.origin import in_app

MAX_LINKS = 64
"""Exceptions in all that one failure is unfolded into."""
_HEAD = "Traceback (most recent call last)"
_RAY = re.compile(r"(?:\x1b\[\d{1,3}m)?ray::")
"""What Ray writes in front of a traceback without a head: the function, coloured, then process and host."""
_RETRIED = re.compile(r"RetryError\[.{0,200}?raised ([A-Za-z_][\w.]*)")
_ENDPOINT = re.compile(r'\n  File "([^"\n]{1,1000})", line (\d{1,9}), in (\S[^\n]{0,300})(?:\n    \S[^\n]{0,300})?\s*$')
"""What FastAPI writes below the errors that it found in a request or a response. Source: fastapi/exceptions.py."""
_COLOUR = re.compile(r"\x1b\[[\d;]{0,16}m")
_QUOTED_END = re.compile(r"\s*(?:\"\"\"|''')\s*$")
_EMPTY_WRAPPERS = frozenset({"RemoteTraceback", "_RemoteTraceback", "_ExceptionWithTraceback", "ExceptionWrapper"})
"""Classes that only carry the text of a traceback from another process: nothing in themselves."""

REPORTERS = frozenset({"ChildFailedError", "ProcessExitedException", "ProcessRaisedException", "CalledProcessError"})
"""Classes that only say that another process failed: worth nothing where that process's own failure is known."""
_ENDINGS = frozenset({"GeneratorExit", "SystemExit", "CancelledError", "WouldBlock", "EndOfStream"})
"""Classes that end a generator, a task, a stream or a program on purpose: what is raised while they pass does not come
of them. Source: anyio/_core/_exceptions.py."""


def links(facts: ErrorFacts) -> tuple[ErrorFacts, ...]:
    """Return the exceptions behind `facts`, the root cause first and `facts` itself last.

    A group stands before its members; of those, each is unfolded in turn. What only ended something on purpose is no
    root.
    """
    found: list[ErrorFacts] = []
    _unfold(facts, found)
    return tuple(found) or (facts,)


def causes(facts: ErrorFacts) -> tuple[ErrorFacts, ...]:
    """Return what led to `facts`, the nearest first and the root last; what messages quote counts, members do not."""
    spine: list[ErrorFacts] = []
    current: ErrorFacts | None = _open(facts).cause
    while current is not None and len(spine) < MAX_LINKS:
        opened = _open(current)
        if opened.name not in _EMPTY_WRAPPERS or opened.cause is None:
            spine.append(opened)
        current = opened.cause
    return tuple(spine)


def _unfold(facts: ErrorFacts, found: list[ErrorFacts]) -> None:
    """Append the links of `facts`, innermost first."""
    spine: list[ErrorFacts] = []
    current: ErrorFacts | None = facts
    while current is not None and len(spine) < MAX_LINKS:
        opened = _open(current)
        spine.append(opened)
        current = opened.cause
    while len(spine) > 1 and spine[-1].name in _ENDINGS:
        spine.pop()
    for link in reversed(spine):
        for member in link.group:
            if len(found) < MAX_LINKS:
                _unfold(member, found)
        if len(found) < MAX_LINKS and not (link.name in _EMPTY_WRAPPERS and (found or link is not spine[-1])):
            found.append(link)


def _open(facts: ErrorFacts) -> ErrorFacts:
    """Return `facts` with what its message quotes as its cause."""
    for reader in _READERS:
        if (opened := reader(facts)) is not None:
            return opened
    return facts


def _quoted_traceback(facts: ErrorFacts) -> ErrorFacts | None:
    """Read the traceback inside a message: DataLoader workers, multiprocessing, joblib, Ray, torchrun with @record."""
    place = facts.message.find(_HEAD)
    if place < 0:
        if facts.cause is None and '\n  File "' in facts.message and _RAY.match(facts.message):
            place = facts.message.find('  File "')
        if place < 0:
            return None
    from otel_mldebug.rules.text.tracebacks import facts_of_block  # late: few messages quote a traceback

    lines = facts.message[place:].splitlines()
    inner = facts_of_block(_dedented(lines))
    if inner is None:
        return None
    head = _COLOUR.sub("", facts.message[:place]).removesuffix("Original ").rstrip().removesuffix('"""').rstrip()
    return replace(facts, message=head, cause=_deepest(inner, facts.cause))


def _dedented(lines: list[str]) -> list[str]:
    """Return the lines of a quoted traceback as if it stood alone."""
    first = next((line for line in lines if line.lstrip().startswith('File "')), "")
    margin = max(len(first) - len(first.lstrip()) - 2, 0)
    plain = [lines[0], *(line[margin:] if not line[:margin].strip() else line for line in lines[1:])]
    while plain and (not plain[-1].strip() or _QUOTED_END.match(plain[-1]) or set(plain[-1].strip()) == {"="}):
        plain.pop()
    return plain


def _deepest(inner: ErrorFacts, cause: ErrorFacts | None) -> ErrorFacts:
    """Put `cause` behind the innermost cause of `inner`."""
    if cause is None:
        return inner
    if inner.cause is None:
        return replace(inner, cause=cause)
    return replace(inner, cause=_deepest(inner.cause, cause))


def _error_file(facts: ErrorFacts) -> ErrorFacts | None:
    """Read what torchelastic writes: `{"message": {"message": …, "extraInfo": {"py_callstack": …}}}`."""
    if '"py_callstack"' not in facts.message:
        return None
    try:
        document = json.loads(facts.message[facts.message.index("{") :])
    except (ValueError, RecursionError):
        return None
    message = document.get("message", document) if isinstance(document, dict) else None
    extra = message.get("extraInfo") if isinstance(message, dict) else None
    stack = extra.get("py_callstack") if isinstance(extra, dict) else None
    if not isinstance(stack, str):
        return None
    return _quoted_traceback(replace(facts, message=f"error file\n{stack}"))


def _launched(facts: ErrorFacts) -> ErrorFacts | None:
    """Read torchrun's summary of a job that failed."""
    if ROOT not in facts.message:
        return None

    def read(text: str) -> ErrorFacts | None:
        quoted = _quoted_traceback(ErrorFacts(message=text))
        return None if quoted is None else quoted.cause

    return root_failure(facts, read)


def _retried(facts: ErrorFacts) -> ErrorFacts | None:
    """Read the class that tenacity's RetryError names when the exception itself is not chained."""
    if facts.cause is not None or facts.name != "RetryError":
        return None
    found = _RETRIED.search(facts.message)
    return replace(facts, cause=ErrorFacts(type=found.group(1))) if found else None


def _endpoint(facts: ErrorFacts) -> ErrorFacts | None:
    """Read the function whose answer FastAPI did not accept: it has returned by then, and is in no frame."""
    place = facts.message.rfind('\n  File "') if facts.name.endswith("ValidationError") else -1
    found = _ENDPOINT.match(facts.message, place) if place >= 0 else None
    if found is None:
        return None
    file, line, function = found.groups()
    frame = Frame(file=file, function=function, line=int(line), in_app=in_app(file))
    return replace(facts, message=facts.message[:place].rstrip(), frames=(*facts.frames, frame))


_READERS: tuple[Callable[[ErrorFacts], ErrorFacts | None], ...] = (
    _error_file,
    _launched,
    _quoted_traceback,
    _retried,
    _endpoint,
)


def facts_of_json(value: Any, depth: int = 0) -> ErrorFacts | None:
    """Return the facts in a JSON object of the form that `explain` reads; None when it is not one.

    The form: `{"type", "message", "frames": [{"file", "function", "line"}], "cause": {same}, "group": [same]}`, all
    but `message` optional.
    """
    if not isinstance(value, dict) or depth > MAX_LINKS:
        return None
    message = value.get("message")
    if isinstance(message, dict):
        return facts_of_json({"message": json.dumps(value)}, depth + 1)
    group = value.get("group")
    members = (facts_of_json(member, depth + 1) for member in group) if isinstance(group, list) else ()
    return ErrorFacts(
        type=_text(value.get("type", value.get("exception_type"))),
        message=_text(message),
        frames=tuple(_frames(value.get("frames"))),
        cause=facts_of_json(value.get("cause"), depth + 1),
        group=tuple(member for member in members if member is not None),
        attributes={k: v for k, v in value.items() if k in _ATTRIBUTES and isinstance(v, (int, str))},
    )


_ATTRIBUTES = ("errno", "status", "status_code", "signal", "exit_code", "exitcode", "filename")


def _frames(value: Any) -> Iterator[Frame]:
    for frame in value if isinstance(value, list) else ():
        if isinstance(frame, dict):
            file, line = _text(frame.get("file")), frame.get("line")
            yield Frame(
                file=file,
                function=_text(frame.get("function")),
                line=line if isinstance(line, int) else None,
                module=_text(frame.get("module")),
                in_app=in_app(file),
                code=_text(frame.get("code")),
            )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
