"""Where the loss of a model stays that has learned no more than the mean of its targets, or the shares of classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.layers.reading import trend
from otel_mldebug.rules.detectors.statics.graph import BATCH
from otel_mldebug.rules.looks import Look, Operation, Part

NO_BETTER, NO_WORSE = 0.97, 1.25
"""Loss over that of always giving the best constant for the same batch's targets. 3 % are explained by chance; what is
much worse than the constant still has that to learn, somewhat worse is a network that cannot give it everywhere."""
NOISE = 0.04
"""How much lower or higher it may be in one batch of classes: their shares differ from those in all data."""
LOOKS = 3
"""Looks at that level, at least."""
SPREAD, DRIFT = 2.5, 5.0
"""How much targets may change from look to look that are the same kind of numbers all along: largest variance over the
smallest, and standard errors between a mean and the one in the middle."""
LEAST_SAMPLES = 8
"""Samples of a batch whose variance says something."""
FALLS = 0.93
"""Mean loss of the latest quarter of the steps over that of the second one, below which it still falls."""
_TINY = 1e-12
_MEAN = 1
"""What losses save of their reduction. Source: PyTorch aten/src/ATen/core/Reduction.h."""
_CLASSES = frozenset(("NllLoss", "NllLoss2D"))
_LABELS = frozenset(("BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"))
_UNWEIGHTED = 2
"""Tensors that those save where no weights are given: what was predicted, and the targets."""


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


def at_guess(looks: Sequence[Look], course: Course) -> Level | None:
    """Return since when a loss has been that of the best constant, and never was lower.

    Numbers that do not come out of a loader have to stay alike: those of a critic change with it. Losses that weigh
    classes or leave some out do not count: what a constant gives there is not known.
    """
    pairs = [(look, part) for look in looks if (part := _target(look)) is not None]
    known = [(look, look.loss / part.guess, part.guess) for look, part in pairs if look.loss is not None and part.guess]
    numbers = bool(known) and known[-1][0].operations[-1].kind == "MseLoss"
    if numbers and not _alike([part for _, part in pairs]):
        return None
    least, most = (NO_BETTER, NO_WORSE) if numbers else (NO_BETTER - NOISE, 1 + NOISE)
    there = list(takewhile(lambda one: least <= one[1] <= most, reversed(known)))
    if len(there) < LOOKS or any(ratio < least for _, ratio, _ in known):
        return None
    goes = trend(course)
    if median(ratio for _, ratio, _ in there) < NO_BETTER or (goes is not None and goes < FALLS):
        return None
    latest = [look.loss for look, _, _ in there[:LOOKS] if look.loss is not None]
    return Level(there[-1][0].step, fmean(latest), fmean(chance for _, _, chance in there[:LOOKS]))


def _target(look: Look) -> Part | None:
    """Return what the loss compares with; None where it is no plain mean, or what a constant gives is not known."""
    last = look.operations[-1] if look.operations else None
    if last is None or last.settings.get("reduction") != _MEAN or look.loss is None:
        return None
    targets = [part for part in look.parts if part.role == "target"]
    part = targets[0] if len(targets) == 1 else None
    return part if part is not None and part.guess and _plain(last, part) else None


def _alike(targets: Sequence[Part]) -> bool:
    """Return whether targets come out of a loader, or have about the same mean and variance in all looks."""
    if all(part.place.startswith(BATCH) for part in targets):
        return True
    known = [(part.stats, part.guess) for part in targets if part.stats is not None and part.guess]
    if len(known) < len(targets):
        return False
    middle, guesses = median(stats.mean for stats, _ in known), [guess for _, guess in known]
    drift = max(abs(stats.mean - middle) / (stats.std / stats.size**0.5 + _TINY) for stats, _ in known)
    return max(guesses) <= SPREAD * min(guesses) and drift <= DRIFT


def _plain(loss: Operation, target: Part) -> bool:
    given = [shape for shape in loss.operands if shape]
    if loss.kind == "MseLoss":
        return len(target.shape) > 0 and target.shape[0] >= LEAST_SAMPLES
    if loss.kind in _CLASSES:
        ignored = loss.settings.get("ignore_index")
        return len(given) == _UNWEIGHTED and not (isinstance(ignored, int) and ignored >= 0)
    return loss.kind in _LABELS and len(given) == _UNWEIGHTED
