"""Losses that fall without bound."""

import math
import random

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.unbounded import unbounded_loss
from otel_mldebug.rules.steps import StepRecord


def course(loss, norm=lambda step: 1.0, steps=120, *, shared=False):
    made = Course(
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=loss(i), gradient_norm=norm(i)) for i in range(steps)
    )
    made.shared = shared
    return made


def falling(step):
    return -1.0 * 1.08**step


def growing(step):
    return 1.08**step


def uneven(step):
    return 1.0 + 0.1 * (step % 3)


def test_a_loss_that_falls_without_bound_is_found():
    finding = unbounded_loss(course(falling, growing))
    assert finding is not None
    assert (finding.rule, finding.evidence["step"]) == ("loss.unbounded", 17)
    assert finding.summary.startswith("The loss falls without bound, to -")


def test_a_loss_that_falls_as_fast_as_before_although_gradients_are_clipped_is_found():
    finding = unbounded_loss(course(lambda step: 1.0 - 20.0 * max(0, step - 10)))
    assert finding is not None
    assert finding.summary.endswith(" the size of the first ones, and clipping holds the gradients.")


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(course(falling, growing, shared=True), id="a critic"),
        pytest.param(course(falling, growing, steps=40), id="too early"),
        pytest.param(course(falling, uneven), id="gradients keep their size"),
        pytest.param(
            course(lambda step: -20.0 * step + 0.1 * (step < 8), growing), id="gradients grow, and it does not"
        ),
        pytest.param(course(falling, lambda step: None), id="gradients not known"),
        pytest.param(course(lambda step: -falling(step), growing), id="upwards: another rule"),
        pytest.param(course(lambda step: 2 - 3 * math.log1p(step), growing), id="a likelihood that gets sharper"),
        pytest.param(course(lambda step: -1.0 - step, growing), id="a return that grows"),
        pytest.param(course(lambda step: -1.0 - 1e4 * (step > 10), growing), id="a term that was added"),
        pytest.param(course(lambda step: -1.0 - 8.0 * step), id="clipped, and not far down"),
        pytest.param(course(lambda step: -1.0 - 4000 * step**0.5), id="clipped, and ever more slowly"),
    ],
)
def test_losses_below_zero_are_left_alone(seen):
    assert unbounded_loss(seen) is None


def test_a_loss_that_falls_by_as_much_in_each_step_for_hundreds_of_steps_is_found():
    finding = unbounded_loss(course(lambda step: 2.0 - 0.3 * max(0, step - 8), uneven, steps=1600))
    assert finding is not None
    assert (finding.rule, finding.severity.value, finding.evidence["step"]) == ("loss.unbounded", "error", 29)
    assert finding.summary == (
        "The loss falls without bound, to -475, 238 times the size of the first ones, and by as much in each step as "
        "hundreds of steps before (-0.3)."
    )


def test_an_even_fall_under_a_rate_that_is_lowered_is_even_for_its_size():
    rates = [0.1 * (1 - step / 1000) for step in range(800)]
    made = Course(
        StepRecord(index=i, time_ns=i, duration_s=0.01, loss=1.0 - 20 * sum(rates[10:i]), learning_rate=rates[i])
        for i in range(800)
    )
    assert unbounded_loss(made).rule == "loss.unbounded"


def noisy(level):
    rng = random.Random(3)
    return [level(step) + rng.gauss(0, 0.8) * step for step in range(800)]


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(lambda step: 1.0 - 0.2 * max(0, step - 8), id="not as far down yet"),
        pytest.param(lambda step: 1.0 - 120 * math.log1p(step), id="a likelihood: ever more slowly"),
        pytest.param(lambda step: 1.0 - 40 * step**0.5, id="ever more slowly, with the root"),
        pytest.param(lambda step: 1.0 - 2000 * (1 - 0.5 ** (step / 300)), id="towards a bound"),
        pytest.param(lambda step: 0.04 - min(0.01 * step, 5.0), id="a learned noise, down to what the data has"),
        pytest.param(noisy(lambda step: 1.0 - step).__getitem__, id="returns of a policy"),
    ],
)
def test_losses_that_fall_far_for_other_reasons_are_left_alone(loss):
    assert unbounded_loss(course(loss, uneven, steps=800)) is None


def test_a_critic_whose_loss_falls_faster_and_faster_beyond_all_measure_is_found():
    finding = unbounded_loss(course(lambda step: -(1.1**step), lambda step: 1.05**step, steps=200, shared=True))
    assert finding is not None
    assert finding.evidence["step"] == 15


@pytest.mark.parametrize(
    ("loss", "norm"),
    [
        pytest.param(lambda step: -(1.04**step), lambda step: 1.05**step, id="a thousand times"),
        pytest.param(lambda step: -(1.1**step), uneven, id="gradients keep their size"),
        pytest.param(lambda step: -1.0 - 2e4 * step, lambda step: 1.05**step, id="values of a policy: evenly"),
    ],
)
def test_critics_and_actors_whose_losses_fall_are_left_alone(loss, norm):
    assert unbounded_loss(course(loss, norm, steps=200, shared=True)) is None
