"""Ranks that count for more than others: their batches, and the losses that are averaged."""

import pytest

from otel_mldebug.rules.detectors.ranks.weights import unequal_weights
from otel_mldebug.rules.ranks import RankView

AT = (0, 1, 2, 4, 8, 16, 32, 64)
NOISE = (1.0, 1.1, 0.9, 1.05, 0.95, 1.2, 0.85, 1.0)


def rank(number, samples, loss, *, at=AT, noise=NOISE, wrapped=True, **more):
    """Return a rank with so many samples a step (or a list of them), and a loss that falls."""
    sizes = samples if isinstance(samples, (list, tuple)) else [samples] * len(at)
    fed = tuple((step, size, loss * n * 0.99**step) for step, size, n in zip(at, sizes, noise, strict=False))
    return RankView(rank=number, world_size=2, wrapped=wrapped, fed=fed, **more)


def even(number, samples, loss, **more):
    return rank(number, samples, loss, noise=(1.0,) * len(AT), **more)


def test_a_loss_that_is_weighted_the_wrong_way_round_is_told():
    found = unequal_weights([rank(0, 60, 0.6), even(1, 4, 9.6)])
    assert found is not None
    assert (found.rule, found.severity, found.evidence["rank"], found.evidence["samples"], found.evidence["step"]) == (
        "distributed.unequal_weights",
        "warning",
        1,
        (60, 4),
        0,
    )
    assert "Rank 0 trains on 60 samples a step and rank 1 on 4" in found.summary


def test_the_order_of_ranks_does_not_matter_and_a_smaller_last_batch_is_none():
    found = unequal_weights([rank(0, [4] * 7 + [60], 9.6), even(1, [60] * 7 + [60], 0.6)])
    assert found is not None
    assert (found.severity, found.evidence["ranks"]) == ("warning", (1, 0))


def test_ranks_that_count_the_same_with_different_batches_are_a_hint():
    found = unequal_weights([rank(0, 64, 1.0), even(1, 8, 1.05)])
    assert found is not None
    assert (found.severity, found.evidence["rank"]) == ("info", 1)


def test_a_loss_that_is_multiplied_on_one_rank_is_told():
    found = unequal_weights([rank(0, 32, 0.7), rank(1, 32, 2.8), rank(2, 32, 0.7)])
    assert found is not None
    assert (found.severity, found.evidence["rank"]) == ("warning", 1)
    assert "The loss of rank 1 is 4 times that of rank" in found.summary


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([rank(0, 32, 1.0), even(1, 32, 1.0)], id="the same"),
        pytest.param([rank(0, 60, 1.875), even(1, 4, 0.125)], id="weighted by samples"),
        pytest.param([rank(0, 240, 240.0), even(1, 24, 24.0)], id="sums"),
        pytest.param([rank(0, 32, 1.0), even(1, 20, 1.1)], id="not very different"),
        pytest.param([rank(0, [32] * 7 + [8], 1.0), even(1, [32] * 7 + [3], 1.0)], id="smaller last batches"),
        pytest.param(
            [rank(0, [9, 30, 14, 60, 25, 8, 40, 12], 1.0), even(1, [22, 12, 33, 10, 28, 40, 9, 30], 1.0)],
            id="buckets by length",
        ),
        pytest.param([rank(0, 32, 1.0), even(1, 32, 2.5)], id="another share of the data"),
        pytest.param(
            [rank(0, 32, 1.0), rank(1, 32, 4.0, noise=(0.4, 1.6, 1.0, 2.1, 0.7, 1.3, 1.0, 0.5))],
            id="harder samples, as it comes",
        ),
        pytest.param([rank(0, 60, 0.6, wrapped=False), even(1, 4, 9.6, wrapped=False)], id="models of their own"),
        pytest.param([rank(0, 60, 0.6, joined=True), even(1, 4, 9.6, joined=True)], id="uneven on purpose"),
        pytest.param([rank(0, 60, 0.6, at=(0, 1, 2)), even(1, 4, 9.6)], id="too few steps"),
        pytest.param([rank(0, 60, 0.6), even(1, 4, 9.6, at=(3, 5, 7, 9, 11, 13))], id="no steps in common"),
        pytest.param([rank(0, 60, -0.6), even(1, 4, -9.6)], id="losses below 0"),
        pytest.param([rank(0, 0, 1.0), rank(1, 0, 9.0)], id="samples unknown"),
        pytest.param([rank(0, 60, 1.0)], id="one rank alone"),
        pytest.param([], id="nobody"),
    ],
)
def test_ranks_that_count_as_they_should_are_not(views):
    assert unequal_weights(views) is None
