"""A rank that the others wait for, step after step."""

from collections.abc import Mapping, Sequence
from statistics import median

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import RankView, Times
from otel_mldebug.semconv.names import Category, Phase, Severity

_WORK: Mapping[str, str] = {
    Phase.DATA.value: "data_s",
    Phase.FORWARD.value: "forward_s",
    Phase.OPTIMIZER.value: "optimizer_s",
    Phase.OTHER.value: "other_s",
}
"""What each rank does on its own. In backward passes the fast ones wait for the slow one."""
_WORDS = {
    Phase.DATA.value: "waiting for data",
    Phase.FORWARD.value: "the forward pass",
    Phase.OPTIMIZER.value: "the optimizer",
    Phase.OTHER.value: "code outside of the phases (logging, saving, metrics)",
}
_SOLUTIONS: Mapping[str, tuple[str, ...]] = {
    Phase.DATA.value: (
        "Compare how that rank gets its data with the others: slower disk or mount, larger files, fewer workers.",
        "Give every rank an equal share, by size and not by number of files, and load with several workers.",
    ),
    Phase.FORWARD.value: (
        "Look for work that only this rank does between batch and loss: longer inputs, extra checks, rank conditions.",
        "Sort or bucket samples by length, so that the batches of all ranks cost the same.",
        "See whether other processes share this rank's processor or GPU, or it is clocked down by heat or power.",
    ),
    Phase.OPTIMIZER.value: (
        "See whether other processes share this rank's processor or GPU.",
        "Compare the parameters that each rank's optimizer holds.",
    ),
    Phase.OTHER.value: (
        "Move what only this rank does in every step (logging, metrics, checkpoints) to every hundredth step.",
        "Write checkpoints and logs in a thread of their own.",
    ),
}


def straggler(
    views: Sequence[RankView],
    *,
    min_steps: int = 20,
    first: int = 5,
    share: float = 0.25,
    min_excess_s: float = 0.002,
    min_total_s: float = 0.5,
    usually: float = 0.75,
) -> Finding | None:
    """Fire when one rank takes longer than all others for its own work, in nearly every step, and they wait for it.

    All ranks have the same step time then: what the slow one has too much in one phase, the others lose by waiting.

    Args:
        views: The ranks.
        min_steps: Steps that all ranks have timed, needed.
        first: Steps at the beginning that are left out: everything warms up.
        share: Excess over the other ranks' median, as a share of the step, 0 to 1.
        min_excess_s: The same in seconds, at least.
        min_total_s: What was lost in all, seconds, at least.
        usually: Share of the steps in which it is the slowest, 0 to 1.
    """
    found = timed_together(views, min_steps=min_steps, first=first)
    if found is None:
        return None
    timed, common = found
    duration_s = median(median(timed[rank][step].duration_s for rank in timed) for step in common)
    wrapped = any(view.wrapped for view in views)
    best: tuple[float, int, str, list[float]] | None = None
    for phase, name in _WORK.items():
        if phase == Phase.OTHER.value and not wrapped:  # whoever synchronises by hand waits there
            continue
        for rank in timed:
            excess = [_excess(timed, step, rank, name) for step in common]
            if best is None or median(excess) > best[0]:
                best = (median(excess), rank, phase, excess)
    if best is None:
        return None
    excess_s, rank, phase, each = best
    slowest = sum(value > 0 for value in each) / len(each)
    lost_s = sum(each)
    if excess_s < max(min_excess_s, share * duration_s) or slowest < usually or lost_s < min_total_s:
        return None
    others = [other for other in timed if other != rank]
    return Finding(
        rule="distributed.straggler",
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING,
        summary=f"Rank {rank} is slower than the others by {excess_s * 1e3:.0f} ms a step, {excess_s / duration_s:.0%} "
        f"of its time, in {_WORDS[phase]}; {'the other waits' if len(others) == 1 else f'{len(others)} others wait'}.",
        cause=f"Every step takes as long as its slowest rank. Rank {rank} spends "
        f"{median(getattr(timed[rank][s], _WORK[phase]) for s in common) * 1e3:.0f} ms in {_WORDS[phase]}, the others "
        f"{median(getattr(timed[o][s], _WORK[phase]) for o in others for s in common) * 1e3:.0f} ms.",
        solutions=_SOLUTIONS[phase],
        prevention="Compare the phases of the ranks in the first hundred steps: otel-mldebug training.",
        confidence=0.85,
        basis="detector",
        evidence={
            "rank": rank,
            "phase": phase,
            "excess_s": round(excess_s, 6),
            "step_s": round(duration_s, 6),
            "lost_s": round(lost_s, 3),
            "slowest_share": round(slowest, 3),
            "steps": len(common),
            "step": common[0],
        },
    )


def timed_together(
    views: Sequence[RankView], *, min_steps: int = 20, first: int = 5
) -> tuple[dict[int, dict[int, Times]], list[int]] | None:
    """Return the times of all ranks by step, and the steps that all have timed; None if they do not wait in step.

    Args:
        views: The ranks.
        min_steps: Steps that all ranks have timed, needed.
        first: Steps at the beginning that are left out: everything warms up.
    """
    timed = {view.rank: {t.step: t for t in view.times if t.step >= first} for view in views if view.times}
    if len(timed) < 2 or len(timed) < len(views):
        return None
    common = sorted(set.intersection(*(set(times) for times in timed.values())))
    return (timed, common) if len(common) >= min_steps and _together(timed, common) else None


def _together(timed: Mapping[int, Mapping[int, Times]], common: Sequence[int]) -> bool:
    """Return whether the steps of all ranks take the same time, as they do when they wait for each other."""
    sums = [sum(times[step].duration_s for step in common) for times in timed.values()]
    return max(sums) <= 1.2 * min(sums)


def _excess(timed: Mapping[int, Mapping[int, Times]], step: int, rank: int, name: str) -> float:
    others = [getattr(times[step], name) for other, times in timed.items() if other != rank]
    return float(getattr(timed[rank][step], name) - median(others))
