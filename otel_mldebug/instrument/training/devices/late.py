"""One step whose numbers are still on a GPU: what was sent for, and what it says once it has arrived."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from otel_mldebug.instrument.training.devices.gpu import GpuTime
from otel_mldebug.instrument.training.devices.pinned import Copy
from otel_mldebug.instrument.training.tensors.diagnosis import Diagnosis
from otel_mldebug.instrument.training.tensors.gradients import total
from otel_mldebug.rules.detectors.origin import Origin, explain_gradient, explain_loss
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord


class LateStep:
    """Numbers of one step on their way: its objectives, then a norm for each gradient, then one for each weight.

    Args:
        copy: The vector of all of them.
        losses: How many objectives there are.
        parameters: Those whose gradients and weights were looked at; none when no look was due.
        batches: What the step was fed with. It is kept until the numbers are there, to look for bad input then.
        diagnosis: Explains what is not finite.
        worry: Called when something is not finite.
        gpu: When the GPU worked for the step, if that was timed.

    Attributes:
        gpu_s: How long that was, seconds, once the numbers have been read.
    """

    def __init__(
        self,
        copy: Copy,
        losses: int,
        *,
        parameters: Sequence[Any] = (),
        batches: Sequence[Any] = (),
        diagnosis: Diagnosis,
        worry: Callable[[], None],
        gpu: GpuTime | None = None,
    ) -> None:
        self._copy = copy
        self._losses = losses
        self._parameters = list(parameters)
        self._batches = list(batches)
        self._diagnosis = diagnosis
        self._worry = worry
        self._gpu = gpu
        self.gpu_s: float | None = None
        self._gradients: list[float] = []
        self._weights: list[float] = []

    def ready(self) -> bool:
        """Return whether the numbers have arrived. Never waits."""
        return self._copy.ready()

    def read(self) -> tuple[float | None, float | None]:
        """Return objective and gradient norm, as far as they were sent for."""
        values = self._copy.values()
        if self._gpu is not None:
            self.gpu_s = self._gpu.seconds()
        losses, norms = values[: self._losses], values[self._losses :]
        middle = len(self._parameters)
        self._gradients, self._weights = norms[:middle], norms[middle:]
        return (sum(losses) if losses else None), (total(self._gradients) if self._gradients else None)

    def explain(self, record: StepRecord, window: Sequence[StepRecord]) -> tuple[Finding, str] | None:
        """Return why the numbers are not finite, and the layer; None if they are, or the scaler skipped the step.

        Args:
            record: The step, with the numbers that `read` returned.
            window: The steps before it.
        """
        loss, norm = record.loss, record.gradient_norm
        bad_loss = loss is not None and not math.isfinite(loss)
        if not bad_loss and (norm is None or math.isfinite(norm) or record.skipped):
            return None
        self._worry()
        origin = self._origin(record, bad_loss=bad_loss)
        self._batches.clear()
        return (explain_loss if bad_loss else explain_gradient)(origin, window), origin.layer

    def _origin(self, record: StepRecord, *, bad_loss: bool) -> Origin:
        def flagged(norms: Sequence[float]) -> list[tuple[Any, bool]]:
            return [(p, not math.isfinite(norm)) for p, norm in zip(self._parameters, norms, strict=False)]

        value = record.loss if bad_loss else record.gradient_norm
        return self._diagnosis.late(
            value if value is not None else math.nan,
            step=record.index,
            bad_loss=bad_loss,
            bad_weights=flagged(self._weights),
            bad=flagged(self._gradients),
            batches=self._batches,
        )
