"""Exceptions that something holds for whoever asks for a result, and that nobody has asked for."""

import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any

from otel_mldebug._guard import fault
from otel_mldebug.instrument import sink
from otel_mldebug.instrument.later import later

_MARK = "_mldebug_unseen"


class Marks:
    """The marks on the results of one kind that failed.

    Args:
        what: What holds the exception, in words, for the finding's context.
    """

    def __init__(self, what: str) -> None:
        self._context = {"uncaught": what}
        self._marks: weakref.WeakSet[Unseen] = weakref.WeakSet()

    def put(self, result: Any, exception: BaseException) -> None:
        """Mark `result`, which holds `exception`; the mark goes with it, and reports when it does."""
        mark = Unseen(exception, self._context)
        self._marks.add(mark)
        vars(result)[_MARK] = mark

    @staticmethod
    def seen(result: Any) -> None:
        """Take note that somebody has looked at how `result` came out."""
        mark = vars(result).get(_MARK)
        if mark is not None:
            mark.seen = True

    def ending(self) -> None:
        """Report what nobody has asked for by now and nobody will: the program ends."""
        for mark in list(self._marks):
            mark.report()

    def after_fork(self) -> None:
        """Leave the parent's results to the parent, in the child, which may remove its copies of them."""
        for mark in list(self._marks):
            mark.seen = True
        self._marks = weakref.WeakSet()


class Unseen:
    """An exception that a result holds.

    Asking for the result raises it, and raising changes its traceback: that is how it is known without standing in
    front of a method that every success goes through.
    """

    __slots__ = ("__weakref__", "_context", "_exception", "_traceback", "seen")

    def __init__(self, exception: BaseException, context: Mapping[str, str]) -> None:
        self._exception, self._traceback, self._context = exception, exception.__traceback__, context
        self.seen = False

    def report(self) -> None:
        """Report the exception unless somebody has got it; once."""
        if not self.seen and self._exception.__traceback__ is self._traceback:
            self.seen = True
            later.put(partial(_report, self._exception, self._context))

    def __del__(self) -> None:
        try:
            self.report()
        except Exception as problem:  # noqa: BLE001  (the interpreter may be ending)
            fault("report a failed result", problem)


def _report(exception: BaseException, context: Mapping[str, str]) -> None:
    sink.current().exception(exception, context=context)
