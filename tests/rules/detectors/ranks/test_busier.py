"""Ranks that compute for longer than the others, wherever they do it."""

from dataclasses import replace

import pytest

from otel_mldebug.rules.detectors.ranks import RANK_DETECTORS
from otel_mldebug.rules.detectors.ranks.busier import busier_rank
from otel_mldebug.rules.detectors.ranks.straggler import straggler
from otel_mldebug.rules.ranks import RankView, Times, view_of

NAMES = (("weight", "bias"),)


def ranks(*cpu, steps=100, step_s=0.024, forward=0.4, names=NAMES, **more):
    """Return ranks that compute for so long in each step, `forward` of that in the forward pass; the rest is backward.

    `cpu` is the time of each rank, or what returns it for a step.
    """
    views = []
    for number, given in enumerate(cpu):
        at = given if callable(given) else lambda step, given=given: given
        times = [
            Times(
                step=n,
                duration_s=step_s,
                forward_s=forward * at(n),
                backward_s=max(0.0, step_s - forward * at(n)),
                cpu_s=at(n),
                **more.get(f"of_{number}", {}),
            )
            for n in range(steps)
        ]
        views.append(RankView(rank=number, world_size=len(cpu), wrapped=True, names=names, times=tuple(times)))
    return views


def test_a_rank_whose_sentences_are_longer_is_named_although_no_phase_tells_it_alone():
    views = ranks(0.0059, 0.0157)
    finding = busier_rank(views)

    assert straggler(views) is None
    assert busier_rank in RANK_DETECTORS
    assert finding is not None
    assert (finding.rule, finding.severity.value) == ("distributed.straggler", "warning")
    assert finding.summary == (
        "Rank 1 is slower than the other by 10 ms a step, 41% of its time: it computes for 15.7 ms in a step, the "
        "other for 5.9 ms, and waits."
    )
    assert finding.evidence == {
        "rank": 1,
        "phase": "forward",
        "excess_s": 0.0098,
        "cpu_s": 0.0157,
        "cpu_s_others": 0.0059,
        "step_s": 0.024,
        "lost_s": 0.931,
        "steps": 95,
        "step": 5,
    }


def ragged(step):
    """Return times that differ from step to step by as much as sentences do, from 60 % to 140 % of the mean."""
    return 0.010 * (0.6 + 0.2 * (step * 3 % 5))


@pytest.mark.parametrize(
    ("views", "rank"),
    [
        pytest.param(ranks(0.005, 0.005, 0.015, 0.006), 2, id="one of four"),
        pytest.param(ranks(0.015, 0.005, forward=0.0), 0, id="in backward"),
        pytest.param(ranks(ragged, lambda step: 2.5 * ragged(step + 2)), 1, id="sentences of many lengths"),
        pytest.param(ranks(0.006, 0.018, step_s=0.070), 1, id="on a busy machine"),
        pytest.param([replace(v, wrapped=False) for v in ranks(0.005, 0.015)], 1, id="gradients are averaged by hand"),
    ],
)
def test_the_rank_that_computes_longest_is_found(views, rank):
    finding = busier_rank(views)

    assert finding is not None
    assert finding.evidence["rank"] == rank


def times_of(view, **fields):
    return replace(view, times=tuple(replace(time, **fields) for time in view.times))


@pytest.mark.parametrize(
    "views",
    [
        pytest.param(ranks(0.015), id="one rank"),
        pytest.param(ranks(0.015, 0.015), id="all alike"),
        pytest.param(ranks(ragged, lambda step: ragged(step + 2)), id="lengths at random"),
        pytest.param(ranks(0.010, 0.0145), id="less than half as much again"),
        pytest.param(ranks(0.001, 0.004, step_s=0.024), id="a small part of the step"),
        pytest.param(ranks(0.0005, 0.0022, step_s=0.004, steps=128), id="nobody would notice"),
        pytest.param(ranks(0.005, 0.015, steps=24), id="too few steps"),
        pytest.param(ranks(0.005, lambda step: 0.015 if step % 5 < 3 else 0.004), id="not always"),
        pytest.param(ranks(0.005, lambda step: 0.4 if step % 50 == 9 else 0.005), id="rank 1 evaluates now and then"),
        pytest.param([times_of(view, cpu_s=0.0) for view in ranks(0.005, 0.015)], id="processor times are not known"),
        pytest.param(
            [view if view.rank else times_of(view, cpu_s=0.0) for view in ranks(0.005, 0.015)], id="of one rank only"
        ),
        pytest.param(
            [times_of(view, duration_s=0.024 + 0.012 * view.rank) for view in ranks(0.005, 0.015)],
            id="they do not wait for each other",
        ),
        pytest.param(ranks(0.005, 0.015, of_0={"data_s": 0.012}), id="the other waits for its data"),
        pytest.param(
            [replace(view, names=((f"stage{view.rank}.weight",),)) for view in ranks(0.005, 0.015)], id="a pipeline"
        ),
        pytest.param(ranks(0.005, 0.015, names=()), id="models are not known"),
        pytest.param([replace(view, sharded=True) for view in ranks(0.005, 0.015)], id="parts of parameters"),
        pytest.param([ranks(0.005, 0.015)[0], RankView(rank=1, world_size=2, names=NAMES)], id="nothing heard of one"),
    ],
)
def test_ranks_that_have_as_much_to_do_are_left_alone(views):
    assert busier_rank(views) is None


def test_processor_times_are_told_to_the_others():
    view = ranks(0.0059, 0.0156)[1]

    assert view_of(view.to_json()) == view
