"""Hangs: when no progress is one, and what is said of it."""

import math

import pytest

from otel_mldebug.rules.detectors.ranks.hang import resumed, silent_s, stuck, timeout_s
from otel_mldebug.rules.detectors.ranks.waits import hang
from otel_mldebug.rules.ranks import Collective, Position, RankView
from otel_mldebug.semconv.names import Category, Severity


def at(phase="other", **more):
    return Position(phase=phase, **more)


LOOP = at(place="prepare (train.py:12)", in_loop=True)
AFTER = at(place="<module> (train.py:40)")
REDUCING = at("collective", operation="all_reduce", place="train (train.py:9)")
SYNCING = at("collective", operation="gradient synchronisation", place="train (train.py:9)")


def rank(number=0, position=LOOP, *, steps=20, idle_s=100.0, world_size=2, **more):
    return RankView(rank=number, world_size=world_size, steps=steps, position=position, idle_s=idle_s, **more)


def alone(position=LOOP, **more):
    return rank(position=position, world_size=1, **more)


@pytest.mark.parametrize(
    ("setting", "slowest_s", "expected"),
    [
        pytest.param(0.0, None, 300.0, id="before the first step"),
        pytest.param(0.0, 0.01, 60.0, id="short steps"),
        pytest.param(0.0, 10.0, 200.0, id="long steps"),
        pytest.param(5.0, 10.0, 5.0, id="what the settings say wins"),
        pytest.param(5.0, None, 5.0, id="also before the first step"),
        pytest.param(math.inf, 10.0, math.inf, id="never"),
    ],
)
def test_how_long_no_progress_may_take(setting, slowest_s, expected):
    assert timeout_s(setting, slowest_s) == expected


@pytest.mark.parametrize(
    ("setting", "slowest_s", "collective_s", "expected"),
    [
        pytest.param(0.0, 0.01, 20.0, 10.0, id="told before the collective gives up"),
        pytest.param(0.0, None, 20.0, 10.0, id="also before the first step"),
        pytest.param(0.0, 0.01, 1800.0, 60.0, id="a collective that is patient"),
        pytest.param(30.0, 0.01, 20.0, 30.0, id="what the settings say wins"),
        pytest.param(math.inf, 0.01, 20.0, math.inf, id="never"),
    ],
)
def test_what_waits_for_other_ranks_is_told_while_somebody_can(setting, slowest_s, collective_s, expected):
    assert timeout_s(setting, slowest_s, collective_s) == expected


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        pytest.param(alone(), [], True, id="a lock inside of the loop"),
        pytest.param(alone(idle_s=59.9), [], False, id="not long enough"),
        pytest.param(alone(steps=0), [], False, id="before the first step: the loop is not known yet"),
        pytest.param(alone(AFTER), [], False, id="a server after training"),
        pytest.param(alone(at("forward", in_loop=True)), [], True, id="a layer that waits"),
        pytest.param(alone(at("forward")), [], False, id="inference after training"),
        pytest.param(alone(at(in_loop=True, attended=True)), [], False, id="a debugger in the loop"),
        pytest.param(alone(at("data")), [], True, id="a worker that does not answer"),
        pytest.param(alone(at("data"), steps=0), [], True, id="the first batch"),
        pytest.param(alone(ended=True), [], False, id="has ended"),
        pytest.param(rank(0, REDUCING), [rank(1)], True, id="the other rank stands still, too"),
        pytest.param(rank(0, REDUCING), [], True, id="nothing is known of the other rank"),
        pytest.param(rank(0, REDUCING), [rank(1, idle_s=0.5)], False, id="the other rank evaluates"),
        pytest.param(
            rank(0, REDUCING, idle_s=601.0), [rank(1, idle_s=0.5)], True, id="evaluates for ten times as long"
        ),
        pytest.param(rank(0, REDUCING), [rank(1, idle_s=0.5, age_s=5.0)], False, id="may have been slow to tell"),
        pytest.param(rank(0, REDUCING), [rank(1, idle_s=0.5, age_s=30.0)], True, id="has not told for long"),
        pytest.param(rank(0, REDUCING), [rank(1, idle_s=0.5, gone=True)], True, id="the other process is gone"),
        pytest.param(rank(0, REDUCING), [rank(1, idle_s=0.5, ended=True)], True, id="the other rank has ended"),
    ],
)
def test_what_is_a_hang(own, others, expected):
    assert stuck(own, others, 60.0) is expected


def test_where_a_hang_is_a_matter_of_seconds_so_is_whether_a_rank_answers():
    own = rank(0, REDUCING, idle_s=2.0)
    assert [stuck(own, [rank(1, idle_s=2.0, age_s=age_s)], 2.0) for age_s in (0.5, 1.9, 3.0)] == [True, False, True]


def test_never_means_never():
    assert not stuck(alone(idle_s=1e9), [], math.inf)


@pytest.mark.parametrize(("limit_s", "expected"), [(2.0, 3.0), (12.0, 6.0), (300.0, 10.0)])
def test_after_how_long_a_rank_does_not_answer(limit_s, expected):
    assert silent_s(limit_s) == expected


def reduction(number, done=False):
    return Collective(name="all_reduce", number=number, group="default_pg", done=done)


@pytest.mark.parametrize("noticing", [0, 1])
def test_the_missing_rank_and_its_place_are_named_whoever_notices(noticing):
    views = [rank(0, SYNCING, collective=reduction(16)), rank(1, LOOP, collective=reduction(15, done=True))]
    finding = hang(views[noticing], [views[1 - noticing]], 10.0)
    assert finding.summary == (
        "Rank 1 is missing in gradient synchronisation (all_reduce number 16) of step 20: it is in prepare "
        "(train.py:12) at step 20. Rank 0 waits for it."
    )
    assert (finding.category, finding.severity) == (Category.DISTRIBUTED, Severity.CRITICAL)
    assert finding.evidence == {
        "rank": 1,
        "missing": (1,),
        "waiting": (0,),
        "steps": (20, 20),
        "step": 20,
        "missing_at": "prepare (train.py:12)",
        "phase": "collective",
        "operation": "gradient synchronisation",
        "place": "train (train.py:9)",
        "collective": "all_reduce",
        "collective_number": 16,
        "group": "default_pg",
    }


@pytest.mark.parametrize(
    ("other", "said"),
    [
        pytest.param(rank(1, gone=True), "its process is gone, after 20 steps", id="killed"),
        pytest.param(rank(1, steps=15, ended=True), "it has ended training after 15 steps", id="fewer batches"),
        pytest.param(rank(1, SYNCING, age_s=30.0), "does not answer, heard of last at step 20, 30 s ago", id="stopped"),
        pytest.param(rank(1, at("data")), "it waits for its next batch at step 20", id="no data"),
        pytest.param(rank(1, at(in_loop=True)), "it is in code outside of the program at step 20", id="in a library"),
        pytest.param(
            rank(1, AFTER),
            "it has left the loop of its steps after 20 of them, and is in <module> (train.py:40)",
            id="fewer batches, and other work",
        ),
    ],
)
def test_what_is_known_of_the_missing_rank_is_said(other, said):
    finding = hang(rank(0, REDUCING), [other], 10.0)
    assert said in finding.summary
    assert finding.evidence["rank"] == 1
    assert ("DistributedSampler" in finding.solutions[0]) is (other.steps == 15 or other.position == AFTER)


def test_what_a_rank_that_does_not_answer_has_done_before_says_nothing_of_its_batches():
    finding = hang(rank(0, REDUCING), [rank(1, SYNCING, steps=3, age_s=30.0)], 10.0)
    assert "heard of last at step 3" in finding.summary
    assert all("DistributedSampler" not in solution for solution in finding.solutions)
    assert "missing_at" not in finding.evidence


def test_a_rank_in_an_earlier_collective_is_the_one_that_is_missing():
    behind = rank(1, at("collective", operation="barrier"), collective=Collective(name="barrier", number=7))
    finding = hang(rank(0, REDUCING, collective=reduction(9)), [behind], 10.0)
    assert finding.evidence["missing"] == (1,)
    assert "it waits in barrier number 7 at step 20" in finding.summary


def test_collectives_that_do_not_match_are_named_side_by_side():
    other = rank(1, at("collective", operation="barrier"), steps=18)
    finding = hang(rank(0, REDUCING), [other], 10.0)
    assert finding.summary == (
        "All ranks wait for each other in collectives: rank 0 in all_reduce at step 20; rank 1 in barrier at step 18."
    )
    assert finding.evidence["rank"] == 1


def test_many_ranks_are_counted():
    others = [rank(number, REDUCING, world_size=16) for number in range(1, 15)]
    finding = hang(rank(0, REDUCING, world_size=16), [*others, rank(15, world_size=16)], 10.0)
    assert finding.summary.endswith("Ranks 0, 1, 2, 3, 4, 5, 6, 7 and 7 more wait for it.")


def test_a_rank_that_nothing_was_heard_of_is_said():
    finding = hang(rank(0, REDUCING, idle_s=61.4, collective=reduction(9)), [], 10.0)
    assert finding.summary == (
        "Rank 0 has waited in all_reduce number 9 of step 20 for 61 s; nothing was heard of rank 1."
    )
    assert (finding.evidence["rank"], finding.evidence["unheard"], finding.evidence["waiting"]) == (1, (1,), (0,))


def test_ranks_that_wait_together_for_one_that_nothing_was_heard_of_do_not_wait_for_each_other():
    waiting = [rank(number, REDUCING, idle_s=61.4, world_size=4) for number in range(3)]
    finding = hang(waiting[2], waiting[:2], 10.0)
    assert finding.summary == (
        "Ranks 0, 1, 2 have waited in all_reduce of step 20 for 61 s; nothing was heard of rank 3."
    )


@pytest.mark.parametrize(
    ("own", "category", "summary"),
    [
        pytest.param(
            alone(at("data", place="main (train.py:4)")),
            Category.DATA,
            "No progress at step 20 for 100 s: waiting for the next batch, from main (train.py:4).",
            id="data",
        ),
        pytest.param(
            alone(), Category.TRAINING, "No progress at step 20 for 100 s: in prepare (train.py:12).", id="a lock"
        ),
        pytest.param(
            rank(2, at("backward", place="main (train.py:4)")),
            Category.TRAINING,
            "Rank 2: no progress at step 20 for 100 s: in the backward pass, from main (train.py:4).",
            id="a hook in the backward pass of one rank",
        ),
    ],
)
def test_a_process_that_waits_for_no_rank(own, category, summary):
    finding = hang(own, [], 10.0)
    assert (finding.rule, finding.category, finding.summary) == ("training.hang", category, summary)
    assert len(finding.solutions) >= 2


def test_that_work_goes_on_is_worth_a_line():
    finding = resumed(21, 7.23)
    assert (finding.rule, finding.severity) == ("training.resumed", Severity.INFO)
    assert finding.summary == "Training went on with step 21, after 7 s without progress."
