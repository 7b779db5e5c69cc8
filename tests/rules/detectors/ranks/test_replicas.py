"""Replicas that drift apart, and those that differ on purpose."""

import pytest

from otel_mldebug.rules.detectors.ranks.replicas import replicas_differ
from otel_mldebug.rules.ranks import Check, RankView, Reduction

NAMES = ("conv.weight", "conv.bias", "head.weight")
NUMBERS = (0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 100, 128)

REDUCED = Reduction(step=0, local_norm=1.0, kept=False)


def rank(number, sums, *, synchronising=True, names=NAMES, world_size=2, numbers=NUMBERS, **more):
    """Return a rank whose parameters have the checksums that `sums` gives for a number of steps."""
    checks = tuple(
        Check(number=n, step=n, picked=tuple(range(len(names))), sums=sums(n), synchronising=synchronising)
        for n in numbers
    )
    return RankView(rank=number, world_size=world_size, names=(names,), checks=checks, wrapped=True, **more)


def same(n):
    return (n, n + 1000, n + 2000)


def drifting(from_number, first=0):
    """Return checksums that are those of the others up to a number of steps, then others from a parameter on."""
    return lambda n: same(n) if n < from_number else tuple(s + 5 * (p >= first) for p, s in enumerate(same(n)))


def averaged(every):
    """Return checksums of a model that is averaged with the others every so many steps."""
    return lambda n: same(n) if n % every == 0 else drifting(0)(n)


def test_the_first_parameter_and_step_and_the_rank_are_named():
    views = [rank(n, drifting(48, first=1) if n == 2 else same, world_size=4) for n in range(4)]
    finding = replicas_differ(views)
    assert finding is not None
    assert finding.summary == "The model of rank 2 is not that of the other ranks from step 48 on, first in conv.bias."
    assert finding.evidence == {
        "rank": 2,
        "ranks": (2,),
        "layer": "conv.bias",
        "step": 48,
        "differing": 2,
        "looked_at": 3,
        "wrapped": True,
    }


def test_of_two_ranks_the_second_is_said_to_differ():
    finding = replicas_differ([rank(0, same), rank(1, drifting(1))])
    assert finding is not None
    assert (finding.evidence["rank"], finding.evidence["step"]) == (1, 1)
    assert "model.module" in finding.solutions[0]


def test_no_sync_that_is_never_left_is_recognised():
    finding = replicas_differ([rank(0, same, synchronising=False), rank(1, drifting(1), synchronising=False)])
    assert finding is not None
    assert "no_sync()" in finding.cause


def test_two_checks_in_a_row_are_enough_inside_of_the_wrapper():
    views = [rank(0, same, numbers=(0, 1, 2)), rank(1, drifting(1), numbers=(0, 1, 2))]
    assert replicas_differ(views) is not None
    assert replicas_differ([rank(0, same, numbers=(0, 1)), rank(1, drifting(1), numbers=(0, 1))]) is None


@pytest.mark.parametrize(
    ("starts", "more"),
    [
        pytest.param(1, {}, id="same start"),
        pytest.param(0, {"divided": True}, id="other starts, shares of one dataset"),
        pytest.param(0, {"reduced": (REDUCED,)}, id="other starts, gradients that are added up"),
        pytest.param(1, {"numbers": NUMBERS[:6], "ended": True}, id="a short run that has ended"),
    ],
)
def test_without_the_wrapper_each_rank_trains_a_model_of_its_own(starts, more):
    views = [rank(0, same, synchronising=None, **more), rank(1, drifting(starts), synchronising=None, **more)]
    finding = replicas_differ(views)
    assert finding is not None
    assert "not wrapped in DistributedDataParallel" in finding.cause
    assert finding.evidence["wrapped"] is False


def outside(sums, **more):
    return [rank(0, same, synchronising=None, **more), rank(1, sums, synchronising=None, **more)]


@pytest.mark.parametrize(
    "views",
    [
        pytest.param([], id="nobody"),
        pytest.param([rank(0, same)], id="one rank"),
        pytest.param([rank(0, same), rank(1, same)], id="equal"),
        pytest.param([rank(0, same), rank(1, drifting(0), sharded=True)], id="sharded"),
        pytest.param([rank(0, same), rank(1, drifting(0), names=("stage2.weight", "b", "c"))], id="other parameters"),
        pytest.param([rank(0, same), rank(1, drifting(1), numbers=())], id="no checks of one of them"),
        pytest.param([rank(0, same), rank(1, averaged(16))], id="averaged, and equal just now"),
        pytest.param(outside(drifting(0)), id="models of their own on purpose: other starts, no shared dataset"),
        pytest.param(outside(averaged(4)), id="averaged by hand every fourth step"),
        pytest.param(outside(averaged(64)), id="averaged by hand every 64th step"),
        pytest.param(outside(drifting(1), numbers=NUMBERS[:12]), id="may be averaged yet"),
    ],
)
def test_no_drift(views):
    assert replicas_differ(views) is None
