"""Files that are full are closed, packed, and given up from the oldest when there are too many."""

import errno
import gzip
import os
from pathlib import Path

import pytest

from otel_mldebug.store import parts
from otel_mldebug.store.otlp_json import log_record, span
from otel_mldebug.store.queries import Store
from tests.store.making import lines, occurrence, writer

PROCESS = f"box-p{os.getpid()}"


def join(out):
    out._directory._parts.join(30)


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
