"""Several batches in each pass over the data whose losses nothing else comes near."""

import random
from dataclasses import replace

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.outlying import outlying_samples
from tests.rules.detectors.curves.curve import course, falling

PER_PASS = 30
OUTLYING = (4, 11, 25, 33, 39, 58, 60, 61, 84, 97, 99, 118, 121, 140, 146)
"""Three in each of five passes."""


def passes(losses, per=PER_PASS):
    run = Course()
    for record in course(losses):
        run.append(replace(record, epoch=record.index // per if per else None))
    return run


def with_outlying(at=OUTLYING, to=5e4, n=160, per=PER_PASS, losses=None):
    made = list(losses or falling(n))
    for number, step in enumerate(at):
        made[step] = to * (1 + number % 3)
    return passes(made, per)


def test_batches_with_outlying_samples_are_told_with_their_steps_and_how_often_they_come():
    finding = outlying_samples(with_outlying())

    assert (finding.rule, finding.severity.value, finding.evidence["step"]) == ("loss.spike", "warning", 4)
    assert finding.evidence["steps"] == OUTLYING
    assert (finding.evidence["spikes"], finding.evidence["in_each_pass"]) == (15, 3.0)
    assert finding.summary.startswith(
        "The loss of 3 batches in each pass over the data (steps 4, 11, 25, 33, 39, …) is about 1e+05, "
    )


def test_the_very_first_batch_may_be_one_of_them():
    assert outlying_samples(with_outlying(at=(0, *OUTLYING))).evidence["step"] == 0


def test_how_often_they_come_differs_where_two_of_them_meet_in_a_batch():
    finding = outlying_samples(with_outlying(at=OUTLYING[1:]))
    assert finding.summary.startswith("The loss of 2 to 3 batches in each pass over the data ")


RNG = random.Random(5)
SURE = [max(1e-4, 2.3 * 0.5 ** (i / 15)) for i in range(160)]


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(with_outlying(per=0), id="no passes: rewards are rare"),
        pytest.param(with_outlying(per=80), id="two passes"),
        pytest.param(with_outlying(at=OUTLYING[3:]), id="none in the first pass"),
        pytest.param(with_outlying(at=OUTLYING[:2]), id="two only"),
        pytest.param(with_outlying(at=range(0, 160, 8)), id="a term that is computed every eight steps"),
        pytest.param(with_outlying(at=range(0, 160, 3)), id="two kinds of batches take turns"),
        pytest.param(with_outlying(to=60.0, losses=[2.0] * 160), id="hard negatives, thirty times the usual loss"),
        pytest.param(with_outlying(to=20.0, losses=SURE), id="wrong labels, for a model that is sure of itself"),
        pytest.param(with_outlying(to=1e-3, losses=[2.0 * 0.5**i + 1e-6 for i in range(160)]), id="all of it near 0"),
        pytest.param(passes([RNG.paretovariate(0.6) for _ in range(240)]), id="heavy tails"),
        pytest.param(passes([RNG.lognormvariate(0, 3) for _ in range(240)]), id="tails of every size"),
        pytest.param(with_outlying(losses=[-1.0] * 160), id="below 0"),
        pytest.param(with_outlying(losses=[0.0] * 160), id="nothing to lose"),
        pytest.param(passes(falling(240)), id="none"),
        pytest.param(passes([float("nan")] * 240), id="no number"),
        pytest.param(Course(), id="no steps"),
    ],
)
def test_other_losses_are_left_alone(window):
    assert outlying_samples(window) is None


def test_warm_restarts_throw_the_loss_up_no_further_than_it_was():
    losses = [2.3 * 0.9 ** (i % 30) + (5.0 if i % 30 in (0, 1) else 0.0) for i in range(180)]
    assert outlying_samples(passes(losses)) is None


def test_tails_however_heavy_have_values_of_every_size():
    fired = 0
    for seed in range(300):
        rng = random.Random(seed)
        fired += outlying_samples(passes([rng.paretovariate(0.6) for _ in range(240)])) is not None
    assert fired == 0


def test_with_several_optimizers_the_loss_says_nothing():
    window = with_outlying()
    window.shared = True
    assert outlying_samples(window) is None
