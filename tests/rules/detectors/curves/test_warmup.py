"""Warm-ups that do not end before training does."""

import pytest

from otel_mldebug.rules.detectors.curves.warmup import unfinished_warm_up, warm_up_once_a_pass
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


def by_pass(first, factor, per=40, n=300):
    """Return rates that are held for `per` steps and rise by a share of the first one then."""
    return [first * (1 + factor * (i // per)) for i in range(n)]


def aimed(rates, aim=1e-3, losses=None):
    run = course(falling(len(rates)) if losses is None else losses, rates=rates, optimizer="Adam")
    run.aim = aim
    return run


def test_a_rate_that_rose_once_a_pass_and_was_far_from_its_aim_at_the_end_is_named_although_the_loss_falls():
    finding = warm_up_once_a_pass([], aimed(by_pass(1e-5, 1.0)))

    assert (finding.rule, finding.severity.value) == ("learning_rate.warmup", "warning")
    assert finding.summary == (
        "The learning rate was still warming up when training ended: in 300 steps it rose from 1e-05 to 8e-05, 8.0% of "
        "the 0.001 that its schedule aims for, and only now and then."
    )
    assert finding.evidence == {
        "step": 0,
        "steps": 300,
        "first_learning_rate": 1e-5,
        "learning_rate": pytest.approx(8e-5),
        "aim": 1e-3,
    }


@pytest.mark.parametrize(
    ("rates", "aim"),
    [
        pytest.param(by_pass(1e-5, 1.0), None, id="no schedule"),
        pytest.param(rising(8e-5), 1e-3, id="a long warm-up, advanced with each update, of a run that ended early"),
        pytest.param(by_pass(1e-5, 10.0, per=60), 1e-3, id="a warm-up of ten passes of which five were made"),
        pytest.param(by_pass(1e-5, 3.0, per=100), 1e-3, id="a warm-up of 33 passes, of which three were made"),
        pytest.param(by_pass(1e-4, 1.0, per=30), 1e-3, id="a warm-up of ten passes"),
        pytest.param([1e-5] * 300, 1e-3, id="a constant rate: one group for fine-tuning"),
        pytest.param(by_pass(1e-5, 1.0, per=200), 1e-3, id="two rates only"),
        pytest.param(by_pass(8e-5, -0.1), 1e-3, id="a rate that falls by steps"),
        pytest.param([*by_pass(1e-5, 1.0, n=200), *[2e-5] * 100], 1e-3, id="a rate that fell again"),
        pytest.param(by_pass(1e-5, 1.0, per=2, n=100)[:99], 1.0, id="a short trial"),
        pytest.param(by_pass(1e-5, 0.1, per=2), 1e-3, id="under accumulation: a rate for every two updates"),
        pytest.param(by_pass(1e-3, 0.002), 0.1, id="it hardly rises"),
        pytest.param([], 1e-3, id="no steps"),
    ],
)
def test_schedules_that_are_as_they_should_be(rates, aim):
    assert warm_up_once_a_pass([], aimed(rates, aim)) is None
