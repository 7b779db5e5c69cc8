"""How long backward passes wait for the gradients of other ranks: DistributedDataParallel measures it itself."""

from collections.abc import Iterable
from typing import Any

from otel_mldebug import _guard

FIRST = 12
"""Records at the beginning for which it is asked, which costs 40 us: it measures its first ten passes, …"""
EVERY = 50
"""… and then one in a hundred."""


class Syncing:
    """Asks each wrapped model for its latest measurement.

    Args:
        wrappers: The wrapped models.
    """

    def __init__(self, wrappers: Iterable[Any]) -> None:
        self._wrappers = wrappers
        self._records = 0
        self._measured: dict[int, int] = {}
        self._before: float | None = None
        self._failed = False

    def __call__(self, backward_s: float | None) -> float | None:
        """Return how long the backward pass that took `backward_s` waited; None when nothing new is known.

        What is measured is the pass before: the share of the wait is taken to be the same.
        """
        if self._failed or not self._wrappers:
            return None
        before, self._before = self._before, backward_s
        self._records += 1
        if (self._records > FIRST and self._records % EVERY) or not before or backward_s is None:
            return None
        try:
            waits = [wait for wrapper in list(self._wrappers) if (wait := self._wait(wrapper)) is not None]
        except Exception as exc:  # noqa: BLE001  (of its own class, where this PyTorch does not tell)
            self._failed = True
            _guard.fault("time the synchronisation of gradients", exc)
            return None
        return backward_s * min(1.0, sum(waits) / before) if waits else None

    def _wait(self, wrapper: Any) -> float | None:
        """Return the part of the communication that nothing was computed beside, seconds."""
        found: dict[str, int] = dict(wrapper.logger._get_ddp_logging_data().ints_map)
        iteration = found.get("iteration", 0)
        if self._measured.get(id(wrapper)) == iteration or "backward_comm_time" not in found:
            return None
        self._measured[id(wrapper)] = iteration
        alone_ns = found["backward_comm_time"] - found.get("backward_compute_comm_overlap_time", 0)
        return max(0.0, float(alone_ns) / 1e9)
