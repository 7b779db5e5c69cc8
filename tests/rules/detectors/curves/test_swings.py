"""Losses that swing, told from those that are noisy."""

import math
import random
from dataclasses import replace
from typing import Any

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.swings import oscillation
from tests.rules.detectors.curves.curve import course, falling

SWING = [1.0 + 0.6 * math.cos(i / 2) for i in range(200)]
LOGISTIC = [0.4]
for _ in range(200):
    LOGISTIC.append(3.9 * LOGISTIC[-1] * (1 - LOGISTIC[-1]))


@pytest.mark.parametrize(
    ("losses", "period"),
    [
        pytest.param(SWING, 13, id="a slow swing: momentum"),
        pytest.param([1.0, 2.4] * 100, 2, id="to and fro: overshooting"),
        pytest.param([0.3 + x for x in LOGISTIC], None, id="chaos"),
    ],
)
def test_a_loss_that_swings_without_progress(losses, period):
    finding = oscillation(course(losses))

    assert finding is not None
    assert finding.rule == "loss.oscillation"
    assert period is None or finding.evidence["period"] == pytest.approx(period, abs=1)
    assert "oscillates" in finding.summary


@pytest.mark.parametrize(
    ("losses", "rates"),
    [
        pytest.param(falling(200, noise=0.5), 0.1, id="noisy and falling"),
        pytest.param([x * 0.98**i for i, x in enumerate(SWING)], 0.1, id="swings that die down"),
        pytest.param([3.0] + [0.1 * x for x in SWING], 0.1, id="far below the beginning: converged"),
        pytest.param([1.0 + 0.6 * 0.99**i * math.cos(i / 2) for i in range(240)], 0.1, id="rings, and comes to rest"),
        pytest.param([1 + 0.1 * math.cos(i / 2) for i in range(200)], 0.1, id="small"),
        pytest.param(SWING, [0.1 * (1.2 + math.cos(i / 2)) for i in range(200)], id="the learning rate swings"),
        pytest.param([1.0 * 1.005**i for i in range(200)], 0.1, id="rises by and by: a curriculum"),
        pytest.param([x - 1 for x in SWING], 0.1, id="not positive"),
        pytest.param(SWING[:90], 0.1, id="too early"),
        pytest.param([], 0.1, id="no steps"),
    ],
)
def test_losses_that_do_not(losses, rates):
    assert oscillation(course(losses, rates=rates)) is None


@pytest.mark.parametrize(
    ("length", "fires"),
    [
        pytest.param(40, False, id="each pass over the data goes the same way: it is not shuffled"),
        pytest.param(33, True, id="whatever the data is"),
        pytest.param(2, True, id="passes of two batches"),
    ],
)
def test_swings_of_the_data_are_told_from_those_of_the_updates(length, fires):
    swings = [1.0 + 0.6 * math.cos(i * math.pi / 10) for i in range(240)]
    run = Course(replace(r, epoch=r.index // length) for r in course(swings))

    assert (oscillation(run) is not None) == fires


NOISES: dict[str, Any] = {
    "batches of one": lambda rng: rng.expovariate(1) + 1e-3,
    "small batches": lambda rng: rng.lognormvariate(0, 0.5),
    "two kinds of batches": lambda rng: rng.choice([0.5, 1.5]) * rng.lognormvariate(0, 0.1),
}


@pytest.mark.parametrize("name", NOISES)
def test_noise_does_not_swing(name):
    fired = 0
    for seed in range(300):
        rng = random.Random(seed)
        fired += oscillation(course([NOISES[name](rng) for _ in range(256)])) is not None
    assert fired == 0


SAW = [0.4 + 0.8 * 0.8 ** (i % 12) for i in range(240)]
SLOW = [1.0 + 0.6 * math.cos(i / 7) for i in range(256)]


@pytest.mark.parametrize(
    ("losses", "reach", "fires"),
    [
        pytest.param([1.0, 2.4] * 100, 2.0, True, id="to and fro, in steps past the minimum"),
        pytest.param([1.0, 2.4] * 100, 0.1, False, id="two tasks that take turns"),
        pytest.param(SWING, 0.5, True, id="momentum"),
        pytest.param(SWING, 0.05, False, id="seasons of the data"),
        pytest.param(SLOW, 0.2, False, id="long ones"),
        pytest.param(SAW, 0.5, False, id="one task after the other, each learned anew"),
        pytest.param(SAW[::-1], 0.5, True, id="thrown off by and by"),
    ],
)
def test_swings_that_updates_can_make(losses, reach, fires):
    norms = [math.sqrt(reach * loss / 0.1) for loss in losses]

    assert (oscillation(course(losses, norms, optimizer="SGD")) is not None) == fires
    assert oscillation(course(losses, norms, rates=1e-3, optimizer="AdamW")) is None


def test_of_several_optimizers_nothing_is_said():
    run = course(SWING)
    run.shared = True

    assert oscillation(run) is None


def tasks(seed: int, count: int = 40, length: int = 10) -> list[float]:
    """Return losses of tasks in turn, some of them harder: each is learned down, with the noise of batches."""
    rng = random.Random(seed)
    return [
        height * 0.9**step * rng.uniform(0.85, 1.2) + 0.3
        for height in (rng.uniform(1.0, 8.0) for _ in range(count))
        for step in range(length)
    ]


def test_tasks_in_turn_make_saw_teeth_wherever_one_looks():
    fired = [
        (seed, end)
        for seed in range(30)
        for end in range(110, 400, 29)
        if oscillation(course(tasks(seed)[:end])) is not None
    ]
    assert fired == []
