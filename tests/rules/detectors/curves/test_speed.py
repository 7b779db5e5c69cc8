"""Learning rates far too high and far too low, and losses that look like it."""

import math
import random

import pytest

from otel_mldebug.rules.detectors.curves.speed import rate_too_high, rate_too_low
from tests.rules.detectors.curves.curve import course, falling

HEAVY = [40.0 if i % 16 == 7 and i < 32 else 2.0 * 0.97**i + 1e-3 for i in range(300)]
FLAT = [2.3 + 0.02 * ((i * 7) % 5 - 2) for i in range(300)]


def test_a_loss_thrown_up_by_the_first_updates_blames_the_learning_rate():
    finding = rate_too_high(course([2.3, 120.0, *(90.0 + 5 * (i % 7) for i in range(40))], rates=1.0))

    assert finding is not None
    assert finding.rule == "learning_rate.too_high"
    assert finding.evidence["step"] == 1
    assert "far too high" in finding.summary
    assert "0.01 or 0.1" in finding.solutions[0]


@pytest.mark.parametrize(
    "losses",
    [
        pytest.param(falling(200), id="falls"),
        pytest.param([2.3, 9.0, 6.0, 4.0, *falling(100)], id="a jump that is over soon"),
        pytest.param([0.01 * 1.1**i for i in range(100)], id="rises by and by: a term that is turned up"),
        pytest.param([0.01, -5.0, *([20.0] * 60)], id="not positive: a policy gradient"),
        pytest.param([2.3] * 10 + [500.0] * 60, id="later: not the first updates"),
        pytest.param([2.3, 120.0, 90.0], id="too early"),
        pytest.param([], id="no steps"),
    ],
)
def test_a_loss_that_was_not_thrown_up(losses):
    assert rate_too_high(course(losses)) is None


BORN = [0.003, 0.02, 0.05, *(0.08 * 0.99**i for i in range(60))]
THROWN = [2.3, 12.0, *([60.0] * 60)]


@pytest.mark.parametrize(
    ("losses", "norms", "rate", "optimizer", "fires"),
    [
        pytest.param(BORN, [0.1] * 63, 0.1, "SGD", False, id="another term than the first: small steps"),
        pytest.param(BORN, [0.3] * 63, 0.1, "SGD", True, id="steps that reach past the minimum"),
        pytest.param(BORN, [0.1] * 63, 1e-3, "AdamW", False, id="a usual rate, a loss near 0"),
        pytest.param(BORN, [0.1] * 63, 0.01, "Adam", False, id="a high rate, a loss near 0"),
        pytest.param(BORN, [0.1] * 63, 0.1, "Adam", True, id="far too high a rate"),
        pytest.param(THROWN, [], 0.01, "Adam", True, id="a high rate, and no loss that starts near 0"),
        pytest.param(THROWN, [], 1e-3, "Adam", False, id="a usual rate"),
        pytest.param(THROWN, [math.inf] * 62, 3.0, "SGD", True, id="gradients without bounds"),
        pytest.param(THROWN, [math.nan] * 62, 3.0, "SGD", False, id="nothing known of gradients"),
    ],
)
def test_what_threw_the_loss_up_is_the_update_or_the_task(losses, norms, rate, optimizer, fires):
    assert (rate_too_high(course(losses, norms, rates=rate, optimizer=optimizer)) is not None) == fires


def test_losses_of_batches_of_one_are_not_thrown_up():
    fired = 0
    for seed in range(300):
        rng = random.Random(seed)
        fired += rate_too_high(course([rng.expovariate(1) + 1e-3 for _ in range(60)])) is not None
    assert fired == 0


def test_of_several_optimizers_nothing_is_said():
    run = course([2.3, *([120.0] * 60)])
    run.shared = True

    assert rate_too_high(run) is None


@pytest.mark.parametrize(
    ("optimizer", "rate", "norm"),
    [
        ("SGD", 1e-7, 0.5),
        ("SGD#2", 1e-8, 0.5),
        ("SGD", 1e-6, 2.5),
        ("AdamW", 1e-7, 0.5),
        ("Adam", 1e-9, 0.5),
        ("Lion", 1e-8, 0.5),
    ],
)
def test_updates_that_never_move_the_loss(optimizer, rate, norm):
    finding = rate_too_low(course(FLAT, [norm] * 300, rates=rate, optimizer=optimizer))

    assert finding is not None
    assert finding.rule == "learning_rate.too_low"
    assert f"{rate:g}" in finding.summary
    assert finding.evidence["step"] == 0


@pytest.mark.parametrize(
    ("losses", "norm", "rates", "optimizer"),
    [
        pytest.param(FLAT, 0.5, 1e-2, "SGD", id="usual rate: something else is wrong, or all is learned"),
        pytest.param(FLAT, 0.5, 2e-5, "AdamW", id="fine-tuning"),
        pytest.param(HEAVY, 0.01, 1e-3, "SGD", id="falls, with tails so heavy that the mean does not show it"),
        pytest.param(FLAT, 5.0, 1e-5, "SGD", id="small rate, large gradients"),
        pytest.param(FLAT, 0.01, 1e-2, "SGD", id="usual rate, small gradients: all is learned"),
        pytest.param(falling(300), 0.5, 1e-7, "SGD", id="falls all the same"),
        pytest.param(FLAT, 0.5, [1e-9 * (i + 1) for i in range(300)], "Adam", id="warm-up"),
        pytest.param(FLAT, 1e-9, 1e-7, "SGD", id="no gradient"),
        pytest.param(FLAT, 0.5, 1e-7, "MyOptimizer", id="an optimizer whose rate may mean anything"),
        pytest.param(FLAT[:100], 0.5, 1e-7, "SGD", id="too early"),
        pytest.param([math.nan] * 300, 0.5, 1e-7, "SGD", id="no finite loss"),
    ],
)
def test_rates_that_are_not_too_low(losses, norm, rates, optimizer):
    assert rate_too_low(course(losses, [norm] * len(losses), rates=rates, optimizer=optimizer)) is None
