"""What is known of each optimizer: its name, its cell, and how often its gradients are looked at."""

import math
import weakref
from typing import Any

from otel_mldebug.instrument.training.cells import Cell
from otel_mldebug.instrument.training.recorder import StepRecorder

LOOK_SHARE = 0.25
"""Share of the budget that gradient norms may use."""
MOST_BETWEEN = 200
"""Steps between two looks, at most."""
TROUBLE_STEPS = 50
"""Steps with a look at each, after a first sign of trouble."""
MOST_NAMES = 16
"""Optimizers of one class that are told apart."""
_WEIGHT = 0.2
"""Weight of the latest measurement in the moving averages."""


class Known:
    """One optimizer.

    Attributes:
        cell: Counts and window of its steps.
        next_look: Number of its own step at which gradients are looked at again.
        sentinel: A small parameter near the input, whose gradient shows most non-finite values between two looks:
            backward passes them on towards the input.
    """

    __slots__ = ("cell", "cost_s", "duration_s", "key", "next_look", "seen", "sentinel", "share", "trouble")

    def __init__(self, cell: Cell, key: int, share: float) -> None:
        self.cell = cell
        self.key = key
        self.share = share * LOOK_SHARE
        self.next_look = 0
        self.seen = 0
        self.trouble = 0
        self.cost_s: float | None = None
        self.duration_s: float | None = None
        self.sentinel: Any = None

    def looked(self, cost_s: float) -> None:
        """Note what a look has cost, and set the next one so that looks stay within their share of the time."""
        previous = self.cost_s
        # The first look of a process loads kernels: it says nothing about the next.
        self.cost_s = cost_s if previous is None or self.seen <= 2 else previous + _WEIGHT * (cost_s - previous)
        between = 1
        if self.seen < self.trouble:
            between = 1
        elif self.duration_s:
            affordable_s = self.share * self.duration_s
            between = math.ceil(self.cost_s / affordable_s) if affordable_s > 0 else MOST_BETWEEN
        self.next_look = self.seen + max(1, min(MOST_BETWEEN, between))

    def stepped(self, duration_s: float) -> None:
        """Note how long a step took."""
        previous = self.duration_s
        if previous is None or self.seen <= 2:
            self.duration_s = duration_s
        else:
            self.duration_s = previous + _WEIGHT * (min(duration_s, 4 * previous) - previous)
        self.seen += 1

    def worry(self) -> None:
        """Look at every step for a while."""
        self.trouble = self.seen + TROUBLE_STEPS
        self.next_look = self.seen


class Register:
    """Knows every optimizer that has stepped, by identity, for as long as it lives.

    Names are few, because they are attributes of metrics: the number of a dead optimizer is given to the next one of
    its class, and from `MOST_NAMES` on all share one.

    Args:
        recorder: Has the cells.
    """

    def __init__(self, recorder: StepRecorder) -> None:
        self._recorder = recorder
        self._known: dict[int, Known] = {}
        self._alive: dict[int, weakref.ref[Any]] = {}

    def get(self, optimizer: Any) -> Known | None:
        """Return what is known of `optimizer`."""
        return self._known.get(id(optimizer))

    def meet(self, optimizer: Any) -> Known:
        """Start to know `optimizer`."""
        key = id(optimizer)
        cell = self._recorder.cell(self._free_name(type(optimizer).__name__))
        cell.forget()
        known = self._known[key] = Known(cell, key, self._recorder.budget.share)
        self._alive[key] = weakref.ref(optimizer, lambda _: self._lose(key))
        return known

    def _free_name(self, kind: str) -> str:
        taken = self.names()
        numbered = (kind if number == 1 else f"{kind}#{number}" for number in range(1, MOST_NAMES))
        return next((name for name in numbered if name not in taken), f"{kind}#{MOST_NAMES}+")

    def _lose(self, key: int) -> None:
        self._alive.pop(key, None)
        known = self._known.pop(key, None)
        if known is not None:
            self._recorder.retire(known.cell)

    def optimizers(self) -> list[Any]:
        """Return all optimizers that have stepped and are still alive."""
        return [optimizer for ref in list(self._alive.values()) if (optimizer := ref()) is not None]

    def worry(self) -> None:
        """Look at the gradients of all optimizers at every step for a while."""
        for known in list(self._known.values()):
            known.worry()

    def names(self) -> list[str]:
        """Return their names."""
        return [known.cell.name for known in list(self._known.values())]
