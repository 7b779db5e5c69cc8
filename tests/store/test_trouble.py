"""Disks that refuse, directories that vanish, caps, rotation: the program goes on, and what is lost is counted."""

import errno
import gzip
import json
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest

from otel_mldebug.store import parts
from otel_mldebug.store.layout import FORMAT
from otel_mldebug.store.otlp_json import log_record, span
from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import RETRY_S
from tests.store.making import Clock, files, lines, occurrence, step, writer

PROCESS = f"box-p{os.getpid()}"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def clock():
    return Clock()


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def join(out):
    out._directory._parts.join(30)


class Disk:
    """`os.write` with only so much room."""

    def __init__(self, room):
        self.room, self.write = room, os.write

    def __call__(self, fd, data):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.write(fd, bytes(data[: self.room]))
        self.room -= written
        return written


def test_a_full_disk_leaves_whole_lines_warns_once_and_counts(root, clock, monkeypatch, caplog):
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    size = out.size_bytes
    disk = Disk(size // 2)
    monkeypatch.setattr(os, "write", disk)
    for number in range(2, 5):
        out.finding(occurrence(number))
        out.step(step(number))
        out.flush()

    assert (root / "run" / PROCESS / "logs.jsonl").stat().st_size == size == out.size_bytes
    assert out.dropped == {"logs": 3, "steps": 3}
    assert warnings(caplog) == [
        f"could not write to the store {root} ([Errno 28] No space left on device); "
        "your program goes on, what is lost is counted"
    ]


def test_a_full_disk_is_tried_again_every_ten_seconds(root, clock, monkeypatch):
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    calls = []

    def full(fd, data):
        calls.append(clock.now_s)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        for clock.now_s in (0.0, 5.0, RETRY_S - 0.1, RETRY_S, RETRY_S + 5):
            out.finding(occurrence(2))
    assert calls == [0.0, RETRY_S]
    out.finding(occurrence(3))
    clock.now_s = 2 * RETRY_S
    out.finding(occurrence(4))
    out.close()

    assert [f["id"] for f in Store(root).findings()] == [f"{4:016x}"]
    assert Store(root).processes()[0].dropped == {"logs": 6}


def test_a_line_that_could_not_be_taken_back_spoils_no_other(root, clock, monkeypatch):
    out = writer(root, clock=clock)
    out.finding(occurrence(1))

    def stuck(fd, length):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(20))
        patch.setattr(os, "ftruncate", stuck)
        out.finding(occurrence(2))
    clock.now_s = RETRY_S
    out.finding(occurrence(3, at_s=1))

    raw = (root / "run" / PROCESS / "logs.jsonl").read_bytes().split(b"\n")
    assert [len(raw), len(raw[1]), raw[3]] == [4, 20, b""]
    assert Store(root).findings()[0]["id"] == f"{3:016x}"


def test_a_read_only_file_system_costs_one_line(root, clock, caplog, monkeypatch):
    def refuse(self, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    out.finding(occurrence(2))
    out.close()

    assert [text.partition(": ")[0] for text in warnings(caplog)] == [
        f"could not write to the store {root} ([Errno 30] Read-only file system"
    ]
    assert out.dropped == {"logs": 2}


def test_a_file_in_the_way_of_the_store_costs_one_line(root, clock, caplog):
    root.write_text("not a directory")
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    out.step(step(0))
    out.close()

    assert [text.partition("(")[0] for text in warnings(caplog)] == [f"could not write to the store {root} "]
    assert out.dropped == {"logs": 1, "steps": 1}
    assert root.read_text() == "not a directory"


def test_a_store_of_a_newer_version_is_left_alone(root, clock, caplog):
    root.mkdir()
    (root / "format.json").write_text(json.dumps({"format": FORMAT + 1}))
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    out.close()

    assert files(root) == ["format.json"]
    assert len(warnings(caplog)) == 1
    assert f"has format {FORMAT + 1}" in warnings(caplog)[0]


def test_a_directory_of_somebody_elses_gets_no_gitignore(root, clock):
    root.mkdir()
    (root / "thesis.tex").write_text("precious")
    out = writer(root, clock=clock)
    out.finding(occurrence(1))

    assert not (root / ".gitignore").exists()
    assert (root / "format.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")
def test_a_store_removed_while_it_is_written_comes_back(root, clock, caplog):
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    out.step(step(0))
    out.flush()
    shutil.rmtree(root)
    out.watched({"torch": "2.15.0"})
    out.flush()
    assert not root.exists()
    out.finding(occurrence(2))
    out.step(step(1))
    out.close()

    assert [f["id"] for f in Store(root).findings()] == [f"{2:016x}"]
    assert [s["step"] for s in Store(root).steps()] == [1]
    assert Store(root).processes()[0].watched == {"torch": "2.15.0"}
    assert out.dropped == {}
    assert warnings(caplog) == []


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")
def test_a_file_removed_while_it_is_written_comes_back(root, clock):
    out = writer(root, clock=clock)
    out.finding(occurrence(1))
    (root / "run" / PROCESS / "logs.jsonl").unlink()
    out.finding(occurrence(2))

    assert len(lines(root / "run" / PROCESS / "logs.jsonl")) == 1


def test_full_parts_are_closed_and_packed(root, clock):
    out = writer(root, clock=clock, part_bytes=2000)
    for number in range(10):
        out.finding(occurrence(number))
    join(out)
    out.close()

    where = root / "run" / PROCESS
    parts_found = sorted(path.name for path in where.glob("logs*"))
    assert parts_found == [f"logs.{number:04d}.jsonl.gz" for number in range(1, 6)]
    assert sum(len(lines(where / name)) for name in parts_found) == 10
    assert out.size_bytes == sum((where / name).stat().st_size for name in parts_found)
    assert sum(f["count"] for f in Store(root).findings()) == 10


def test_above_the_cap_the_oldest_go_first_and_findings_last(root, clock):
    out = writer(root, clock=clock, max_bytes=160_000, part_bytes=10_000)
    for number in range(10):
        out.finding(occurrence(number, at_s=number))
    noise = os.urandom(4000).hex()  # does not shrink
    for number in range(200):
        out.spans([span(name=noise, trace_id="ab" * 16, span_id=f"{number:016x}", start_ns=1, end_ns=2)])
        out.flush()
    join(out)
    out.close()

    where = root / "run" / PROCESS
    names = {path.name.partition(".jsonl")[0] for path in where.iterdir()}
    on_disk = sum(path.stat().st_size for path in where.iterdir() if path.name != "process.json")
    assert on_disk <= 160_000
    assert out.size_bytes == on_disk
    assert "traces.0001" not in names
    assert sum(f["count"] for f in Store(root).findings()) == 10
    kept = sum(len(lines(path)) for path in where.glob("traces*"))
    assert out.dropped == {"traces": 200 - kept}
    assert Store(root).processes()[0].dropped == out.dropped


def test_findings_go_when_there_is_nothing_else(root, clock):
    out = writer(root, clock=clock, max_bytes=160_000, part_bytes=10_000)
    for number in range(300):
        out.log(log_record(time_ns=number, body=os.urandom(1000).hex()))
        out.flush()
    join(out)
    out.close()

    assert out.size_bytes <= 160_000
    assert 0 < out.dropped["logs"] < 300


def test_a_part_that_cannot_be_packed_stays_as_it_is(root, clock, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(parts.shutil, "copyfileobj", refuse)
    out = writer(root, clock=clock, part_bytes=1000)
    for number in range(3):
        out.finding(occurrence(number))
    join(out)
    out.close()

    assert sorted(path.name for path in (root / "run" / PROCESS).iterdir() if "logs" in path.name) == [
        "logs.0001.jsonl",
        "logs.0002.jsonl",
        "logs.0003.jsonl",
    ]
    assert sum(f["count"] for f in Store(root).findings()) == 3


def test_a_file_that_cannot_be_renamed_goes_on(root, clock, monkeypatch):
    def refuse(self, target):
        raise PermissionError(errno.EACCES, "somebody reads it")

    out = writer(root, clock=clock, part_bytes=1000)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        for number in range(3):
            out.finding(occurrence(number))
    assert out.dropped == {}
    assert len(lines(root / "run" / PROCESS / "logs.jsonl")) == 3
    out.finding(occurrence(3))
    join(out)

    assert [path.name for path in sorted((root / "run" / PROCESS).glob("logs*"))] == ["logs.0001.jsonl.gz"]
    assert sum(f["count"] for f in Store(root).findings()) == 4


def test_a_damaged_packed_part_yields_what_can_be_read(root, clock):
    out = writer(root, clock=clock, part_bytes=20_000)
    for number in range(40):
        out.finding(occurrence(number))
    join(out)
    out.close()
    path = root / "run" / PROCESS / "logs.0001.jsonl.gz"
    whole = len(lines(path))
    path.write_bytes(path.read_bytes()[:-40])

    assert sum(f["count"] for f in Store(root).findings()) >= 40 - whole
    with pytest.raises(EOFError):
        gzip.decompress(path.read_bytes())
