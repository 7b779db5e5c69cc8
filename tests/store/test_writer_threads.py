"""Threads, forks and signal handlers that record at once, and what waits meanwhile."""

import logging
import os
import sys
import threading
import tracemalloc

import pytest

from otel_mldebug.store.otlp_json import log_record
from otel_mldebug.store.queries import Store
from tests.store.making import files, occurrence, step, writer

PROCESS = f"box-p{os.getpid()}"


def test_an_abandoned_writer_writes_nothing_more_and_leaves_the_parents_files(root):
    out = writer(root)
    out.finding(occurrence(1))
    before = (root / "run" / PROCESS / "logs.jsonl").read_bytes()
    out.step(step(0))
    out.abandon()
    out.finding(occurrence(2))
    out.flush()
    out.close()

    assert files(root) == [".gitignore", "format.json", f"run/{PROCESS}/logs.jsonl", f"run/{PROCESS}/process.json"]
    assert (root / "run" / PROCESS / "logs.jsonl").read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_neither_repeats_nor_ends_what_its_parent_recorded(root):
    out = writer(root)
    out.step(step(0))
    out.finding(occurrence(1))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            out.abandon()
            own = writer(root)
            own.finding(occurrence(2, at_s=2))
            own.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    out.finding(occurrence(3, at_s=3))
    out.close()

    assert [path.name for path in sorted((root / "run").iterdir())] == sorted([PROCESS, f"box-p{child}"])
    found = {f["id"]: f["count"] for f in Store(root).findings()}
    assert found == {f"{3:016x}": 3}
    assert list(Store(root).steps()) == [{"step": 0, "duration_s": 0.5}]


def test_size_and_drops_are_told_while_a_write_hangs(root, monkeypatch):
    """A metric shows them, and a collection must not wait for a disk."""
    out = writer(root)
    out.finding(occurrence(1))
    size = out.size_bytes
    write, hanging, go_on = os.write, threading.Event(), threading.Event()

    def hang(fd, data):
        hanging.set()
        assert go_on.wait(30)
        return write(fd, data)

    monkeypatch.setattr(os, "write", hang)
    thread = threading.Thread(target=out.finding, args=(occurrence(2),))
    thread.start()
    try:
        assert hanging.wait(30)
        assert (out.size_bytes, out.dropped) == (size, {})
    finally:
        go_on.set()
        thread.join()
    assert out.size_bytes == 2 * size


def test_many_threads_lose_nothing(root):
    out = writer(root)

    def work(first):
        for number in range(first, first + 200):
            out.step(step(number))
            out.finding(occurrence(number))
            if number % 50 == 0:
                out.flush()

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    out.close()

    expected = sorted(1000 * n + k for n in range(4) for k in range(200))
    assert sorted(s["step"] for s in Store(root).steps()) == expected
    assert sum(f["count"] for f in Store(root).findings()) == 800
    assert out.dropped == {}


def test_a_record_made_while_writing_does_not_deadlock(root, monkeypatch):
    """As a signal handler does that interrupts a write in the same thread."""
    out = writer(root)
    write, inside = os.write, []

    def interrupted(fd, data):
        if not inside:
            inside.append(True)
            out.finding(occurrence(2))
            out.flush()
        return write(fd, data)

    monkeypatch.setattr(os, "write", interrupted)
    out.finding(occurrence(1))

    assert sum(f["count"] for f in Store(root).findings()) == 2


def test_a_log_handler_that_records_in_turn_does_not_deadlock(root, monkeypatch):
    out = writer(root / "no" / "\0")

    class Recording(logging.Handler):
        def emit(self, record):
            out.finding(occurrence(9))
            out.log(log_record(time_ns=1, body=record.getMessage()))

    logger = logging.getLogger("otel_mldebug")
    handler = Recording()
    logger.addHandler(handler)
    try:
        out.finding(occurrence(1))
        out.flush()
    finally:
        logger.removeHandler(handler)

    assert out.dropped == {"logs": 3}


@pytest.mark.skipif(sys.platform == "win32", reason="counts allocations of one platform")
def test_steps_that_nobody_can_write_do_not_pile_up(root, monkeypatch):
    (root.parent / "store").write_text("a file where the directory should be")
    out = writer(root)
    tracemalloc.start()
    try:
        for index in range(40_000):
            out.step(step(index))
        current, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    out.close()

    assert current < 8 * 2**20
    assert out.dropped == {"steps": 40_000}
