"""Warm-ups that do not end before training does."""

import pytest

from otel_mldebug.rules.detectors.curves.warmup import unfinished_warm_up
from tests.rules.detectors.curves.curve import course, falling

FLAT = [2.3 + 0.02 * ((i * 7) % 5 - 2) for i in range(300)]


def rising(highest: float, n: int = 300) -> list[float]:
    return [highest * (i + 1) / n for i in range(n)]


@pytest.mark.parametrize(
    ("rates", "norm", "optimizer"),
    [
        pytest.param(rising(3e-8), 0.5, "AdamW", id="warm-up of a longer run"),
        pytest.param([1e-7 * (i // 40 + 1) for i in range(300)], 0.5, "Adam", id="advanced once an epoch"),
        pytest.param(rising(1e-5), 1.0, "SGD", id="gradient descent"),
    ],
)
def test_a_rate_that_was_still_rising_at_the_end_is_named(rates, norm, optimizer):
    finding = unfinished_warm_up([], course(FLAT, [norm] * 300, rates=rates, optimizer=optimizer))

    assert finding is not None
    assert finding.rule == "learning_rate.warmup"
    assert finding.evidence["step"] == 0
    assert finding.evidence["learning_rate"] == pytest.approx(rates[-1], rel=0.01)


@pytest.mark.parametrize(
    ("losses", "rates", "norm", "optimizer"),
    [
        pytest.param(FLAT, rising(1e-2), 0.5, "Adam", id="a search for the rate"),
        pytest.param(FLAT, rising(2e-5), 0.5, "AdamW", id="fine-tuning that ends early"),
        pytest.param(FLAT, [min(rate, 5e-6) for rate in rising(1e-5)], 0.5, "Adam", id="a warm-up that is over"),
        pytest.param(FLAT, [1e-6] * 300, 0.5, "Adam", id="a constant rate"),
        pytest.param(FLAT, rising(1e-6)[::-1], 0.5, "Adam", id="a rate that falls"),
        pytest.param(falling(300), rising(1e-6), 0.5, "Adam", id="the loss falls all the same"),
        pytest.param(FLAT, rising(1e-3), 3.0, "SGD", id="gradient descent at a usual rate"),
        pytest.param(FLAT, rising(1e-7), 0.5, "MyOptimizer", id="an optimizer whose rate may mean anything"),
        pytest.param(FLAT[:60], rising(1e-6, 60), 0.5, "Adam", id="a short trial"),
        pytest.param([-1.0] * 300, rising(1e-6), 0.5, "Adam", id="not positive: a policy gradient"),
        pytest.param([], [], 0.5, "Adam", id="no steps"),
    ],
)
def test_other_rates_and_runs(losses, rates, norm, optimizer):
    run = course(losses, [norm] * len(losses), rates=rates, optimizer=optimizer)
    assert unfinished_warm_up([], run) is None


def test_of_several_optimizers_nothing_is_said():
    run = course(FLAT, rates=rising(1e-8), optimizer="Adam")
    run.shared = True

    assert unfinished_warm_up([], run) is None
