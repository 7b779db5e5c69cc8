"""An input pipeline that starves the model."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.pace import pace
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity


def input_bound(
    window: Sequence[StepRecord],
    *,
    limit: float = 0.5,
    min_steps: int = 40,
    min_wait_s: float = 0.005,
    min_total_s: float = 3.0,
) -> Finding | None:
    """Fire when waiting for data takes more than `limit` of the time that data, model and optimizer take together.

    The median step has to be starved, too, so that one slow start of an epoch does not count, and the wait has to be
    worth somebody's time.

    Args:
        window: Steps of one optimizer, oldest first. The first ones of a run are left out: workers start.
        limit: Share, 0 to 1.
        min_steps: Steps with a known wait that are needed.
        min_wait_s: Median wait, seconds, below which it does not matter; of a busy machine, what would be left of it
            if training had a processor to itself.
        min_total_s: Waiting in the whole window, seconds, below which it does not matter.
    """
    steps = [r for r in window if r.data_s is not None and r.index >= 5]
    if len(steps) < min_steps:
        return None
    waits = [r.data_s or 0.0 for r in steps]
    works = [(r.forward_s or 0.0) + (r.backward_s or 0.0) + (r.optimizer_s or 0.0) for r in steps]
    shares = [wait / (wait + work) if wait + work > 0 else 0.0 for wait, work in zip(waits, works, strict=True)]
    total = sum(waits) + sum(works)
    share = sum(waits) / total if total > 0 else 0.0
    if (
        median(shares) <= limit
        or share <= limit
        or median(waits) * pace(steps) < min_wait_s
        or sum(waits) < min_total_s
    ):
        return None
    return Finding(
        rule="data.input_bound",
        category=Category.DATA,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of the step time is spent waiting for data: {median(waits) * 1e3:.0f} ms a step.",
        cause="Batches are made more slowly than the model uses them.",
        solutions=(
            "Load in parallel: DataLoader(num_workers=4, persistent_workers=True), and pin_memory=True with a GPU.",
            "Move costly decoding and augmentation out of __getitem__: do it once, cache it, or do it by the batch.",
            "If workers are in use already, raise prefetch_factor or store the data in fewer, larger files.",
        ),
        prevention="Look at the data share of the first hundred steps before a long run.",
        confidence=0.9,
        basis="detector",
        evidence={
            "data_share": round(share, 4),
            "median_wait_s": median(waits),
            "median_work_s": median(works),
            "steps": len(steps),
        },
    )
