"""A rank that computes for longer than the others, wherever in the step it does so."""

from collections.abc import Mapping, Sequence
from statistics import median

from otel_mldebug.rules.detectors.ranks.straggler import timed_together
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import RankView, Times
from otel_mldebug.semconv.names import Category, Phase, Severity

FACTOR, SHARE = 1.5, 0.15
"""How many times as long as the others it computes, and how much more that is, as a share of the step, at least."""
EXCESS_S, TOTAL_S = 0.002, 0.5
"""The same in seconds, of a step and of all steps that are known."""
USUALLY = 0.75
"""Share of the steps in which it computes for longer than the others."""
MADE_UP = 0.25
"""Share of that which the others may take longer outside of backward."""


def busier_rank(views: Sequence[RankView]) -> Finding | None:
    """Fire when the thread of one rank uses far more processor time than those of the others, in nearly every step.

    All train the same model, and their steps take the same time: whoever has less to compute waits. In which phase it
    is slow does not matter, so slow backward passes are seen, too, and so is what is spread over several phases.

    Args:
        views: The ranks. Processor times that are 0 are not known: where a GPU computes, and where those who wait do
            so by asking all the time.
    """
    if len({view.names for view in views}) != 1 or not views[0].names or any(view.sharded for view in views):
        return None
    found = timed_together(views)
    if found is None:
        return None
    timed, common = found
    common = [step for step in common if all(times[step].cpu_s > 0 for times in timed.values())]
    if len(common) < 20:
        return None
    duration_s = median(median(times[step].duration_s for times in timed.values()) for step in common)
    rank = max(timed, key=lambda rank: median(timed[rank][step].cpu_s for step in common))
    excess = [timed[rank][step].cpu_s - _others(timed, rank, step, "cpu_s") for step in common]
    own_s = median(timed[rank][step].cpu_s for step in common)
    other_s = median(_others(timed, rank, step, "cpu_s") for step in common)
    more_s, lost_s = median(excess), sum(excess)
    if more_s < max(EXCESS_S, SHARE * duration_s) or own_s < FACTOR * other_s or lost_s < TOTAL_S:
        return None
    if sum(value > 0 for value in excess) < USUALLY * len(excess) or _made_up(timed, rank, common, more_s):
        return None
    other, others = ("the other", "the other") if len(timed) == 2 else ("the others", "each of the others")
    return Finding(
        rule="distributed.straggler",
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING,
        summary=f"Rank {rank} is slower than {other} by {more_s * 1e3:.0f} ms a step, {more_s / duration_s:.0%} of "
        f"its time: it computes for {own_s * 1e3:.3g} ms in a step, {others} for {other_s * 1e3:.3g} ms, and waits.",
        cause=f"Every step takes as long as its slowest rank, and rank {rank} always has more to do: longer sequences, "
        "larger samples or batches, work that only this rank does in the model or in hooks.",
        solutions=(
            "Compare the shapes of the batches of all ranks. Data that is sorted by length or size must not be cut "
            "into one piece for each rank: shuffle it, or deal it out in turn (DistributedSampler).",
            "Bucket samples by length over all ranks, so that the batches of one step cost the same on each of them.",
            "Look for what only this rank does in each step: checks, hooks, metrics, conditions on the rank.",
        ),
        prevention="Compare the phases of the ranks in the first hundred steps: otel-mldebug training.",
        confidence=0.85,
        basis="detector",
        evidence={
            "rank": rank,
            "phase": Phase.FORWARD.value if _wall(timed, rank, common, "forward_s") > 0 else Phase.BACKWARD.value,
            "excess_s": round(more_s, 6),
            "cpu_s": round(own_s, 6),
            "cpu_s_others": round(other_s, 6),
            "step_s": round(duration_s, 6),
            "lost_s": round(lost_s, 3),
            "steps": len(common),
            "step": common[0],
        },
    )


def _others(timed: Mapping[int, Mapping[int, Times]], rank: int, step: int, name: str) -> float:
    return float(median(getattr(times[step], name) for other, times in timed.items() if other != rank))


def _wall(timed: Mapping[int, Mapping[int, Times]], rank: int, common: Sequence[int], name: str) -> float:
    return median([float(getattr(timed[rank][step], name)) - _others(timed, rank, step, name) for step in common])


def _made_up(timed: Mapping[int, Mapping[int, Times]], rank: int, common: Sequence[int], more_s: float) -> bool:
    """Return whether the others wait for their data, files or devices meanwhile, before backward begins."""
    own_s = sum(_wall(timed, rank, common, name) for name in ("data_s", "forward_s", "optimizer_s"))
    return own_s < -MADE_UP * more_s
