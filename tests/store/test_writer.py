"""What a process writes, when, and what it leaves when it has nothing to say."""

import json
import logging
import math
import os
import threading
import time

from otel_mldebug import _guard
from otel_mldebug.semconv import names
from otel_mldebug.store import flusher
from otel_mldebug.store import writer as store_writer
from otel_mldebug.store.layout import FORMAT, PROCESS_FILE
from otel_mldebug.store.otlp_json import log_record, occurrence_to_log, span
from otel_mldebug.store.otlp_values import attributes
from otel_mldebug.store.pending import Pending
from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import FLUSH_S, SCOPE
from tests.store.making import START, Clock, files, finding, lines, occurrence, step, writer

RESOURCE = {"attributes": attributes({names.MLDEBUG_RUN_ID: "run", names.HOST_NAME: "box"})}
SCOPED = {"name": SCOPE[0], "version": SCOPE[1]}
PROCESS = f"box-p{os.getpid()}"


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.005)


def test_nothing_is_created_before_the_first_record(root):
    out = writer(root)
    out.watched({"torch": "2.15.0"})
    out.flush()
    out.close()

    assert not root.exists()
    assert out.directory is None
    assert out.size_bytes == 0


def test_a_finding_is_in_the_file_when_the_call_returns(root):
    before = threading.enumerate()
    out = writer(root)
    seen = occurrence(1)
    out.finding(seen)

    assert lines(root / "run" / PROCESS / "logs.jsonl") == [
        {
            "resourceLogs": [
                {"resource": RESOURCE, "scopeLogs": [{"scope": SCOPED, "logRecords": [occurrence_to_log(seen)]}]}
            ]
        }
    ]
    assert set(threading.enumerate()) <= set(before)


def test_the_first_record_makes_store_run_and_process(root):
    out = writer(root, rank=3)
    out.watched({"torch": "2.15.0", "shapes": [(2, 3)], "share": math.nan})
    out.finding(occurrence())
    directory = f"run/box-r3-p{os.getpid()}"

    assert files(root) == [".gitignore", "format.json", f"{directory}/logs.jsonl", f"{directory}/process.json"]
    assert (root / ".gitignore").read_text() == "*\n"
    assert json.loads((root / "format.json").read_text()) == {"format": FORMAT}
    assert json.loads((root / directory / PROCESS_FILE).read_text()) == {
        "run_id": "run",
        "pid": os.getpid(),
        "started": START,
        "resource": {names.MLDEBUG_RUN_ID: "run", names.HOST_NAME: "box", names.MLDEBUG_RANK: 3},
        "watched": {"torch": "2.15.0", "shapes": [[2, 3]], "share": "NaN"},
        "dropped": {},
    }


def test_what_else_is_recorded_waits_for_the_flush(root):
    out = writer(root)
    made = span(name="step", trace_id="ab" * 16, span_id="cd" * 8, start_ns=1, end_ns=2)
    said = log_record(time_ns=5, body="hello")
    measured = {"scopeMetrics": [{"metrics": []}]}
    out.spans([made], scope=("other", "2"))
    out.spans([made])
    out.log(said)
    out.metrics(measured)
    out.step(step(0))
    out.counted("f00d", 7)
    assert not root.exists()
    out.flush()

    where = root / "run" / PROCESS
    assert lines(where / "traces.jsonl") == [
        {
            "resourceSpans": [
                {
                    "resource": RESOURCE,
                    "scopeSpans": [
                        {"scope": {"name": "other", "version": "2"}, "spans": [made]},
                        {"scope": SCOPED, "spans": [made]},
                    ],
                }
            ]
        }
    ]
    assert lines(where / "logs.jsonl") == [
        {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": SCOPED, "logRecords": [said]}]}]}
    ]
    assert lines(where / "metrics.jsonl") == [{"resourceMetrics": [measured]}]
    assert lines(where / "steps.jsonl") == [{"v": 1, "index": [0], "time_ns": [step(0).time_ns], "duration_s": [0.5]}]
    assert lines(where / "counts.jsonl") == [{"v": 1, "time_ns": step(0).time_ns, "count": {"f00d": 7}}]


def test_a_step_reaches_the_disk_although_nothing_follows_it(root, monkeypatch):
    monkeypatch.setattr(flusher, "MOST_IDLE", 2)
    before = set(threading.enumerate())
    out = writer(root)
    out.step(step(0))

    until(lambda: (root / "run" / PROCESS / "steps.jsonl").exists(), FLUSH_S + 5)
    until(lambda: set(threading.enumerate()) <= before, 2 * FLUSH_S + 5)
    out.step(step(1))
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["otel-mldebug-store"]
    out.close()
    assert [line["index"] for line in lines(root / "run" / PROCESS / "steps.jsonl")] == [[0], [1]]


def test_full_batches_do_not_wait_for_the_clock(root, monkeypatch):
    monkeypatch.setattr(store_writer, "STEPS_S", 3600.0)  # on a busy machine the thread would come in between
    out = writer(root)
    for index in range(8192):
        out.step(step(index))

    assert lines(root / "run" / PROCESS / "steps.jsonl")[0]["index"] == list(range(8192))
    out.close()


def test_close_writes_what_waits_and_says_that_it_ended(root):
    clock = Clock()
    out = writer(root, clock=clock)
    out.step(step(0))
    clock.now_s = 2.0
    out.close()
    out.close()

    page = json.loads((root / "run" / PROCESS / PROCESS_FILE).read_text())
    assert page["ended"] == START.replace("40.", "42.")
    assert lines(root / "run" / PROCESS / "steps.jsonl")[0]["index"] == [0]


def test_what_comes_after_close_is_counted_and_changes_no_file(root):
    out = writer(root)
    out.finding(occurrence(1))
    out.close()
    before = files(root), (root / "run" / PROCESS / "logs.jsonl").read_bytes()
    out.finding(occurrence(2))
    out.step(step(0))

    assert (files(root), (root / "run" / PROCESS / "logs.jsonl").read_bytes()) == before
    assert out.dropped == {"logs": 1, "steps": 1}


def test_watched_facts_that_come_later_replace_earlier_ones(root):
    out = writer(root)
    out.finding(occurrence())
    out.watched({"models": 1, "torch": "2.15.0"})
    out.watched({"models": 2})
    out.close()

    assert Store(root).processes()[0].watched == {"models": 2, "torch": "2.15.0"}


def test_a_second_writer_never_shares_a_directory(root):
    first, second = writer(root), writer(root)
    first.finding(occurrence(1))
    second.finding(occurrence(2))

    assert [first.directory.name, second.directory.name] == [PROCESS, f"{PROCESS}.2"]


def test_a_relative_store_stays_where_it_was_when_the_program_moves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    out = writer("store")
    monkeypatch.chdir("elsewhere")
    out.finding(occurrence())

    assert (tmp_path / "store" / "format.json").exists()


def test_one_record_that_cannot_be_encoded_takes_no_other_with_it(root, monkeypatch, caplog):
    monkeypatch.setattr(_guard, "strict", False)
    out = writer(root)
    good = span(name="good", trace_id="ab" * 16, span_id="cd" * 8, start_ns=1, end_ns=2)
    out.spans([good, {"name": object()}, good])
    out.flush()

    (line,) = lines(root / "run" / PROCESS / "traces.jsonl")
    assert line["resourceSpans"][0]["scopeSpans"][0]["spans"] == [good, good]
    assert out.dropped == {"traces": 1}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_finding_that_holds_anything_is_written(root):
    out = writer(root)
    evil = finding(evidence={"\ud800": "\udcff\x00", "huge": 10**5000, "long": "x" * 10_000_000, "nan": math.nan})
    out.finding(occurrence(1, of=evil, context={"a": (1, 2)}))

    (found,) = Store(root).findings()
    assert found["evidence"]["\\ud800"] == "\\udcff\x00"
    assert found["evidence"]["nan"] == "NaN"
    assert found["evidence"]["huge"] == "an integer of 16610 bits"
    assert 65_000 < len(found["evidence"]["long"]) < 66_000
    assert found["context"] == {"a": [1, 2]}
    assert out.size_bytes < 200_000


def test_steps_do_not_wait_for_all_else():
    pending = Pending()
    pending.steps.append(step(0))
    pending.add_count("f00d", 7)

    assert [(line.signal, line.items) for line in pending.take_steps()] == [("steps", 1)]
    assert [(line.signal, line.items) for line in pending.take("{}", 1)] == [("counts", 1)]
