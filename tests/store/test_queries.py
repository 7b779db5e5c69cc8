"""What a store answers: runs, grouped findings, single occurrences."""

import json

import pytest

from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.queries import ALL, Store
from tests.store.making import START, START_NS, after, finding, later, occurrence, recorded, step, writer


def test_a_finding_has_exactly_the_keys_of_the_contract(root):
    of = finding(
        "cuda.oom",
        "f00d",
        Severity.CRITICAL,
        cause="Too little memory.",
        solutions=("Use a smaller batch.",),
        prevention="Watch memory.",
        docs="https://example.com",
        retryable=False,
        confidence=0.9,
        evidence={"free_bytes": 12, "loss": float("nan"), "shape": (3, 4)},
    )
    frames = [{"file": "train.py", "function": "main", "line": 3, "in_app": True}]
    out = writer(root, "run", rank=1, host="gpu")
    out.finding(
        occurrence(
            7,
            of=of,
            function="train.main",
            step=5,
            epoch=0,
            layer="fc",
            exception={"type": "E", "message": "m", "stacktrace": "text", "frames": frames, "chain": [{"type": "C"}]},
            context={"batch": 64},
            trace_id="ab" * 16,
            span_id="cd" * 8,
        )
    )

    assert json.dumps(Store(root).findings()) == json.dumps(
        [
            {
                "rule": "cuda.oom",
                "category": "memory",
                "severity": "critical",
                "confidence": 0.9,
                "basis": "pattern",
                "retryable": False,
                "summary": "cuda.oom happened.",
                "cause": "Too little memory.",
                "solutions": ["Use a smaller batch."],
                "prevention": "Watch memory.",
                "docs": "https://example.com",
                "evidence": {"free_bytes": 12, "loss": "NaN", "shape": [3, 4]},
                "fingerprint": "f00d",
                "id": f"{7:016x}",
                "count": 1,
                "suppressed": 0,
                "first_seen": START,
                "last_seen": START,
                "function": "train.main",
                "step": 5,
                "epoch": 0,
                "rank": 1,
                "hosts": ["gpu"],
                "layer": "fc",
                "exception": {"type": "E", "message": "m", "frames": frames, "chain": [{"type": "C"}]},
                "context": {"batch": 64},
                "trace_id": "ab" * 16,
                "span_id": "cd" * 8,
                "run_id": "run",
            }
        ]
    )


def test_what_is_unknown_is_left_out(root):
    recorded(root, occurrence(1), host="")

    (found,) = Store(root).findings()
    assert set(found) == {
        "rule", "category", "severity", "confidence", "basis", "retryable", "summary", "fingerprint", "id", "count",
        "suppressed", "first_seen", "last_seen", "run_id",
    }  # fmt: skip


def test_a_stack_that_is_only_text_is_kept(root):
    recorded(root, occurrence(1, exception={"type": "E", "stacktrace": "Traceback"}))

    assert Store(root).findings()[0]["exception"] == {"type": "E", "stacktrace": "Traceback"}


def test_a_group_over_ranks_begins_with_its_first_occurrence_and_has_the_id_of_its_last(root):
    recorded(root, occurrence(1, at_s=3, step=30), occurrence(2, at_s=9, step=90, count=2), rank=0, host="a")
    recorded(root, occurrence(3, at_s=1, step=10), rank=1, host="b")

    (found,) = Store(root).findings()
    picked = ("count", "step", "rank", "ranks", "hosts", "id", "first_seen", "last_seen")
    assert [found[key] for key in picked] == [3, 10, 1, [0, 1], ["a", "b"], f"{2:016x}", after(1), after(9)]


@pytest.mark.parametrize(
    ("written", "counted", "count", "suppressed"),
    [
        pytest.param([(1, 0), (2, 0)], None, 2, 0, id="each was written"),
        pytest.param([(1, 0), (2, 0), (9, 6)], None, 9, 6, id="some were suppressed in between"),
        pytest.param([(1, 0)], 50, 50, 49, id="the last ones were only counted"),
        pytest.param([(1, 0), (5, 0)], None, 5, 3, id="three were lost on the way to the disk"),
        pytest.param([(1, 0), (2, 0), (1, 0)], None, 3, 0, id="the process forgot the group and began again"),
        pytest.param([(2, 0), (1, 0)], None, 2, 0, id="two threads wrote in the other order"),
        pytest.param([(9, 6), (1, 0), (2, 0)], 4, 9, 6, id="an old count says nothing"),
    ],
)
def test_the_count_is_exact(root, written, counted, count, suppressed):
    out = recorded(root, *(occurrence(n, count=c, suppressed=s) for n, (c, s) in enumerate(written)), close=False)
    if counted is not None:
        out.counted("f00d", counted)
    out.close()

    (found,) = Store(root).findings()
    assert (found["count"], found["suppressed"]) == (count, suppressed)


def test_counts_are_summed_over_processes(root):
    recorded(root, occurrence(1, count=5, suppressed=4), rank=0)
    recorded(root, occurrence(2, count=7, suppressed=6), rank=1)

    (found,) = Store(root).findings()
    assert (found["count"], found["suppressed"]) == (12, 10)


def test_since_counts_only_what_came_after(root):
    seen = [occurrence(1), occurrence(2, at_s=10, count=5, suppressed=3), occurrence(3, at_s=20, count=6)]
    out = recorded(root, *seen, close=False)
    out.finding(occurrence(9, of=finding("old", "0ld")))

    (found,) = Store(root).findings(since_ns=START_NS + int(10e9))
    assert [found[key] for key in ("rule", "count", "suppressed", "first_seen", "id")] == [
        "cuda.oom",
        5,
        3,
        after(10),
        f"{3:016x}",
    ]
    assert Store(root).findings(since_ns=START_NS + int(21e9)) == []


def test_the_most_severe_come_first_then_the_most_frequent(root):
    rows = [("a", "warning", 9), ("b", "critical", 1), ("c", "error", 2), ("d", "error", 5), ("e", "debug", 99)]
    recorded(
        root,
        *(
            occurrence(n, of=finding(rule, rule, Severity(severity)), count=count, suppressed=count - 1)
            for n, (rule, severity, count) in enumerate(rows)
        ),
    )

    assert [found["rule"] for found in Store(root).findings()] == ["b", "d", "c", "a", "e"]


def test_a_group_is_as_severe_as_its_worst_occurrence(root):
    recorded(
        root,
        occurrence(1, of=finding(severity=Severity.WARNING)),
        occurrence(2, at_s=1, of=finding(severity=Severity.CRITICAL), count=2),
        occurrence(3, at_s=2, of=finding(severity=Severity.ERROR), count=3),
    )

    (found,) = Store(root).findings()
    assert found["severity"] == "critical"


def test_findings_without_a_fingerprint_are_grouped_by_what_they_are(root):
    nameless = finding(fingerprint="")
    recorded(
        root,
        occurrence(1, of=nameless, function="f"),
        occurrence(2, of=nameless, function="f", count=2),
        occurrence(3, of=nameless, function="g"),
    )

    assert [(f["function"], f["count"]) for f in Store(root).findings()] == [("f", 2), ("g", 1)]


def test_one_run_is_not_mixed_with_another_in_the_same_store(root):
    recorded(root, occurrence(1, of=finding("a", "a")), run_id="one")
    recorded(root, occurrence(2, of=finding("b", "b")), run_id="two", clock=later(60))

    store = Store(root)
    assert [run.run_id for run in store.runs()] == ["two", "one"]
    assert [f["rule"] for f in store.findings()] == ["b"]
    assert [f["rule"] for f in store.findings("one")] == ["a"]
    assert sorted(f["rule"] for f in store.findings(ALL)) == ["a", "b"]


def test_findings_appear_while_the_run_goes_on(root):
    out = recorded(root, occurrence(1), close=False)
    store = Store(root)
    assert store.findings()[0]["count"] == 1
    out.finding(occurrence(2, count=2))
    assert store.findings()[0]["count"] == 2
    out.finding(occurrence(3, of=finding("b", "b")))
    assert len(store.findings()) == 2


def test_an_occurrence_is_found_by_its_id_or_the_beginning_of_it_in_any_run(root):
    recorded(root, occurrence(0xAB << 56), run_id="one")
    recorded(root, occurrence(0xAC << 56, step=4), run_id="two")
    store = Store(root)

    assert store.occurrence(f"{0xAC << 56:016x}")["step"] == 4
    assert store.occurrence("ac")["run_id"] == "two"
    assert [store.occurrence(which) for which in ("a", "b", "", "%", "_b")] == [None] * 5


def test_steps_and_findings_of_a_run_without_steps(root):
    recorded(root, occurrence(1, of=finding(category=Category.DATA)))

    assert list(Store(root).steps()) == []
    assert Store(root).training()["steps_seen"] == 0


def test_a_finding_that_the_collector_wrote_is_read_too(root):
    """Its file exporter orders keys in its own way and writes several resources on one line."""
    out = recorded(root, occurrence(1), rank=0)
    path = out.directory / "logs.jsonl"
    (line,) = (json.loads(text) for text in path.read_text().splitlines())
    (entry,) = line["resourceLogs"]
    identity = occurrence(1).id
    another = json.loads(json.dumps(entry).replace(identity, identity[::-1]))
    path.write_text(json.dumps({"resourceLogs": [entry, {"scopeLogs": []}, another]}) + "\n")

    assert Store(root).findings()[0]["count"] == 2


def test_a_step_of_this_store_has_no_null(root):
    out = writer(root)
    out.step(step(0, loss=float("inf")))
    out.close()

    assert Store(root).training()["steps"] == [{"step": 0, "duration_s": 0.5, "loss": "Infinity"}]
