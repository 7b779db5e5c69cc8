"""Batches that come again, and samples that come again within a batch."""

from collections.abc import Sequence

from otel_mldebug.rules.detectors.statics.graph import BATCH
from otel_mldebug.rules.detectors.statics.telling import tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Part
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

ELEMENTS = 64
"""Elements of a batch, and features of a sample, from which equal ones are no chance."""
FEATURES = 8
SAME = 3
"""Looks of one pass over the data with the same batch, from which it is always the same."""
REPEATED = 0.5
"""Share of samples of a batch that are the same as another one, from which something is wrong."""
CONTINUOUS = ("float", "bfloat")


def repeated_batch(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a data loader gives the same batch at different steps of one and the same pass over the data.

    Training on the whole data set at once has one step to each pass, and training on one batch that was fetched once
    does not wait for data: neither counts.
    """
    passes = {r.index: r.epoch for r in window if r.data_s is not None and r.epoch is not None}
    seen: dict[tuple[int, str, int], list[int]] = {}
    for look in looks:
        epoch = passes.get(look.step)
        if epoch is None:
            continue
        for part in look.parts:
            if _telling(part):
                seen.setdefault((epoch, part.place, part.digest), []).append(look.step)
    again = [(steps, place) for (_, place, _), steps in seen.items() if len(set(steps)) > 1]
    if not again:
        return None
    steps, place = again[0]
    steps = sorted(set(steps))
    looked = len({look.step for look in looks if look.step in passes})
    if looked < SAME:
        return None
    always = len(steps) >= SAME and len(again) == len({place for _, place in again}) and len(steps) == looked
    first = next(look for look in looks if look.step == steps[1])
    return tell(
        "data.repeated_batch",
        Severity.ERROR if always else Severity.WARNING,
        first,
        f"The data loader gives the same batch again and again: at steps {', '.join(map(str, steps[:6]))} ({place})."
        if always
        else f"The data loader gave the same batch at steps {steps[0]} and {steps[1]} of one pass over the data "
        f"({place}).",
        category=Category.DATA,
        cause="__getitem__ does not use its index, or a sampler always gives the same ones."
        if always
        else "Workers make the same random numbers (each has a copy of the same NumPy generator), each of them goes "
        "through the whole of an iterable data set, or samples are there twice.",
        solutions=(
            "Check that __getitem__ uses its index, and that the sampler goes on.",
            "Print the first elements of a few batches in a row.",
        )
        if always
        else (
            "Seed NumPy and random in worker_init_fn from torch.initial_seed(), or use torch's generator.",
            "Split an iterable data set among workers with torch.utils.data.get_worker_info().",
            "Look for duplicates in the data set.",
        ),
        prevention="Compare a few batches in a test: no two of one pass may be equal.",
        confidence=0.9 if always else 0.8,
        place=place,
        steps=tuple(steps[:8]),
    )


def repeated_samples(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when most samples of a loader's batches are the same in each of three looks; features are continuous."""
    latest = looks[-SAME:]
    shares = []
    for look in latest:
        inputs = [part for part in look.parts if _telling(part) and part.role == "input" and _rich(part)]
        shares += [min(part.repeated for part in inputs)] if inputs else []
    if len(latest) < SAME or len(shares) < SAME or min(shares) < REPEATED:
        return None
    return tell(
        "data.repeated_samples",
        Severity.WARNING,
        latest[0],
        f"{min(shares):.0%} of the samples of each batch are the same as another one in it.",
        category=Category.DATA,
        cause="The data set gives the same sample for several indices, or random ones draw the same numbers.",
        solutions=(
            "Check that __getitem__ uses its index, and that the files behind different indices differ.",
            "Check samplers that draw with replacement, and weights that are 0 for almost all samples.",
        ),
        prevention="Count distinct samples of a batch in a test.",
        confidence=0.8,
        share=min(shares),
    )


def _telling(part: Part) -> bool:
    """Return whether equal contents of a part cannot be chance: from a loader, not constant, continuous, large."""
    stats = part.stats
    return (
        part.place.startswith(BATCH)
        and bool(part.digest)
        and stats is not None
        and stats.size >= ELEMENTS
        and stats.low != stats.high
        and part.dtype.startswith(CONTINUOUS)
    )


def _rich(part: Part) -> bool:
    """Return whether samples have many features that are not mostly 0, as one-hot states and small grids are not."""
    samples = part.shape[0] if part.shape else 0
    return part.stats is not None and samples > 3 and part.stats.size >= FEATURES * samples and part.stats.zero < 0.5
