"""The index: disposable, incremental, and safe with several readers and a writer at once."""

import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from otel_mldebug.store import index
from otel_mldebug.store.index import VERSION, using_index
from otel_mldebug.store.layout import INDEX_FILE
from otel_mldebug.store.queries import Store
from tests.store.making import finding, occurrence, writer


@pytest.fixture
def out(root):
    out = writer(root)
    out.finding(occurrence(1))
    return out


def count(root):
    return [found["count"] for found in Store(root).findings()]


def parts(root):
    with closing(sqlite3.connect(root / INDEX_FILE)) as db:
        return db.execute("SELECT signal, number, offset, done, damaged FROM part ORDER BY 1, 2").fetchall()


def test_only_what_is_new_is_read(root, out, monkeypatch):
    Store(root).findings()
    first = (out.directory / "logs.jsonl").stat().st_size
    out.finding(occurrence(2, count=2))
    offsets = []
    read = index.read_lines

    def watched(part, offset=0):
        offsets.append(offset)
        return read(part, offset)

    monkeypatch.setattr(index, "read_lines", watched)
    assert count(root) == [2]
    assert count(root) == [2]

    assert offsets == [first]
    assert parts(root) == [("logs", 1, (out.directory / "logs.jsonl").stat().st_size, 0, 0)]


def test_an_index_that_is_thrown_away_comes_back_the_same(root, out):
    before = Store(root).findings()
    (root / INDEX_FILE).unlink()

    assert Store(root).findings() == before
    assert (root / INDEX_FILE).exists()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(b"rubbish" * 1000), id="rubbish"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 9000), id="torn"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: version(path, VERSION + 1), id="newer"),
        pytest.param(lambda path: version(path, 99), id="from far away"),
    ],
)
def test_a_damaged_or_foreign_index_is_made_anew_without_a_word(root, out, damage, caplog, capsys):
    before = Store(root).findings()
    damage(root / INDEX_FILE)

    assert Store(root).findings() == before
    assert Store(root).findings() == before
    with closing(sqlite3.connect(root / INDEX_FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert (caplog.records, capsys.readouterr()) == ([], ("", ""))


def version(path, number):
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("DROP TABLE part")


def test_where_no_index_can_be_written_it_is_made_in_memory(root, out):
    (root / INDEX_FILE).mkdir()

    assert count(root) == [1]
    assert list((root / INDEX_FILE).iterdir()) == []


def test_a_lock_that_does_not_go_away_does_not_stop_a_reader(root, out, monkeypatch):
    count(root)
    monkeypatch.setattr(index, "_BUSY_S", 0.01)
    out.finding(occurrence(2, count=2))
    db = sqlite3.connect(root / INDEX_FILE, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        assert count(root) == [2]
    finally:
        db.close()
    assert count(root) == [2]


def test_damaged_lines_are_counted_once(root, out):
    with (out.directory / "logs.jsonl").open("ab") as file:
        file.write(b'\x00\n{"eventName":"mldebug.finding"\n')
    count(root)
    count(root)

    assert parts(root)[0][4] == 2


def test_a_packed_part_is_not_read_again(root):
    out = writer(root, part_bytes=2000)
    for number in range(3):
        out.finding(occurrence(number, count=number + 1))
        assert count(root) == [number + 1]
    out._directory._parts.join(30)
    assert count(root) == [3]
    assert [row[:2] + row[3:] for row in parts(root)] == [("logs", 1, 1, 0), ("logs", 2, 0, 0)]


def test_what_is_gone_from_disk_is_gone_from_the_index(root, out):
    other = writer(root)
    other.finding(occurrence(2, of=finding("b", "b")))
    assert len(Store(root).findings()) == 2
    other.close()
    for path in other.directory.iterdir():
        path.unlink()
    other.directory.rmdir()

    assert [f["rule"] for f in Store(root).findings()] == ["cuda.oom"]


def test_a_run_that_is_gone_from_disk_is_gone_from_the_index(root, out):
    other = writer(root, "other")
    other.finding(occurrence(2, of=finding("b", "b")))
    assert Store(root).occurrence(f"{2:016x}") is not None
    (root / "other").rename(root.parent / "other")

    assert [f["rule"] for f in Store(root).findings()] == ["cuda.oom"]
    assert Store(root).occurrence(f"{2:016x}") is None


def test_another_file_of_the_same_name_is_read_from_its_beginning(root, out):
    count(root)
    path = out.directory / "logs.jsonl"
    fresh = writer(root, "fresh")
    fresh.finding(occurrence(5, of=finding("b", "b")))
    fresh.finding(occurrence(6, of=finding("c", "c")))
    (fresh.directory / "logs.jsonl").replace(path)

    assert sorted(f["rule"] for f in Store(root).findings("run")) == ["b", "c"]


def test_an_error_in_a_question_is_not_hidden(root, out):
    def work(db):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        using_index(root, work)


def test_several_readers_and_a_writer_get_along(root, out):
    reading = (
        "import sys, json; from pathlib import Path; from otel_mldebug.store.queries import Store\n"
        "counts = [f['count'] for _ in range(15) for f in Store(Path(sys.argv[1])).findings()]\n"
        "print(json.dumps(counts))"
    )
    readers = [
        subprocess.Popen([sys.executable, "-c", reading, str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    stop = threading.Event()
    written = [1]

    def write():
        while not stop.is_set():
            written.append(written[-1] + 1)
            out.finding(occurrence(written[-1], count=written[-1]))
            stop.wait(0.001)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        results = [process.communicate(timeout=120) for process in readers]
    finally:
        stop.set()
        thread.join()

    for counts, errors in ((json.loads(text), errors) for text, errors in results):
        assert errors == b""
        assert counts == sorted(counts)
        assert len(counts) == 15
    assert count(root) == [written[-1]]
