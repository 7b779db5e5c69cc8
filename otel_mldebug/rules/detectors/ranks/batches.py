"""What the ranks of a data-parallel training are fed with: the same, or not equally much."""

from collections.abc import Sequence

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import RankView
from otel_mldebug.semconv.names import Category, Severity


def same_batches(views: Sequence[RankView], *, min_batches: int = 3) -> Finding | None:
    """Fire when two ranks of DistributedDataParallel were fed with the same batches, one after the other.

    Args:
        views: The ranks.
        min_batches: Batches that have to be the same, and as many different ones among them: training on one batch
            that is all the data is no fault.
    """
    known = [view for view in views if view.wrapped and view.batches]
    for place, view in enumerate(known):
        same = [view.rank, *(other.rank for other in known[place + 1 :] if _same(view, other, min_batches))]
        if len(same) > 1:
            return _same_finding(same, view)
    return None


def _same(view: RankView, other: RankView, min_batches: int) -> bool:
    common = view.batches.keys() & other.batches.keys()
    if len(common) < min_batches or any(view.batches[n] != other.batches[n] for n in common):
        return False
    return len({view.batches[n] for n in common}) >= min_batches


def _same_finding(same: Sequence[int], view: RankView) -> Finding:
    ranks = " and ".join(map(str, same)) if len(same) == 2 else f"{', '.join(map(str, same[:8]))}"
    return Finding(
        rule="distributed.same_batches",
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING,
        summary=f"Ranks {ranks} train on the same batches: all {len(view.batches)} that were compared are equal.",
        cause="Their sampler was made for the same rank, or all use the same seed."
        if view.divided
        else "The DataLoader has no DistributedSampler, and all ranks shuffle with the same seed: each goes through "
        "all the data in the same order, so the averaged gradient is that of one rank.",
        solutions=(
            "Give the DataLoader sampler=DistributedSampler(dataset), drop shuffle=True, and call "
            "sampler.set_epoch(epoch) at the start of each epoch.",
            "If a sampler is there already, look at its rank and num_replicas: make it after init_process_group.",
            "For data that is made on the fly, seed each rank differently: torch.manual_seed(seed + rank).",
        ),
        prevention="Compare a checksum of the first batch between ranks when training starts.",
        confidence=0.95,
        basis="detector",
        evidence={"rank": same[1], "ranks": tuple(same), "batches": len(view.batches), "step": 0},
    )


def uneven_batches(views: Sequence[RankView]) -> Finding | None:
    """Fire when all ranks of DistributedDataParallel have ended, after different numbers of steps.

    Every step of one rank needs all others: those of a rank that made more were averaged with something else, or
    with nothing. With Gloo, the rank that made more fails in its next backward pass, since its peer has closed the
    connection: that step counts. Where an exception has ended the rank that made fewest, that is what is wrong.
    """
    if len(views) < 2 or len(views) < views[0].world_size:
        return None
    if not all(view.ended and view.wrapped and view.steps and not view.joined for view in views):
        return None
    steps = [view.steps + view.begun for view in views]
    fewest = min(views, key=lambda view: view.steps + view.begun)
    if min(steps) == max(steps) or fewest.failed or all(view.begun for view in views):  # all failed within a step
        return None
    return Finding(
        rule="distributed.uneven_batches",
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING,
        summary=f"The ranks have made different numbers of steps: {min(steps):,} on rank {fewest.rank}, "
        f"{max(steps):,} on others.",
        cause="The ranks have different numbers of batches. Collectives of different steps are matched with each other "
        "from then on, and in the end a rank waits for one that has finished.",
        solutions=(
            "Use DistributedSampler (it evens the parts out), or drop_last=True in it and in the DataLoader.",
            "Wrap the loop in `with model.join():` if the inputs have to be uneven.",
        ),
        prevention="Check before training that len(loader) is the same on all ranks.",
        confidence=0.9,
        basis="detector",
        evidence={"rank": fewest.rank, "fewest": min(steps), "most": max(steps), "step": min(steps)},
    )
