"""Steps that take longer and longer although they do the same."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.looks import Look
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

WARM = 5
"""First steps, which load code and fill caches."""
PART, PART_RECORDS = 24, 3
"""Steps in each of the stretches that are compared, at least, and records of them: one that comes after steps without a
record has the mean of their time."""
GROWTH, EACH = 3.0, 1.15
"""How many times the steps of the beginning the latest ones take, and each third of the window the one before it."""
LOST_S = 0.5
"""Processor time that it has cost, seconds, below which it does not matter."""
UNEVEN, NEAR = 0.11, 4
"""How far the time of a step is from the median of its neighbours (so many on either side), as a share of it, in the
median: where no loader makes the batches, steps that differ by more than that play games or search in between, and do
so for longer the better they get."""
BLOCK, FALL = 24, 1.25
"""Steps with a record whose median tells the level, and how far it may fall below a former one: a list only grows."""
STILL = 1.03
"""How many times those of the first half of the latest third the steps of its second half take, at least, there: what
grows evenly, even from three times its size, makes 1.08 of it."""
PHASES = ("data", "forward", "backward", "optimizer")


def slowing_steps(looks: Sequence[Look], window: Sequence[StepRecord]) -> Finding | None:
    """Fire when the processor time of a step grows throughout, while batches and the graph stay as they are.

    Sequences that get longer, layers that join in and episodes that last longer take more time rightly: the shapes of
    what goes in and the number of operations have to be the same in the first looks and in the latest one.

    Args:
        looks: Into steps of one optimizer.
        window: Steps of the same, oldest first; of a `Course` its first steps are known.
    """
    course = Course.of(window)
    early = [r for r in course.early if r.index >= WARM]
    latest = [r for r in course if r.index > (early[-1].index if early else 0)]
    timed = [r for r in latest if r.cpu_s is not None and r.evaluation_s is None]
    start = [r.cpu_s for r in early if r.cpu_s is not None and r.evaluation_s is None]
    thirds = _thirds(timed)
    if course.shared or len(start) < PART // 2 or thirds is None or not _alike(looks, course):
        return None
    levels = [median(start), *(median(r.cpu_s or 0.0 for r in third) for third in thirds)]
    before, now = levels[0], levels[-1]
    lost_s = sum(((r.cpu_s or 0.0) - before) * (r.index - last.index) for last, r in pairwise(timed))
    if not before > 0 or now < GROWTH * before or lost_s < LOST_S:
        return None
    if any(b < EACH * a for a, b in pairwise(levels)):
        return None
    if all(r.data_s is None for r in latest) and _plays([r.cpu_s or 0.0 for r in timed]):
        return None
    phase = _phase(early, thirds[-1])
    return Finding(
        rule="timing.slowing",
        category=Category.TRAINING,
        severity=Severity.WARNING,
        summary=f"Steps take longer and longer: {before * 1e3:.3g} ms of processor time in the beginning, "
        f"{now * 1e3:.3g} ms now, {now / before:.1f} times as much for the same batches"
        + (f", most of it in the {phase} phase." if phase else "."),
        cause="Something that each step goes through grows with the steps: a list that is stacked or copied whole, a "
        "history that is searched, hooks that are added again and again, a graph that is kept alive.",
        solutions=(
            "Look for what is appended to and read in the loop: a replay buffer as a list, logged losses, caches.",
            "Write into an array of fixed size, and take only the rows that are needed.",
            "Call detach() on what is carried over to the next step, and .item() on what is logged.",
        ),
        prevention="Compare the time of the first hundred steps with that of the last hundred.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": early[0].index,
            "cpu_s_first": before,
            "cpu_s": now,
            "factor": now / before,
            **({"phase": phase} if phase else {}),
        },
    )


def _thirds(timed: Sequence[StepRecord]) -> list[list[StepRecord]] | None:
    """Return the records of each third of the steps; None if one of them says too little."""
    if not timed or timed[-1].index - timed[0].index + 1 < 3 * PART:
        return None
    first, steps = timed[0].index, timed[-1].index - timed[0].index + 1
    thirds: list[list[StepRecord]] = [[], [], []]
    for record in timed:
        thirds[3 * (record.index - first) // steps].append(record)
    return thirds if min(map(len, thirds)) >= PART_RECORDS else None


def _plays(times: Sequence[float]) -> bool:
    """Return whether steps take longer by ups and downs, from one to the next or over many, or no longer any more."""
    if _uneven(times) > UNEVEN:
        return True
    blocks = [median(times[i : i + BLOCK]) for i in range(0, len(times) - BLOCK + 1, BLOCK)]
    falls = max((max(blocks[: i + 1]) / level for i, level in enumerate(blocks) if level > 0), default=1.0)
    rest = times[-(len(times) // 3) :]
    half = len(rest) // 2
    return falls > FALL or median(rest[half:]) < STILL * median(rest[:half] or rest)


def _uneven(times: Sequence[float]) -> float:
    around = [median(times[max(0, i - NEAR) : i + NEAR + 1]) for i in range(len(times))]
    return median(abs(time - usual) / usual for time, usual in zip(times, around, strict=True) if usual > 0)


def _alike(looks: Sequence[Look], course: Course) -> bool:
    """Return whether the steps do the same now as in the beginning."""
    first, now = next((look for look in looks if look.step >= 1), None), looks[-1]
    if first is None or first is now or len(first.operations) != len(now.operations):
        return False
    if sorted(part.shape for part in first.parts) != sorted(part.shape for part in now.parts):
        return False
    if sum(p.trainable for p in first.parameters) != sum(p.trainable for p in now.parameters):
        return False
    records = (*course.early, *course)
    return len({(r.samples, r.tokens, r.shape) for r in records}) <= 2  # the last batch of a pass is smaller


def _phase(early: Sequence[StepRecord], latest: Sequence[StepRecord]) -> str:
    """Return the phase whose wall time has grown most; empty when none is known at both ends."""
    grown: dict[str, float] = {}
    for phase in PHASES:
        before, now = (
            [time for r in records if (time := getattr(r, f"{phase}_s")) is not None] for records in (early, latest)
        )
        if before and now:
            grown[phase] = median(now) - median(before)
    best = max(grown, key=grown.__getitem__, default="")
    return best if grown.get(best, 0.0) > 0 else ""
