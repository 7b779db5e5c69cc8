"""What a store answers: runs, grouped findings, single occurrences."""

import json
import os
import platform

import pytest

from otel_mldebug.errors import StoreError
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.layout import FORMAT, RUN_FILE, write_json
from otel_mldebug.store.queries import ALL, Store
from tests.store.making import START, START_NS, Clock, finding, occurrence, step, writer

DEAD = 2**22 + 1
"""Above the highest process id that Linux and macOS hand out."""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def recorded(root, *occurrences, close=True, **more):
    out = writer(root, **more)
    for one in occurrences:
        out.finding(one)
    if close:
        out.close()
    return out


def after(seconds):
    return START.replace("40.000000", f"{40 + seconds:09.6f}")


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


def later(seconds):
    clock = Clock()
    clock.now_s = seconds
    return clock


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


def test_a_store_that_is_not_there_says_how_to_make_one(root):
    with pytest.raises(StoreError) as caught:
        Store(root)

    assert str(caught.value) == (
        f"The store {root} does not exist. Record one with: otel-mldebug run train.py, or name another one: --store DIR"
    )


def test_a_file_is_no_store(root):
    root.write_text("")
    with pytest.raises(StoreError, match="is not a directory"):
        Store(root)


def test_an_empty_store_has_no_runs_and_says_so(root):
    root.mkdir()
    assert Store(root).runs() == []
    with pytest.raises(StoreError) as caught:
        Store(root).findings()

    assert str(caught.value) == f"The store {root} holds no run yet. Record one with: otel-mldebug run train.py"


def test_a_newer_store_says_what_to_do(root):
    root.mkdir()
    write_json(root / "format.json", {"format": FORMAT + 1})
    with pytest.raises(StoreError) as caught:
        Store(root)

    assert str(caught.value) == (
        f"The store {root} has format {FORMAT + 1}; this version of otel-mldebug reads formats up to {FORMAT}. "
        "Upgrade it (pip install -U otel-mldebug), or use another directory: --store DIR."
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"other": 1}'])
def test_a_format_file_that_says_nothing_new_does_not_matter(root, text):
    recorded(root, occurrence(1))
    (root / "format.json").write_text(text)

    assert len(Store(root).findings()) == 1


def test_a_run_can_be_named_by_the_beginning_of_its_id(root):
    recorded(root, occurrence(1), run_id="2026-11-21-143005-1f3a")
    recorded(root, occurrence(2), run_id="2026-11-22-101500-77aa", clock=later(60))
    store = Store(root)

    assert store.run("2026-11-21").run_id == "2026-11-21-143005-1f3a"
    with pytest.raises(StoreError, match="'2026' fits 2 runs: 2026-11-22-101500-77aa, 2026-11-21-143005-1f3a"):
        store.run("2026")
    with pytest.raises(StoreError, match=r"has no run 'x'\. It has: 2026-11-22"):
        store.run("x")
    with pytest.raises(StoreError, match="has no run ''"):
        store.run("")


def test_a_run_id_never_leaves_the_store(root):
    recorded(root, occurrence(1), run_id="../../etc/passwd")

    assert [path.name for path in root.parent.iterdir()] == ["store"]
    assert Store(root).latest().run_id == "../../etc/passwd"
    assert Store(root).findings("../../etc/passwd")[0]["run_id"] == "../../etc/passwd"


@pytest.mark.parametrize(
    ("about", "status"),
    [
        pytest.param({"exit_code": 0, "ended": START}, "finished", id="exit code 0"),
        pytest.param({"exit_code": 3, "ended": START}, "failed", id="exit code 3"),
        pytest.param({"exit_code": 137, "signal": "SIGKILL", "ended": START}, "killed", id="killed"),
        pytest.param({"host": platform.node(), "pid": os.getpid()}, "running", id="the supervisor lives"),
        pytest.param({"host": platform.node(), "pid": DEAD}, "killed", id="the supervisor is gone"),
        pytest.param({"host": "elsewhere", "pid": 1}, "running", id="fresh files of another host"),
    ],
)
def test_how_a_run_ended_is_what_its_supervisor_wrote(root, about, status):
    recorded(root, occurrence(1))
    write_json(root / "run" / RUN_FILE, {"run_id": "run", "started": START, **about})
    run = Store(root).latest()

    assert (run.status, run.exit_code, run.signal) == (status, about.get("exit_code"), about.get("signal", ""))


def test_without_a_supervisor_the_processes_tell(root):
    open_one = recorded(root, occurrence(1), host=platform.node(), close=False)
    assert Store(root).latest().status == "running"
    page = open_one.directory / "process.json"
    written = json.loads(page.read_text())
    write_json(page, {**written, "pid": DEAD})
    assert Store(root).latest().status == "killed"
    write_json(page, {**written, "ended": START})

    run = Store(root).latest()
    assert (run.status, run.started_ns, run.ended_ns) == ("finished", START_NS, START_NS)


def test_an_old_run_of_another_host_has_ended(root):
    out = recorded(root, occurrence(1), host="elsewhere", close=False)
    for path in (*out.directory.iterdir(), out.directory):
        os.utime(path, (1, 1))

    assert Store(root).latest().status == "killed"


def test_a_run_that_recorded_nothing_is_a_run(root):
    recorded(root, occurrence(1))
    (root / "quiet").mkdir()
    write_json(root / "quiet" / RUN_FILE, {"run_id": "quiet", "started": "2099-01-01T00:00:00Z", "exit_code": 0})

    assert Store(root).latest().run_id == "quiet"
    assert Store(root).findings() == []
    assert Store(root).processes() == ()


def test_other_directories_are_no_runs(root):
    recorded(root, occurrence(1))
    for name in ("targets", ".hidden", "notes", "od\u0301d"):
        (root / name).mkdir()
        (root / name / "x.txt").write_text("")

    assert [run.run_id for run in Store(root).runs()] == ["run"]


def test_a_run_says_what_it_is_in_json(root):
    recorded(root, occurrence(1), rank=0)
    write_json(
        root / "run" / RUN_FILE,
        {"run_id": "run", "started": START, "ended": after(5), "exit_code": 1, "argv": ["python", "train.py"]},
    )

    assert Store(root).latest().to_json() == {
        "run_id": "run",
        "status": "failed",
        "started": START,
        "ended": after(5),
        "exit_code": 1,
        "argv": ["python", "train.py"],
        "processes": [
            {
                "process": f"box-r0-p{os.getpid()}",
                "host": "box",
                "rank": 0,
                "pid": os.getpid(),
                "started": START,
                "ended": START,
                "resource": {names.MLDEBUG_RUN_ID: "run", names.HOST_NAME: "box", names.MLDEBUG_RANK: 0},
            }
        ],
    }


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
    path.write_text(json.dumps({"resourceLogs": [entry, {"scopeLogs": []}, entry]}) + "\n")

    assert Store(root).findings()[0]["count"] == 2


def test_a_step_of_this_store_has_no_null(root):
    out = writer(root)
    out.step(step(0, loss=float("inf")))
    out.close()

    assert Store(root).training()["steps"] == [{"step": 0, "duration_s": 0.5, "loss": "Infinity"}]
