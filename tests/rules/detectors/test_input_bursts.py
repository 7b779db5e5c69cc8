"""Data that comes in bursts: most steps find a batch ready, and the model is starved all the same."""

import pytest

from otel_mldebug.rules.detectors.input_bound import input_bound
from otel_mldebug.rules.detectors.input_bursts import input_bursts
from otel_mldebug.rules.steps import StepRecord


def run(waits, *, length=200, work=0.001, samples=8, epoch_of=lambda step: 0, every=1, cpu=1.0, **more):
    """Return steps whose waits go through `waits`, seconds, over and over."""
    return [
        StepRecord(
            index=step,
            time_ns=step,
            duration_s=waits[step % len(waits)] + work,
            data_s=waits[step % len(waits)],
            forward_s=work / 2,
            backward_s=work / 2,
            optimizer_s=0.0,
            cpu_s=cpu * work,
            samples=samples,
            epoch=epoch_of(step),
            **more,
        )
        for step in range(0, length, every)
    ]


BURSTS = (0.06, 0.0002, 0.0003, 0.0002)


@pytest.mark.parametrize(
    "waits",
    [
        pytest.param(BURSTS, id="four workers with one lock"),
        pytest.param((0.03, 0.0001), id="two workers"),
        pytest.param((0.2, *(0.0001,) * 7), id="eight workers"),
        pytest.param((0.01, 0.02, 0.0001, 0.015, 0.0001, 0.0001), id="unevenly"),
    ],
)
def test_bursts_that_starve_the_model_are_told(waits):
    found = input_bursts(run(waits))
    assert found is not None
    assert (found.rule, found.severity) == ("data.input_bound", "warning")
    assert found.evidence["mean_wait_s"] == pytest.approx(sum(waits) / len(waits), rel=0.05)


def test_the_rule_for_single_steps_does_not_see_them():
    assert input_bound(run(BURSTS)) is None


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(run((0.012, 0.0001, 0.0001, 0.0001)), id="little for each step"),
        pytest.param(run(BURSTS, work=0.02), id="the model is at work"),
        pytest.param(run((3.0, *(0.0001,) * 199)), id="one slow start"),
        pytest.param(run((2.0, *(0.0001,) * 49), epoch_of=lambda step: step // 50), id="workers start at each pass"),
        pytest.param(run((2.0, 1.0, *(0.0001,) * 38)), id="a new loader for each pass: all are the first one"),
        pytest.param(run((0.5, 0.3, 0.1, 0.1, *(0.0,) * 6), epoch_of=lambda step: step // 10), id="short passes"),
        pytest.param(run((0.5, *(0.0001,) * 39), length=400), id="a slow batch now and then: spikes"),
        pytest.param(run(BURSTS, samples=512), id="many samples a batch"),
        pytest.param(run(BURSTS, cpu=0.1), id="a busy machine"),
        pytest.param(run(BURSTS, length=45), id="too few steps"),
        pytest.param(run(BURSTS, length=800, every=4), id="only some steps are known"),
        pytest.param(run(BURSTS, evaluation_s=0.1), id="evaluation in between"),
        pytest.param(run(BURSTS, samples=None), id="samples unknown"),
        pytest.param(run((0.0,)), id="no wait at all"),
        pytest.param([], id="nothing"),
    ],
)
def test_other_waits_are_not(steps):
    assert input_bursts(steps) is None
