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
    """Fire when a data loader gives the same batch at different places of one and the same pass over the data.

    Or when each step begins a pass anew and gives it up after its first batch, which is always the same. Training on
    the whole data set at once has one batch to each pass, and training on one batch that was fetched once fetches
    none: neither counts.
    """
    fed = [look for look in looks if look.passing]
    if len(fed) < SAME:
        return None
    seen: dict[tuple[int, str, int], dict[int, Look]] = {}
    starts: dict[tuple[str, int], dict[int, Look]] = {}
    for look in fed:
        for part in filter(_telling, look.parts):
            seen.setdefault((look.passing, part.place, part.digest), {}).setdefault(look.place, look)
            if look.place == 1 and look.batches > 1:
                starts.setdefault((part.place, part.digest), {}).setdefault(look.passing, look)
    again = [(place, list(found.values())) for (_, place, _), found in seen.items() if len(found) > 1]
    anew = [(place, list(found.values())) for (place, _), found in starts.items() if len(found) == len(fed)]
    if not again and not anew:
        return None
    place, same = (again or anew)[0]
    return _say(place, same, why=_ANEW if not again else _ALWAYS if len(same) == len(fed) else _SOMETIMES)


_ANEW = (
    "next(iter(loader)) inside of the training loop begins a new pass at each step: without shuffling, its first batch "
    "is always the same.",
    "Iterate: for batch in loader, for each epoch.",
    "For a loop by steps, make one iterator before it, and a new one when it is exhausted.",
)
_ALWAYS = (
    "__getitem__ does not use its index, or a sampler always gives the same ones.",
    "Check that __getitem__ uses its index, and that the sampler goes on.",
    "Print the first elements of a few batches in a row.",
)
_SOMETIMES = (
    "Workers make the same random numbers (each has a copy of the same NumPy generator), each of them goes through the "
    "whole of an iterable data set, or samples are there twice.",
    "Seed NumPy and random in worker_init_fn from torch.initial_seed(), or use torch's generator; split an iterable "
    "data set among workers with torch.utils.data.get_worker_info().",
    "Look for duplicates in the data set.",
)


def _say(place: str, same: list[Look], *, why: tuple[str, str, str]) -> Finding:
    steps = [look.step for look in same]
    return tell(
        "data.repeated_batch",
        Severity.WARNING if why is _SOMETIMES else Severity.ERROR,
        same[1],
        f"The data loader gave the same batch at steps {', '.join(map(str, steps[:6]))} ({place})"
        + (" of one pass over the data." if why is _SOMETIMES else ": always the same one."),
        category=Category.DATA,
        cause=why[0],
        solutions=why[1:],
        prevention="Compare a few batches in a test: no two of one pass may be equal.",
        confidence=0.8 if why is _SOMETIMES else 0.9,
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


def same_random(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when all workers of the loader draw the same random numbers, one after the other."""
    alike = next((look for look in looks if look.alike), None)
    if alike is None:
        return None
    return tell(
        "data.same_augmentation",
        Severity.WARNING,
        alike,
        f"All workers of the DataLoader draw the same random numbers, from {alike.alike}.",
        category=Category.DATA,
        cause="Each worker begins with a copy of the same state, and gets it again in each pass over the data: "
        "augmentations and noise repeat across workers and epochs. PyTorch only gives torch, random and numpy.random "
        "a seed for each worker.",
        solutions=(
            "Make the generator in worker_init_fn, from torch.initial_seed() or get_worker_info().seed.",
            "Or draw from torch, random or numpy.random themselves, and leave their seeds alone in workers.",
        ),
        prevention="Compare the first samples of two workers, and of two epochs, in a test.",
        confidence=0.9,
        generator=alike.alike,
    )


def _telling(part: Part) -> bool:
    """Return whether equal contents of a part cannot be chance: from a loader, not constant, continuous, large."""
    stats = part.stats
    return (
        part.place.startswith(BATCH)
        and part.role != "target"  # labels are few values, and few labels are often the same
        and bool(part.digest)
        and stats is not None
        and stats.size >= ELEMENTS
        and stats.low != stats.high
        and part.dtype.startswith(CONTINUOUS)
    )


def _rich(part: Part) -> bool:
    """Return whether samples have many features that are not mostly 0, as one-hot states and small grids are not.

    Samples with NaN cannot be told apart.
    """
    stats, samples = part.stats, part.shape[0] if part.shape else 0
    if stats is None or stats.nonfinite:
        return False
    return samples > 3 and stats.size >= FEATURES * samples and stats.zero < 0.5
