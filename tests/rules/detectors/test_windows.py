"""Detectors: what fires on which window, and what must not."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors import DETECTORS, family
from otel_mldebug.rules.detectors.explosion import exploding_gradients, loss_explosion
from otel_mldebug.rules.detectors.history import growth, rate_jump, times
from otel_mldebug.rules.detectors.input_bound import input_bound
from otel_mldebug.rules.detectors.nonfinite import nonfinite_gradient, nonfinite_loss
from otel_mldebug.rules.steps import StepRecord

NAN, INF = math.nan, math.inf


def steps(losses: Any = None, norms: Any = None, **same: Any) -> list[StepRecord]:
    """Return one step for each loss or norm, a tenth of a second each."""
    n = len(losses if losses is not None else norms)
    losses = losses if losses is not None else [None] * n
    norms = norms if norms is not None else [None] * n
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.1, loss=loss, gradient_norm=norm, **same)
        for i, (loss, norm) in enumerate(zip(losses, norms, strict=True))
    ]


def waiting(n: int, share: float, *, step_s: float = 0.2, **same: Any) -> list[StepRecord]:
    """Return `n` steps that wait for data for `share` of their time."""
    return [
        StepRecord(index=i, time_ns=i, duration_s=step_s, data_s=step_s * share, forward_s=step_s * (1 - share), **same)
        for i in range(n)
    ]


USUAL = [2.3 - 0.01 * i for i in range(40)]
NORMS = [1.0 + 0.1 * (i % 3) for i in range(40)]


@pytest.mark.parametrize(
    ("detector", "window", "rule"),
    [
        pytest.param(nonfinite_loss, steps([1.0, NAN]), "loss.nonfinite", id="NaN"),
        pytest.param(nonfinite_loss, steps([1.0, -INF]), "loss.nonfinite", id="minus infinite"),
        pytest.param(nonfinite_loss, steps([NAN] + [1.0] * 19), "loss.nonfinite", id="not over yet"),
        pytest.param(nonfinite_loss, steps([NAN] + [1.0] * 20), None, id="over"),
        pytest.param(nonfinite_loss, steps([1e300, -1e300]), None, id="large is finite"),
        pytest.param(nonfinite_loss, steps([None, None]), None, id="no loss known"),
        pytest.param(nonfinite_loss, [], None, id="no steps"),
        pytest.param(nonfinite_gradient, steps([1.0, 1.0], [1.0, INF]), "gradient.nonfinite", id="norm infinite"),
        pytest.param(nonfinite_gradient, steps([1.0], [INF], skipped=True), None, id="scaler looks for its scale"),
        pytest.param(
            nonfinite_gradient, steps([1.0] * 20, skipped=True), "gradient.nonfinite", id="scaler skips 20 in a row"
        ),
        pytest.param(nonfinite_gradient, steps([1.0] * 19, skipped=True), None, id="scaler skips 19 in a row"),
        pytest.param(loss_explosion, steps([*USUAL, 2.4e6, 2.4e7]), "loss.explosion", id="a million times, twice"),
        pytest.param(loss_explosion, steps([*USUAL, 2.4e6]), None, id="a million times, once: a spike"),
        pytest.param(loss_explosion, steps(USUAL + [2.4e4] * 4), "loss.explosion", id="ten thousand times, four times"),
        pytest.param(loss_explosion, steps(USUAL + [2.4e2] * 8), "loss.explosion", id="a hundred times, eight times"),
        pytest.param(loss_explosion, steps(USUAL + [2.2e2] * 8), None, id="just below a hundred times"),
        pytest.param(loss_explosion, steps(USUAL[:7] + [1e9] * 8), None, id="too few steps to know the range"),
        pytest.param(
            loss_explosion, steps(USUAL + [1e5] * 8, NORMS + [1.5] * 8), None, id="loss grows, gradients stay"
        ),
        pytest.param(loss_explosion, steps(USUAL + [1e5] * 8, NORMS + [1e4] * 8), "loss.explosion", id="both grow"),
        pytest.param(loss_explosion, steps([-x * 1e6 for x in USUAL]), None, id="falls without bound: a critic"),
        pytest.param(loss_explosion, steps([1.02**i for i in range(256)]), None, id="grows slowly"),
        pytest.param(
            loss_explosion,
            steps([*USUAL, *(2 * 1.3**i for i in range(40))], [*NORMS, *(1.3**i for i in range(40))]),
            "loss.explosion",
            id="grows by a third each step, and so do the gradients",
        ),
        pytest.param(
            loss_explosion,
            steps([*USUAL, *(2 * 1.3**i for i in range(40))]),
            None,
            id="the same without gradients known",
        ),
        pytest.param(loss_explosion, steps([0.0] * 40 + [5.0] * 8), None, id="starts at zero"),
        pytest.param(exploding_gradients, steps(norms=NORMS + [2e3] * 8), "gradient.explosion", id="norm explodes"),
        pytest.param(exploding_gradients, steps(norms=NORMS + [1e3] * 8), None, id="norm grows"),
        pytest.param(
            exploding_gradients, steps(norms=NORMS + [2e9] * 8, skipped=True), None, id="of steps that were skipped"
        ),
        pytest.param(input_bound, waiting(60, 0.8), "data.input_bound", id="80 % waiting"),
        pytest.param(input_bound, waiting(60, 0.5), None, id="exactly at the limit"),
        pytest.param(input_bound, waiting(44, 0.8), None, id="too few steps after the first"),
        pytest.param(input_bound, waiting(200, 0.9, step_s=0.001), None, id="a wait that nobody notices"),
        pytest.param(input_bound, waiting(60, 0.1) + waiting(3, 0.99, step_s=60.0), None, id="one slow start"),
        pytest.param(input_bound, steps([1.0] * 60), None, id="no loader"),
        pytest.param(input_bound, waiting(300, 0.8, step_s=0.02, cpu_s=4e-3), "data.input_bound", id="a wait of 16 ms"),
        pytest.param(input_bound, waiting(300, 0.8, step_s=0.02, cpu_s=1e-3), None, id="… on a busy machine"),
        pytest.param(
            input_bound, waiting(300, 0.8, step_s=0.05, samples=1024), "data.input_bound", id="40 us a sample"
        ),
        pytest.param(input_bound, waiting(300, 0.8, step_s=0.05, samples=2048), None, id="20 us a sample"),
        pytest.param(input_bound, waiting(500, 0.8, step_s=0.01), None, id="what putting a large batch together takes"),
    ],
)
def test_a_detector_on_a_window(detector, window, rule):
    finding = detector(window)
    assert (finding and finding.rule) == rule
    if finding is not None:
        assert len(finding.solutions) >= 2
        assert finding.cause
        assert finding.prevention
        assert 0 < finding.confidence <= 1
        assert finding.basis == "detector"


@pytest.mark.parametrize(("machine", "fires"), [(1.0, True), (0.5, True), (0.2, False)])
def test_workers_of_a_crowded_machine_are_slow_through_no_fault_of_theirs(machine, fires):
    course = Course(waiting(100, 0.8, step_s=0.05))
    course.machine = machine

    assert (input_bound(course) is not None) == fires


@pytest.mark.parametrize("seed", range(50))
def test_noisy_healthy_curves_fire_nothing(seed):
    rng = random.Random(seed)
    level, losses, norms = rng.choice([0.01, 1.0, 1000.0]), [], []
    for i in range(256):
        spike = 1 + 30 * (rng.random() < 0.02)
        losses.append(level * (0.2 + math.exp(-i / 80)) * rng.lognormvariate(0, 0.5) * spike)
        norms.append(level * rng.lognormvariate(0, 0.7) * spike)
    window = steps(losses, norms, learning_rate=0.1, data_s=0.04, forward_s=0.06)
    for end in range(0, 256, 16):
        assert [detect(window[:end]) for detect in DETECTORS] == [None] * len(DETECTORS)


numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True)
seconds = st.none() | st.floats(min_value=0, max_value=1e9)
records = st.builds(
    StepRecord,
    index=st.integers(0, 10**9),
    time_ns=st.integers(0, 2**62),
    duration_s=st.floats(min_value=0, max_value=1e9),
    data_s=seconds,
    forward_s=seconds,
    backward_s=seconds,
    optimizer_s=seconds,
    loss=numbers,
    gradient_norm=numbers,
    learning_rate=numbers,
    samples=st.none() | st.integers(0, 10**6),
    skipped=st.booleans(),
)


@given(st.lists(records, max_size=60))
def test_no_window_makes_a_detector_raise_and_every_finding_can_be_written_down(window):
    for detect in DETECTORS:
        finding = detect(window)
        if finding is not None:
            assert finding.to_json()["rule"] == finding.rule


@given(st.lists(records, max_size=40))
def test_growth_is_never_below_one(window):
    assert growth(window) >= 1


@pytest.mark.parametrize(
    ("rates", "jump"),
    [
        pytest.param([0.1] * 10 + [1.0], (0.1, 10), id="raised ten times"),
        pytest.param([0.1] * 10 + [0.29], None, id="raised less than three times"),
        pytest.param([0.0, 0.001, 0.01, 0.02], (0.001, 2), id="first steps of a warm-up that starts far too low"),
        pytest.param([i / 100 for i in range(3, 40)], None, id="warm-up"),
        pytest.param([0.1, 0.01, 0.1], None, id="back to where it was"),
        pytest.param([0.1] * 5 + [1.0] + [1.0] * 40, None, id="long ago"),
        pytest.param([], None, id="unknown"),
    ],
)
def test_a_learning_rate_that_was_raised_at_once(rates, jump):
    window = [StepRecord(index=i, time_ns=i, duration_s=0.1, learning_rate=rate) for i, rate in enumerate(rates)]
    assert rate_jump(window) == jump


def test_the_learning_rate_is_blamed_first_when_it_was_raised():
    window = [
        StepRecord(index=i, time_ns=i, duration_s=0.1, loss=loss, learning_rate=0.1 if i < 40 else 10.0)
        for i, loss in enumerate(USUAL + [1e5] * 8)
    ]
    finding = loss_explosion(window)
    assert finding is not None
    assert finding.cause.startswith("The learning rate was raised from 0.1 at step 40.")
    assert "schedule" in finding.solutions[0]
    assert finding.evidence["learning_rate_before"] == 0.1


def test_symptoms_of_one_trouble_are_a_family():
    assert family("loss.nonfinite") == family("gradient.nonfinite") != family("loss.explosion")
    assert family("data.input_bound") == "data.input_bound"


def test_how_much_something_grew_is_readable():
    assert [times(3.4), times(12345), times(6.24e33)] == ["3 times", "12,345 times", "6.2e+33 times"]


def test_a_gradient_that_was_large_once_is_no_growth_where_only_losses_count():
    norms = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 1.9, 2.7]
    window = [
        StepRecord(index=i, time_ns=i, duration_s=0.1, loss=0.4, gradient_norm=norm) for i, norm in enumerate(norms)
    ]

    assert growth(window) > 5
    assert growth(window, gradients=False) == 1.0
