"""Results of executors that failed and that nobody asked for: `concurrent.futures` says nothing about those.

A future that succeeds costs nothing. One that fails gets a mark, which is reported when the future is removed, or when
the program ends, while its exception has neither been raised by `result()` nor read by `exception()`.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument.replaced import Replaced, ReplacedOnImport
from otel_mldebug.instrument.unseen import Marks

_CALLED_OFF = frozenset({"CancelledError", "ShutdownExecutorError"})
"""Classes of what is put into futures whose work was called off: on purpose, or because another one has failed.
Source: gradio_client/utils.py; joblib/externals/loky/process_executor.py."""


class Futures(ReplacedOnImport):
    """Sees failures in the futures of thread and process pools."""

    def __init__(self) -> None:
        super().__init__(("concurrent.futures._base",), self._replaced)
        self._marks = Marks("a future whose result nobody asked for")

    def ending(self) -> None:
        """Report what nobody has asked for by now and nobody will: the program ends."""
        self._marks.ending()

    def after_fork(self) -> None:
        """Leave the parent's futures to the parent, in the child."""
        self._marks.after_fork()

    def _replaced(self, module: ModuleType) -> tuple[Replaced, ...]:
        return (
            Replaced(module.Future, "set_exception", self._marking),
            Replaced(module.Future, "exception", self._reading),
        )

    def _marking(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def set_exception(future: Any, exception: Any) -> Any:
            try:
                failed = isinstance(exception, BaseException) and type(exception).__name__ not in _CALLED_OFF
                if failed and self.on:
                    self._marks.put(future, exception)  # before waiters are woken, who may read it at once
            except Exception as problem:  # noqa: BLE001
                fault("mark a failed future", problem)
            return previous(future, exception)

        return set_exception

    def _reading(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def exception(future: Any, timeout: float | None = None) -> Any:
            found = previous(future, timeout)
            self._marks.seen(future)
            return found

        return exception
