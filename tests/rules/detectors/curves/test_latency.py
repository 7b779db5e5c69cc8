"""Slow steps: which phase they wait in, and when they are nobody's business."""

import random
from dataclasses import replace
from typing import Any

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.latency import latency_spikes
from otel_mldebug.rules.steps import StepRecord

PARTS = {"data_s": 0.001, "forward_s": 0.003, "backward_s": 0.004, "optimizer_s": 0.001}


def steps(n: int, slow: Any = (), extra_s: float = 0.2, part: Any = "data_s", **same: Any) -> list[StepRecord]:
    """Return `n` steps of 10 ms; those of `slow` take longer in `part`, or outside of all phases."""
    out = []
    for i in range(n):
        parts, more = dict(PARTS), extra_s if i in slow else 0.0
        where = part[i % len(part)] if isinstance(part, list) else part
        if where in parts:
            parts[where] += more
        out.append(StepRecord(index=i, time_ns=i, duration_s=0.01 + more, **parts, **same))
    return out


@pytest.mark.parametrize(
    ("part", "phase", "category"),
    [
        ("data_s", "data", "data"),
        ("forward_s", "forward", "training"),
        ("backward_s", "backward", "training"),
        ("optimizer_s", "optimizer", "training"),
        ("", "other", "training"),
    ],
)
def test_spikes_are_named_with_their_phase_and_rhythm(part, phase, category):
    finding = latency_spikes(steps(200, range(19, 200, 20), part=part))

    assert finding is not None
    assert finding.rule == "timing.spikes"
    assert str(finding.category) == category
    assert finding.evidence["phase"] == phase
    assert finding.evidence["step"] == 19
    assert finding.evidence["every_steps"] == 20
    assert "Every 20 steps" in finding.summary


def test_delays_of_a_busy_machine_are_not_the_program_s():
    rng, fired = random.Random(0), 0
    for _ in range(1000):
        window = steps(100)
        for at in rng.sample(range(10, 100), rng.randint(3, 12)):
            more = rng.uniform(0.05, 0.4)
            window[at] = replace(window[at], duration_s=0.01 + more, backward_s=0.004 + more)
        fired += latency_spikes(window) is not None
    assert fired <= 5


def test_spikes_without_a_rhythm_say_so():
    finding = latency_spikes(steps(200, (30, 41, 97, 160), extra_s=0.5))

    assert finding is not None
    assert "every_steps" not in finding.evidence
    assert finding.evidence["worst_s"] == pytest.approx(0.51)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(steps(200), id="even"),
        pytest.param(steps(200, range(8)), id="compilation and workers at the start"),
        pytest.param(steps(200, (50, 100)), id="two"),
        pytest.param(steps(200, range(9, 200, 20), extra_s=0.02), id="20 ms: a busy machine"),
        pytest.param(steps(200, range(9, 200, 21), part=["data_s", "forward_s", "backward_s", ""]), id="all phases"),
        pytest.param(steps(200, range(50, 65), extra_s=0.08, part="backward_s"), id="a burst"),
        pytest.param(steps(200, (20, 41, 97), part="backward_s"), id="three, while computing"),
        pytest.param(steps(250, (60, 120, 180, 240), extra_s=0.1, part=""), id="checkpoints that cost a seventh"),
        pytest.param(steps(200, range(9, 200, 20), evaluation_s=0.2), id="evaluation"),
        pytest.param(steps(200, range(0, 200, 2)), id="every other step: that is how it is"),
        pytest.param(steps(20, (10, 12, 14)), id="too few steps"),
    ],
)
def test_slow_steps_that_are_no_trouble(window):
    assert latency_spikes(window) is None


@pytest.mark.parametrize("part", ["data_s", ""])
def test_what_happens_between_two_passes_over_the_data_is_left_alone(part):
    slow = [replace(r, epoch=r.index // 20) for r in steps(200, range(20, 200, 20), part=part)]
    assert latency_spikes(slow) is None


def test_steps_that_begin_a_pass_count_where_they_compute_slowly():
    slow = [replace(r, epoch=r.index // 20) for r in steps(200, range(20, 200, 20), part="forward_s")]
    assert latency_spikes(slow).evidence["phase"] == "forward"


WILD = (30, 41, 57, 97, 110, 160, 171)


def waits(window: list[StepRecord], share: float, most: float = 0.5) -> list[StepRecord]:
    """Return the same steps with `share` of a processor in usual ones; those that wait do so for up to `most` s."""
    rng = random.Random(0)
    return [
        replace(r, duration_s=(more := rng.uniform(0.5, 1) * most) + 0.01, forward_s=0.003 + more, cpu_s=0.008)
        if r.index in WILD
        else replace(r, cpu_s=0.008 * share)
        for r in window
    ]


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        pytest.param(waits(steps(200), 1.0), True, id="a whole processor between them"),
        pytest.param(waits(steps(200), 0.6), False, id="on a busy machine"),
        pytest.param(waits(steps(200), 1.0, most=0.18), False, id="shorter ones"),
        pytest.param(waits(steps(120), 1.0), False, id="fewer"),
        pytest.param([replace(r, cpu_s=None) for r in waits(steps(200), 1.0)], False, id="nobody knows"),
    ],
)
def test_long_waits_at_any_time_are_told_where_the_machine_is_not_busy(window, fires):
    finding = latency_spikes(window)
    assert (finding and finding.evidence["phase"]) == ("forward" if fires else None)


LONG = (30, 41, 97, 160, 171)


def sized(window: list[StepRecord], long: Any, times: int, usual: int = 1000) -> list[StepRecord]:
    """Return the same steps with tokens, so many times the usual for those of `long`; no two last equally long."""
    return [
        replace(r, tokens=usual * (times if r.index in long else 1), duration_s=r.duration_s * (1 + r.index / 100))
        for r in window
    ]


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        pytest.param(sized(steps(200, LONG, part="backward_s"), LONG, 60), True, id="long samples"),
        pytest.param(sized(steps(200, LONG, part=["forward_s", "backward_s"]), LONG, 60), True, id="in both phases"),
        pytest.param(sized(steps(200, LONG, part="backward_s"), (), 60), False, id="batches are alike"),
        pytest.param(sized(steps(200, LONG, part="backward_s"), LONG, 2), False, id="twice as large"),
        pytest.param(sized(steps(200, LONG, part="backward_s"), LONG[:2], 60), False, id="some of them"),
        pytest.param(sized(steps(200, LONG, part="backward_s"), range(30, 60), 60), False, id="others are fast"),
        pytest.param(sized(steps(200, LONG, extra_s=0.06, part="backward_s"), LONG, 60), False, id="not so slow"),
    ],
)
def test_batches_of_long_samples_are_the_cause_of_slow_steps(window, fires):
    finding = latency_spikes(window)
    assert (finding and (finding.evidence["times_tokens"], str(finding.category))) == (
        (60.0, "data") if fires else None
    )


def computing(window: list[StepRecord], share: float, *, loader: bool) -> list[StepRecord]:
    """Return the same steps with CPU time for a share of each, and without a loader if there is none."""
    data_s = {} if loader else {"data_s": None}
    return [replace(r, cpu_s=share * r.duration_s, **data_s) for r in window]


ROLLOUTS = steps(200, range(15, 200, 16), part="forward_s")
CPU_OF_WAITS = [replace(r, cpu_s=0.009, data_s=None) for r in ROLLOUTS]


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        pytest.param(computing(ROLLOUTS, 0.95, loader=False), False, id="plays a game between updates"),
        pytest.param(computing(ROLLOUTS, 0.3, loader=False), False, id="… on a busy machine"),
        pytest.param(computing(ROLLOUTS, 0.95, loader=True), True, id="a loader gives the data: the model computes"),
        pytest.param(CPU_OF_WAITS, True, id="waits"),
        pytest.param([replace(r, data_s=None) for r in ROLLOUTS], True, id="nobody knows"),
    ],
)
def test_long_steps_in_which_a_program_without_a_loader_computes_are_its_own(window, fires):
    assert (latency_spikes(window) is not None) == fires


LOOSE = [
    replace(r, data_s=0.1 + 0.07 * (r.index % 3), duration_s=0.11 + 0.07 * (r.index % 3)) if r.duration_s > 0.1 else r
    for r in steps(200, (30, 41, 97, 120, 160))
]


@pytest.mark.parametrize(
    ("window", "fires"),
    [
        pytest.param(LOOSE, True, id="five batches that took long"),
        pytest.param([replace(r, cpu_s=0.008) for r in LOOSE], True, id="… and training has a processor"),
        pytest.param([replace(r, cpu_s=0.002) for r in LOOSE], False, id="… and it gets a quarter of one"),
        pytest.param([replace(r, cpu_s=0.002) for r in steps(200, range(9, 200, 20))], True, id="in a rhythm"),
        pytest.param(
            [replace(r, cpu_s=0.002 if r.index % 3 == 0 else 0.008) for r in LOOSE], False, id="… but not in each step"
        ),
        pytest.param([r for r in LOOSE if r.index != 97], False, id="four"),
    ],
)
def test_batches_that_come_late_without_a_rhythm_may_be_the_machine_s_fault(window, fires):
    assert (latency_spikes(window) is not None) == fires


@pytest.mark.parametrize(("machine", "fires"), [(1.0, True), (0.6, True), (0.2, False)])
def test_batches_that_come_late_on_a_crowded_machine(machine, fires):
    course = Course(LOOSE)
    course.machine = machine

    assert (latency_spikes(course) is not None) == fires
