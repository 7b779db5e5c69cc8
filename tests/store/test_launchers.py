"""A launcher and the rank that it reports on: one failure for the person who looks."""

import json

import pytest

from otel_mldebug.rules.finding import MAIN_THREAD, UNCAUGHT
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.queries import ALL, Store
from tests.store.making import finding, later, occurrence, recorded

ENDED = {UNCAUGHT: MAIN_THREAD}
OWN = finding("shape.matmul", "0wn")


def launched(rank, *, kind="torch.distributed.elastic.multiprocessing.errors.ChildFailedError", number=9, at_s=5.0):
    evidence = {"exit_code": 1} if rank is None else {"exit_code": 1, "rank": rank}
    of = finding(
        "distributed.child_failed", "1aunch", Severity.CRITICAL, category=Category.DISTRIBUTED, evidence=evidence
    )
    return occurrence(number, at_s=at_s, of=of, exception={"type": kind}, context=ENDED)


def own(number, *, at_s=1.0, of=OWN, context=ENDED):
    return occurrence(number, at_s=at_s, of=of, exception={"type": "RuntimeError"}, context=context)


def findings(root, run_id=None):
    return [(f["rule"], f["count"], f.get("ranks", f.get("rank"))) for f in Store(root).findings(run_id)]


def test_what_the_launcher_says_is_told_with_the_failure_of_the_rank(root):
    recorded(root, own(1), rank=0)
    recorded(root, own(2, at_s=1.5), rank=1)
    recorded(root, launched(1))

    (found,) = Store(root).findings()
    assert (found["rule"], found["count"], found["ranks"], found["severity"]) == ("shape.matmul", 2, [0, 1], "error")
    assert found["reported_by"] == [
        {
            "rule": "distributed.child_failed",
            "summary": "distributed.child_failed happened.",
            "id": f"{9:016x}",
            "type": "torch.distributed.elastic.multiprocessing.errors.ChildFailedError",
        }
    ]


def test_the_report_itself_is_found_by_its_id(root):
    recorded(root, own(1), rank=0)
    recorded(root, launched(0))
    assert Store(root).occurrence(f"{9:016x}")["rule"] == "distributed.child_failed"


def test_a_report_whose_traceback_is_the_ranks_own_is_no_second_occurrence(root):
    recorded(root, own(1), rank=0)
    of = finding("shape.matmul", "0wn", evidence={"rank": 0})
    same = occurrence(9, at_s=5.0, of=of, exception={"type": "x.ChildFailedError"}, context=ENDED)
    recorded(root, same)
    assert findings(root) == [("shape.matmul", 1, 0)]


def test_of_a_rank_that_was_restarted_the_last_failure_counts(root):
    recorded(root, own(1), rank=0)
    recorded(root, own(2, at_s=3.0, of=finding("cuda.oom", "00m")), rank=0, clock=later(3))
    recorded(root, launched(0))
    by_rule = {found["rule"]: found.get("reported_by", []) for found in Store(root).findings()}
    assert {rule: len(said) for rule, said in by_rule.items()} == {"shape.matmul": 0, "cuda.oom": 1}


def test_a_program_that_a_launcher_without_ranks_started_is_known_where_it_is_the_only_one(root):
    recorded(root, own(1))
    recorded(root, launched(None, kind="subprocess.CalledProcessError"))
    assert findings(root) == [("shape.matmul", 1, None)]


def test_in_every_run_only_what_is_known_there_is_told_with_it(root):
    recorded(root, own(1), run_id="a", rank=1)
    recorded(root, launched(1), run_id="a")
    recorded(root, launched(1, number=10), run_id="b")
    assert sorted(findings(root, ALL)) == [("distributed.child_failed", 1, None), ("shape.matmul", 1, 1)]


@pytest.mark.parametrize(
    "own_failures",
    [
        pytest.param({}, id="the rank was killed"),
        pytest.param({0: own(1)}, id="another rank failed"),
        pytest.param({1: own(1, context={})}, id="the rank caught its exception"),
        pytest.param({1: own(1, context={UNCAUGHT: "thread t"})}, id="in a thread"),
    ],
)
def test_a_report_about_anything_else_stays_a_finding(root, own_failures):
    recorded(root, launched(1))
    for rank, failure in own_failures.items():
        recorded(root, failure, rank=rank)
    assert ("distributed.child_failed", 1, None) in findings(root)
    assert "reported_by" not in json.dumps(Store(root).findings())


def test_of_two_programs_that_failed_differently_none_is_taken_for_the_one_reported(root):
    recorded(root, own(1))
    recorded(root, own(2, of=finding("cuda.oom", "00m")))
    recorded(root, launched(None, kind="subprocess.CalledProcessError"))
    assert [rule for rule, *_ in findings(root)] == ["distributed.child_failed", "cuda.oom", "shape.matmul"]
