"""Watching generators: their span is current while they make an item, never while their consumer works with it."""

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument.functions import calls
from otel_mldebug.instrument.functions.arguments import Arguments, Given
from otel_mldebug.instrument.functions.watch import BATCH, Watch

if TYPE_CHECKING:
    from otel_mldebug.instrument.functions.spans import Call


class _Turns:
    """One iteration over a generator: adds up its turns, and makes its span current during each.

    Attributes:
        busy_ns: Time spent on items so far.
    """

    __slots__ = ("_call", "_earned_ns", "_known", "_started_ns", "_switching_ns", "_watch", "busy_ns")

    def __init__(self, watch: Watch, call: "Call | None", known: Given) -> None:
        self._watch, self._call, self._known = watch, call, known
        self.busy_ns = self._switching_ns = 0

    def __enter__(self) -> None:
        budget = self._watch.budget
        if self._call is not None:
            began_ns = budget.cost_ns()
            self._call.enter()
            self._switching_ns += budget.cost_ns() - began_ns
        self._earned_ns = budget.watched_ns
        self._started_ns = budget.clock_ns()

    def __exit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        budget = self._watch.budget
        took_ns = budget.clock_ns() - self._started_ns
        self.busy_ns += took_ns
        earned_ns = self._earned_ns + took_ns
        if earned_ns > budget.watched_ns:
            budget.watched_ns = earned_ns
        if self._call is not None:
            began_ns = budget.cost_ns()
            self._call.leave(exc)
            self._switching_ns += budget.cost_ns() - began_ns

    def ended(self) -> None:
        """Count an iteration that came to its end."""
        watch, took_ns, call = self._watch, self.busy_ns, self._call
        watch.append(took_ns)
        if call is not None:
            watch.budget.charge(self._switching_ns)
        if took_ns > watch.limit_ns or len(watch.durations_ns) >= BATCH or call is not None:
            calls.ended(watch, took_ns, call, self._known)

    def failed(self, exc: BaseException) -> None:
        """Count an iteration that raised, or that its consumer gave up."""
        if self._call is not None:
            self._watch.budget.charge(self._switching_ns)
        calls.failed(self._watch, self.busy_ns, self._call, self._known, exc)


def wrap(func: Callable[..., Any], watch: Watch, arguments: Arguments) -> Callable[..., Any]:
    """Return `func`, a generator function, watched. What is sent, thrown and returned passes through."""

    def watched(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = func(*args, **kwargs)
        known = Given(arguments, args, kwargs)
        call = calls.opened(watch, known, enter=False) if watch.budget.ready or watch.rich else None
        turns = _Turns(watch, call, known)
        turn: Callable[[], Any] = partial(next, inner)
        try:
            while True:
                try:
                    with turns:
                        item = turn()
                except StopIteration as stop:
                    turns.ended()
                    return stop.value
                try:
                    sent = yield item
                except GeneratorExit:
                    with turns:
                        inner.close()
                    raise
                except BaseException as thrown:  # noqa: BLE001  (handed to the generator, which decides)
                    turn = partial(inner.throw, thrown)
                else:
                    turn = partial(inner.send, sent)
        except BaseException as exc:
            turns.failed(exc)
            raise

    return watched


def wrap_async(func: Callable[..., Any], watch: Watch, arguments: Arguments) -> Callable[..., Any]:
    """Return `func`, an asynchronous generator function, watched. What is sent and thrown passes through."""

    async def watched(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = func(*args, **kwargs)
        known = Given(arguments, args, kwargs)
        call = calls.opened(watch, known, enter=False) if watch.budget.ready or watch.rich else None
        turns = _Turns(watch, call, known)
        turn: Callable[[], Any] = inner.__anext__
        try:
            while True:
                try:
                    with turns:
                        item = await turn()
                except StopAsyncIteration:
                    turns.ended()
                    return
                try:
                    sent = yield item
                except GeneratorExit:
                    with turns:
                        await inner.aclose()
                    raise
                except BaseException as thrown:  # noqa: BLE001  (handed to the generator, which decides)
                    turn = partial(inner.athrow, thrown)
                else:
                    turn = partial(inner.asend, sent)
        except BaseException as exc:
            turns.failed(exc)
            raise

    return watched
