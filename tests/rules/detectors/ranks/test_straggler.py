"""Stragglers: ranks that the others wait for."""

import random

import pytest

from otel_mldebug.rules.detectors.ranks.straggler import straggler
from otel_mldebug.rules.ranks import RankView, Times


def ranks(*work, steps=100, step_s=0.05, wrapped=True, world_size=None, waits=True):
    """Return ranks whose own work takes as long as `work` says, by phase; the rest of a step is backward."""
    views = []
    for number, seconds in enumerate(work):
        own = sum(seconds.values())
        whole = step_s if waits else own + 0.01
        backward = max(0.0, whole - own)
        times = tuple(Times(step=n, duration_s=whole, backward_s=backward, **seconds) for n in range(steps))
        views.append(RankView(rank=number, world_size=world_size or len(work), wrapped=wrapped, times=times))
    return views


FAST = {"data_s": 0.001, "forward_s": 0.010, "optimizer_s": 0.001}


@pytest.mark.parametrize(
    ("phase", "field"),
    [("data", "data_s"), ("forward", "forward_s"), ("optimizer", "optimizer_s")],
)
def test_the_slow_rank_and_its_phase_are_named(phase, field):
    finding = straggler(ranks(FAST, FAST, {**FAST, field: FAST[field] + 0.02}, FAST))
    assert finding is not None
    assert (finding.rule, finding.evidence["rank"], finding.evidence["phase"]) == ("distributed.straggler", 2, phase)
    assert finding.evidence["excess_s"] == pytest.approx(0.02)
    assert finding.evidence["lost_s"] == pytest.approx(1.9)
    assert finding.summary.startswith("Rank 2 is slower than the others by 20 ms a step, 40% of its time, in ")
    assert finding.summary.endswith("; 3 others wait.")


def test_what_lies_outside_of_the_phases_counts_where_gradients_are_averaged_in_backward():
    def outside(number, seconds):
        view = ranks(FAST, FAST)[number]
        times = [Times(step=t.step, duration_s=0.05, forward_s=0.01, backward_s=0.04 - seconds) for t in view.times]
        return RankView(rank=number, world_size=2, wrapped=True, times=tuple(times))

    finding = straggler([outside(0, 0.03), outside(1, 0.0)])
    assert finding is not None
    assert (finding.evidence["rank"], finding.evidence["phase"]) == (0, "other")


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([], id="nobody"),
        pytest.param(ranks(FAST), id="one rank"),
        pytest.param(ranks(FAST, FAST), id="all alike"),
        pytest.param(ranks(FAST, {**FAST, "forward_s": 0.022}), id="just below a quarter of the step"),
        pytest.param(ranks(FAST, {**FAST, "forward_s": 0.04}, steps=24), id="too few steps after the first"),
        pytest.param(
            ranks({"forward_s": 0.0001}, {"forward_s": 0.0015}, step_s=0.003, steps=128), id="nobody would notice"
        ),
        pytest.param(ranks(FAST, {**FAST, "forward_s": 0.06}, waits=False), id="they do not wait for each other"),
        pytest.param(
            [*ranks(FAST, {**FAST, "forward_s": 0.04}, world_size=3), RankView(rank=2, world_size=3)], id="no times"
        ),
    ],
)
def test_no_straggler(views):
    assert straggler(views) is None


def test_a_rank_that_is_slow_now_and_then_is_none():
    slow = {**FAST, "forward_s": 0.045}
    views = ranks(FAST, FAST)
    mixed = tuple(
        Times(step=n, duration_s=0.05, backward_s=0.003, **slow) if n % 4 == 0 else time
        for n, time in enumerate(views[1].times)
    )
    assert straggler([views[0], RankView(rank=1, world_size=2, wrapped=True, times=mixed)]) is None


@pytest.mark.parametrize("seed", range(30))
def test_noise_makes_no_straggler(seed):
    rng = random.Random(seed)
    count = rng.choice([2, 4, 8])
    steps = []
    for _ in range(128):
        own = [rng.lognormvariate(-4.0, 0.5) for _ in range(count)]
        steps.append((max(own) + 0.01, own))
    views = [
        RankView(
            rank=number,
            world_size=count,
            wrapped=True,
            times=tuple(
                Times(step=n, duration_s=whole, forward_s=own[number], backward_s=whole - own[number])
                for n, (whole, own) in enumerate(steps)
            ),
        )
        for number in range(count)
    ]
    assert straggler(views) is None
