"""What a program does besides training, and training waits for: checkpoints, and the collection of garbage."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

SHARE, TOTAL_S, TIMES, STEPS = 0.2, 1.0, 4, 20
"""Share of the time, seconds in all, times, and steps since the first one, from which on it is worth somebody's time. A
checkpoint at the end of each pass over the data is usual, and so is a collection now and then, of which one may be
long: none of them is half of the time. A step that builds a graph of a million operations needs some itself."""


def checkpoints(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a fifth of the time goes into `torch.save` and what else writes, amid passes over the data.

    That is seen also where few steps are recorded one by one, so that the delayed ones are not among them.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    by = written_by(window)
    return _judge(
        window,
        lambda r: r.save_s,
        "timing.checkpoints",
        f"writing checkpoints ({by})",
        f"{by} is called very often, or writes much more than what is needed to go on.",
        (
            "Save less often: every so many minutes, or when the evaluation has become better.",
            "Save only what is needed to go on (state_dict of model and optimizer), not the data or frozen tables, and "
            "do not compress it: weights hardly get smaller by that.",
            "Save from a thread, after a copy to the host (torch.distributed.checkpoint.async_save).",
        ),
    )


def collecting(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a fifth of the time goes into Python's collection of garbage.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    return _judge(
        window,
        lambda r: r.gc_s,
        "timing.garbage_collection",
        "Python's collection of garbage",
        "gc.collect() is called in the loop, or lists and caches hold millions of small objects, and each full "
        "collection goes through all of them.",
        (
            "Take gc.collect() out of the loop (and torch.cuda.empty_cache(), which mostly stands next to it).",
            "Keep large collections in arrays or tensors, or call gc.freeze() after building them.",
            "Collect at fixed steps only: gc.disable(), and gc.collect() every few hundred steps.",
        ),
    )


def _judge(
    window: Sequence[StepRecord],
    read: Callable[[StepRecord], float | None],
    rule: str,
    what: str,
    cause: str,
    solutions: tuple[str, ...],
) -> Finding | None:
    amid = [b for a, b in pairwise(window) if a.epoch == b.epoch and read(b)]
    each = [read(r) or 0.0 for r in amid]
    spent = sum(each)
    if len(amid) < TIMES or spent < TOTAL_S or max(each) > spent / 2 or window[-1].index - window[0].index < STEPS:
        return None
    whole = max((window[-1].time_ns - window[0].time_ns) / 1e9, sum(r.duration_s for r in window))
    if spent < SHARE * whole:
        return None
    steps = window[-1].index - window[0].index
    rhythm = _rhythm(window, amid)
    each_s = median(each)
    return Finding(
        rule=rule,
        category=Category.TRAINING,
        severity=Severity.WARNING,
        summary=f"{spent / whole:.0%} of the time goes into {what}: {spent:.3g} s in {steps:,} steps"
        + (f", {each_s:.3g} s every {rhythm} steps." if rhythm else "."),
        cause=cause,
        solutions=solutions,
        prevention="Look at how much of the time is left for training in the first minutes of a long run.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": amid[0].index,
            "spent_s": spent,
            "whole_s": whole,
            "share_of_time": round(spent / whole, 4),
            "steps": steps,
            **({"every_steps": rhythm, "each_s": each_s} if rhythm else {}),
        },
    )


def written_by(records: Sequence[StepRecord]) -> str:
    """Return the function that most of the writing was spent in; `torch.save` where nothing else is known."""
    spent: defaultdict[str, float] = defaultdict(float)
    for record in records:
        spent[record.saved_by or "torch.save"] += record.save_s or 0.0
    return max(spent, key=spent.__getitem__, default="torch.save")


def _rhythm(window: Sequence[StepRecord], amid: Sequence[StepRecord]) -> int | None:
    """Return how many steps are from one time to the next; None where they differ, or not every step was recorded."""
    if any(b.index - a.index > 1 for a, b in pairwise(window)):
        return None
    gaps = [b.index - a.index for a, b in pairwise(amid)]
    every = int(median(gaps))
    return every if max(gaps) - min(gaps) <= max(1, every // 10) else None
