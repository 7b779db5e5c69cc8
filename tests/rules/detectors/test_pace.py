"""How busy the machine is, told from wall and CPU time of steps."""

import pytest

from otel_mldebug.rules.detectors.pace import pace
from otel_mldebug.rules.steps import StepRecord


def step(cpu_s: float | None, **more: float) -> StepRecord:
    return StepRecord(index=0, time_ns=0, duration_s=0.02, forward_s=0.004, backward_s=0.005, cpu_s=cpu_s, **more)


@pytest.mark.parametrize(
    ("steps", "share"),
    [
        pytest.param([step(0.009)], 1.0, id="a processor to itself"),
        pytest.param([step(0.003)] * 3, 1 / 3, id="one of three"),
        pytest.param([step(0.018)], 1.0, id="makes its data, too"),
        pytest.param([step(0.009), step(0.009), step(0.001)], 1.0, id="one delay"),
        pytest.param([step(0.001, optimizer_s=0.001)], 0.1, id="the optimizer counts"),
        pytest.param([step(0.001, gpu_s=0.01)], 1.0, id="waits for a GPU"),
        pytest.param([step(None), step(0.0)], 1.0, id="unknown"),
        pytest.param([StepRecord(index=0, time_ns=0, duration_s=1.0, cpu_s=0.1)], 1.0, id="no phases"),
        pytest.param([], 1.0, id="no steps"),
    ],
)
def test_the_share_of_a_processor(steps, share):
    assert pace(steps) == pytest.approx(share)


@pytest.mark.parametrize(
    ("part", "share"),
    [
        pytest.param(0.0, 1 / 9, id="the one that got least"),
        pytest.param(0.25, 1 / 3, id="a quarter of them"),
        pytest.param(0.125, 2 / 9, id="between two"),
        pytest.param(1.0, 1.0, id="all of them"),
    ],
)
def test_the_share_that_a_part_of_the_steps_gets(part, share):
    steps = [step(cpu_s) for cpu_s in (0.009, 0.001, 0.009, 0.003, 0.009)]

    assert pace(steps, part=part) == pytest.approx(share)


@pytest.mark.parametrize(
    ("steps", "machine", "share"),
    [
        pytest.param([step(0.009)], 0.4, 0.4, id="let in first, on a busy machine"),
        pytest.param([step(0.003)], 0.4, 1 / 3, id="gets less than others"),
        pytest.param([], 0.4, 0.4, id="no steps"),
    ],
)
def test_a_thread_gets_no_more_than_the_machine_has(steps, machine, share):
    assert pace(steps, machine=machine) == pytest.approx(share)
