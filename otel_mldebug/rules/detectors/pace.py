"""How busy the machine is, as training itself feels it."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.steps import StepRecord


def pace(steps: Sequence[StepRecord]) -> float:
    """Return which share of a processor the training thread gets while it computes, 0 to 1; 1 when unknown.

    On a busy machine, or in a container that has used up its share, everything takes longer than it would: workers
    that make data do, too. A GPU works while the thread waits, so of steps on one nothing is known.

    Args:
        steps: Of one optimizer.
    """
    shares = [r.cpu_s / work for r in steps if r.cpu_s and r.gpu_s is None and (work := _work_s(r)) > 0]
    return min(1.0, median(shares)) if shares else 1.0


def _work_s(record: StepRecord) -> float:
    return (record.forward_s or 0.0) + (record.backward_s or 0.0) + (record.optimizer_s or 0.0)
