"""Memory that grows with every step, told from memory that fills up."""

import math
from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.memory import memory_growth
from otel_mldebug.rules.steps import StepRecord

MIB = 1 << 20


def used(amount, n: int = 400, *, field: str = "memory_bytes", **same) -> Course:
    """Return `n` steps; every eighth says how much memory is in use, as `amount(step)` gives it in MiB."""
    out = Course()
    for i in range(n):
        measured = {field: int(amount(i) * MIB)} if i % 8 == 0 else {}
        out.append(StepRecord(index=i, time_ns=i, duration_s=0.01, loss=1.0, **measured, **same))
    return out


@pytest.mark.parametrize("n", [160, 400, 3000])
def test_steady_growth_is_named_by_the_step(n):
    finding = memory_growth(used(lambda i: 200 + 0.5 * i, n))

    assert finding is not None
    assert finding.rule == "memory.growth"
    assert finding.evidence["bytes_per_step"] == pytest.approx(0.5 * MIB, rel=0.05)
    assert "512 KiB with every step" in finding.summary


@pytest.mark.parametrize(
    ("mib", "more", "graphs", "severity"),
    [
        pytest.param(0.1, {}, False, "info", id="a memory of what was seen, filled by hand"),
        pytest.param(0.3, {}, False, "warning", id="far more of it"),
        pytest.param(0.1, {"data_s": 0.001}, False, "warning", id="with a loader there is nothing to remember"),
        pytest.param(0.1, {"field": "device_bytes"}, False, "warning", id="on a GPU"),
        pytest.param(0.1, {}, True, "warning", id="graphs"),
    ],
)
def test_what_reinforcement_learning_remembers_is_no_warning(mib, more, graphs, severity):
    run = used(lambda i: 200 + mib * i, **more)
    run.graphs = graphs

    assert str(memory_growth(run).severity) == severity


def test_what_grows_is_said_and_less_is_enough_where_graphs_are_known_to_be_kept():
    run = used(lambda i: 200 + 0.02 * i)
    assert memory_growth(run) is None

    run.growing, run.graphs = "24 tensors of 64 x 32 with their graph", True
    finding = memory_growth(run)

    assert finding is not None
    assert "because graphs of past steps are kept" in finding.summary
    assert run.growing in finding.cause
    assert finding.confidence == 0.95


@pytest.mark.parametrize(
    ("kib", "graphs", "found"),
    [(4, True, True), (10, True, True), (0.5, True, False), (4, False, False), (10, False, False)],
)
def test_small_graphs_that_are_kept_are_counted_and_small_lists_are_not(kib, graphs, found):
    run = used(lambda i: 200 + kib / 1024 * i)
    run.graphs = graphs

    assert (memory_growth(run) is not None) == found


def test_memory_of_a_gpu_counts_too():
    finding = memory_growth(used(lambda i: 200 + i, field="device_bytes"))

    assert finding is not None
    assert finding.summary.startswith("Memory of the GPU grows")


@pytest.mark.parametrize("seen", [255, 259, 300, 400, 600])
def test_a_cache_that_the_first_pass_has_filled_is_no_leak_in_the_second(seen):
    run = Course(replace(r, epoch=r.index // 250) for r in used(lambda i: 200 + 0.5 * min(i, 250), seen))
    assert memory_growth(run) is None


def test_what_grows_on_in_the_second_pass_is():
    run = Course(replace(r, epoch=r.index // 250) for r in used(lambda i: 200 + 0.5 * i, 380))

    finding = memory_growth(run)

    assert finding is not None
    assert finding.evidence["step"] >= 250


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(used(lambda i: 200), id="flat"),
        pytest.param(used(lambda i: 200 + 100 * min(i, 60) / 60), id="warm-up"),
        pytest.param(used(lambda i: 200 + 50 * math.log1p(i)), id="fills up, slower and slower"),
        pytest.param(used(lambda i: 200 + i % 80), id="filled and emptied again each epoch"),
        pytest.param(used(lambda i: 200 + min(i, 200)), id="a buffer that gets full"),
        pytest.param(used(lambda i: 200 + 0.002 * i), id="2 KiB a step: a list of numbers"),
        pytest.param(used(lambda i: 200 + 40 * (i >= 200)), id="one step up"),
        pytest.param(used(lambda i: 200 + i, 90), id="too few steps"),
        pytest.param(used(lambda i: 200 + i, epoch=0), id="a cache that the first pass over the data fills"),
        pytest.param(used(lambda i: 500 - i), id="shrinks"),
        pytest.param(Course(), id="no steps"),
    ],
)
def test_memory_that_does_not_grow_for_ever(run):
    assert memory_growth(run) is None
