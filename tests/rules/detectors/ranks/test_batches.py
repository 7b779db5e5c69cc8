"""What ranks are fed with: the same batches, or not equally many."""

import pytest

from otel_mldebug.rules.detectors.ranks.batches import same_batches, uneven_batches
from otel_mldebug.rules.ranks import RankView


def fed(number, *digests, wrapped=True, world_size=2, **more):
    return RankView(rank=number, world_size=world_size, wrapped=wrapped, batches=dict(enumerate(digests)), **more)


def test_ranks_with_the_same_batches_are_named():
    finding = same_batches(
        [fed(0, 1, 2, 3, world_size=3), fed(1, 4, 5, 6, world_size=3), fed(2, 1, 2, 3, world_size=3)]
    )
    assert finding is not None
    assert finding.summary == "Ranks 0 and 2 train on the same batches: all 3 that were compared are equal."
    assert finding.evidence == {"rank": 2, "ranks": (0, 2), "batches": 3, "step": 0}
    assert "no DistributedSampler" in finding.cause


def test_a_sampler_for_the_wrong_rank_is_told_from_none():
    finding = same_batches([fed(0, 1, 2, 3, divided=True), fed(1, 1, 2, 3, divided=True)])
    assert finding is not None
    assert "sampler" in finding.cause
    assert "no DistributedSampler" not in finding.cause


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([fed(0, 1, 2, 3), fed(1, 4, 5, 6)], id="parts of their own"),
        pytest.param([fed(0, 1, 2, 3), fed(1, 1, 2, 4)], id="some in common"),
        pytest.param([fed(0, 7, 7, 7), fed(1, 7, 7, 7)], id="all the data in one batch"),
        pytest.param([fed(0, 1, 2), fed(1, 1, 2)], id="too few to tell"),
        pytest.param([fed(0, 1, 2, 3, wrapped=False), fed(1, 1, 2, 3, wrapped=False)], id="parts of one model"),
        pytest.param([fed(0), fed(1)], id="no DataLoader"),
        pytest.param([fed(0, 1, 2, 3)], id="one rank"),
    ],
)
def test_batches_that_are_fine(views):
    assert same_batches(views) is None


def ended(number, steps, **more):
    return RankView(rank=number, **{"world_size": 2, "steps": steps, "ended": True, "wrapped": True, **more})


def test_different_numbers_of_steps_are_named():
    finding = uneven_batches([ended(0, 101), ended(1, 100)])
    assert finding is not None
    assert finding.summary == "The ranks have made different numbers of steps: 100 on rank 1, 101 on others."
    assert finding.evidence == {"rank": 1, "fewest": 100, "most": 101, "step": 100}


def test_a_rank_that_fails_in_a_step_which_the_other_has_not_made():
    finding = uneven_batches([ended(0, 57, begun=True), ended(1, 57)])
    assert finding is not None
    assert finding.evidence == {"rank": 1, "fewest": 57, "most": 58, "step": 57}


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([ended(0, 7, begun=True), ended(1, 7, failed=True)], id="an exception has ended one of them"),
        pytest.param([], id="nobody"),
        pytest.param([ended(0, 100), ended(1, 100)], id="as many"),
        pytest.param([ended(0, 100)], id="nothing known of the other"),
        pytest.param([ended(0, 100), ended(1, 40, ended=False)], id="still going on"),
        pytest.param([ended(0, 100), ended(1, 40, wrapped=False)], id="no averaging"),
        pytest.param([ended(0, 100, joined=True), ended(1, 40, joined=True)], id="uneven on purpose"),
        pytest.param([ended(0, 100, begun=True), ended(1, 99, begun=True)], id="all have failed within a step"),
        pytest.param([ended(0, 100), ended(1, 99, begun=True)], id="one that was interrupted in its last step"),
        pytest.param([ended(0, 100), ended(1, 0)], id="a rank that does not train"),
    ],
)
def test_steps_that_are_fine(views):
    assert uneven_batches(views) is None


def test_a_rank_that_fails_because_its_peer_has_finished_is_no_excuse():
    assert uneven_batches([ended(0, 57, begun=True, failed=True), ended(1, 57)]) is not None
