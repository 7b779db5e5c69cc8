"""`span`: watch a block of code."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from otel_mldebug.instrument.functions import calls
from otel_mldebug.instrument.functions.attributes import clean
from otel_mldebug.instrument.functions.decorator import disabled
from otel_mldebug.instrument.functions.known import Known
from otel_mldebug.instrument.functions.registry import MAX_WATCHES, block
from otel_mldebug.instrument.functions.watch import BATCH, Watch
from otel_mldebug.semconv import names

if TYPE_CHECKING:
    from otel_mldebug.instrument.functions.spans import Call


class span:  # noqa: N801  (reads as a keyword: `with span("load")`)
    """Watch a block: `with span("load", split="train") as block:`, also with `async with`.

    It counts as a function of that name: exact counts and times, and a span when the budget pays for one, when it
    raises, or when it takes far longer than usual. Names are for what the code does, not for each time it does it: put
    what varies into attributes.

    Args:
        name: Stable name; nothing that counts up, since each name has a row in the statistics.
        attributes: Attributes of the span, and context of a finding. Names with dots go in as `**{"a.b": 1}`.
    """

    __slots__ = ("_attributes", "_call", "_earned_ns", "_started_ns", "_watch")

    def __init__(self, name: str, /, **attributes: Any) -> None:
        try:
            self._watch = _known[name]
        except (KeyError, TypeError):
            self._watch = _find(name)
        self._attributes = attributes
        self._call: Call | None = None

    def set(self, **attributes: Any) -> None:
        """Add attributes to the span, if there is one, and to the context of a finding."""
        self._attributes.update(attributes)
        if self._call is not None:
            self._call.span.set_attributes(clean(attributes))

    def __enter__(self) -> "span":
        watch = self._watch
        if watch is not None:
            budget = watch.budget
            if budget.ready or watch.rich:
                self._call = calls.opened(watch, _Block(self._attributes))
            self._earned_ns = budget.watched_ns
            self._started_ns = budget.clock_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        watch = self._watch
        if watch is None:
            return
        budget = watch.budget
        took_ns = budget.clock_ns() - self._started_ns
        call, self._call = self._call, None
        if exc is not None:
            calls.failed(watch, took_ns, call, _Block(self._attributes), exc)
            return
        watch.append(took_ns)
        earned_ns = self._earned_ns + took_ns
        if earned_ns > budget.watched_ns:
            budget.watched_ns = earned_ns
        if took_ns > watch.limit_ns or len(watch.durations_ns) >= BATCH or call is not None:
            calls.ended(watch, took_ns, call, _Block(self._attributes))

    async def __aenter__(self) -> "span":
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, exc, traceback)


_known: dict[str, Watch | None] = {}
"""The watch of each name that was used; None where we were switched off when it was used first."""


def _find(name: str) -> Watch | None:
    if not isinstance(name, str) or not name:
        raise TypeError(f"span({name!r}): a block needs a name, such as span('load data').")
    found = None if disabled() else block(name)
    if len(_known) < MAX_WATCHES:
        _known[name] = found
    return found


class _Block(Known):
    """What is known of one block: its attributes, and where it stands."""

    __slots__ = ("_attributes", "_file", "_line")

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        frame = sys._getframe(1)
        while frame.f_code.co_filename == __file__ and frame.f_back is not None:
            frame = frame.f_back
        self._attributes, self._file, self._line = attributes, frame.f_code.co_filename, frame.f_lineno

    @override
    def attributes(self) -> Mapping[str, Any]:
        return {names.CODE_FILE_PATH: self._file, names.CODE_LINE_NUMBER: self._line, **self._attributes}

    @override
    def arguments(self) -> Mapping[str, Any]:
        return {}

    @override
    def context(self) -> Mapping[str, Any]:
        return self._attributes
