"""Learning rates that collapsed, and schedules that are as they should be."""

import math

import pytest

from otel_mldebug.rules.detectors.curves.schedule import rate_collapsed
from tests.rules.detectors.curves.curve import course

STUCK = [1.2 + 0.6 * 0.8**i + 0.05 * ((i * 7) % 5 - 2) for i in range(400)]
"""Falls for some 20 steps, and stays where it cannot fall any more."""
STAYS = [2.3 - 0.2 * (1 - 0.5 ** (i / 5)) for i in range(400)]


def test_a_schedule_stepped_too_often_is_named_with_the_step_where_it_was_too_low():
    finding = rate_collapsed(course(STAYS[:200], rates=[0.1 * 0.7**i for i in range(200)]))

    assert finding is not None
    assert finding.rule == "learning_rate.collapsed"
    assert finding.evidence["step"] == pytest.approx(20, abs=4)  # 0.7 ** 20 is a bit below a thousandth
    assert finding.evidence["highest_learning_rate"] == 0.1
    assert "0.1" in finding.summary


def test_it_is_found_long_after_the_first_steps_have_left_the_window():
    assert rate_collapsed(course(STAYS * 4, rates=[0.1 * 0.8**i for i in range(1600)])) is not None


def test_a_rate_of_zero_from_the_first_step_on_counts_too():
    finding = rate_collapsed(course([2.3] * 60, rates=0.0))

    assert finding is not None
    assert finding.summary.startswith("The learning rate has been 0 for 60 steps")


def cosine(n: int) -> list[float]:
    return [0.05 * (1 + math.cos(math.pi * i / n)) for i in range(n)]


def one_cycle(n: int) -> list[float]:
    up = int(0.3 * n)
    return [0.004 + 0.096 * i / up for i in range(up)] + [
        4e-7 + 0.05 * (1 + math.cos(math.pi * i / (n - up))) for i in range(n - up)
    ]


@pytest.mark.parametrize(
    ("losses", "rates"),
    [
        pytest.param(STAYS, 0.1, id="constant"),
        pytest.param(STAYS, cosine(400), id="cosine to zero at the end"),
        pytest.param(STAYS, cosine(100) * 4, id="warm restarts"),
        pytest.param(STAYS, one_cycle(400), id="one-cycle"),
        pytest.param(STAYS, [0.1] * 200 + [0.01] * 100 + [0.001] * 50 + [1e-4] * 50, id="step decay"),
        pytest.param(STAYS[:100], [0.1 * i / 100 for i in range(100)], id="warm-up from zero"),
        pytest.param(
            [2.3 * 0.9**i + 0.1 for i in range(400)], [0.1 * 0.7**i for i in range(400)], id="loss is low: converged"
        ),
        pytest.param(STUCK, [0.1 * 0.3 ** max(0, i // 10 - 9) for i in range(400)], id="lowered once nothing moved"),
        pytest.param(STAYS[:50], [0.1 * 0.7**i for i in range(50)], id="too early to tell"),
        pytest.param([None] * 100, [0.1 * 0.7**i for i in range(100)], id="no loss known"),
        pytest.param([2.3] * 30, 0.0, id="zero for a few steps"),
        pytest.param([], 0.1, id="no steps"),
        pytest.param([2.3] * 100, [math.nan] * 100, id="not a number"),
    ],
)
def test_healthy_schedules(losses, rates):
    run = course(losses, rates=rates)
    for end in range(0, len(losses) + 1, 10):
        assert rate_collapsed(course(losses[:end], rates=rates if isinstance(rates, float) else rates[:end])) is None
    assert rate_collapsed(run) is None


def test_a_rate_that_falls_before_the_loss_has_come_to_rest_is_found_all_the_same():
    slow = [2.3 - 0.3 * (1 - 0.5 ** (i / 40)) for i in range(400)]
    assert rate_collapsed(course(slow, rates=[0.1 * 0.3 ** max(0, i // 10 - 6) for i in range(400)])) is not None


def test_a_last_step_without_a_rate_does_not_hide_what_the_rate_was():
    rates = [0.1 * 0.7**i for i in range(199)]
    assert rate_collapsed(course(STAYS[:200], rates=[*rates, None])) is not None


def test_a_rate_that_was_divided_by_ten_three_times_has_fallen_whatever_the_rounding():
    rates = [0.05] * 40
    for _ in range(3):
        rates += [rates[-1] * 0.1] * 20
    finding = rate_collapsed(course(STAYS[:300], rates=[*rates, *[rates[-1]] * 200]))

    assert rates[-1] * 1000 > rates[0]
    assert (finding and finding.evidence["step"]) == 80
