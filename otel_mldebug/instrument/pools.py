"""Results of `multiprocessing.Pool` that failed and that nobody asked for: `apply_async` and its like say nothing.

As with the futures of executors, a result that fails gets a mark. Whoever gave an `error_callback` was told, `get()`
raises the exception, and `successful()` tells that there is one: none of those is a finding. Of what `imap` and
`imap_unordered` return, the failure that would be raised first has the mark: whoever gets it mostly stops there.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument.replaced import Replaced, ReplacedOnImport
from otel_mldebug.instrument.unseen import Marks

_MODULES = ("multiprocessing.pool", "multiprocess.pool")
"""The standard library's, and the one that pickles more, which the library `datasets` uses."""
_PLACE = "_mldebug_place"
"""On an iterator: the place of the failure that has its mark."""


class Pools(ReplacedOnImport):
    """Sees failures in the results of pools, of processes and of threads."""

    def __init__(self) -> None:
        super().__init__(_MODULES, self._replaced)
        self._marks = Marks("a result of a pool that nobody asked for")

    def ending(self) -> None:
        """Report what nobody has asked for by now and nobody will: the program ends."""
        self._marks.ending()

    def after_fork(self) -> None:
        """Leave the parent's results to the parent, in the child."""
        self._marks.after_fork()

    def _replaced(self, module: ModuleType) -> tuple[Replaced, ...]:
        return (
            Replaced(module.ApplyResult, "_set", self._setting),
            Replaced(module.MapResult, "_set", self._setting),
            Replaced(module.IMapIterator, "_set", partial(self._setting_item, ordered=True)),
            Replaced(module.IMapUnorderedIterator, "_set", partial(self._setting_item, ordered=False)),
            Replaced(module.ApplyResult, "successful", self._asking),
        )

    def _setting(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def _set(result: Any, index: Any, outcome: Any) -> Any:
            try:
                if self.on and not outcome[0]:
                    self._failed(result, outcome[1])  # before waiters are woken, who may ask at once
            except Exception as problem:  # noqa: BLE001
                fault("mark a failed result of a pool", problem)
            return previous(result, index, outcome)

        return _set

    def _failed(self, result: Any, exception: Any) -> None:
        """Mark `result`; of a map only for the first of its failures, which is the one that it keeps and raises."""
        known = vars(result)
        first = known.get("_success", True)
        if first and known.get("_error_callback") is None and isinstance(exception, BaseException):
            self._marks.put(result, exception)

    def _setting_item(self, previous: Callable[..., Any], *, ordered: bool) -> Callable[..., Any]:
        def _set(result: Any, index: Any, outcome: Any) -> Any:
            try:
                if self.on and not outcome[0]:
                    self._failed_item(result, index if ordered else 0, outcome[1])
            except Exception as problem:  # noqa: BLE001
                fault("mark a failed item of a pool", problem)
            return previous(result, index, outcome)

        return _set

    def _failed_item(self, result: Any, place: int, exception: Any) -> None:
        """Mark `result` for `exception`, unless it has one that is raised before."""
        earlier = vars(result).get(_PLACE)
        if isinstance(exception, BaseException) and (earlier is None or place < earlier):
            self._marks.seen(result)
            vars(result)[_PLACE] = place
            self._marks.put(result, exception)

    def _asking(self, previous: Callable[..., Any]) -> Callable[..., Any]:
        def successful(result: Any) -> Any:
            found = previous(result)
            self._marks.seen(result)
            return found

        return successful
