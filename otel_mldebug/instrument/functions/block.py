"""`span`: watch a block of code."""

import sys
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from otel_mldebug.instrument.functions import calls
from otel_mldebug.instrument.functions.attributes import clean
from otel_mldebug.instrument.functions.calls import Known
from otel_mldebug.instrument.functions.decorator import disabled
from otel_mldebug.instrument.functions.registry import watch as registered
from otel_mldebug.instrument.functions.watch import BATCH, Target, Watch
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
        if not isinstance(name, str) or not name:
            raise TypeError(f"span({name!r}): a block needs a name, such as span('load data').")
        self._watch: Watch | None = None if disabled() else registered(Target(name, name))
        self._attributes = attributes
        self._call: Call | None = None

    def set(self, **attributes: Any) -> None:
        """Add attributes to the span, if there is one, and to the context of a finding."""
        self._attributes.update(attributes)
        if self._call is not None:
            self._call.span.set_attributes(clean(attributes))

    def __enter__(self) -> "span":
        return self._enter()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit(exc)

    async def __aenter__(self) -> "span":
        return self._enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit(exc)

    def _enter(self) -> "span":
        watch = self._watch
        if watch is not None:
            budget = watch.budget
            if budget.ready or watch.rich:
                self._call = calls.opened(watch, _Block(self._attributes, sys._getframe(2)))
            self._earned_ns = budget.watched_ns
            self._started_ns = budget.clock_ns()
        return self

    def _exit(self, exc: BaseException | None) -> None:
        watch = self._watch
        if watch is None:
            return
        budget = watch.budget
        took_ns = budget.clock_ns() - self._started_ns
        call, self._call = self._call, None
        if exc is not None:
            calls.failed(watch, took_ns, call, _Block(self._attributes, sys._getframe(2)), exc)
            return
        watch.append(took_ns)
        budget.watched_ns = max(budget.watched_ns, self._earned_ns + took_ns)
        if took_ns > watch.limit_ns or len(watch.durations_ns) >= BATCH or call is not None:
            calls.ended(watch, took_ns, call, _Block(self._attributes, sys._getframe(2)))


class _Block(Known):
    """What is known of one block: its attributes, and where it stands."""

    __slots__ = ("_attributes", "_file", "_line")

    def __init__(self, attributes: Mapping[str, Any], frame: FrameType) -> None:
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
