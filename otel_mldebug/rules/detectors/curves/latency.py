"""Steps that take many times as long as the others, and what they wait for."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.aside import written_by
from otel_mldebug.rules.detectors.pace import pace
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Phase, Severity

FACTOR = 5.0
"""How many times the median a spike takes."""
LEAST_S = 0.1
"""What it takes more than the median, seconds, at least: Python's collection of garbage takes half of it at times."""
LEAST_SPIKES = 4
"""Spikes with usual steps between them, at least: on a busy machine, or where a container has used up its share of the
CPU, all have to wait now and then, often in bursts, and three may well last equally long. What computes has to do so in
a rhythm, or equally long, as well; …"""
LEAST_LOOSE = 5
"""… and where data was waited for, there have to be so many if they do not."""
LEAST_WILD, WILD_S, WILD_PACE = 6, 0.15, 0.7
"""The same elsewhere, where they last so long in the median, seconds, and training gets so much of a processor: who is
kept waiting by other processes, or by the share of its container, waits often and shorter."""
BUSY, BUSY_PART = 0.5, 0.2
"""Share of a processor that training gets in that part of its steps, below which the machine is busy: workers that make
data wait, too, and longer than training does, which sleeps in between and is let in first."""
WORKING = 0.4
"""Share of a delay in which the thread computed, from which on it did not wait."""
LARGE = 0.4
"""Share of the largest delay, from which on delays belong together."""
EQUAL = 0.08
"""How much they may differ from their median to last equally long."""
SHARE = 0.15
"""Share of all time that spikes have to cost, …"""
OTHER_SHARE = 0.35
"""… and those that are spent outside of data, forward, backward and optimizer: checkpoints, logging, evaluation."""
SAME = 0.75
"""Share of the spikes that have to come from the same phase: those that a busy machine makes come from all."""
COLLECTING = 0.6
"""Share of what spikes take more than usual that is spent in Python's collection of garbage, or in writing, to be
their cause."""
LARGER, LARGER_SHARE = 3.0, 0.8
"""How many times the usual tokens the batches of spikes have, and of what share of the spikes, to be their cause."""
FIRST = 8
"""Steps at the beginning that do not count: compilation, workers that start, memory that grows."""

_PARTS: tuple[tuple[Phase, Callable[[StepRecord], float | None]], ...] = (
    (Phase.DATA, lambda r: r.data_s),
    (Phase.FORWARD, lambda r: r.forward_s),
    (Phase.BACKWARD, lambda r: r.backward_s),
    (Phase.OPTIMIZER, lambda r: r.optimizer_s),
)
_COLLECTION = (
    "Python's collection of garbage goes through very many objects then: gc.collect() is called in the loop, or caches "
    "and lists of many small objects have grown large.",
    "Take gc.collect() out of the loop; after building large caches call gc.freeze(), or keep them in arrays.",
)
_SAVING = (
    "{} writes then, a checkpoint as it seems, and the loop waits for it.",
    "Save less often, only what is needed to go on (the best and the latest, without frozen tables), uncompressed, or "
    "from a thread after a copy to the host (torch.distributed.checkpoint.async_save).",
)
_LARGER = (
    "A few long samples set the length to which all others of their batch are padded.",
    "Cut samples to a length that nearly all of them have, or leave the longest out; put samples of like length into "
    "one batch (a sampler that sorts by length), or limit a batch by tokens and not by samples.",
)
_CAUSES = {
    Phase.DATA: (
        "Some batches take far longer to make than others: a slow file or network, a cache that is refilled, workers "
        "that start again at each pass.",
        "Look at what __getitem__ does for these batches; raise prefetch_factor so that workers hide single delays.",
    ),
    Phase.FORWARD: (
        "Something between the batch and backward blocks now and then: recompilation for a new shape, a slow branch of "
        "the model, a wait for another process, logging that reads the GPU.",
        "Profile such a step with torch.profiler, and compare the shapes of its batch with the others' (TORCH_LOGS="
        "recompiles).",
    ),
    Phase.BACKWARD: (
        "Backward blocks now and then: a gradient hook that does more than it should, a slow peer in distributed "
        "training, memory that runs short.",
        "Look at gradient hooks and at the other ranks, and profile such a step with torch.profiler.",
    ),
    Phase.OPTIMIZER: (
        "The optimizer's step blocks now and then: a hook or closure that does more than it should, state that is "
        "moved between devices.",
        "Look at what runs in step hooks and closures, and profile such a step with torch.profiler.",
    ),
    Phase.OTHER: (
        "Something outside of the training step takes long now and then: checkpoints, logging, plots, garbage "
        "collection.",
        "Save checkpoints less often or in a thread (after a copy to the host), and log without waiting for results.",
    ),
}


def latency_spikes(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a few steps that take `FACTOR` times the median cost `SHARE` of the time, most of them in one phase.

    Steps with an evaluation pass in them do not count, nor does what happens between two passes over the data, before
    the forward pass: workers start, checkpoints are written, results are drawn.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    steps = [r for r in window if r.index >= FIRST and r.evaluation_s is None and r.backward_s is not None]
    if len(steps) < 30:
        return None
    durations = [r.duration_s for r in steps]
    usual = median(durations)
    spikes = [r for r in steps if r.duration_s >= FACTOR * usual and r.duration_s - usual >= LEAST_S]
    if len(spikes) < LEAST_SPIKES:
        return None
    begins = {b.index for a, b in pairwise(steps) if b.epoch is not None and b.epoch != a.epoch}
    medians = {phase: median(read(r) or 0.0 for r in steps) for phase, read in _PARTS}
    spikes = [r for r in spikes if r.index not in begins or _blame(r, medians, usual) not in (Phase.OTHER, Phase.DATA)]
    most = max((r.duration_s - usual for r in spikes), default=0.0)
    large = [r for r in spikes if r.duration_s - usual >= LARGE * most]  # small ones may be the machine's
    machine = Course.of(window).machine
    return _judge(steps, usual, spikes, machine) or _judge(steps, usual, large, machine)


def _judge(steps: Sequence[StepRecord], usual: float, spikes: Sequence[StepRecord], machine: float) -> Finding | None:
    apart = [b.index - a.index for a, b in pairwise(spikes)]
    gaps = [gap for gap in apart if gap > 2]
    if len(gaps) + 1 < LEAST_SPIKES or len(spikes) > 0.34 * len(steps):
        return None
    lost, total = sum(r.duration_s - usual for r in spikes), sum(r.duration_s for r in steps)
    medians = {phase: median(read(r) or 0.0 for r in steps) for phase, read in _PARTS}
    phases = Counter(_blame(r, medians, usual) for r in spikes)
    phase, count = phases.most_common(1)[0]
    larger = _larger(steps, spikes)
    if (count < SAME * len(spikes) and not larger) or lost < (OTHER_SHARE if phase is Phase.OTHER else SHARE) * total:
        return None
    worst = max(spikes, key=lambda r: r.duration_s)
    collects = sum(min(r.gc_s or 0.0, r.duration_s - usual) for r in spikes) >= COLLECTING * lost
    saves = sum(min(r.save_s or 0.0, r.duration_s - usual) for r in spikes) >= COLLECTING * lost
    every = int(median(gaps))
    regular = len(gaps) == len(apart) and max(gaps) - min(gaps) <= max(1, 0.1 * every)
    steady = _equal(spikes, usual) or (regular and len(spikes) > LEAST_SPIKES) or _wild(steps, spikes, usual, machine)
    if larger:
        regular = False
    elif phase is Phase.DATA:
        if not steady and (len(gaps) + 1 < LEAST_LOOSE or pace(steps, part=BUSY_PART, machine=machine) < BUSY):
            return None
    elif not steady or not (collects or saves or not _rollouts(steps, spikes, usual)):
        return None
    cause, solution = _LARGER if larger else _COLLECTION if collects else _SAVING if saves else _CAUSES[phase]
    rhythm = f" Every {every} steps." if regular else ""
    if larger:
        rhythm = f" Their batches have {larger:.0f} times as many tokens as usual."
    if saves and not larger:
        by = written_by(spikes)
        cause = cause.format(by)
        rhythm += f" They write: {by} takes {median(r.save_s or 0.0 for r in spikes):.3g} s each time."
    return Finding(
        rule="timing.spikes",
        category=Category.DATA if larger or phase is Phase.DATA else Category.TRAINING,
        severity=Severity.WARNING,
        summary=f"{len(spikes)} of {len(steps)} steps took up to {worst.duration_s / usual:.0f} times the usual "
        f"{usual * 1e3:.3g} ms, which is {lost / total:.0%} of all time; {count} of them in the phase {phase}.{rhythm}",
        cause=cause,
        solutions=(
            solution,
            f"Look at what the program does at step {worst.index}"
            + (f" and every {every} steps around it." if regular else " that it does not do at others."),
        ),
        prevention="Watch the slowest steps (the 99th percentile), not only the mean.",
        confidence=0.85,
        basis="detector",
        evidence={
            "step": spikes[0].index,
            "phase": str(phase),
            "spikes": len(spikes),
            "steps": len(steps),
            "median_s": usual,
            "worst_s": worst.duration_s,
            "worst_step": worst.index,
            "share_of_time": round(lost / total, 4),
            **({"every_steps": every} if regular else {}),
            **({"times_tokens": larger} if larger else {}),
            **({"garbage_collection_s": sum(r.gc_s or 0.0 for r in spikes)} if collects else {}),
            **({"saving_s": sum(r.save_s or 0.0 for r in spikes), "saved_by": written_by(spikes)} if saves else {}),
        },
    )


def _equal(spikes: Sequence[StepRecord], usual: float) -> bool:
    """Return whether all spikes last equally long, and none follows another."""
    excess = [r.duration_s - usual for r in spikes]
    middle = median(excess)
    alike = all(abs(value - middle) <= EQUAL * middle for value in excess)
    return alike and all(b.index - a.index > 2 for a, b in pairwise(spikes))


def _wild(steps: Sequence[StepRecord], spikes: Sequence[StepRecord], usual: float, machine: float) -> bool:
    """Return whether spikes are so many, so long and so unlike the steps between them that no machine makes them."""
    if len(spikes) < LEAST_WILD or median(r.duration_s for r in spikes) - usual < WILD_S:
        return False
    return any(r.cpu_s for r in steps) and pace(steps, part=BUSY_PART, machine=machine) >= WILD_PACE


def _larger(steps: Sequence[StepRecord], spikes: Sequence[StepRecord]) -> float:
    """Return how many times as many tokens as usual the batches of the spikes have; 0 where that is not their cause."""
    known = [r.tokens for r in steps if r.tokens]
    theirs = [r.tokens for r in spikes if r.tokens]
    if len(known) < len(steps) / 2 or not theirs:
        return 0.0
    least = LARGER * median(known)
    larger = [tokens for tokens in theirs if tokens >= least]
    if len(larger) < LARGER_SHARE * len(spikes) or sum(tokens >= least for tokens in known) > 2 * len(larger):
        return 0.0
    return median(larger) / median(known)


def _rollouts(steps: Sequence[StepRecord], spikes: Sequence[StepRecord], usual: float) -> bool:
    """Return whether a program without a loader computes in its long steps: it plays, searches, or makes data.

    What lies between two steps is the program's own then, and "forward" is the name of all of it.
    """
    if sum(r.data_s is not None for r in steps) > 0.1 * len(steps):
        return False
    known = [r.cpu_s for r in steps if r.cpu_s is not None]
    if not known:
        return False
    before = {b.index: b.index - a.index for a, b in pairwise(steps)}
    shares = [
        ((r.cpu_s - median(known)) * before.get(r.index, 1)) / (r.duration_s - usual)
        for r in spikes
        if r.cpu_s is not None
    ]
    return bool(shares) and median(shares) >= WORKING * pace(steps)


def _blame(record: StepRecord, medians: dict[Phase, float], usual: float) -> Phase:
    """Return the phase that took most of what the step took more than usual."""
    more = {phase: (read(record) or 0.0) - medians[phase] for phase, read in _PARTS}
    more[Phase.OTHER] = record.duration_s - usual - sum(max(0.0, value) for value in more.values())
    return max(more, key=lambda phase: more[phase])
