"""GPUs that have nothing to do, and memory of GPUs that is reserved and cannot be used."""

from collections.abc import Sequence
from statistics import median

from otel_mldebug.rules.detectors.input_bound import input_bound
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity

LEAST_STEPS, LEAST_TIMED = 50, 16
"""Steps that the window has to span, and those of them whose time on the GPU is known."""
FIRST = 8
"""Steps at the beginning that do not count: compilation, caches, workers that start."""
IDLE, LARGE = 0.5, 0.8
"""Share of the time without work, from which on it is told, and from which on it is a warning."""
LEAST_S, LEAST_TOTAL_S = 0.01, 1.0
"""Idle time of the median step, and of the timed ones together, below which it does not matter, seconds."""
LEAST_POINTS = 4
"""Points in time at which the memory of the GPU was looked at."""
UNUSABLE, LEAST_BYTES = 0.4, 2 << 30
"""Share of the reserved memory that has never been allocated at one time, and bytes of it."""
GROWTH = 1.1
"""How much reserved memory has to grow over the window, while what is allocated does not, to be a warning."""
STEADY = 1.02


def gpu_idle(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when a GPU has no work for more than half of the time, and waiting for data does not explain it.

    Steps with an evaluation pass in them do not count.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    timed = [
        (r.index, r.duration_s, r.gpu_s)
        for r in window
        if r.gpu_s is not None and r.index >= FIRST and r.evaluation_s is None and r.duration_s > 0
    ]
    if len(timed) < LEAST_TIMED or timed[-1][0] - timed[0][0] + 1 < LEAST_STEPS:
        return None
    idle = [max(0.0, whole - busy) for _, whole, busy in timed]
    total = sum(whole for _, whole, _ in timed)
    share = sum(idle) / total
    middle = median(max(0.0, 1 - busy / whole) for _, whole, busy in timed)
    if min(share, middle) <= IDLE or median(idle) < LEAST_S or sum(idle) < LEAST_TOTAL_S:
        return None
    if _waiting(window) or input_bound(window) is not None:
        return None
    return Finding(
        rule="gpu.idle",
        category=Category.TRAINING,
        severity=Severity.WARNING if min(share, middle) > LARGE else Severity.INFO,
        summary=f"The GPU has nothing to do for {share:.0%} of the time: {median(idle) * 1e3:.0f} ms of each step lie "
        "between the end of its work and the next batch.",
        cause="Something on the host holds the training loop up between two steps, and it is not the loader: "
        "logging, metrics, checkpoints, plots, preprocessing outside of the loader.",
        solutions=(
            "Profile a few steps (torch.profiler, or py-spy on the process) and look at what runs between "
            "optimizer.step() and the next batch.",
            "Read losses and metrics with .item() every 50 steps and not at each: each read waits for the GPU.",
            "Move preprocessing into the DataLoader's workers, and checkpoints and plots into a thread.",
        ),
        prevention="Compare the GPU's time with the step's in the first hundred steps before a long run.",
        confidence=0.8,
        basis="detector",
        evidence={
            "step": timed[0][0],
            "idle_share": round(share, 4),
            "median_idle_s": median(idle),
            "timed": len(timed),
        },
    )


def _waiting(window: Sequence[StepRecord]) -> bool:
    """Return whether waiting for data is half of what is idle."""
    timed = [r for r in window if r.gpu_s is not None and r.index >= FIRST and r.evaluation_s is None]
    idle = sum(max(0.0, r.duration_s - (r.gpu_s or 0.0)) for r in timed)
    return sum(r.data_s or 0.0 for r in timed) >= 0.5 * idle


def gpu_fragmentation(window: Sequence[StepRecord]) -> Finding | None:
    """Fire when PyTorch has reserved far more memory of a GPU than it has ever allocated at one time.

    Memory that is free at the end of a step is no sign: activations are gone by then. So what is reserved is compared
    with the peak. Source: PyTorch, "CUDA semantics", memory management, on reserved memory that is not allocated.

    Args:
        window: Steps of one optimizer, oldest first.
    """
    seen = [
        (r.index, r.device_reserved_bytes, r.device_peak_bytes)
        for r in window
        if r.device_reserved_bytes is not None and r.device_peak_bytes and r.index >= FIRST
    ]
    if len(seen) < LEAST_POINTS or seen[-1][0] - seen[0][0] + 1 < LEAST_STEPS:
        return None
    reserved, peak = min(value for _, value, _ in seen), max(value for _, _, value in seen)
    lost = reserved - peak
    if lost < LEAST_BYTES or lost < UNUSABLE * reserved:
        return None
    grows = seen[-1][1] >= GROWTH * seen[0][1] and seen[-1][2] <= STEADY * seen[0][2]
    return Finding(
        rule="gpu.fragmentation",
        category=Category.MEMORY,
        severity=Severity.WARNING if grows else Severity.INFO,
        summary=f"PyTorch has reserved {reserved / 2**30:.1f} GiB of the GPU and has never allocated more than "
        f"{peak / 2**30:.1f} GiB at one time: {lost / reserved:.0%} lie in pieces that do not fit"
        + (", and it reserves more and more." if grows else "."),
        cause="Sizes change from step to step (sequences, last batches, images), so blocks that were freed are too "
        "small for the next ones and new ones are reserved; memory can run out although enough of it is free.",
        solutions=(
            "Set PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True before the program starts.",
            "Pad to a few fixed lengths, sort batches by length, and run the largest one first.",
            "Look at torch.cuda.memory_summary(), and at memory snapshots (torch.cuda.memory._dump_snapshot).",
        ),
        prevention="Keep the shapes of batches the same, or few.",
        confidence=0.75,
        basis="detector",
        evidence={
            "step": seen[0][0],
            "reserved_bytes": seen[-1][1],
            "peak_bytes": peak,
            "unusable_share": round(lost / reserved, 4),
        },
    )
