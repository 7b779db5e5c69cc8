"""A loss that stays where chance puts it although there are gradients."""

import math
from collections.abc import Sequence
from statistics import fmean, median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.clipping import blame_clipping, clipped_norm
from otel_mldebug.rules.detectors.curves.levels import Level, at_guess
from otel_mldebug.rules.detectors.history import history
from otel_mldebug.rules.detectors.layers.reading import matrices
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Part
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

CLOSE = 0.015
"""Distance of the loss from that of a guess, as a share of it: noise of batches, classes that are not equally many."""
HINT_STEPS, SURE_STEPS = 250, 500
"""Steps at that level, of which to take note, and of which to warn: made-up data that holds nothing to learn is common
in short trials."""
OVER_STEPS = 200
"""The same once training is over, of data that is none of those: nothing more will come."""
HINT_SAMPLES, SURE_SAMPLES, OVER_SAMPLES = 16_384, 32_768, 1_024
"""Samples that were seen in those steps, at least, while training goes on, and when it is over: small batches at small
rates take long. With the network and settings of PyTorch's CIFAR-10 tutorial (SGD at 0.001, batches of 4) and generated
images, the mean loss of the first 1,000 steps was 2.302, of the second 2.286, and that of the fourth 1.72."""
NORMAL = 2.8
"""Smallest and largest of so many numbers from a normal distribution go beyond this, if it is a standard one."""
UNEVEN = 0.95
"""Entropy of the targets, over that of classes that are equally frequent, below which they are not."""
LATEST = 100
"""Latest losses that tell the level."""
MOVED = 0.03
"""All updates so far over the weights, if they all went one way, below which nothing can have been learned."""
MOVED_CLIPPED = 0.5
"""The same in half of the layers, below which gradients that are clipped in every step are clipped too strongly."""
DEAD = 0.9
"""Share of the units of a layer that are dead, or saturated, which explains by itself why nothing is learned."""
_NEVER = 1 << 62
_PAIRS = (
    "Labels that do not belong to their inputs are the most likely cause: gradients reach all layers and inputs "
    "differ, so there is nothing in the pairs to learn. Shuffling or sorting inputs or labels alone does this, in a "
    "collate function, in lists of files, or with two loaders. Otherwise inputs were destroyed, or the task needs "
    "another model."
)
_STILL = (
    "The updates so far add up to {:.2g} of the weights at most, too little for anything to be learned: the learning "
    "rate is too low, or clipping or a factor of the loss makes the gradients that small."
)
_OTHERS = (
    "What reaches the output does not depend on the input, or the targets do not: dead or saturated layers, dropout "
    "close to 1, a detached part, shuffled or constant labels, inputs that were destroyed."
)
_RECURRENT = frozenset(("RNN", "RNNCell", "GRU", "GRUCell", "LSTM", "LSTMCell"))


def plateau_at_chance(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the loss of a classifier has stayed at the logarithm of the number of classes.

    And that of a regression at what the mean of the targets gives, if the targets come from a data loader, or that of
    a classifier at what the shares of its classes give.

    Args:
        looks: Into steps of one optimizer: they tell how many classes there are.
        window: Steps of the same, oldest first; of a `Course` all of them are judged.
    """
    seen = _seen(looks, window)
    sure = SURE_STEPS if seen >= SURE_SAMPLES else _NEVER
    return _plateau(looks, window, HINT_STEPS, sure) if seen >= HINT_SAMPLES else None


def plateau_to_the_end(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire like `plateau_at_chance` once training is over: then a shorter time tells, unless the data is made up."""
    if _seen(looks, window) < OVER_SAMPLES:
        return None
    if any(_made_up(look) for look in looks):
        return _plateau(looks, window, HINT_STEPS, SURE_STEPS)
    return _plateau(looks, window, OVER_STEPS, OVER_STEPS)


def _plateau(looks: Sequence[Look], window: Sequence[StepRecord], hint: int, sure: int) -> Finding | None:
    course = Course.of(window)
    if course.shared or course.steps < hint:
        return None
    classes = next((n for look in reversed(looks) if (n := _classes(look))), None)
    level = _at_chance(course, classes) if classes is not None else None
    if level is None:
        classes, level = None, at_guess(looks, course)
    if level is None:
        return None
    steps = course[-1].index - level.since + 1
    if steps < hint:
        return None
    ratios = [p.update_ratio for look in looks for p in matrices(look) if p.update_ratio is not None]
    moved = max(ratios, default=0.0) * course.steps
    usual = median(p.update_ratio or 0.0 for p in matrices(looks[-1])) if matrices(looks[-1]) else 0.0
    clipped = clipped_norm(course) if usual * course.steps < MOVED_CLIPPED else None
    norms = [r.gradient_norm for r in course if r.gradient_norm is not None and math.isfinite(r.gradient_norm)]
    recurrent = next((p.layer for p in looks[-1].parameters if p.module in _RECURRENT), "")
    guess = (
        f", which is what guessing one of {classes} classes gives ({level.chance:.4g}): no better than chance"
        if classes is not None
        else f": no better than always giving {_constant(looks[-1])} ({level.chance:.4g})"
    )
    cause, solutions = blame_clipping(
        clipped,
        (_STILL.format(moved) if 0 < moved < MOVED else _PAIRS if _all_well(looks[-1]) else _OTHERS)
        + (f" Over long sequences gradients vanish on their way through {recurrent}." if recurrent else ""),
        (
            *(("Raise the learning rate: try 100 to 10,000 times as much.",) if 0 < moved < MOVED else ()),
            "Check that inputs and targets belong together after shuffling and sorting, and that inputs are not "
            "constant: look at a few samples with their targets.",
            "Try to learn one batch by heart: if that fails, it is the model or the loss and not the data.",
            "Look at `otel-mldebug training --layers`: which layers have no gradients, or dead units?",
            *(("Use an LSTM with a forget bias of 1, attention, or shorter sequences.",) if recurrent else ()),
            "Change the learning rate by a factor of 10 in both directions.",
        ),
    )
    return Finding(
        rule="loss.plateau",
        category=Category.TRAINING,
        severity=Severity.WARNING if steps >= sure else Severity.INFO,
        summary=f"The loss is stuck at {level.loss:.4g}{guess} in {steps} steps"
        + (f", and gradients are clipped to {clipped:g} in each of them." if clipped is not None else "."),
        cause=cause,
        solutions=solutions,
        prevention="Compare the first hundred losses with chance: the logarithm of the number of classes, or the "
        "variance of the targets.",
        confidence=0.8 if steps >= sure else 0.6,
        basis="detector",
        evidence={
            "step": level.since,
            "steps": steps,
            **({"classes": classes} if classes is not None else {}),
            "chance": level.chance,
            "loss": level.loss,
            **({"clipped_to": clipped} if clipped is not None else {}),
            **({"gradient_norm": median(norms)} if norms else {}),
            **history(window),
        },
    )


def _seen(looks: Sequence[Look], window: Sequence[StepRecord]) -> int:
    """Return how many samples the losses so far are about: all places that get a class, or rows of targets."""
    steps = Course.of(window).steps
    return steps * max(map(_samples, looks)) if steps >= OVER_STEPS else 0


def _samples(look: Look) -> int:
    operations = look.operations
    for place in operations[-1].inputs if operations else ():
        if 0 <= place < len(operations) and operations[place].kind.startswith("LogSoftmax"):
            shape = operations[place].shape
            return math.prod(shape) // shape[1] if len(shape) > 1 and shape[1] else 1
    return max((part.shape[0] for part in look.parts if part.role == "target" and part.shape), default=1)


def _constant(look: Look) -> str:
    return "the mean of the targets" if look.operations[-1].kind == "MseLoss" else "how often each class comes"


def _at_chance(course: Course, classes: int) -> Level | None:
    """Return since when the loss has been at the logarithm of the number of classes, if it is and never was lower."""
    chance = math.log(classes)
    losses = [loss for _, loss in course.losses[-LATEST:]]
    known = [s for s in course.stretches if s.loss is not None and s.losses > 0]
    if len(losses) < LATEST / 2 or abs(fmean(losses) - chance) > CLOSE * chance:
        return None
    if any((s.loss or 0.0) < (1 - 3 * CLOSE) * chance for s in known if s.count >= known[0].count):
        return None  # it has been lower: not stuck from the beginning
    near = [s for s in known if abs((s.loss or 0.0) - chance) <= 3 * CLOSE * chance]
    return Level(near[0].first if near else course[-1].index, fmean(losses), chance)


def _all_well(look: Look) -> bool:
    """Return whether gradients reach all layers, units are alive, and inputs differ: all is well but the data."""
    weights = matrices(look)
    flows = bool(weights) and all(p.gradient is not None and p.gradient.norm > 0 for p in weights)
    dead = any((o.dead or 0.0) >= DEAD or (o.saturated or 0.0) >= DEAD for o in look.operations)
    given = [part.stats for part in look.parts if part.role == "input" and part.stats is not None]
    return flows and not dead and bool(given) and all(stats.std > 0 for stats in given)


def _classes(look: Look) -> int | None:
    """Return between how many classes the loss decides; None where that is not known."""
    operations = look.operations
    if not operations or not operations[-1].kind.startswith(("NllLoss", "NLLLoss")):
        return None
    for place in operations[-1].inputs:
        if 0 <= place < len(operations) and operations[place].kind.startswith("LogSoftmax"):
            shape = operations[place].shape
            classes = shape[1] if len(shape) >= 2 else 0
            return classes if classes >= 2 else None
    return None


def _made_up(look: Look) -> bool:
    """Return whether inputs look like random numbers as `torch.randn`, `rand` and `randint` draw them, or are unknown.

    Of whole numbers that is not known: tokens may be anything, unless some of the classes come oftener than others.
    """
    if _uneven(look):
        return False
    given = [part for part in look.parts if part.role == "input"]
    return not given or any(_random(part) for part in given)


def _uneven(look: Look) -> bool:
    """Return whether classes are not equally frequent."""
    classes = _classes(look)
    guesses = [part.guess for part in look.parts if part.role == "target" and part.guess]
    return classes is not None and bool(guesses) and min(guesses) < UNEVEN * math.log(classes)


def _random(part: Part) -> bool:
    stats = part.stats
    if stats is None or not part.dtype.startswith(("float", "bfloat")):
        return True
    if stats.low >= 0 and stats.high <= 1:
        return abs(stats.mean - 0.5) < 0.05 and abs(stats.std - 0.289) < 0.03
    standard = abs(stats.mean) < 0.1 and abs(stats.std - 1) < 0.1
    alike = not part.features or part.features[0] > 0.5 * part.features[1]
    return standard and alike and stats.low < -NORMAL and stats.high > NORMAL
