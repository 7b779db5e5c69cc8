"""GPUs without work, and their memory in pieces; and what only looks so."""

from typing import Any

import pytest

from otel_mldebug.rules.detectors.curves.gpu import gpu_fragmentation, gpu_idle
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Severity

GIB = 1 << 30


def steps(n: int = 200, gpu_s: float = 0.02, duration_s: float = 0.1, every: int = 4, **same: Any) -> list[StepRecord]:
    """Return `n` steps, each `every`th of which knows its time on the GPU."""
    return [
        StepRecord(
            index=i, time_ns=i, duration_s=duration_s, gpu_s=gpu_s if i % every == 0 else None,
            **{"data_s": 0.001, "forward_s": 0.01, "backward_s": 0.01, "optimizer_s": 0.001, **same},
        )
        for i in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize(("gpu_s", "severity"), [(0.04, Severity.INFO), (0.01, Severity.WARNING)])
def test_a_gpu_that_waits_for_the_host_is_told(gpu_s, severity):
    finding = gpu_idle(steps(gpu_s=gpu_s))

    assert finding is not None
    assert (finding.rule, finding.severity) == ("gpu.idle", severity)
    assert finding.evidence["idle_share"] == pytest.approx(1 - gpu_s / 0.1)
    assert finding.evidence["timed"] == 48
    assert f"{(0.1 - gpu_s) * 1e3:.0f} ms of each step" in finding.summary


def checkpoints() -> list[StepRecord]:
    return [*steps(100, 0.09), *(StepRecord(index=100 + i, time_ns=i, duration_s=60.0, gpu_s=0.09) for i in range(3))]


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(steps(gpu_s=0.09), id="busy"),
        pytest.param(steps(gpu_s=0.051), id="busy for half of the time"),
        pytest.param(steps(gpu_s=0.12), id="ahead of the host"),
        pytest.param(steps(every=10**9)[1:], id="never timed"),
        pytest.param(steps(60), id="timed too seldom"),
        pytest.param(steps(48, every=1), id="too few steps"),
        pytest.param(steps(gpu_s=0.001, duration_s=0.009), id="short steps"),
        pytest.param(steps(80, gpu_s=0.001, duration_s=0.03), id="not worth anybody's time"),
        pytest.param(steps(data_s=0.06), id="waits for data"),
        pytest.param(steps(evaluation_s=0.05), id="evaluates"),
        pytest.param(checkpoints(), id="three checkpoints"),
        pytest.param([], id="no steps"),
    ],
)
def test_a_gpu_that_works_or_waits_for_what_is_known_is_not(window):
    assert gpu_idle(window) is None


def memory(reserved: Any, peak: Any, n: int = 200, every: int = 16) -> list[StepRecord]:
    """Return `n` steps, some of which know the memory of the GPU, in GiB by step."""
    return [
        StepRecord(
            index=i, time_ns=i, duration_s=0.1,
            **({"device_bytes": GIB, "device_reserved_bytes": int(reserved(i) * GIB), "device_peak_bytes":
                int(peak(i) * GIB)} if i % every == 0 else {}),
        )
        for i in range(n)
    ]  # fmt: skip


def test_memory_in_pieces_is_told_and_is_a_warning_while_it_grows():
    still = gpu_fragmentation(memory(lambda i: 20, lambda i: 10))
    grows = gpu_fragmentation(memory(lambda i: 20 + i / 20, lambda i: 10))

    assert still is not None
    assert (still.rule, still.severity, still.evidence["unusable_share"]) == ("gpu.fragmentation", Severity.INFO, 0.5)
    assert "20.0 GiB" in still.summary
    assert grows is not None
    assert grows.severity is Severity.WARNING
    assert grows.summary.endswith("and it reserves more and more.")


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(memory(lambda i: 20, lambda i: 19), id="free only at the end of a step"),
        pytest.param(memory(lambda i: 20, lambda i: 13), id="a third"),
        pytest.param(memory(lambda i: 3, lambda i: 1.5), id="a small model"),
        pytest.param(memory(lambda i: 20, lambda i: 18 if i == 96 else 2), id="somebody resets the peak"),
        pytest.param(memory(lambda i: 20 if i > 150 else 3, lambda i: 2.5), id="only at the end"),
        pytest.param(memory(lambda i: 20, lambda i: 10, n=60), id="looked at too seldom"),
        pytest.param(memory(lambda i: 20, lambda i: 10, n=48, every=4), id="too few steps"),
        pytest.param(memory(lambda i: 0, lambda i: 0), id="no GPU in use"),
        pytest.param(steps(), id="not measured"),
    ],
)
def test_memory_that_is_used_within_a_step_is_not(window):
    assert gpu_fragmentation(window) is None
