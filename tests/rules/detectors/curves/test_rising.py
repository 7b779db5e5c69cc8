"""Learning rates that never stop rising."""

import pytest

from otel_mldebug.rules.detectors.curves.rising import endless_warm_up
from tests.rules.detectors.curves.curve import course, falling

N = 600
DOWN = falling(400, first=1.0, last=0.05)
"""A loss that comes down."""
UP = [0.05 * 1.03**i for i in range(200)]
"""And climbs up again, to 18."""
BACK = [*DOWN, *UP]
RISING = [0.02 * (i + 1) / 60 for i in range(N)]


def test_a_warm_up_without_an_end_is_blamed_for_a_loss_that_climbs_up_again():
    finding = endless_warm_up(course(BACK, rates=RISING))
    assert (finding.rule, finding.severity) == ("loss.explosion", "error")
    assert 400 <= finding.evidence["step"] < 480
    assert finding.evidence["lowest_loss"] == pytest.approx(0.063, rel=0.02)
    assert finding.evidence["learning_rate"] == RISING[-1]
    assert "from 0.0053 to 0.2" in finding.summary
    assert finding.solutions[0].startswith("Cap the factor of the warm-up")


@pytest.mark.parametrize(
    ("losses", "rates", "shared"),
    [
        pytest.param(BACK, 0.1, False, id="a rate that stays: something else is wrong"),
        pytest.param(BACK, RISING[::-1], False, id="a rate that falls"),
        pytest.param(BACK, [min(r, 0.06) for r in RISING], False, id="a warm-up that has come to its end"),
        pytest.param(BACK, [1e-6 * 10 ** (i / 100) for i in range(N)], False, id="a search for a rate"),
        pytest.param(BACK, [0.1 + 1e-5 * i for i in range(N)], False, id="a rate that hardly rises explains nothing"),
        pytest.param([*DOWN, *[18 * 0.985**i for i in range(200)]], RISING, False, id="another task, which is learned"),
        pytest.param(falling(N), RISING, False, id="a loss that falls"),
        pytest.param([*DOWN, *[0.1] * 200], RISING, False, id="somewhat higher"),
        pytest.param([*DOWN, *UP[:190], *[0.05] * 10], RISING, False, id="it is back"),
        pytest.param([1.0 * 1.01**i for i in range(N)], RISING, False, id="nothing was learned before"),
        pytest.param(BACK, RISING, True, id="a game of two optimizers"),
    ],
)
def test_other_courses_are_left_alone(losses, rates, shared):
    run = course(losses, rates=rates)
    run.shared = shared
    assert endless_warm_up(run) is None


def test_too_few_steps_say_nothing():
    assert endless_warm_up(course(BACK[:150], rates=RISING)) is None
    assert endless_warm_up(course([], rates=0.1)) is None
