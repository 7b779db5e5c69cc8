"""An input pipeline that starves the model in bursts: several workers hand out their batches at once, then nothing."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.input_bound import STARVED, STARVED_S, STARVED_SAMPLE_S, STARVED_TOTAL_S
from otel_mldebug.rules.detectors.pace import pace
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

BLOCK = 16
"""Steps in a row that are judged together: workers come around in as many steps as there are of them."""
LEAST_BLOCKS, USUALLY = 3, 0.75
"""Blocks, at least, and the share of them that has to be starved."""
WARM = 4
"""First steps of a pass that do not count: workers start, and each makes its first batch."""


def input_bursts(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when most of the time is spent waiting for data, although most steps find their batch ready.

    `input_bound` judges single steps. Workers that share something (a lock, a disk, a connection) or that began
    together hand out their batches one after the other, and then all are at work again: of four steps one waits, for
    all of them. Passes over the data that are too short to judge say nothing: workers start anew in each.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    blocks = _blocks(window)
    if len(blocks) < LEAST_BLOCKS:
        return None
    steps = [record for block in blocks for record in block]
    waits = [record.data_s or 0.0 for record in steps]
    works = [_work(record) for record in steps]
    total, lost = sum(waits) + sum(works), sum(waits)
    samples = median(record.samples or 0 for record in steps)
    wait = lost / len(steps) * pace(steps, machine=Course.of(window).machine)
    starved = sum(_share(block) >= STARVED and _recurs(block) for block in blocks)
    if starved < USUALLY * len(blocks) or lost < STARVED * total or lost < STARVED_TOTAL_S or not samples:
        return None
    if wait < max(STARVED_S, STARVED_SAMPLE_S * samples):
        return None
    share = lost / total
    waiting = sum(each > own for each, own in zip(waits, works, strict=True)) / len(waits)
    return Finding(
        rule="data.input_bound",
        category=Category.DATA,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of the step time is spent waiting for data: {lost / len(steps) * 1e3:.0f} ms a step, in "
        f"{waiting:.0%} of the steps. Batches come in bursts.",
        cause="Batches are made more slowly than the model uses them: the workers together are too slow, or they wait "
        "for each other, such as for a lock, a file or a connection that they share.",
        solutions=(
            "Let each worker open its own file, archive or connection (in worker_init_fn), without a lock around it.",
            "Move costly decoding and augmentation out of __getitem__: do it once, cache it, or do it by the batch.",
            "Use as many workers as there are processors to spare, and a larger prefetch_factor.",
        ),
        prevention="Look at the data share of the first hundred steps before a long run.",
        confidence=0.85,
        basis="detector",
        evidence={
            "data_share": round(share, 4),
            "mean_wait_s": lost / len(steps),
            "median_wait_s": median(waits),
            "median_work_s": median(works),
            "steps": len(steps),
        },
    )


def _blocks(window: Sequence[StepRecord]) -> list[list[StepRecord]]:
    """Return steps in blocks without a gap, each within one pass over the data, and past its first steps."""
    blocks: list[list[StepRecord]] = []
    current: list[StepRecord] = []
    fresh = 0
    for before, record in pairwise(window):
        if record.epoch != before.epoch or record.data_s is None or record.evaluation_s is not None:
            current, fresh = [], WARM
        elif record.index != before.index + 1:
            current = []
        elif fresh:
            fresh -= 1
        elif record.index > WARM:
            current.append(record)
            if len(current) == BLOCK:
                blocks.append(current)
                current = []
    return blocks


def _work(record: StepRecord) -> float:
    return (record.forward_s or 0.0) + (record.backward_s or 0.0) + (record.optimizer_s or 0.0)


def _recurs(block: Sequence[StepRecord]) -> bool:
    """Return whether long waits come again within a block: workers that are made anew are waited for only once."""
    waits = [record.data_s or 0.0 for record in block]
    long = [place for place, wait in enumerate(waits) if wait >= 0.25 * max(waits)]
    return long[-1] - long[0] > WARM


def _share(block: Sequence[StepRecord]) -> float:
    waits = sum(record.data_s or 0.0 for record in block)
    total = waits + sum(map(_work, block))
    return waits / total if total > 0 else 0.0
