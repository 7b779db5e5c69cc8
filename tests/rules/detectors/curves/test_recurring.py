"""Single losses that jump in step with the passes over the data."""

import random
from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.recurring import recurring_spike
from tests.rules.detectors.curves.curve import course, falling

EVERY_60 = (45, 105, 165, 225)
SHUFFLED = (52, 101, 170, 203)
"""One in each pass of 50 steps, anywhere in it."""


def jumping(steps, to=300.0, n=240, pass_of=None, losses=None):
    """Return a loss that falls from 2.3 and jumps in single steps, with the number of the pass where there is one."""
    losses = list(losses or falling(n))
    for step in steps:
        losses[step] = to
    records = course(losses)
    if pass_of is None:
        return records
    passes = Course()
    for record in records:
        passes.append(replace(record, epoch=record.index // pass_of))
    return passes


def test_a_loss_that_jumps_at_equal_distances_is_told_with_its_first_step_and_the_distance():
    finding = recurring_spike(jumping(EVERY_60))

    assert (finding.rule, finding.severity.value, finding.evidence["step"]) == ("loss.spike", "warning", 45)
    assert (finding.evidence["every_steps"], finding.evidence["spikes"]) == (60, 4)
    assert finding.summary.startswith("The loss jumps every 60 steps (steps 45, 105, 165, …) to about 300, ")


def test_a_loss_that_jumps_once_in_each_pass_is_told_wherever_in_the_pass():
    finding = recurring_spike(jumping(SHUFFLED, pass_of=50))

    assert finding.summary.startswith("The loss jumps once in each pass over the data (steps 52, 101, 170, …)")
    assert "every_steps" not in finding.evidence


NOISE = random.Random(7)


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(jumping(SHUFFLED), id="at any distance, passes unknown"),
        pytest.param(jumping((52, 99, 170, 203), pass_of=50), id="twice in one pass"),
        pytest.param(jumping((52, 101, 170), pass_of=50), id="in three passes only"),
        pytest.param(jumping((45, 105)), id="twice"),
        pytest.param(jumping(range(15, 240, 16)), id="a term that is computed every 16 steps"),
        pytest.param(jumping(EVERY_60, to=15.0), id="not far above the first loss"),
        pytest.param(jumping((*EVERY_60, *(s + 1 for s in EVERY_60))), id="two in a row"),
        pytest.param(
            jumping(EVERY_60, losses=[NOISE.paretovariate(0.7) for _ in range(240)]), id="losses with heavy tails"
        ),
        pytest.param(jumping((), n=240), id="never"),
        pytest.param(jumping((), losses=[0.0] * 60), id="nothing to lose"),
        pytest.param(jumping((), losses=[float("nan")] * 60), id="no number"),
        pytest.param(Course(), id="no steps"),
    ],
)
def test_other_losses_are_left_alone(window):
    assert recurring_spike(window) is None


def test_a_loss_that_falls_by_and_by_after_each_jump_is_a_target_that_was_replaced():
    losses = falling(240)
    for step in EVERY_60:
        for after in range(10):
            losses[step + after] = 300.0 * 0.6**after
    assert recurring_spike(course(losses)) is None


def test_losses_with_heavy_tails_seldom_come_at_equal_distances():
    fired = 0
    for seed in range(300):
        rng = random.Random(seed)
        fired += recurring_spike(course([rng.paretovariate(0.6) for _ in range(240)])) is not None
    assert fired == 0


def test_with_several_optimizers_the_loss_says_nothing():
    window = jumping(EVERY_60)
    window.shared = True
    assert recurring_spike(window) is None
