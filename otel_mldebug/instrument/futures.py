"""Results of executors that failed and that nobody asked for: `concurrent.futures` says nothing about those.

A future that succeeds costs nothing. One that fails gets a mark, which is reported when the future is removed, or when
the program ends, while its exception has neither been raised by `result()` nor read by `exception()`.
"""

import weakref
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.importing import OnImport
from otel_mldebug.instrument.later import later
from otel_mldebug.instrument.replaced import Replaced

_MARK = "_mldebug_unseen"
_CONTEXT = {"uncaught": "a future whose result nobody asked for"}


class Futures:
    """Sees failures in the futures of thread and process pools."""

    def __init__(self) -> None:
        self._import = OnImport("concurrent.futures._base", self._found)
        self._methods: tuple[Replaced, ...] = ()
        self._marks: weakref.WeakSet[Unseen] = weakref.WeakSet()

    def install(self) -> None:
        """Begin, once the program has imported executors."""
        self._import.install()

    def remove(self) -> None:
        """Stop."""
        self._import.remove()
        for method in self._methods:
            method.remove()

    def ending(self) -> None:
        """Report what nobody has asked for by now and nobody will: the program ends."""
        for mark in list(self._marks):
            mark.report()

    def after_fork(self) -> None:
        """Leave the parent's futures to the parent, in the child."""
        self._marks = weakref.WeakSet()

    def _found(self, module: ModuleType) -> None:
        if not self._methods:
            self._methods = (
                Replaced(module.Future, "set_exception", self._marking),
                Replaced(module.Future, "exception", self._reading),
            )
        for method in self._methods:
            method.install()

    def _marking(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def set_exception(future: Any, exception: Any) -> Any:
            try:
                if isinstance(exception, BaseException) and self._methods[0].on:
                    mark = Unseen(exception)
                    self._marks.add(mark)
                    vars(future)[_MARK] = mark  # before waiters are woken, who may read it at once
            except Exception as problem:  # noqa: BLE001
                fault("mark a failed future", problem)
            return previous(future, exception)

        return set_exception

    @staticmethod
    def _reading(previous: Callable[..., Any]) -> Callable[..., Any]:
        def exception(future: Any, timeout: float | None = None) -> Any:
            found = previous(future, timeout)
            mark = vars(future).get(_MARK)
            if mark is not None:
                mark.seen = True
            return found

        return exception


class Unseen:
    """An exception that a future holds.

    `result()` raises it, and raising changes its traceback: that is how it is known without standing in front of a
    method that every success goes through.
    """

    __slots__ = ("__weakref__", "_exception", "_traceback", "seen")

    def __init__(self, exception: BaseException) -> None:
        self._exception, self._traceback = exception, exception.__traceback__
        self.seen = False

    def report(self) -> None:
        """Report the exception unless somebody has got it; once."""
        if not self.seen and self._exception.__traceback__ is self._traceback:
            self.seen = True
            later.put(partial(_report, self._exception))

    def __del__(self) -> None:
        try:
            self.report()
        except Exception as problem:  # noqa: BLE001  (the interpreter may be ending)
            fault("report a failed future", problem)


def _report(exception: BaseException) -> None:
    sink.current().exception(exception, context=_CONTEXT)
