"""Where the loss of a regression stays that has learned no more than the mean of its targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.reading import trend
from otel_mldebug.rules.detectors.statics.graph import BATCH
from otel_mldebug.rules.looks import Look, Part

NO_BETTER, NO_WORSE = 0.97, 1.25
"""Loss over the variance of the same batch's targets, of what always gives the mean of all targets. 3 % of the variance
is what is explained by chance; what is much worse than the mean still has that to learn, somewhat worse is a network
that cannot give it everywhere."""
LOOKS = 3
"""Looks at that level, at least."""
LEAST_SAMPLES = 8
"""Samples of a batch whose variance says something."""
FALLS = 0.93
"""Mean loss of the latest quarter of the steps over that of the second one, below which it still falls."""
_MEAN = 1
"""What losses save of their reduction. Source: PyTorch aten/src/ATen/core/Reduction.h."""


@dataclass(frozen=True, slots=True)
class Level:
    """A loss that nothing but a guess is needed for.

    Attributes:
        since: Step from which on it has been there.
        loss: What it is now.
        chance: What the guess gives.
    """

    since: int
    loss: float
    chance: float


def at_mean(looks: Sequence[Look], course: Course) -> Level | None:
    """Return since when a squared error has been that of the mean of the targets, and never was lower.

    Targets that the program computes itself are left out: those of a critic change with it, and with noise.
    """
    known = [(look, *found) for look in looks if (found := _explained(look)) is not None]
    there = list(takewhile(lambda one: NO_BETTER <= one[1] <= NO_WORSE, reversed(known)))
    if len(there) < LOOKS or any(ratio < NO_BETTER for _, ratio, _ in known):
        return None
    goes = trend(course)
    if goes is not None and goes < FALLS:
        return None
    latest = [look.loss for look, _, _ in there if look.loss is not None]
    return Level(there[-1][0].step, fmean(latest), fmean(chance for _, _, chance in there))


def _explained(look: Look) -> tuple[float, float] | None:
    """Return the loss over what the mean gives, and that; None where the loss is no plain squared error."""
    last = look.operations[-1] if look.operations else None
    if last is None or last.kind != "MseLoss" or last.settings.get("reduction") != _MEAN or look.loss is None:
        return None
    targets = [part for part in look.parts if part.role == "target"]
    part = targets[0] if len(targets) == 1 else None
    if part is None or not part.variance or not _from_loader(part):
        return None
    return look.loss / part.variance, part.variance


def _from_loader(part: Part) -> bool:
    return part.place.startswith(BATCH) and len(part.shape) > 0 and part.shape[0] >= LEAST_SAMPLES
