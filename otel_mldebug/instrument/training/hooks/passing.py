"""One pass over data that is not trained on, while it is going on."""

from typing import Any, Protocol

from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.instrument.training.tensors.callers import Caller, Graphs


class Owner(Protocol):
    """Who has begun it, and ends it."""

    def trained(self, track: Track) -> None:
        """Note that backward runs."""

    def trained_models(self) -> list[Any]:
        """Return the models that are being trained."""


class Pass:
    """One pass that is going on.

    Attributes:
        source: Identity of the loader's iterator; 0 without one.
        maybe: Gradients are enabled and there is no loader: should backward come now, it was training.
        first: Batches that had been fetched when the first loss was computed; 0 before that.
        forced: What a function has done as in training, in evaluation mode; empty for nothing.
    """

    def __init__(self, owner: Owner, source: int, stream: str, found: Caller, began: float, step: int) -> None:
        self._owner = owner
        self.source = source
        self.stream = stream
        self.caller = found
        self.began = self.ended = began
        self.step = step
        self.maybe = False
        self.first = 0
        self.trained_on = False
        self.batches = 0
        self.samples: int | None = None
        self.values: dict[str, list[float]] = {}
        self.devices: dict[str, list[Any]] = {}
        self.modes: list[bool] = []
        self.forced = ""
        self.graphs = Graphs(owner.trained_models)

    @property
    def ahead(self) -> bool:
        """Return whether batches are fetched ahead: the next one before the loss of the current one."""
        return self.first > 1 or (not self.first and self.batches == 1)

    def count(self, samples: int | None) -> None:
        """Count one batch."""
        self.batches += 1
        if samples is not None:
            self.samples = (self.samples or 0) + samples

    def backward(self, track: Track) -> None:
        """Note that backward runs: the pass has ended, or was none."""
        self._owner.trained(track)
