"""Disks that refuse, directories that vanish, caps, rotation: the program goes on, and what is lost is counted."""

import errno
import json
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest

from otel_mldebug.store.layout import FORMAT
from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import RETRY_S
from tests.store.making import files, lines, occurrence, step, writer

PROCESS = f"box-p{os.getpid()}"


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


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
