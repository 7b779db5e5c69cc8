"""Evaluation passes that have ended, on their way to the next record and to the detectors."""

import math
from dataclasses import replace
from typing import Any, Protocol

from otel_mldebug.instrument.training.steps.cells import Cell
from otel_mldebug.instrument.training.steps.track import Track
from otel_mldebug.rules.course import Evaluation

_MOST_LATE = 64


class LateLoss(Protocol):
    """The mean loss of a pass, on its way from a device."""

    def ready(self) -> bool:
        """Return whether it has arrived. Never waits."""

    def values(self) -> list[float]:
        """Return it."""


class Passed:
    """Gives passes to the course of the optimizer that stepped last before them.

    Attributes:
        count: Passes that have ended.
        seconds: How long they took.
        latest: Mean loss of the latest one that had any.
    """

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.latest: float | None = None
        self._late: list[tuple[LateLoss, Evaluation, Cell]] = []

    def add(self, track: Track, evaluation: Evaluation, late: LateLoss | None, cell: Cell | None) -> None:
        """Note a pass that has ended.

        Args:
            track: Of the thread that made it.
            evaluation: What is known of it.
            late: Where its loss comes from, if that is still on a device.
            cell: Of the optimizer that has stepped last.
        """
        self.count += 1
        self.seconds += evaluation.duration_s
        track.passed.append(evaluation)
        track.wake()
        if evaluation.loss is not None:
            self.latest = evaluation.loss
        if cell is None:
            return
        if late is not None and len(self._late) < _MOST_LATE:
            self._late.append((late, evaluation, cell))
        else:
            self._keep(evaluation, cell)

    def _keep(self, evaluation: Evaluation, cell: Cell) -> None:
        seen = any(e.stream == evaluation.stream for e in cell.window.evaluations)
        cell.window.evaluations.append(evaluation)
        if not seen and (evaluation.active or evaluation.tracked):
            cell.next_check_ns = 0

    def take(self, track: Track) -> dict[str, Any]:
        """Return what the next record says of the passes since the one before, and forget it."""
        passed, track.passed = track.passed, []
        losses = [e.loss for e in passed if e.loss is not None]
        while self._late and self._late[0][0].ready():
            late, evaluation, cell = self._late.pop(0)
            losses.append(self._arrived(late, evaluation, cell))
        samples = [e.samples for e in passed if e.samples is not None]
        found: dict[str, Any] = {}
        if passed:
            found["evaluation_s"] = sum(e.duration_s for e in passed)
            found["evaluation_batches"] = sum(e.batches for e in passed)
        if samples:
            found["evaluation_samples"] = sum(samples)
        if losses:
            found["evaluation_loss"] = losses[-1]
        return found

    def _arrived(self, late: LateLoss, evaluation: Evaluation, cell: Cell) -> float:
        self.latest = late.values()[0]
        self._keep(replace(evaluation, loss=self.latest), cell)
        return self.latest

    @property
    def finite(self) -> float | None:
        """The latest mean loss, if it is a number that can be a measurement."""
        return self.latest if self.latest is not None and math.isfinite(self.latest) else None

    def __bool__(self) -> bool:
        """Return whether losses are still on their way."""
        return bool(self._late)
