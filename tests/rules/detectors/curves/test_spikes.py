"""Single spikes of the loss, told from noise with heavy tails."""

import random

import pytest

from otel_mldebug.rules.course import Course
from otel_mldebug.rules.detectors.curves.spikes import loss_spike
from tests.rules.detectors.curves.curve import course, falling


def spiked(losses: list[float], **spikes: float) -> list[float]:
    out = list(losses)
    for step, value in spikes.items():
        out[int(step[1:])] = value
    return out


def learning(n: int, first: float) -> list[float]:
    """Return a loss that falls from `first` to almost nothing."""
    rng = random.Random(n)
    return [(first * 0.93**i + 2e-3) * rng.lognormvariate(0, 0.1) for i in range(n)]


def test_a_spike_is_named_with_its_step_size_and_recovery():
    finding = loss_spike(course(spiked(falling(150), s100=60.0, s101=8.0), epoch=2))

    assert finding is not None
    assert (finding.rule, str(finding.severity)) == ("loss.spike", "warning")
    assert finding.evidence["step"] == 100
    assert finding.evidence["steps_to_recover"] == 2
    assert finding.evidence["epoch"] == 2
    assert "the loss was back after 2 steps" in finding.summary


def test_a_loss_that_does_not_come_back_is_an_error():
    losses = falling(150)
    finding = loss_spike(course(losses[:100] + [90.0] + [9.0] * 49))

    assert finding is not None
    assert str(finding.severity) == "error"
    assert "has not come back" in finding.summary


@pytest.mark.parametrize(
    ("after", "rates"),
    [
        pytest.param([9.0 * 0.95**i for i in range(60)], [0.1] * 299 + [3.0] + [0.1] * 60, id="the rate was raised"),
        pytest.param([40.0 * 0.98**i for i in range(60)], [0.1] * 360, id="thrown far above the beginning"),
        pytest.param([9.0] + [0.7 * 0.9**i + 0.01 for i in range(59)], [0.1] * 360, id="one batch, and what it did"),
    ],
)
def test_a_loss_that_is_thrown_up_is_no_new_task(after, rates):
    finding = loss_spike(course(learning(300, 2.4) + after, rates=rates))

    assert finding is not None
    assert finding.evidence["step"] == 300


def test_it_is_found_wherever_it_is_in_a_long_run():
    assert loss_spike(course(spiked(falling(900), s700=60.0))) is not None


@pytest.mark.parametrize(
    "losses",
    [
        pytest.param(falling(200), id="no spike"),
        pytest.param(spiked(falling(200), s60=60.0, s120=70.0), id="spikes that come again"),
        pytest.param(spiked(falling(200), s10=60.0), id="too early to know what is usual"),
        pytest.param(spiked(falling(103), s100=60.0), id="too late to know what comes after"),
        pytest.param(spiked(falling(200, last=1e-4), s150=0.1), id="near a minimum, far below the first loss"),
        pytest.param([-x for x in spiked(falling(200), s100=60.0)], id="not positive"),
        pytest.param(spiked(falling(200), s100=4.0), id="hardly above the first loss"),
        pytest.param(learning(300, 2.4) + learning(100, 6.0), id="longer sequences from step 300 on"),
        pytest.param(learning(250, 2.3) + learning(60, 15.0), id="another task"),
        pytest.param([], id="no steps"),
    ],
)
def test_what_is_no_spike(losses):
    assert loss_spike(course(losses)) is None


NOISES = {
    "gaussian": lambda rng: abs(rng.gauss(1, 0.5)) + 0.01,
    "exponential": lambda rng: rng.expovariate(1) + 1e-3,
    "log-normal": lambda rng: rng.lognormvariate(0, 1.0),
    "chi squared": lambda rng: rng.gauss(0, 1) ** 2 + 1e-6,
    "pareto 2": lambda rng: rng.paretovariate(2),
    "pareto 3": lambda rng: rng.paretovariate(3),
    "one in fifty is ten times as large": lambda rng: rng.lognormvariate(0, 0.3) * (10 if rng.random() < 0.02 else 1),
}


@pytest.mark.parametrize("name", NOISES)
def test_noise_with_heavy_tails_has_no_spikes(name):
    fired = 0
    for seed in range(300):
        rng = random.Random(seed)
        fired += loss_spike(course([NOISES[name](rng) for _ in range(256)])) is not None
    assert fired == 0


NOTHING = [0.01 * 0.8**i + 1e-5 for i in range(200)]


@pytest.mark.parametrize(
    ("losses", "loader", "fires"),
    [
        pytest.param(spiked(falling(140), s100=60.0), 0.01, True, id="a bad batch of a loader, soon known"),
        pytest.param(spiked(falling(140), s100=60.0), None, False, id="without one: rewards may be rare at first"),
        pytest.param(spiked(falling(150), s100=60.0), None, True, id="and stays alone"),
        pytest.param(spiked(falling(140), s100=6e4), None, True, id="or is larger than any reward"),
        pytest.param(spiked(NOTHING[:190], s140=0.06), None, False, id="the first reward after a loss of nothing"),
        pytest.param(spiked(NOTHING, s140=0.06), None, True, id="which stays alone for long"),
    ],
)
def test_how_long_a_spike_has_to_stay_alone(losses, loader, fires):
    assert (loss_spike(course(losses, data_s=loader)) is not None) == fires


def syncs(n, every, height):
    """Return the loss of a network whose target is replaced now and then, ever further away."""
    return [0.05 + (i >= every) * height * (1 + 0.1 * (i // every)) * 0.9 ** (i % every) for i in range(n)]


def test_a_loss_that_has_been_as_high_before_the_window_began_is_no_spike():
    run = course(syncs(700, 304, 3.0), data_s=0.01)

    assert run[0].index > 304
    assert loss_spike(run) is None


@pytest.mark.parametrize(("height", "fires"), [(6.0, False), (15.0, True)])
def test_a_sample_that_is_hard_for_a_sure_model_is_no_spike(height, fires):
    losses = [2.3 * 0.9**i + 1e-4 for i in range(400)]

    assert (loss_spike(course(spiked(losses, s350=height), data_s=0.01)) is not None) == fires


def test_of_several_optimizers_nothing_is_said():
    run = course(spiked(falling(150), s100=60.0))
    run.shared = True

    assert loss_spike(run) is None


def test_a_new_task_is_told_also_where_only_a_few_steps_are_recorded():
    losses = learning(300, 2.4) + learning(200, 6.0)
    run = Course(r for r in course(losses) if r.index % 6 == 0)

    assert loss_spike(run) is None
