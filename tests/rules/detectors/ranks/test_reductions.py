"""Gradients that are averaged by hand."""

import pytest

from otel_mldebug.rules.detectors.ranks.reductions import clipped_before, summed_gradients
from otel_mldebug.rules.ranks import RankView, Reduction

GROWING = (0.9, 1.3, 0.7, 1.1, 2.0, 0.4)


def rank(number, norms=GROWING, *, kept=True, **more):
    reduced = tuple(
        Reduction(step=step, local_norm=norm, kept=kept if isinstance(kept, bool) else kept[step])
        for step, norm in enumerate(norms)
    )
    return RankView(rank=number, **{"world_size": 2, "mean_loss": True, "reduced": reduced, **more})


def test_sums_that_are_used_as_they_are_are_told():
    found = summed_gradients([rank(0), rank(1), rank(2)])
    assert found is not None
    assert (found.rule, found.severity, found.evidence) == (
        "distributed.gradients_summed",
        "warning",
        {"rank": 0, "ranks": (0, 1, 2), "step": 0},
    )
    assert "each step is 3 times as large as meant" in found.summary


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([rank(0, kept=False), rank(1, kept=False)], id="divided afterwards"),
        pytest.param([rank(0, kept=(True, True, True, True, True, False)), rank(1)], id="divided at times"),
        pytest.param([rank(0, mean_loss=False), rank(1, mean_loss=False)], id="the loss was divided, or is a sum"),
        pytest.param([rank(0, wrapped=True), rank(1, wrapped=True)], id="DistributedDataParallel"),
        pytest.param([rank(0), rank(1, norms=())], id="one rank does not reduce"),
        pytest.param([rank(0, norms=(1.0,) * 3), rank(1, norms=(1.0,) * 3)], id="too few steps"),
        pytest.param([rank(0)], id="alone"),
    ],
)
def test_other_ways_to_reduce_are_not(views):
    assert summed_gradients(views) is None


def test_a_rank_that_clips_before_it_averages_is_told():
    found = clipped_before([rank(0, kept=False), rank(1, norms=(0.6, 1.0, 0.9999, 0.9998, 1.0, 1.0), kept=False)])
    assert found is not None
    assert (found.rule, found.severity, found.evidence) == (
        "distributed.clipped_before_reduce",
        "warning",
        {"rank": 1, "norm": 1.0, "step": 0},
    )


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([rank(0), rank(1)], id="norms as they come"),
        pytest.param([rank(0, norms=(1.0, 1.0, 1.0, 0.5, 1.0, 1.0)), rank(1)], id="not often enough in a row"),
        pytest.param([rank(0, norms=(0.5, 0.502, 0.499, 0.501, 0.5, 0.503)), rank(1)], id="nearly the same"),
        pytest.param([rank(0, norms=(0.0,) * 6), rank(1)], id="no gradients"),
        pytest.param([rank(0, norms=(1.0,) * 6, wrapped=True), rank(1)], id="DistributedDataParallel"),
        pytest.param([rank(0, norms=(1.0,) * 6)], id="alone"),
        pytest.param([rank(0, norms=()), rank(1, norms=())], id="nothing is reduced"),
    ],
)
def test_norms_that_are_not_clipped_are_not(views):
    assert clipped_before(views) is None
