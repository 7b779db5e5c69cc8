"""How much the ranks of a data-parallel training count: gradients are averaged over ranks, whatever each was given."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import RankView
from otel_mldebug.semconv.names import Category, Severity

LEAST = 4
"""Steps that both ranks have told of, at least."""
UNEVEN = 2.0
"""How many times more samples a rank gets than another, in nearly all of those steps: last batches are smaller, too."""
USUALLY = 0.75
"""Share of the steps that counts as nearly all."""
HEAVIER = 2.0
"""How many times the loss of another rank the one with fewer samples has, if it is made to count for more. It has to
be the root of `UNEVEN` in samples, too."""
CONSTANT, FACTOR = 1.5, 3.0
"""Largest over smallest ratio of two ranks' losses, and the ratio, where one of them is multiplied by a number."""
EVEN = 1.25
"""Samples of one rank over those of another, up to which they are as many."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two ranks, step by step, the one that has more samples (or the lower loss, where they are as many) first.

    Attributes:
        more: The first.
        less: The other.
        sizes: Samples of both, in the median.
        samples: How many times more samples the first has, in each step; empty where that is not known.
        losses: How many times the loss of the first the other has.
    """

    more: int
    less: int
    sizes: tuple[int, int]
    samples: tuple[float, ...]
    losses: tuple[float, ...]


def unequal_weights(views: Sequence[RankView]) -> Finding | None:
    """Fire when ranks of DistributedDataParallel get very different batches, and losses do not make up for it.

    Averaging gives each rank the same weight. Where a rank has fewer samples, its loss has to be as much smaller (or be
    a sum) for all samples to count the same. Where it is larger instead, it is weighted the wrong way round. And where
    ranks get as many and the loss of one is a multiple of the other's in every step, it was multiplied.

    Args:
        views: The ranks.
    """
    known = [view for view in views if view.wrapped and not view.joined and len(view.fed) >= LEAST]
    pairs = [pair for place, one in enumerate(known) for other in known[place + 1 :] if (pair := _pair(one, other))]
    wrong = [pair for pair in pairs if _uneven(pair) and _wrong(pair)]
    if wrong:
        return _uneven_finding(max(wrong, key=lambda pair: median(pair.losses)), upside_down=True)
    multiplied = [pair for pair in pairs if _multiplied(pair)]
    if multiplied:
        return _multiplied_finding(max(multiplied, key=lambda pair: median(pair.losses)))
    same = [pair for pair in pairs if _uneven(pair) and 0.5 < median(pair.losses) < HEAVIER]
    return _uneven_finding(max(same, key=lambda pair: median(pair.samples)), upside_down=False) if same else None


def _pair(one: RankView, other: RankView) -> _Pair | None:
    mine = {step: (samples, loss) for step, samples, loss in one.fed if loss > 0}
    theirs = {step: (samples, loss) for step, samples, loss in other.fed if loss > 0}
    steps = sorted(mine.keys() & theirs.keys())
    if len(steps) < LEAST:
        return None
    losses = tuple(theirs[step][1] / mine[step][1] for step in steps)
    counts = [(mine[step][0], theirs[step][0]) for step in steps]
    sizes = round(median(m for m, _ in counts)), round(median(t for _, t in counts))
    ratios = tuple(m / t for m, t in counts) if all(m and t for m, t in counts) else ()
    size = median(ratios) if ratios else 1.0
    if size < 1 / EVEN or (size <= EVEN and median(losses) < 1):
        return _pair(other, one)
    return _Pair(one.rank, other.rank, sizes, ratios, losses)


def _uneven(pair: _Pair) -> bool:
    return bool(pair.samples) and sum(r >= UNEVEN for r in pair.samples) >= USUALLY * len(pair.samples)


def _wrong(pair: _Pair) -> bool:
    least = max(HEAVIER, median(pair.samples) ** 0.5)
    early = pair.losses[: max(LEAST, len(pair.losses) // 2)]
    return median(early) >= least and sum(r >= HEAVIER for r in early) >= USUALLY * len(early)


def _multiplied(pair: _Pair) -> bool:
    if not pair.samples or min(pair.samples) * EVEN < 1 or max(pair.samples) > EVEN:
        return False
    return min(pair.losses) >= FACTOR and max(pair.losses) <= CONSTANT * min(pair.losses)


def _uneven_finding(pair: _Pair, *, upside_down: bool) -> Finding:
    more, less = pair.sizes
    loss = median(pair.losses)
    own = f"the loss of rank {pair.less} is {loss:.2g} times as large" if upside_down else "both ranks count the same"
    pull = median(pair.samples) * (loss if upside_down else 1.0)
    return Finding(
        rule="distributed.unequal_weights",
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING if upside_down else Severity.INFO,
        summary=f"Rank {pair.more} trains on {more} samples a step and rank {pair.less} on {less}, and {own}: a sample "
        f"on rank {pair.less} counts {pull:.3g} times as much.",
        cause="The local loss is weighted the wrong way round: the rank with fewer samples gets the larger factor. "
        "DistributedDataParallel averages gradients over ranks, so the factor of a rank is its number of samples, "
        "times the number of ranks, over the samples of all."
        if upside_down
        else "DistributedDataParallel averages gradients over ranks, however many samples each has.",
        solutions=(
            "Multiply the mean loss of a rank by world_size * n / total, where n are its samples and total those of "
            "all ranks in this step; or use a sum and divide by total / world_size.",
            "Give all ranks batches of the same size, where they can take them.",
        ),
        prevention="Compare the gradient of one step on two ranks with that of one process on both batches.",
        confidence=0.85 if upside_down else 0.5,
        basis="detector",
        evidence={
            "rank": pair.less,
            "ranks": (pair.more, pair.less),
            "samples": (more, less),
            "times_samples": median(pair.samples),
            "times_loss": loss,
            "step": 0,
        },
    )


def _multiplied_finding(pair: _Pair) -> Finding:
    loss = median(pair.losses)
    return Finding(
        rule="distributed.unequal_weights",
        category=Category.DISTRIBUTED,
        severity=Severity.WARNING,
        summary=f"The loss of rank {pair.less} is {loss:.2g} times that of rank {pair.more} in every step compared: "
        "its samples count that much more.",
        cause="The loss is multiplied or divided by a number that is not the same on all ranks, or one of them sums "
        "where another takes the mean. DistributedDataParallel averages the gradients as they are.",
        solutions=(
            "Print the loss of each rank in the first step: with the same weights they should be about the same.",
            "Compute factors of the loss from what all ranks share (the world size, the samples of all), not of one.",
        ),
        prevention="Compare the gradient of one step on two ranks with that of one process on both batches.",
        confidence=0.75,
        basis="detector",
        evidence={"rank": pair.less, "ranks": (pair.more, pair.less), "times_loss": loss, "step": 0},
    )
