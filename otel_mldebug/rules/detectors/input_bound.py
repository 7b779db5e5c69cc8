"""An input pipeline that starves the model."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.pace import pace
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

IDLE, IDLE_S, IDLE_TOTAL_S, IDLE_STEPS = 0.85, 0.01, 3.0, 40
"""Share of the time, seconds of the median step, seconds in all, and steps, that a program without a loader waits."""
MODEL = 5.0
"""How many times as long as backward and optimizer that takes: on a busy machine, those wait as well."""
BEST = 0.2
"""Share of a processor that the step gets that gets more than nine in ten: on a busy machine, some get all of it."""

FIRST = 5
"""Steps at the beginning that do not count: workers start, files are read for the first time."""
MADE_STEPS = 5
"""Steps in which it was seen when the model was called, at least."""
STARVED, STARVED_S, STARVED_SAMPLE_S, STARVED_TOTAL_S = 0.75, 0.004, 300e-6, 1.2
"""Share of the time, median wait, wait for each sample, and wait in all, seconds, that are enough together: decoding
and augmenting a small image takes 50 to 200 microseconds, and a model that is so much faster has nothing to do."""


def input_bound(
    window: Sequence[StepRecord],
    *,
    limit: float = 0.5,
    min_steps: int = 40,
    min_wait_s: float = 0.01,
    min_sample_s: float = 30e-6,
    min_total_s: float = 3.0,
) -> Finding | None:
    """Fire when waiting for data takes more than `limit` of the time that data, model and optimizer take together.

    Without a loader, most of the time has to be spent doing nothing. The median step has to be starved, too, so that
    one slow start of an epoch does not count, and the wait has to be worth somebody's time.

    Args:
        window: Steps of one optimizer, oldest first. The first ones of a run are left out: workers start.
        limit: Share, 0 to 1.
        min_steps: Steps with a known wait that are needed.
        min_wait_s: Median wait, seconds, below which it does not matter; of a busy machine, what would be left of it
            if training had a processor to itself. Putting together a thousand samples takes nearly as long.
        min_sample_s: The same for each sample of a batch, where their number is known: taking ready-made samples out of
            memory one by one takes 5 to 10 microseconds each.
        min_total_s: Waiting in the whole window, seconds, below which it does not matter.
    """
    steps = [r for r in window if r.data_s is not None and r.index >= FIRST]
    if not steps:
        course = Course.of(window)
        return _without_loader(course) or _made(course)
    if len(steps) < min_steps:
        return None
    waits = [r.data_s or 0.0 for r in steps]
    works = [(r.forward_s or 0.0) + (r.backward_s or 0.0) + (r.optimizer_s or 0.0) for r in steps]
    shares = [wait / (wait + work) if wait + work > 0 else 0.0 for wait, work in zip(waits, works, strict=True)]
    total = sum(waits) + sum(works)
    share = sum(waits) / total if total > 0 else 0.0
    samples = median(r.samples or 0 for r in steps)
    wait, lost = median(waits) * pace(steps, machine=Course.of(window).machine), sum(waits)
    slow = min(median(shares), share) > limit and wait >= max(min_wait_s, min_sample_s * samples)
    starved = min(median(shares), share) >= STARVED and samples and wait >= max(STARVED_S, STARVED_SAMPLE_S * samples)
    if not (slow and lost >= min_total_s) and not (starved and lost >= STARVED_TOTAL_S):
        return None
    return Finding(
        rule="data.input_bound",
        category=Category.DATA,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of the step time is spent waiting for data: {median(waits) * 1e3:.0f} ms a step.",
        cause="Batches are made more slowly than the model uses them.",
        solutions=(
            "Load in parallel: DataLoader(num_workers=4, persistent_workers=True), and pin_memory=True with a GPU.",
            "Move costly decoding and augmentation out of __getitem__: do it once, cache it, or do it by the batch.",
            "If workers are in use already, raise prefetch_factor or store the data in fewer, larger files.",
        ),
        prevention="Look at the data share of the first hundred steps before a long run.",
        confidence=0.9,
        basis="detector",
        evidence={
            "data_share": round(share, 4),
            "median_wait_s": median(waits),
            "median_work_s": median(works),
            "steps": len(steps),
        },
    )


def _made(course: Course) -> Finding | None:
    """Fire when most of the time passes before the model is called, in a program that makes its batches itself.

    On the CPU: a thread that reads a value off a GPU waits there for all that the GPU has yet to do.
    """
    steps = [
        r
        for r in course
        if r.index >= FIRST and r.evaluation_s is None and r.duration_s > 0 and r.gpu_s is None and not r.device_bytes
    ]
    known = [r for r in steps if r.prepare_s is not None]
    if course.shared or len(steps) < IDLE_STEPS or len(known) < MADE_STEPS:
        return None
    wait, share = median(r.prepare_s or 0.0 for r in known), median((r.prepare_s or 0.0) / r.duration_s for r in known)
    lost = share * sum(r.duration_s for r in steps)
    if share < STARVED or wait * pace(steps, machine=course.machine) < IDLE_S or lost < IDLE_TOTAL_S:
        return None
    return Finding(
        rule="data.input_bound",
        category=Category.DATA,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of the step time passes before the model is called: {wait * 1e3:.0f} ms a step.",
        cause="The loop makes its batches itself, and the model waits meanwhile.",
        solutions=(
            "Move what makes a sample into a Dataset, and load it in parallel: DataLoader(num_workers=4).",
            "Do once, and keep, what is the same each time: reading, decoding, tokenising.",
            "Work on whole arrays rather than on one sample after the other.",
        ),
        prevention="Time the making of a hundred batches before a long run.",
        confidence=0.8,
        basis="detector",
        evidence={"data_share": round(share, 4), "median_wait_s": wait, "steps": len(known)},
    )


def _without_loader(course: Course) -> Finding | None:
    """Fire when the thread does nothing for most of the time from one step to the next backward pass, on the CPU.

    Programs that make their data compute meanwhile. What others do for them (a file, a socket, a queue) they wait for.
    """
    steps = [
        r
        for r in course
        if r.index >= FIRST and r.cpu_s is not None and r.forward_s is not None and r.evaluation_s is None
        and r.gpu_s is None and r.device_bytes is None
    ]  # fmt: skip
    if course.shared or len(steps) < IDLE_STEPS:
        return None
    total = sum(r.duration_s for r in steps)
    if sum(r.forward_s or 0.0 for r in steps) <= IDLE * total:  # less than that is waited for
        return None
    works = [(r.backward_s or 0.0) + (r.optimizer_s or 0.0) for r in steps]
    waits = [
        max(0.0, (r.forward_s or 0.0) - max(0.0, (r.cpu_s or 0.0) - work)) for r, work in zip(steps, works, strict=True)
    ]
    shares = [wait / r.duration_s if r.duration_s > 0 else 0.0 for r, wait in zip(steps, waits, strict=True)]
    best = sorted((r.cpu_s or 0.0) / r.duration_s if r.duration_s > 0 else 1.0 for r in steps)[len(steps) * 9 // 10]
    if median(shares) <= IDLE or sum(waits) <= IDLE * total or best > BEST:
        return None
    if median(waits) < max(IDLE_S, MODEL * median(works)) or sum(waits) < IDLE_TOTAL_S:
        return None
    share = sum(waits) / total
    return Finding(
        rule="data.input_bound",
        category=Category.DATA,
        severity=Severity.WARNING,
        summary=f"{share:.0%} of the step time nothing is computed between the optimizer's step and the next backward "
        f"pass: {median(waits) * 1e3:.0f} ms a step.",
        cause="The program waits before it can go on, most likely for its next batch: a file, a network, a queue, "
        "another process, or a sleep.",
        solutions=(
            "Fetch ahead: a torch.utils.data.DataLoader with num_workers=4, or a thread that fills a queue.",
            "Fetch larger pieces, keep what was fetched, and move the data next to the program.",
            "Look at where the program is meanwhile: py-spy dump --pid tells.",
        ),
        prevention="Time the fetching of a hundred batches before a long run.",
        confidence=0.8,
        basis="detector",
        evidence={
            "wait_share": round(share, 4),
            "median_wait_s": median(waits),
            "median_work_s": median(works),
            "steps": len(steps),
        },
    )
