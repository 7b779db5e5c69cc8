"""Rates that rise beyond chance, and rates that only look so."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mldebug.rules.detectors.rates import CHANCE, Slot, rising, tail
from otel_mldebug.rules.finding import Finding
from otel_mldebug.semconv.names import Category, Severity

OF = Finding(
    rule="network.refused",
    category=Category.NETWORK,
    severity=Severity.ERROR,
    summary="Nothing listens.",
    solutions=("Start the server.",),
    fingerprint="f00d",
)


def slots(*counts, seconds=10.0):
    return [Slot(count, seconds) for count in counts]


QUIET = [0] * 30
STEADY = [2, 3, 1, 2, 2, 4, 1, 3, 2, 2] * 3


@pytest.mark.parametrize(
    ("counts", "fires"),
    [
        pytest.param([*QUIET, 0, 0, 0, 2, 4, 6], True, id="a new group that keeps coming"),
        pytest.param([*STEADY, 8, 9, 11, 10, 12, 9], True, id="four times as often"),
        pytest.param([*QUIET, 0, 0, 0, 0, 0, 9], False, id="too few to matter"),
        pytest.param([*STEADY, 2, 3, 2, 4, 3, 2], False, id="as ever"),
        pytest.param([*STEADY, 4, 5, 5, 4, 6, 5], False, id="twice as often is not worth a word"),
        pytest.param([*([0] * 9 + [40]) * 3, 0, 0, 40, 0, 0, 40], False, id="bursts as ever"),
        pytest.param([40, 30, 20, 10, 5, 0, 0, 0, 0, 0, 0, 0], False, id="falling"),
        pytest.param([5, 5, 5, 5, 5, 50, 50, 50, 50, 50, 50], False, id="too little to compare with"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_what_rises(counts, fires):
    found = rising(OF, slots(*counts))
    assert (found is not None) == fires


def test_the_finding_names_the_group_and_the_figures():
    found = rising(OF, slots(*QUIET, 0, 0, 0, 10, 10, 10))
    assert (found.rule, found.category, found.severity, found.basis) == (
        "errors.rising",
        Category.NETWORK,
        Severity.WARNING,
        "detector",
    )
    assert found.summary.startswith("network.refused now occurs 30 times a minute, where there were none before.")
    assert found.solutions[0] == "Start the server."
    assert {key: found.evidence[key] for key in ("group", "rate_per_minute", "usual_per_minute")} == {
        "group": "network.refused",
        "rate_per_minute": 30.0,
        "usual_per_minute": 0.0,
    }
    assert 0 <= found.evidence["chance"] < CHANCE
    assert found.fingerprint != OF.fingerprint
    assert len(found.fingerprint) == 16


def test_growth_is_foretold_and_what_has_passed_is_not():
    growing = rising(OF, slots(*([0] * 10), *range(1, 9)), bound_per_s=2.0)
    assert "If it goes on so, it passes 120 a minute in " in growing.summary
    assert 0 <= growing.evidence["bound_earliest_s"] <= growing.evidence["bound_in_s"]
    passed = rising(OF, slots(*([0] * 10), *range(1, 9)), bound_per_s=0.1)
    assert "If it goes on" not in passed.summary


def test_slots_of_another_length_count_by_their_time():
    late = [*slots(*STEADY), *(Slot(20, 100.0) for _ in range(6))]
    assert rising(OF, late) is None
    assert rising(OF, [*slots(*STEADY), *(Slot(20, 10.0) for _ in range(6))]) is not None


def test_more_groups_need_more_certainty():
    window = slots(*STEADY, 5, 7, 7, 6, 8, 7)
    single = rising(OF, window)
    assert single is not None
    assert rising(OF, window, groups=10**9) is None


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.01, 0.99))
def test_the_tail_is_that_of_the_binomial_distribution(count, others, share):
    total = count + others
    exact = math.fsum(math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(count, total + 1))
    assert tail(count, others, share) == pytest.approx(min(1.0, exact), rel=1e-6, abs=1e-200)


@given(st.integers(1, 300), st.integers(0, 300), st.floats(0.01, 0.99))
def test_more_of_them_are_less_likely(count, others, share):
    assert tail(count + 1, others, share) <= tail(count, others, share) * (1 + 1e-9)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 100)), max_size=66))
def test_any_window_is_judged_without_a_fault(pairs):
    found = rising(OF, [Slot(*pair) for pair in pairs])
    assert found is None or found.rule == "errors.rising"


@pytest.mark.parametrize("mean", [0.3, 2.0, 20.0])
def test_a_steady_poisson_rate_is_left_alone(mean):
    chance = random.Random(7)
    fired = 0
    for _ in range(300):
        counts = [_poisson(chance, mean) for _ in range(66)]
        fired += rising(OF, slots(*counts)) is not None
    assert fired == 0


def _poisson(chance, mean):
    count, left = 0, chance.expovariate(1)
    while left < mean:
        count += 1
        left += chance.expovariate(1)
    return count
