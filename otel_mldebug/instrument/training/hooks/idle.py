"""Optimizers that are made and never step, while backward is called again and again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.rules.detectors.idle import never_stepped

if TYPE_CHECKING:
    from otel_mldebug.instrument.training.hooks.watch import Watch

LOOKS = (40, 60, 80, 100)
"""Backward calls of the process before which it is looked, and each power of 2 from then on: accumulation seldom takes
so many, and never clears them."""
_MOST = 4
"""Weights of each optimizer that are looked at."""


class Idle:
    """Looks, before a few backward calls, at optimizers that have not stepped yet. Nothing runs once one has.

    Args:
        watch: What all hooks share.
    """

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch
        self._calls = 0
        self._cleared = self._heaped = 0
        self._kind = ""
        self._weights: list[float] | None = None

    def backward(self, track: Track) -> None:
        """Take note of a backward call that is about to begin, of a program in which no optimizer has stepped."""
        self._calls += 1
        if self._calls not in LOOKS and (self._calls < LOOKS[-1] or self._calls & (self._calls - 1)):
            return
        watch = self._watch
        for optimizer in watch.optimizers.all():
            weights = [p for group in optimizer.param_groups for p in group["params"] if self._plain(p)][:_MOST]
            if not weights:
                continue
            now = self._sums(weights)
            before, self._weights = self._weights, now
            still = before in (None, now)
            cleared = all(p.grad is None or not p.grad.any() for p in weights)
            self._cleared = self._cleared + 1 if cleared and still else 0
            self._heaped = self._heaped + 1 if not cleared and still else 0
            self._kind = type(optimizer).__name__
            if self._cleared == len(LOOKS):
                watch.recorder.report(track, never_stepped(self._kind, self._calls))
            return

    def finish(self) -> None:
        """Say, at the end of the program, that gradients have piled up and no optimizer has ever used them."""
        if self._heaped >= len(LOOKS) and not self._watch.stepping:
            self._heaped = 0
            self._watch.recorder.report(Track(), never_stepped(self._kind, self._calls, cleared=False))

    def _plain(self, parameter: Any) -> bool:
        return parameter.is_leaf and self._watch.devices.direct(parameter) and not parameter.is_sparse

    @staticmethod
    def _sums(weights: Sequence[Any]) -> list[float]:
        return [float(weight.detach().sum()) for weight in weights]
