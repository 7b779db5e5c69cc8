"""A SQLite index of the findings: made from the files, brought up to date by whoever asks, thrown away at will."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from otel_mldebug.semconv import names
from otel_mldebug.store.contract import finding_json, occurrences_in
from otel_mldebug.store.layout import INDEX_FILE
from otel_mldebug.store.otlp_values import text
from otel_mldebug.store.reader import OpenPart, open_parts, parse, process_directories, read_lines

VERSION = 1
"""Of the tables. An index of any other version is made anew."""

_SCHEMA = f"""
CREATE TABLE part (
    run TEXT, process TEXT, signal TEXT, number INTEGER,
    identity INTEGER, offset INTEGER, done INTEGER, damaged INTEGER,
    PRIMARY KEY (run, process, signal, number)
) WITHOUT ROWID;
CREATE TABLE occurrence (
    run TEXT, process TEXT, number INTEGER, id TEXT, fingerprint TEXT, severity TEXT,
    time_ns INTEGER, count INTEGER, suppressed INTEGER, finding TEXT
);
CREATE INDEX occurrence_run ON occurrence (run, time_ns);
CREATE INDEX occurrence_id ON occurrence (id);
CREATE TABLE counted (run TEXT, process TEXT, fingerprint TEXT, count INTEGER, time_ns INTEGER,
    PRIMARY KEY (run, process, fingerprint)) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
_BUSY_S = 10.0
_INT64 = 2**63
_BATCH_BYTES = 16 * 2**20
_MARK = names.EVENT_MLDEBUG_FINDING.encode()

T = TypeVar("T")


def using_index(root: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Return what `work` returns, given an index of the store in `root`.

    One that is damaged or of another version is made anew; where none can be written, it is made in memory.
    """
    try:
        try:
            return _using(_open(root / INDEX_FILE), work)
        except sqlite3.OperationalError:
            raise  # a directory that cannot be written, a lock that does not go away: the file may be sound
        except sqlite3.DatabaseError:
            _remove(root / INDEX_FILE)
            return _using(_open(root / INDEX_FILE), work)
    except sqlite3.DatabaseError:
        return _using(_prepared(sqlite3.connect(":memory:", isolation_level=None)), work)


def _using(db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    with closing(db):
        return work(db)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        return _prepared(db)
    except BaseException:
        db.close()
        raise


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    if _version(db) == VERSION:
        return db
    db.execute("BEGIN IMMEDIATE")
    found = _version(db)  # another reader may have been faster
    if found == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
    db.execute("COMMIT")
    if found not in (0, VERSION):
        raise sqlite3.DatabaseError(f"an index of version {found}")
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def update(db: sqlite3.Connection, run: Path) -> None:
    """Read what the processes of a run have written since the last time."""
    present = process_directories(run)
    known = {row[0] for row in db.execute("SELECT DISTINCT process FROM part WHERE run = ?", (run.name,))}
    for name in known - {path.name for path in present}:
        _transaction(db, partial(_forget, db, run.name, name))
    for path in present:
        for signal, read in (("logs", _read_findings), ("counts", _read_counts)):
            _update_signal(db, path, signal, read)


Key = tuple[str, str, str]
"""Run, process and signal."""
Reader = Callable[[sqlite3.Connection, Key, int, bytes], bool]
"""Puts what is in one line of a part into the index; returns whether the line is sound."""


def _update_signal(db: sqlite3.Connection, process: Path, signal: str, read: Reader) -> None:
    key = (process.parent.name, process.name, signal)
    numbers = []
    for part in open_parts(process, signal):
        numbers.append(part.number)
        more = True
        while more and _behind(_state(db, key, part), part):
            more = _transaction(db, partial(_read_part, db, key, part, read))
    known = db.execute("SELECT number FROM part WHERE (run, process, signal) = (?, ?, ?)", key).fetchall()
    for (number,) in known:
        if number not in numbers:
            _transaction(db, partial(_forget_part, db, key, number))


def _state(db: sqlite3.Connection, key: Key, part: OpenPart) -> tuple[int, int, bool]:
    """Return identity, offset and whether the part is read to its end."""
    row = db.execute(
        "SELECT identity, offset, done FROM part WHERE (run, process, signal, number) = (?, ?, ?, ?)",
        (*key, part.number),
    ).fetchone()
    return (row[0], row[1], bool(row[2])) if row else (0, 0, False)


def _behind(state: tuple[int, int, bool], part: OpenPart) -> bool:
    identity, offset, done = state
    return not done and (part.closed or part.size_bytes != offset or part.identity != identity)


def _read_part(db: sqlite3.Connection, key: Key, part: OpenPart, read: Reader) -> bool:
    """Read on where the index has ended, for at most a batch; return whether there may be more."""
    identity, offset, done = _state(db, key, part)
    if done:
        return False
    if part.identity and identity and (identity != part.identity or part.size_bytes < offset):
        _forget_part(db, key, part.number)  # another file of the same name
        offset = 0
    start, damaged, more = offset, 0, False
    for line in read_lines(part, offset):
        offset = line.end
        damaged += line.data is None or not read(db, key, part.number, line.data)
        if more := offset - start >= _BATCH_BYTES:
            break
    db.execute(
        "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET identity = excluded.identity,"
        " offset = excluded.offset, done = excluded.done, damaged = damaged + excluded.damaged",
        (*key, part.number, part.identity or identity, offset, part.closed and not more, damaged),
    )
    return more


def _read_findings(db: sqlite3.Connection, key: Key, number: int, data: bytes) -> bool:
    if _MARK not in data:
        return data.startswith(b"{") and data.endswith(b"}\n")
    if (line := parse(data)) is None:
        return False
    for occurrence, resource in occurrences_in(line):
        row = finding_json(occurrence, resource)
        numbers = (occurrence.time_ns, occurrence.count, occurrence.suppressed)
        if any(abs(value) >= _INT64 for value in numbers):
            return False
        said = (row["severity"], json.dumps(row))
        known = db.execute(
            "UPDATE occurrence SET severity = ?, finding = ? WHERE id = ? AND run = ? AND process = ?",
            (*said, row.get("id"), *key[:2]),
        )
        if not known.rowcount:  # else the program has said something about it later
            db.execute(
                "INSERT INTO occurrence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*key[:2], number, row.get("id"), group_key(row), said[0], *numbers, said[1]),
            )
    return True


def group_key(finding: Mapping[str, Any]) -> str:
    """Return what tells the group of a finding from others: its fingerprint, or rule, function and type."""
    if fingerprint := finding.get("fingerprint"):
        return str(fingerprint)
    return "/".join((finding["rule"], finding.get("function", ""), finding.get("exception", {}).get("type", "")))


def _read_counts(db: sqlite3.Connection, key: Key, _: int, data: bytes) -> bool:
    line = parse(data)
    counts = (line or {}).get("count")
    if line is None or not isinstance(counts, dict):
        return False
    time_ns = line.get("time_ns")
    for fingerprint, count in counts.items():
        if not all(isinstance(value, int) and abs(value) < _INT64 for value in (count, time_ns)):
            return False
        db.execute(
            "INSERT INTO counted VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = max(count, excluded.count),"
            " time_ns = max(time_ns, excluded.time_ns)",
            (*key[:2], text(fingerprint), count, time_ns),
        )
    return True


def _forget_part(db: sqlite3.Connection, key: Key, number: int) -> None:
    db.execute("DELETE FROM part WHERE (run, process, signal, number) = (?, ?, ?, ?)", (*key, number))
    if key[2] == "logs":
        db.execute("DELETE FROM occurrence WHERE (run, process, number) = (?, ?, ?)", (*key[:2], number))


def _forget(db: sqlite3.Connection, run: str, process: str) -> None:
    for table in ("part", "occurrence", "counted"):
        db.execute(f"DELETE FROM {table} WHERE (run, process) = (?, ?)", (run, process))  # noqa: S608


def forget_runs(db: sqlite3.Connection, present: Iterable[str]) -> None:
    """Forget the runs that are not among `present`."""
    known = {row[0] for row in db.execute("SELECT DISTINCT run FROM part")}
    for run in known - set(present):
        for (process,) in db.execute("SELECT DISTINCT process FROM part WHERE run = ?", (run,)).fetchall():
            _transaction(db, partial(_forget, db, run, process))


def _transaction(db: sqlite3.Connection, work: Callable[[], T]) -> T:
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work()
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return result
