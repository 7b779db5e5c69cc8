"""Batches that are fetched ahead of the step that they are for, as Accelerate and the Trainer of transformers do it."""

import weakref
from collections import deque
from typing import Any

from otel_mldebug.instrument.training.steps.batches import tensors
from otel_mldebug.instrument.training.steps.passes import Passes

MOST_AHEAD = 64
"""Batches of one loader that may wait for backward; with more, the loop just goes over the data, and only the latest
may yet be trained on."""
HELD = 2
"""Of them, those whose tensors are kept alive: a loop that does not train must not fill the memory."""


class Fetch:
    """One batch that was fetched and may yet turn out to be for training.

    Args:
        seconds: How long that took; None where steps are only counted.
        samples: How many it has, if that is known.
        passes: Of its loader.
        batch: It.
    """

    __slots__ = ("_batch", "_faded", "epoch", "number", "passes", "place", "samples", "seconds")

    def __init__(self, seconds: float | None, samples: int | None, passes: Passes | None, batch: Any) -> None:
        self.seconds = seconds
        self.samples = samples
        self.passes = passes
        self.epoch = passes.done if passes is not None else 0
        self.number = passes.number if passes is not None else 0
        self.place = passes.batches if passes is not None else 0
        self._batch = batch
        self._faded = False

    @property
    def batch(self) -> Any:
        """What was fetched; of one that has faded, the tensors that somebody else still holds."""
        if not self._faded:
            return self._batch
        return [tensor for reference in self._batch if (tensor := reference()) is not None]

    def fade(self) -> None:
        """Hold the batch no longer, only know it."""
        if self._faded:
            return
        self._batch, self._faded = [weakref.ref(tensor) for tensor in tensors(self._batch)], True

    def trained(self) -> None:
        """Note that it was for training."""
        if self.passes is not None:
            self.passes.trained = True


class Ahead:
    """What waits behind the next batch of each loader, whose iterator's identity is the key.

    A loader whose batches wait while those of another one come and go is not the one that is trained on: what waits of
    it is forgotten. So is what a pass has left over when another pass begins.
    """

    __slots__ = ("_ended", "_queues", "_waiting")

    def __init__(self) -> None:
        self._queues: dict[int, deque[Fetch]] = {}
        self._waiting: set[int] = set()
        self._ended: set[int] = set()

    def __bool__(self) -> bool:
        """Return whether there is anything to do after backward, or before a new pass."""
        return bool(self._queues or self._waiting or self._ended)

    def add(self, pending: dict[int, Fetch], source: int, fetch: Fetch) -> None:
        """Queue a batch of a loader of which another one is pending."""
        self._waiting.discard(source)
        queue = self._queues.setdefault(source, deque())
        if len(queue) + 1 >= MOST_AHEAD:
            queue.clear()
            pending[source] = fetch
            return
        queue.append(fetch)
        if len(queue) > HELD:
            queue[-HELD - 1].fade()
        elif len(queue) == HELD:
            pending[source].fade()

    def fresh(self, pending: dict[int, Fetch], source: int, fetch: Fetch) -> None:
        """Note that `source` has handed out `fetch`; at the beginning of a pass those that have ended are over."""
        if source in self._ended or fetch.place == 1:
            for ended in list(self._ended):
                self.drop(pending, ended)

    def ended(self, pending: dict[int, Fetch], source: int, *, training: bool) -> None:
        """Note that `source` has no more batches; those that were fetched ahead may be trained on yet."""
        fetch = pending.get(source)
        if fetch is None:
            return
        passes = fetch.passes
        if training and passes is not None and (passes.trained or passes.batches == 1):
            self._ended.add(source)
        else:
            self.drop(pending, source)

    def stale(self, pending: dict[int, Fetch]) -> None:
        """Forget, before backward, what only waits while others are fetched."""
        if self._waiting and len(self._waiting) < len(pending):
            for source in list(self._waiting):
                self.drop(pending, source)

    def refill(self, pending: dict[int, Fetch]) -> None:
        """Move up, once backward has taken what was pending."""
        self._waiting.clear()
        for source, queue in list(self._queues.items()):
            if queue:
                pending[source] = queue.popleft()
                self._waiting.add(source)
            if not queue:
                del self._queues[source]
        self._ended &= pending.keys()

    def drop(self, pending: dict[int, Fetch], source: int) -> None:
        """Forget all of one loader."""
        pending.pop(source, None)
        self._queues.pop(source, None)
        self._waiting.discard(source)
        self._ended.discard(source)

    def clear(self) -> None:
        """Forget everything."""
        self._queues.clear()
        self._waiting.clear()
        self._ended.clear()
