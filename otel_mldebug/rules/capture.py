"""Turns a live exception into `ErrorFacts`: bounded in size and time, safe against exceptions that misbehave."""

import builtins
import linecache
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from typing import Any

from otel_mldebug.rules.attributes import attributes_of
from otel_mldebug.rules.describe import shorten
from otel_mldebug.rules.facts import ErrorFacts, Frame
from otel_mldebug.rules.messages import message_of
from otel_mldebug.rules.origin import package_of

BUDGET_S = 0.15
"""Seconds that one capture may take before it goes on with what it has."""
MAX_MESSAGE = 64 * 2**10
"""Characters of a message: above it, the beginning and the end are kept."""
MAX_CHAIN = 16
"""Exceptions in a chain: above it, the outermost and the innermost are kept."""
MAX_GROUP = 32
MAX_NODES = 64
"""Members of one group, and exceptions in all."""
MAX_FRAMES = 64
_HEAD_FRAMES = 16
MAX_SOURCE_LINES = 8
"""Innermost frames whose source line is looked up: reading files is the dearest part of a capture."""
MAX_SOURCE = 400
"""Characters of a source line that are kept."""
TRACEBACK = "Traceback (most recent call last)"
_OURS = ("otel_mldebug.instrument.", "otel_mldebug.recover.")
_DICT: Any = BaseException.__dict__["__dict__"]
_GROUP: Any = getattr(builtins, "BaseExceptionGroup", None)


def facts_of(
    exc: BaseException, *, clock: Callable[[], float] = time.perf_counter, budget_s: float = BUDGET_S
) -> ErrorFacts:
    """Return what is known of `exc`. Never raises; nothing that the exception does can make it wait much longer.

    Args:
        exc: The exception, with its traceback if it was raised.
        clock: Seconds, monotonic.
        budget_s: Seconds after which source lines, attributes and messages that need the exception's own code are
            left out.
    """
    return _Capture(clock, clock() + budget_s).chain(exc, 0)


class _Capture:
    """One capture: the deadline and what has been seen."""

    def __init__(self, clock: Callable[[], float], deadline_s: float) -> None:
        self._clock, self._deadline_s = clock, deadline_s
        self._seen: set[int] = set()

    def _left_s(self) -> float:
        return self._deadline_s - self._clock()

    def chain(self, exc: BaseException, level: int) -> ErrorFacts:
        links: list[BaseException] = []
        current: BaseException | None = exc
        while current is not None and id(current) not in self._seen and len(links) < 10_000:
            self._seen.add(id(current))
            links.append(current)
            current = cause_of(current)
        if len(links) > MAX_CHAIN:
            links = links[: MAX_CHAIN // 2] + links[-MAX_CHAIN // 2 :]
        facts: ErrorFacts | None = None
        for link in reversed(links):
            facts = self._one(link, facts, level)
        # Seen before, as a member of another group too: without its own members, which would multiply.
        return facts if facts is not None else self._one(exc, None, MAX_CHAIN)

    def _one(self, exc: BaseException, cause: ErrorFacts | None, level: int) -> ErrorFacts:
        name, bases = _names(type(exc))
        known: dict[str, Any] = {}
        for field, read in _READERS:
            try:
                known[field] = read(self, exc, level)
            except Exception:  # noqa: BLE001, S112, PERF203  (what this exception will not tell is left out)
                continue
        return ErrorFacts(type=name, bases=bases, cause=cause, **known)

    def _message(self, exc: BaseException, _: int) -> str:
        message = message_of(exc, timeout_s=max(self._left_s(), 0.0))
        return shorten(message + _of_another_process(exc), MAX_MESSAGE)

    def _group(self, exc: BaseException, level: int) -> tuple[ErrorFacts, ...]:
        if _GROUP is not None and issubclass(type(exc), _GROUP):
            members = _GROUP.exceptions.__get__(exc)
        else:
            members = _own(exc).get("_exceptions", ())  # the exceptiongroup package, on Python 3.10
        if not isinstance(members, (tuple, list)) or level >= MAX_CHAIN:
            return ()
        found = []
        for member in members[:MAX_GROUP]:
            if len(self._seen) >= MAX_NODES or not issubclass(type(member), BaseException):
                break
            found.append(self.chain(member, level + 1))
        return tuple(found)

    def _frames(self, exc: BaseException, _: int) -> tuple[Frame, ...]:
        traceback = traceback_of(exc)
        head: list[TracebackType] = []
        tail: deque[TracebackType] = deque(maxlen=MAX_FRAMES - _HEAD_FRAMES)
        while traceback is not None:
            following = traceback.tb_next
            if following is not None and _is_ours(traceback.tb_frame.f_globals.get("__name__")):
                pass  # between two frames of the program's: `@trace` calls what it watches
            elif len(head) < _HEAD_FRAMES:
                head.append(traceback)
            else:
                tail.append(traceback)
            traceback = following
        entries = [*head, *tail]
        with_source = len(entries) - (MAX_SOURCE_LINES if self._left_s() > 0 else 0)
        return tuple(_frame(entry, source=place >= with_source) for place, entry in enumerate(entries))


_READERS: tuple[tuple[str, Callable[[_Capture, BaseException, int], Any]], ...] = (
    ("message", _Capture._message),
    ("frames", _Capture._frames),
    ("group", _Capture._group),
    ("notes", lambda _, exc, __: _notes(exc)),
    ("attributes", lambda _, exc, __: attributes_of(exc)),
)


def _is_ours(module: object) -> bool:
    return type(module) is str and module.startswith(_OURS)


def _frame(entry: TracebackType, *, source: bool) -> Frame:
    frame, line = entry.tb_frame, entry.tb_lineno
    code, module = frame.f_code, frame.f_globals.get("__name__")
    file = code.co_filename
    return _as_frame(
        file,
        getattr(code, "co_qualname", code.co_name),
        line,
        module if type(module) is str else "",
        linecache.getline(file, line) if source else "",
    )


@lru_cache(maxsize=1024)
def _as_frame(file: str, function: str, line: int, module: str, text: str) -> Frame:
    """Return the frame; most failures come from where others came from."""
    code = text.strip()[:MAX_SOURCE]
    return Frame(file=file, function=function, line=line, module=module, in_app=not package_of(file), code=code)


def _names(kind: type) -> tuple[str, tuple[str, ...]]:
    """Return the class name as a traceback prints it, and those of its bases without `object`."""
    try:
        mro = type.__dict__["__mro__"].__get__(kind)
    except Exception:  # noqa: BLE001  (a metaclass can do anything)
        mro = (kind,)
    return qualified(kind), tuple(qualified(base) for base in mro[1:33] if base is not object)


def qualified(kind: type) -> str:
    """Return `module.Class`, without the module for built-in classes and those of the main program."""
    name = type.__dict__["__qualname__"].__get__(kind)
    try:
        module = type.__getattribute__(kind, "__module__")
    except AttributeError:
        module = ""
    return name if type(module) is not str or module in ("builtins", "__main__", "") else f"{module}.{name}"


def cause_of(exc: BaseException) -> BaseException | None:
    """Return the exception that led to `exc`, as a traceback would show it."""
    cause = BaseException.__dict__["__cause__"].__get__(exc)
    if cause is not None or BaseException.__dict__["__suppress_context__"].__get__(exc):
        return cause if isinstance(cause, BaseException) else None
    context = BaseException.__dict__["__context__"].__get__(exc)
    return context if isinstance(context, BaseException) else None


def traceback_of(exc: BaseException) -> TracebackType | None:
    """Return the traceback of `exc`; no code of its class runs."""
    found = BaseException.__dict__["__traceback__"].__get__(exc)
    return found if isinstance(found, TracebackType) else None


def _of_another_process(exc: BaseException) -> str:
    """Return the traceback that a failed command has written, where the program has collected what it wrote."""
    if not (own := _DICT.__get__(exc)):
        return ""
    for name in ("stderr", "output"):  # as on `subprocess.CalledProcessError`
        said = own.get(name)
        if type(said) is bytes:
            said = said[-MAX_MESSAGE // 2 :].decode("utf-8", "replace")
        if type(said) is str and (place := said.find(TRACEBACK, max(len(said) - MAX_MESSAGE // 2, 0))) >= 0:
            return "\n" + said[place:].rstrip()
    return ""


def _notes(exc: BaseException) -> tuple[str, ...]:
    notes = _own(exc).get("__notes__", ())
    if not isinstance(notes, (list, tuple)):
        return ()
    return tuple(shorten(note, 4096) for note in notes[:16] if type(note) is str)


def _own(exc: BaseException) -> dict[str, Any]:
    return dict(_DICT.__get__(exc))
