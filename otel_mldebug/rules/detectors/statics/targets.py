"""Targets that there is nothing to learn from, or that the loss cannot be computed on."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.statics.compared import target_of
from otel_mldebug.rules.detectors.statics.graph import BATCH, CLASS_LOSSES, VALUE_LOSSES, Graph, rms
from otel_mldebug.rules.detectors.statics.telling import lasting, tell
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Part, Stats
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LOOKS = 4
"""Looks whose labels have to agree."""
SAMPLES = 400
"""Labels in them, at least, if all are the same: where one in 100 is not, chance makes so many equal once in 55."""
SURE, SMOOTH_STEPS, SMOOTH = 100, 60, 4.0
"""The same where, over so many steps, no loss is more than so many times the usual one: one label that the model does
not know would show."""
ORDERED = 64
"""The same if batches have one class each, and the classes come in order."""
LEAST = 8
"""Labels of a batch, below which chance makes them equal."""
_BINARY = frozenset(("BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"))
_JUDGED = frozenset((*CLASS_LOSSES, *VALUE_LOSSES, *_BINARY))
LARGE = 1e3
LARGEST = 1e4
"""Size of a regression's targets from which they matter: of those out of a loader, and of all others. Returns of
reinforcement learning are made by the program, and may well be in the thousands."""
SMALL = 0.1
"""Size of outputs over that of targets, at most: near them is fine, whatever their size is."""
MANY_CLASSES = 100
"""Outputs up to which a class without samples is worth a word; vocabularies have more."""


def constant_target(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when all labels (or values of a regression) that a data loader ever gave are one and the same.

    Or when each batch has labels of one class only, and the classes come in order: the data is sorted. Labels that the
    program makes itself do not count: contrastive losses put the right one at place 0.
    """
    labelled = [(look, _only_label(look)) for look in looks]
    known = [(look, part) for look, part in labelled if part is not None and part.stats is not None]
    labels = [part.stats.low for _, part in known if part.stats is not None]
    count = sum(part.stats.size for _, part in known if part.stats is not None)
    digests = {part.digest for look, _ in known for part in look.parts if part.role == "input" and part.digest}
    if len(known) < LOOKS or len(digests) == 1:
        return None
    several = len(set(labels)) > 1
    if several:
        ordered = labels == sorted(labels) or labels == sorted(labels, reverse=True)
        if not ordered or count < ORDERED or 3 * len(known) < 2 * len(looks):
            return None
    elif len(known) < len(looks) or count < (SURE if _smooth(window) else SAMPLES):
        return None
    first, place = known[0][0], known[0][1].place
    told = (
        f"Each batch has labels of one class only, first {labels[0]:g} and then {labels[-1]:g} ({place})."
        if several
        else f"All {count} labels in {len(known)} looks at batches are {labels[0]:g} ({place})."
    )
    return tell(
        "data.constant_target",
        Severity.WARNING,
        first,
        told,
        category=Category.DATA,
        cause="The data set is sorted by class and the loader does not shuffle: the model learns to give one answer, "
        "and then the next one."
        if several
        else "The data set has lost its labels, or it is sorted by class and the loader does not shuffle: the model "
        "learns to give one answer.",
        solutions=(
            "Pass shuffle=True to the DataLoader that is used for training.",
            "Look at the labels where the data set is made: a column that is read wrongly, a default, a constant.",
        ),
        prevention="Count the labels of the first batches before training.",
        confidence=0.9,
        label=labels[0],
        samples=count,
        place=place,
    )


def target_range(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when targets of a binary cross entropy were not within 0 to 1 in one of the latest looks.

    One batch can have labels of one kind only, by chance.
    """

    def judge(look: Look) -> tuple[Part, Stats] | None:
        for _, operation in Graph(look).of(_BINARY):
            part = target_of(look, operation)
            if part is not None and part.stats is not None and (part.stats.low < -1e-3 or part.stats.high > 1.001):
                return part, part.stats
        return None

    found = [(look, verdict) for look in looks[-LOOKS:] if (verdict := judge(look)) is not None]
    if not found:
        return None
    first, (part, stats) = found[0]
    return tell(
        "loss.target_range",
        Severity.ERROR,
        first,
        f"Targets of the binary cross entropy run from {stats.low:g} to {stats.high:g}; it is made for 0 to 1.",
        category=Category.LOSS,
        cause="Labels such as -1 and 1, 1 and 2, class numbers, or pixels from 0 to 255 are used as probabilities: the "
        "loss has no lower bound.",
        solutions=(
            "Map the labels to 0 and 1: (y + 1) / 2 for -1 and 1, y - 1 for 1 and 2, x / 255 for pixels.",
            "For more than two classes, use CrossEntropyLoss with the class numbers.",
        ),
        prevention="Assert 0 <= target <= 1 once, before training.",
        confidence=0.97,
        place=part.place,
        low=stats.low,
        high=stats.high,
    )


def target_scale(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a regression's targets are of the size `LARGE` or more and outputs are nowhere near, in three looks."""

    def judge(look: Look) -> tuple[float, float] | None:
        for _, operation in Graph(look).of(VALUE_LOSSES):
            part = target_of(look, operation)
            if part is None or part.stats is None or operation.operand is None:
                continue
            size, output = rms(part.stats), rms(operation.operand)
            if size >= (LARGE if part.place.startswith(BATCH) else LARGEST) and output < SMALL * size:
                return size, output
        return None

    if (found := lasting(looks, judge, least=3)) is None:
        return None
    first, (size, output) = found
    return tell(
        "data.target_scale",
        Severity.WARNING,
        first,
        f"Targets are of the size {size:.3g}, outputs of the size {output:.2g}: they are "
        f"{size / max(output, 1e-9):,.0f} times apart.",
        category=Category.DATA,
        cause="Targets were not scaled. Layers start with outputs around 1, and it takes very many steps, or very "
        "large gradients, to get to targets of this size.",
        solutions=(
            "Standardise the targets with mean and standard deviation of the training set, and scale predictions back.",
            "For positive targets over several orders of magnitude, learn their logarithm.",
        ),
        prevention="Look at mean and standard deviation of inputs and targets before training.",
        confidence=0.85,
        target_size=size,
        output_size=output,
    )


def shifted_labels(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when `LOOKS` looks never see class 0 and always the last one: labels may start at 1."""
    latest = looks[-LOOKS:]
    lows, highs, count, classes = [], [], 0, 0
    for look in latest:
        for _, operation in Graph(look).of(CLASS_LOSSES):
            part = target_of(look, operation)
            if part is None or part.stats is None or not operation.operands or len(operation.operands[0]) < 2:
                return None
            classes = operation.operands[0][1]
            lows.append(part.stats.low)
            highs.append(part.stats.high)
            count += part.stats.size
    if len(latest) < LOOKS or len(lows) < LOOKS or not 2 < classes <= MANY_CLASSES or count < 20 * classes:
        return None
    if min(lows) < 1 or max(highs) != classes - 1:
        return None
    return tell(
        "data.shifted_labels",
        Severity.INFO,
        latest[0],
        f"No label is 0 in {count} samples, and the largest is {max(highs):g} with {classes} outputs: labels may start "
        "at 1.",
        category=Category.DATA,
        cause="Class numbers start at 0: with labels from 1 on, the first output is never used.",
        solutions=(
            "Subtract 1 from the labels, and give the model as many outputs as there are classes.",
            "If class 0 is a background class that is rare, nothing is wrong.",
        ),
        prevention="Assert labels.min() == 0 and labels.max() == classes - 1 on the whole training set.",
        confidence=0.6,
        lowest=min(lows),
        highest=max(highs),
        classes=classes,
    )


def _smooth(window: Sequence[StepRecord]) -> bool:
    """Return whether the loss has fallen to less than half, and no batch since was unlike the others."""
    course = Course.of(window)
    values = [loss for _, loss in course.losses[-max(SMOOTH_STEPS, len(course.losses) // 2) :]]
    first = course.first_loss
    if first is None or len(values) < SMOOTH_STEPS or course.steps < 2 * SMOOTH_STEPS:
        return False
    return 0 < median(values) < first / 2 and max(values) <= SMOOTH * median(values)


def _only_label(look: Look) -> Part | None:
    """Return the labels of a loader's batch if they are all the same; of a regression only what a layer is to give."""
    graph = Graph(look)
    for place, operation in graph.of(_JUDGED):
        part = target_of(look, operation)
        if part is None or part.stats is None or not part.place.startswith(BATCH) or part.role != "target":
            return None
        source = graph.source(place)
        if operation.kind not in CLASS_LOSSES and (source is None or not graph.is_linear(source)):
            return None  # what is left of an equation is to be 0
        if part.stats.low == part.stats.high and part.stats.size >= LEAST:
            return part
    return None
