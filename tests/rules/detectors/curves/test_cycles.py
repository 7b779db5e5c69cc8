"""Cosine schedules that go on past their end, and schedules that are meant to rise again."""

import math

import pytest

from otel_mldebug.rules.detectors.curves.cycles import rate_swings
from otel_mldebug.rules.steps import StepRecord


def steps(rate, number=120, each=1):
    return [
        StepRecord(index=i, time_ns=i, duration_s=0.01, learning_rate=rate(i)) for i in range(0, number * each, each)
    ]


def cosine(length, high=2e-3, low=0.0):
    """As `CosineAnnealingLR` with `T_max=length`, in closed form."""
    return lambda i: low + (high - low) * (1 + math.cos(math.pi * i / length)) / 2


@pytest.mark.parametrize("length", [5, 10, 13, 20])
@pytest.mark.parametrize("low", [0.0, 1e-5])
def test_a_cosine_that_is_down_three_times_is_found_with_its_end_and_its_period(length, low):
    found = rate_swings(steps(cosine(length, low=low)))

    assert (found.rule, found.severity) == ("learning_rate.swings", "warning")
    assert found.evidence == {
        "step": length,
        "period_steps": 2 * length,
        "lowest_learning_rate": pytest.approx(low),
        "highest_learning_rate": 2e-3,
    }
    assert f"every {2 * length} steps" in found.summary
    assert found.solutions[0].endswith(f"not {length}.")


@pytest.mark.parametrize(
    "rate",
    [
        pytest.param(cosine(120), id="to its end"),
        pytest.param(cosine(40), id="down once, and up again"),
        pytest.param(lambda i: cosine(20)(i % 20), id="warm restarts"),
        pytest.param(lambda i: 1e-3 * abs((i % 20) - 10) / 10 + 1e-6, id="triangles"),
        pytest.param(lambda i: cosine(3)(i // 10), id="one rate an epoch"),
        pytest.param(cosine(10, low=1e-3), id="between two rates of one size"),
        pytest.param(lambda i: 0.1, id="constant"),
        pytest.param(lambda i: 0.0, id="zero"),
        pytest.param(lambda i: 1e-3 * 0.9**i, id="falling"),
        pytest.param(lambda i: math.nan, id="not a number"),
        pytest.param(lambda i: None, id="unknown"),
        pytest.param(lambda i: 1e-3 if i % 2 else 1e-6, id="every other step"),
    ],
)
def test_schedules_that_are_meant_say_nothing(rate):
    assert rate_swings(steps(rate)) is None


def test_too_few_steps_say_nothing():
    assert rate_swings(steps(cosine(10), number=50)) is None
    assert rate_swings([]) is None
