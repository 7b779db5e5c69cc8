"""Replicas of one model that drift apart."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.ranks import Check, RankView
from otel_mldebug.semconv.names import Category, Severity


class Drift(NamedTuple):
    """Where ranks differ first.

    Attributes:
        optimizer: Place of the optimizer.
        check: The first check that differs, as one of the ranks that differ has it.
        parameter: Name of the first parameter that differs.
        ranks: Those that differ from most others, or from rank 0 where there is no majority.
        differing: How many parameters differ in that check.
        looked_at: How many were compared.
    """

    optimizer: int
    check: Check
    parameter: str
    ranks: tuple[int, ...]
    differing: int
    looked_at: int


def replicas_differ(
    views: Sequence[RankView], *, confirmed: int = 2, alone: int = 5, patience: int = 100
) -> Finding | None:
    """Fire when parameters that must be the same on all ranks are not, and do not become the same again.

    Only replicas are compared: the same optimizers with the same parameters by name, nothing sharded. Without
    DistributedDataParallel they must have been the same at the start, or the ranks must share one dataset or add up
    their gradients: else each may train a model of its own on purpose.

    Args:
        views: The ranks.
        confirmed: Checks in a row that differ, up to the latest, inside of DistributedDataParallel.
        alone: The same without it, where …
        patience: … so many optimizer steps have passed, or all have ended: whoever averages models now and then makes
            them equal again in between.
    """
    if len(views) < 2 or any(view.sharded for view in views) or len({view.names for view in views}) > 1:
        return None
    for optimizer in range(len(views[0].names)):
        drift = _drift(views, optimizer, confirmed, alone, patience)
        if drift is not None:
            return _finding(drift, views)
    return None


def _drift(views: Sequence[RankView], optimizer: int, confirmed: int, alone: int, patience: int) -> Drift | None:
    rows = list(_rows(views, optimizer))
    if len(rows) < 2:
        return None
    first = next((place for place, row in enumerate(rows) if _differing(row)), None)
    if first is None or not all(_differing(row) for row in rows[first:]):
        return None  # equal again by now: somebody averages them
    inside = all(check.synchronising is not None for check in rows[first])
    if not inside and not _meant_as_one(views, first):
        return None
    if len(rows) - first < (confirmed if inside else alone):
        return None
    passed = rows[-1][0].number - rows[first][0].number
    if not inside and passed < patience and not all(view.ended for view in views):
        return None
    row = rows[first]
    places = _differing(row)
    sums = [check.sums for check in row]
    usual, votes = Counter(sums).most_common(1)[0]
    if votes * 2 <= len(sums):
        usual = sums[0]
    ranks = tuple(view.rank for view, own in zip(views, sums, strict=True) if own != usual)
    odd = next(check for check in row if check.sums != usual)
    names = views[0].names[optimizer]
    parameter = names[odd.picked[places[0]]] if odd.picked[places[0]] < len(names) else ""
    return Drift(optimizer, odd, parameter, ranks, len(places), len(odd.sums))


def _meant_as_one(views: Sequence[RankView], first: int) -> bool:
    return first > 0 or any(view.divided for view in views) or all(view.reduced for view in views)


def _rows(views: Sequence[RankView], optimizer: int) -> Iterator[tuple[Check, ...]]:
    """Yield the checks that all ranks have made, one of each, by number."""
    by_number = [{c.number: c for c in view.checks if c.optimizer == optimizer} for view in views]
    for number in sorted(set.intersection(*(set(checks) for checks in by_number))):
        row = tuple(checks[number] for checks in by_number)
        if len({check.picked for check in row}) == 1 and len({len(check.sums) for check in row}) == 1:
            yield row


def _differing(row: Sequence[Check]) -> list[int]:
    return [place for place, sums in enumerate(zip(*(c.sums for c in row), strict=True)) if len(set(sums)) > 1]


def _finding(drift: Drift, views: Sequence[RankView]) -> Finding:
    synchronising = drift.check.synchronising
    cause, solutions = _LEFT_OUT if synchronising is False else _OUTSIDE if synchronising is None else _INSIDE
    some = drift.ranks[:8]
    ranks = f"rank {some[0]}" if len(drift.ranks) == 1 else f"ranks {', '.join(map(str, some))}"
    return Finding(
        rule="distributed.replicas_differ",
        category=Category.DISTRIBUTED,
        severity=Severity.ERROR,
        summary=f"The model of {ranks} is not that of the other ranks from step {drift.check.step} on"
        + (f", first in {drift.parameter}." if drift.parameter else "."),
        cause=cause,
        solutions=solutions,
        prevention="Compare checksums of the parameters between ranks every few hundred steps.",
        confidence=0.95 if synchronising is not None else 0.85,
        basis="detector",
        evidence={
            "rank": drift.ranks[0],
            "ranks": drift.ranks,
            "layer": drift.parameter,
            "step": drift.check.step,
            "differing": drift.differing,
            "looked_at": drift.looked_at,
            "wrapped": synchronising is not None,
        },
    )


_LEFT_OUT = (
    "The optimizer steps while DistributedDataParallel is told not to average gradients: the last backward pass before "
    "it runs inside of no_sync(), so each rank uses its own.",
    (
        "Leave `with model.no_sync():` for the last backward pass before optimizer.step(): only the earlier ones of an "
        "accumulation belong into it.",
        "See that the forward pass of that last batch runs outside of no_sync(), too.",
    ),
)
_OUTSIDE = (
    "Each rank uses its own gradients: the model is not wrapped in DistributedDataParallel, and nothing else averages "
    "them.",
    (
        "Wrap the model before training: model = DistributedDataParallel(model), and call that one in the loop.",
        "If gradients are averaged by hand, do it for every parameter, between backward() and optimizer.step(), and "
        "divide by the number of ranks.",
        "Make all ranks start alike: the same seed, or a broadcast of the parameters from rank 0.",
    ),
)
_INSIDE = (
    "Something changes the parameters of some ranks only: a forward pass that goes by the wrapper (model.module(...)), "
    "a parameter changed under a condition on the rank, or gradients changed after they were averaged.",
    (
        "Call the wrapped model itself in training, not model.module: only its forward pass arranges the averaging.",
        "Look for code under `if rank == …` that touches parameters, gradients, the learning rate or the optimizer.",
        "Use the same learning rate, clipping and random numbers on all ranks; load checkpoints on all of them.",
    ),
)
