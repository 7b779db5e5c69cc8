"""Memory that grows with every step."""

from collections.abc import Sequence
from itertools import pairwise

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.facts import Value
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_STEPS = 100
"""Steps over which it has to have grown, …"""
LEAST_POINTS = 9
"""… and points in time at which it was measured in them."""
WARM_UP = 0.2
"""Share of the run that does not count: optimizer state, caches and buffers come into being; at least 24 steps."""
LEAST_BYTES, LEAST_GRAPH_BYTES = 8 << 20, 512 << 10
LEAST_STEP_BYTES, LEAST_GRAPH_STEP_BYTES = 4096, 1024
"""Growth in all and for each step, also where graphs are known to be kept. Lists of numbers, and of what reinforcement
learning remembers, stay below the first. A graph that is kept after its backward pass is a few hundred bytes for each
operation, and is counted, not guessed: so little is enough."""
LEAST_REMEMBERED = 256 << 10
"""Growth for each step, from which on to warn where no graphs are kept and no loader makes the batches: reinforcement
learning fills a memory with what it sees, which may be images, for as long as there is room."""
DROPS = 0.15
"""Of the growth, what may have been given back on the way: what is emptied now and then does not grow for ever."""
STEADY = 0.6
"""Growth of each third of the time, compared with the mean third, at least: what fills up and stays does not count. No
more than a fifth of the single differences may be downwards."""


def memory_growth(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when memory in use grows steadily, also long after the first steps.

    Args:
        window: Steps of one optimizer, oldest first; of a `Course` all of them are judged.
    """
    course = Course.of(window)
    if course.steps < LEAST_STEPS:
        return None
    used = [(s.last, s.memory_bytes) for s in course.stretches if s.memory_bytes is not None]
    found = _steady(used, course)
    where = "process"
    if found is None:
        used = [(r.index, r.device_bytes) for r in course if r.device_bytes is not None]
        found, where = _steady(used, course), "GPU"
    if found is None:
        return None
    grown, steps, first = found
    if not course.graphs and course[-1].epoch == 0:  # a cache that the first pass over the data fills
        return None
    loader = any(r.data_s is not None for r in course)
    serious = course.graphs or loader or where == "GPU" or grown >= LEAST_REMEMBERED * steps
    cause = (
        f"Graphs of past steps are kept: {course.growing}. Losses or outputs are collected or summed up without "
        "detaching them, and each keeps all activations of its step alive."
        if course.graphs
        else "Something keeps what each step makes: a list of losses or outputs with their graphs, hooks that collect, "
        "a cache without bound." + (f" What there is more and more of: {course.growing}." if course.growing else "")
    )
    evidence: dict[str, Value] = {
        "step": first,
        "grown_bytes": grown,
        "bytes_per_step": grown // steps,
        "steps": steps,
        "memory": where,
    }
    if course.growing:
        evidence["growing"] = course.growing
    return Finding(
        rule="memory.growth",
        category=Category.MEMORY,
        severity=Severity.WARNING if serious else Severity.INFO,
        summary=f"Memory of the {where} grows by {grown / steps / 1024:,.0f} KiB with every step: "
        f"{grown / 2**20:,.0f} MiB in {steps} steps"
        + (", because graphs of past steps are kept." if course.graphs else "."),
        cause=cause,
        solutions=(
            "Keep numbers and not tensors: total += loss.item(), losses.append(loss.item()), "
            "outputs.append(out.detach().cpu()).",
            "Look at backward(retain_graph=True), at hidden states that are carried on without detach(), and at hooks "
            "that append to a list.",
            "Bound caches and buffers, and empty lists of outputs after each epoch.",
        ),
        prevention="Watch memory over the first few hundred steps: after warm-up it has to stay flat.",
        confidence=0.95 if course.graphs else 0.8,
        basis="detector",
        evidence=evidence,
    )


def _second_pass(course: Course) -> int | None:
    """Return the step at which the second pass over the data began; None if it is not among the latest ones."""
    first = course.early[0].epoch
    if first is None or course[0].epoch != first:
        return None
    return next((r.index for r in course if r.epoch is not None and r.epoch != first), None)


def _steady(used: Sequence[tuple[int, int]], course: Course) -> tuple[int, int, int] | None:
    """Return growth in bytes, over how many steps, and from which step on; None if it is not steady."""
    begin = course.early[0].index
    settled = begin + max(24, int(WARM_UP * course.steps))
    if not course.graphs and (again := _second_pass(course)) is not None:
        settled = max(settled, again)  # a cache that the first pass fills does not grow for ever
    points = [(step, value) for step, value in used if step >= settled]
    if len(points) < LEAST_POINTS:
        return None
    least, each = (LEAST_GRAPH_BYTES, LEAST_GRAPH_STEP_BYTES) if course.graphs else (LEAST_BYTES, LEAST_STEP_BYTES)
    steps, grown = points[-1][0] - points[0][0], points[-1][1] - points[0][1]
    if steps < 0.6 * LEAST_STEPS or grown < max(least, each * steps):
        return None
    values = [value for _, value in points]
    down = sum(b < a for a, b in pairwise(values))
    if sum(max(0, a - b) for a, b in pairwise(values)) > DROPS * grown:
        return None
    third = len(points) // 3
    rates = [
        (part[-1][1] - part[0][1]) / max(1, part[-1][0] - part[0][0])
        for part in (points[: third + 1], points[third : 2 * third + 1], points[2 * third :])
    ]
    if down > 0.2 * len(values) or min(rates) < STEADY * grown / steps:
        return None
    return grown, steps, points[0][0]
