"""What is on disk when a process ends without a word: SIGKILL, `os._exit`, a hang. No exit hook helps then."""

import signal
import subprocess
import sys
import time

import pytest

from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import FLUSH_S, STEPS_S

SLACK_S = 1.0
"""For a machine that is busy with other tests."""

PROGRAM = """
import os, sys, time
from pathlib import Path
from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.writer import StoreWriter

out = StoreWriter(Path(sys.argv[1]), "run", resource={}, max_bytes=2**30, part_bytes=200_000)
of = Finding(rule="r", category=Category.LOSS, severity=Severity.ERROR, summary="s" * 500, fingerprint="f")
how, index = sys.argv[2], 0
while True:
    now_ns = time.time_ns()
    out.step(StepRecord(index=index, time_ns=now_ns, duration_s=0.001, loss=1.0))
    if index % 3 == 0:
        out.finding(Occurrence(finding=of, id=f"{index:016x}", time_ns=now_ns, count=index // 3 + 1))
    print(index, now_ns, flush=True)
    index += 1
    if how == "exit" and index == 1000:
        os._exit(3)
    if how == "hang" and index == 100:
        while True:
            time.sleep(60)
    time.sleep(0.001)
"""


def start(root, how):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, str(root), how], stdout=subprocess.PIPE, text=True)


def said(line):
    index, time_ns = line.split()
    return int(index), int(time_ns) / 1e9


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


@pytest.mark.parametrize(
    "how", [pytest.param("SIGKILL", marks=POSIX), pytest.param("SIGTERM", marks=POSIX, id="SIGTERM"), "exit"]
)
def test_every_finding_and_the_steps_up_to_the_last_quarter_of_a_second_are_there(tmp_path, how):
    process = start(tmp_path / "store", how)
    acknowledged = []
    with process.stdout:
        for line in process.stdout:
            acknowledged.append(said(line))
            if how != "exit" and acknowledged[-1][1] - acknowledged[0][1] > 2.5 * FLUSH_S:
                process.send_signal(getattr(signal, how))
                break
    process.wait(30)

    store = Store(tmp_path / "store")
    (found,) = store.findings()
    last_index, last_s = acknowledged[-1]
    assert found["count"] >= last_index // 3 + 1
    steps = [step["step"] for step in store.steps()]
    assert steps == list(range(len(steps)))
    in_time = [index for index, time_s in acknowledged if time_s < last_s - STEPS_S - SLACK_S]
    assert len(steps) >= len(in_time)
    assert store.latest().status == "killed"
    assert list(store.latest().path.glob("*/logs.0001.jsonl*")), "the program was meant to rotate its files"


def test_a_program_that_hangs_after_its_last_step_has_it_on_disk(tmp_path):
    process = start(tmp_path / "store", "hang")
    try:
        for line in process.stdout:
            if said(line)[0] == 99:
                break
        deadline = time.monotonic() + STEPS_S + SLACK_S + 10
        while _steps(tmp_path / "store") != 100:
            assert time.monotonic() < deadline, "the steps did not reach the disk"
            time.sleep(0.02)
        assert Store(tmp_path / "store").latest().status == "running"
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()


def _steps(root):
    return sum(1 for _ in Store(root).steps())
