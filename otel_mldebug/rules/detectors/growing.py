"""A tensor from outside of the batch that gets longer with every step: a bank of keys, a memory, a history."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look, Operation, Part
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_LOOKS, LEAST_STEPS = 5, 150
"""Looks at steps that do the same, and steps between the first of them and the latest, at least: a queue of usual
length is full by then, and stays as it is."""
FACTOR = 8
"""How many times as long as in the first look it has to be."""
STRAIGHT = 0.1
"""How far it may be from growing by the same with every step, as a share of all that it has grown."""
WARM, LATEST = 5, 5
"""First steps, whose times say nothing, and latest records, whose times count."""
SLOWER, LOST_S = 2.0, 0.5
"""How many times as long a step has to take as in the beginning, and what that has cost, seconds, at least."""
SHOWN = 3


def growing_tensor(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the result of an operation grows step by step while what goes in does not, and steps take longer.

    Sequences, episodes and sets of samples that get longer on purpose go into the model, or are what its outputs are
    compared with: then the shapes of inputs and targets grow, too, or the graph has more and more operations.

    Args:
        looks: Into steps of one optimizer.
        window: Steps of the same, oldest first; of a `Course` its first steps are known.
    """
    course = Course.of(window)
    same = _same(looks)
    if len(same) < LEAST_LOOKS or same[-1].step - same[0].step < LEAST_STEPS or not _fed_alike(same):
        return None
    place, sizes = next(_growing(same), (0, []))
    times = _times(course)
    if not sizes or times is None:
        return None
    before, now = times
    operations = [look.operations[place] for look in same]
    shapes = _shown([operation.shape for operation in operations])
    taken = _taken(operations)
    each = (sizes[-1] - sizes[0]) / (same[-1].step - same[0].step)
    layer = operations[-1].layer
    return Finding(
        rule="memory.growing_tensor",
        category=Category.MEMORY,
        severity=Severity.WARNING,
        summary=f"A tensor grows with every step, by {each:.3g} rows: the result of {operations[-1].kind}"
        + (f", behind layer {layer}," if layer else "")
        + f" has shape {shapes}"
        + (f" (it takes {taken})" if taken else "")
        + f", and a step takes {now * 1e3:.3g} ms instead of {before * 1e3:.3g} ms. What goes into the model stays "
        "the same.",
        cause="Something that is kept from step to step is only added to: a bank or queue of keys, a memory, a list of "
        "past outputs that is concatenated. Memory, and the time of a step, grow with it without bound, and so does a "
        "loss that compares with all of it.",
        solutions=(
            "Give it a fixed length: bank = torch.cat([new, bank])[:size], after which the oldest rows are dropped.",
            "Write into a buffer of fixed size, in turn: bank[at : at + n] = new; at = (at + n) % size.",
            "Compare with a random part of it, if all of it is to be kept.",
        ),
        prevention="Assert the size of whatever is carried from step to step: after warm-up it has to stay the same.",
        confidence=0.9,
        basis="detector",
        evidence={
            "step": same[0].step,
            "operation": operations[-1].kind,
            "shapes": shapes,
            "rows_per_step": round(each, 2),
            "factor": round(sizes[-1] / sizes[0], 1),
            "step_s_first": before,
            "step_s": now,
        },
    )


def _same(looks: Sequence[Look]) -> list[Look]:
    """Return the latest looks in a row at steps with the same operations and parameters as in the latest of all."""
    kinds = [operation.kind for operation in looks[-1].operations]
    parameters = [(p.name, p.shape) for p in looks[-1].parameters]
    same: list[Look] = []
    for look in reversed(looks):
        if [operation.kind for operation in look.operations] != kinds:
            break
        if [(p.name, p.shape) for p in look.parameters] != parameters:
            break
        same.append(look)
    return same[::-1]


def _fed_alike(looks: Sequence[Look]) -> bool:
    """Return whether batches, targets and at least one input are as large in the latest look as in the first."""
    first, now = looks[0].parts, looks[-1].parts
    if [(p.place, p.role) for p in first] != [(p.place, p.role) for p in now]:
        return False
    grown = [_larger(a, b) for a, b in zip(first, now, strict=True)]
    if any(more and (p.role == "target" or p.place.startswith("batch")) for p, more in zip(now, grown, strict=True)):
        return False
    return any(not more for p, more in zip(now, grown, strict=True) if p.role == "input" or p.place.startswith("batch"))


def _larger(before: Part, now: Part) -> bool:
    if len(before.shape) != len(now.shape):
        return True
    return any(2 * b > 3 * a for a, b in zip(before.shape, now.shape, strict=True))


def _growing(looks: Sequence[Look]) -> Iterator[tuple[int, list[int]]]:
    """Yield places of operations with a dimension that grows by the same with every step, and its sizes."""
    steps = [look.step for look in looks]
    for place, shapes in enumerate(zip(*([o.shape for o in look.operations] for look in looks), strict=True)):
        if len(set(map(len, shapes))) != 1:
            continue
        for sizes in map(list, zip(*shapes, strict=True)):
            if _straight(steps, sizes):
                yield place, sizes


def _straight(steps: Sequence[int], sizes: Sequence[int]) -> bool:
    """Return whether sizes grow from look to look, by the same for each step, and many times in all."""
    if sizes[-1] < FACTOR * max(1, sizes[0]) or any(b < a for a, b in pairwise(sizes)):
        return False
    grown, passed = sizes[-1] - sizes[0], steps[-1] - steps[0]
    return all(
        abs(size - sizes[0] - grown * (step - steps[0]) / passed) <= STRAIGHT * grown
        for step, size in zip(steps, sizes, strict=True)
    )


def _times(course: Course) -> tuple[float, float] | None:
    """Return what a step took in the beginning and takes now, seconds; None unless that is much more.

    It is the processor's time, except where a GPU computes.
    """
    device = any(r.gpu_s is not None for r in course)

    def read(records: Sequence[StepRecord]) -> list[tuple[int, float]]:
        times = [(r, r.duration_s if device else r.cpu_s) for r in records if r.evaluation_s is None]
        return [(r.index, time) for r, time in times if time is not None]

    early = [time for index, time in read(course.early) if index >= WARM]
    latest = read(course)
    if len(early) < LATEST or len(latest) < LATEST:
        return None
    before, now = median(early), median(time for _, time in latest[-LATEST:])
    lost_s = sum((time - before) * (index - last) for (last, _), (index, time) in pairwise(latest))
    return (before, now) if before > 0 and now >= SLOWER * before and lost_s >= LOST_S else None


def _taken(operations: Sequence[Operation]) -> str:
    """Return the shapes of the tensor that the operation takes and that grows, in words; empty if that is not known."""
    for shapes in zip(*(operation.operands for operation in operations), strict=False):
        if any(b > FACTOR * a for a, b in zip(shapes[0], shapes[-1], strict=False)):
            return _shown(shapes)
    return ""


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes[:SHOWN])) + f", … {shapes[-1]}"
