"""Steps that take longer and longer."""

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.slowing import slowing_steps
from otel_mldebug.rules.looks import Look, Operation, Parameter, Part
from otel_mldebug.rules.steps import StepRecord

PART = Part(place="Addmm", role="input", shape=(32, 8))
NET = {"operations": (Operation(kind="Addmm"),), "parameters": (Parameter(name="w"),), "parts": (PART,)}


def looks(now=NET, first=NET):
    return [Look(step=1, time_ns=1, **first), Look(step=200, time_ns=200, **now)]


def course(cpu, *, steps=240, shared=False, **fields):
    made = Course(
        StepRecord(index=i, time_ns=i, duration_s=0.01, cpu_s=cpu(i), forward_s=cpu(i), backward_s=0.001, **fields)
        for i in range(steps)
    )
    made.shared = shared
    return made


def growing(step):
    return 0.002 + 0.00008 * step


def test_steps_that_take_longer_and_longer_are_found_with_their_phase():
    finding = slowing_steps(looks(), course(growing))
    assert finding is not None
    assert (finding.rule, finding.evidence["phase"], finding.evidence["step"]) == ("timing.slowing", "forward", 5)
    assert finding.summary.startswith(
        "Steps take longer and longer: 3.44 ms of processor time in the beginning, 18.4 ms"
    )


def until_a_limit(step):
    """Return the time of a step with an episode before it, which soon lasts as long as episodes may."""
    return 0.002 + 0.00008 * min(190, step) * (1 if step > 150 else 0.9 + 0.1 * (step % 3))


def in_waves(step):
    """Return the time of a step with an episode before it, which lasts longer for a while, then shorter, and so on."""
    return growing(step) * (1.4 if step // 30 % 2 else 0.8)


def lasting(step):
    """Return the time of a step with an episode before it, which lasts longer the better the policy is."""
    return growing(step) * (0.7 + 0.15 * (step * 7 % 5))


@pytest.mark.parametrize(
    ("cpu", "data_s", "fires"),
    [
        pytest.param(lasting, None, False, id="episodes, and no loader"),
        pytest.param(lasting, 0.001, True, id="batches of a loader"),
        pytest.param(in_waves, None, False, id="episodes that last longer in waves"),
        pytest.param(until_a_limit, None, False, id="episodes that reach their limit"),
        pytest.param(lambda step: growing(step) * (0.95 + 0.05 * (step % 3)), None, True, id="a list that is copied"),
    ],
)
def test_what_is_played_between_the_steps_is_told_by_its_ups_and_downs(cpu, data_s, fires):
    assert (slowing_steps(looks(), course(cpu, data_s=data_s)) is not None) == fires


@pytest.mark.parametrize(
    ("seen", "window"),
    [
        pytest.param(looks(), course(lambda step: 0.01), id="all alike"),
        pytest.param(looks(), course(lambda step: 0.01 + 0.03 * (step >= 150)), id="slower all at once"),
        pytest.param(looks(), course(lambda step: 0.01 + 0.00008 * step), id="a little slower"),
        pytest.param(looks(), course(lambda step: 0.01 * growing(step)), id="too short to matter"),
        pytest.param(looks(), course(growing, steps=90), id="too early"),
        pytest.param(looks(), course(growing, shared=True), id="several optimizers"),
        pytest.param(looks(), course(lambda step: None), id="not known"),
        pytest.param(looks({**NET, "parts": (Part(place="Addmm", shape=(32, 80)),)}), course(growing), id="longer"),
        pytest.param(looks({**NET, "operations": NET["operations"] * 9}), course(growing), id="longer episodes"),
        pytest.param(
            looks(first={**NET, "parameters": (Parameter(name="w", trainable=False),)}), course(growing), id="unfrozen"
        ),
        pytest.param(looks()[:1], course(growing), id="one look"),
    ],
)
def test_steps_that_do_more_or_cost_the_same_are_left_alone(seen, window):
    assert slowing_steps(seen, window) is None
