"""Gradients that a program averages over its ranks by itself, and gets wrong."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import RankView, Reduction
from otel_mldebug.semconv.names import Category, Severity

LEAST = 4
"""Steps that have to show it, in a row."""
EQUAL = 1e-3
"""How much norms of gradients differ from step to step, at most, that were clipped to one value."""


def summed_gradients(views: Sequence[RankView]) -> Finding | None:
    """Fire when every rank uses the sum of the gradients of all ranks as it is, and the loss of each is a mean.

    A loss that is a sum, or was divided by something, may have been made for that.

    Args:
        views: The ranks.
    """
    if len(views) < 2 or any(view.wrapped or not view.mean_loss for view in views):
        return None
    if not all(len(view.reduced) >= LEAST and all(r.kept for r in view.reduced) for view in views):
        return None
    return _finding(
        "distributed.gradients_summed",
        f"The gradients of {len(views)} ranks are added up and never divided by their number: each step is "
        f"{len(views)} times as large as meant.",
        "all_reduce adds up, and nothing divides the result by the number of ranks before the optimizer uses it. "
        "The step grows with the number of ranks.",
        (
            "Divide after the sum: dist.all_reduce(p.grad); p.grad /= dist.get_world_size().",
            "Or let PyTorch do it: wrap the model in DistributedDataParallel, or use ReduceOp.AVG (NCCL).",
        ),
        {"rank": views[0].rank, "ranks": tuple(view.rank for view in views), "step": views[0].reduced[0].step},
    )


def clipped_before(views: Sequence[RankView]) -> Finding | None:
    """Fire when the gradients of a rank have the same norm in each step before they are averaged with the others'.

    Args:
        views: The ranks.
    """
    if len(views) < 2 or any(view.wrapped for view in views):
        return None
    for view in views:
        if len(view.reduced) >= LEAST and (limit := _limit(view.reduced)):
            return _finding(
                "distributed.clipped_before_reduce",
                f"Rank {view.rank} clips its own gradients to {limit:.3g} before they are averaged with those of the "
                "other ranks: each has that norm in every step looked at.",
                "clip_grad_norm_ comes before all_reduce: each rank scales by its own norm, so ranks with large "
                "gradients count for less, and the mean is no gradient of the loss.",
                (
                    "Average first, then clip what all ranks share: backward, all_reduce, clip_grad_norm_, step.",
                    "Or use DistributedDataParallel, which has averaged when backward returns.",
                ),
                {"rank": view.rank, "norm": limit, "step": view.reduced[0].step},
            )
    return None


def _limit(reduced: Sequence[Reduction]) -> float | None:
    """Return the norm that several steps in a row have in common; None if they have none."""
    norms = [r.local_norm for r in reduced]
    limit = max(norms)
    equal = [limit > 0 and limit - norm <= EQUAL * limit for norm in norms]
    run = most = 0
    for same in equal:
        run = run + 1 if same else 0
        most = max(most, run)
    return median(norm for norm, same in zip(norms, equal, strict=True) if same) if most >= LEAST else None


def _finding(rule: str, summary: str, cause: str, solutions: tuple[str, ...], evidence: dict[str, Value]) -> Finding:
    return Finding(
        rule=rule,
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING,
        summary=summary,
        cause=cause,
        solutions=solutions,
        prevention="Compare the update of one step on several ranks with that of one process on all their data.",
        confidence=0.8,
        basis="detector",
        evidence=evidence,
    )
