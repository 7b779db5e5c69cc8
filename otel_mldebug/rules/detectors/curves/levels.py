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
LEAST_SAMPLES = 8
"""Samples of a batch whose variance says something."""
FALLS = 0.93
"""Mean loss of the latest quarter of the steps over that of the second one, below which it still falls."""
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

    Numbers that the program computes itself are left out: those of a critic change with it, and with noise. So are
    losses that weigh classes or leave some out: what a constant gives there is not known.
    """
    known = [(look, *found) for look in looks if (found := _explained(look)) is not None]
    numbers = bool(known) and known[-1][0].operations[-1].kind == "MseLoss"
    least, most = (NO_BETTER, NO_WORSE) if numbers else (NO_BETTER - NOISE, 1 + NOISE)
    there = list(takewhile(lambda one: least <= one[1] <= most, reversed(known)))
    if len(there) < LOOKS or any(ratio < least for _, ratio, _ in known):
        return None
    goes = trend(course)
    if median(ratio for _, ratio, _ in there) < NO_BETTER or (goes is not None and goes < FALLS):
        return None
    latest = [look.loss for look, _, _ in there[:LOOKS] if look.loss is not None]
    return Level(there[-1][0].step, fmean(latest), fmean(chance for _, _, chance in there[:LOOKS]))


def _explained(look: Look) -> tuple[float, float] | None:
    """Return the loss over what the constant gives, and that; None where the loss is no plain mean of such."""
    last = look.operations[-1] if look.operations else None
    if last is None or last.settings.get("reduction") != _MEAN or look.loss is None:
        return None
    targets = [part for part in look.parts if part.role == "target"]
    part = targets[0] if len(targets) == 1 else None
    if part is None or not part.guess or not _plain(last, part):
        return None
    return look.loss / part.guess, part.guess


def _plain(loss: Operation, target: Part) -> bool:
    given = [shape for shape in loss.operands if shape]
    if loss.kind == "MseLoss":
        return target.place.startswith(BATCH) and len(target.shape) > 0 and target.shape[0] >= LEAST_SAMPLES
    if loss.kind in _CLASSES:
        ignored = loss.settings.get("ignore_index")
        return len(given) == _UNWEIGHTED and not (isinstance(ignored, int) and ignored >= 0)
    return loss.kind in _LABELS and len(given) == _UNWEIGHTED
