"""How many samples single steps were given, and the loss they had, for whoever compares ranks."""

import math
from collections import deque

from otel_mldebug.rules.looks import Look, Operation

FIRST, LATEST = 16, 16
"""Looks that are kept: the first ones, since ranks differ by noise only before they have learned, and the latest."""

_MEAN = 1
"""What losses save of their reduction then. Source: PyTorch aten/src/ATen/core/Reduction.h."""


class Fed:
    """Keeps a few numbers of looks.

    Attributes:
        first: Step, samples and loss of the first looks.
        latest: The same of the latest ones.
        mean: Whether the latest loss was a mean, and was not divided or multiplied afterwards.
    """

    def __init__(self) -> None:
        self.first: list[tuple[int, int, float]] = []
        self.mean = False
        self._optimizer: str | None = None
        self.latest: deque[tuple[int, int, float]] = deque(maxlen=LATEST)

    def note(self, look: Look) -> None:
        """Keep what `look` says, if it is of one backward call and the first optimizer: losses of others differ."""
        if self._optimizer is None:
            self._optimizer = look.optimizer
        if look.optimizer != self._optimizer:
            return
        if look.operations:
            self.mean = _is_mean(look.operations[-1])
        loss = look.loss
        if loss is None or not math.isfinite(loss) or look.backward_calls > 1:
            return
        kept = look.step, samples(look), loss
        if len(self.first) < FIRST:
            self.first.append(kept)
        else:
            self.latest.append(kept)

    def told(self) -> tuple[tuple[int, int, float], ...]:
        """Return what is kept, by step."""
        return (*self.first, *self.latest.copy())

    def restart(self) -> None:
        """Forget everything."""
        self._optimizer = None
        self.first.clear()
        self.latest.clear()


def _is_mean(operation: Operation) -> bool:
    return operation.kind == "Mean" or operation.settings.get("reduction") == _MEAN


def samples(look: Look) -> int:
    """Return how many samples went in: the first dimension of the inputs; 0 where that is not known."""
    sizes = {part.shape[0] for part in look.parts if part.role == "input" and len(part.shape) > 1}
    return sizes.pop() if len(sizes) == 1 else 0
