"""When a line passes a bound: right on average, honest about its range, silent where nothing can be said."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mldebug.rules.forecast import Forecast, Point, crossing, student


def line(number=20, slope=1.0, start=0.0, noise=0.0, seed=1):
    chance = random.Random(seed)
    return [Point(float(t), start + slope * t + chance.gauss(0, noise)) for t in range(number)]


def test_a_straight_line_passes_exactly_then():
    assert crossing(line(), 100.0, now_s=20.0) == Forecast(in_s=80.0, earliest_s=80.0, latest_s=80.0)


def test_the_range_holds_the_truth_95_times_in_100():
    held = total = 0
    for seed in range(400):
        found = crossing(line(30, 0.5, 3.0, noise=1.0, seed=seed), 40.0, now_s=30.0)
        assert found is not None
        total += 1
        held += found.earliest_s <= 44.0 <= (found.latest_s or float("inf"))
    assert 0.92 <= held / total <= 0.98


def test_more_noise_makes_the_range_wider():
    widths = []
    for noise in (0.1, 0.5, 1.0):
        found = crossing(line(30, 0.5, noise=noise), 40.0, now_s=30.0)
        widths.append(found.latest_s - found.earliest_s)
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


@pytest.mark.parametrize(
    ("points", "bound", "now_s"),
    [
        pytest.param([], 1.0, 0.0, id="nothing"),
        pytest.param(line(7), 100.0, 7.0, id="too few points"),
        pytest.param(line(slope=0.0), 100.0, 20.0, id="flat"),
        pytest.param(line(slope=-1.0), 100.0, 20.0, id="falling"),
        pytest.param(line(slope=0.01, noise=5.0), 100.0, 20.0, id="growth that may be chance"),
        pytest.param(line(), 10.0, 20.0, id="passed already"),
        pytest.param(line(slope=0.001), 1e6, 20.0, id="too far away to say"),
        pytest.param([Point(1.0, float(v)) for v in range(20)], 100.0, 20.0, id="all at one moment"),
        pytest.param(line(), float("inf"), 20.0, id="no bound"),
    ],
)
def test_where_nothing_can_be_said_nothing_is(points, bound, now_s):
    assert crossing(points, bound, now_s=now_s) is None


def test_values_that_are_not_finite_are_passed_over():
    points = [*line(), Point(5.5, float("nan")), Point(float("inf"), 1.0)]
    assert crossing(points, 100.0, now_s=20.0) == crossing(line(), 100.0, now_s=20.0)


@given(
    st.lists(st.floats(-20, 20), min_size=8, max_size=40),
    st.floats(0.01, 100),
    st.floats(-1e3, 1e3),
    st.floats(1, 1e4),
)
def test_the_guess_lies_in_its_range(noise, slope, start, rise):
    points = [Point(float(t), start + slope * t + off) for t, off in enumerate(noise)]
    found = crossing(points, start + slope * len(noise) + rise, now_s=float(len(noise)))
    if found is not None:
        assert 0 <= found.earliest_s <= found.in_s
        assert found.latest_s is None or found.in_s <= found.latest_s


@given(st.lists(st.builds(Point, st.floats(), st.floats()), max_size=40), st.floats(), st.floats(0, 1e9))
def test_any_points_are_judged_without_a_fault(points, bound, now_s):
    found = crossing(points, bound, now_s=now_s)
    assert found is None or found.in_s > 0


@pytest.mark.parametrize(
    ("share", "free", "exact"),
    [
        (0.975, 3, 3.182),
        (0.975, 10, 2.228),
        (0.975, 60, 2.000),
        (0.95, 3, 2.353),
        (0.95, 10, 1.812),
        (0.95, 1000, 1.646),
    ],
)
def test_the_quantiles_are_students(share, free, exact):
    assert student(share, free) == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        pytest.param(Forecast(in_s=45, earliest_s=30.2, latest_s=90), "45 s (30 s to 90 s)", id="seconds"),
        pytest.param(Forecast(in_s=720, earliest_s=119, latest_s=9000), "12 min (119 s to 2 h)", id="minutes"),
        pytest.param(Forecast(in_s=300_000, earliest_s=3600, latest_s=None), "3 d (60 min or never)", id="or never"),
    ],
)
def test_it_reads_as_a_phrase(forecast, words):
    assert forecast.in_words() == words
