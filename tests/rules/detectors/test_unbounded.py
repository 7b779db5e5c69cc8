"""Losses that fall without bound."""

import math

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
