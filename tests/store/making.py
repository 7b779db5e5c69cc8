"""Small values to put into a store, and a store's files as plain values."""

import gzip
import json
from pathlib import Path

from otel_mldebug.rules.finding import Finding, Occurrence
from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.semconv import names
from otel_mldebug.semconv.names import Category, Severity
from otel_mldebug.store.writer import StoreWriter

START_NS = 1_795_000_000_000_000_000
START = "2026-11-18T11:06:40.000000Z"
MIB = 2**20


class Clock:
    """Wall time and monotonic time that only a test moves."""

    def __init__(self):
        self.now_s = 0.0

    def wall_ns(self):
        return START_NS + int(self.now_s * 1e9)

    def monotonic_s(self):
        return self.now_s


def writer(root, run_id="run", *, rank=None, host="box", clock=None, max_bytes=64 * MIB, **more):
    clock = clock or Clock()
    resource = {names.HOST_NAME: host, **({} if rank is None else {names.MLDEBUG_RANK: rank})}
    return StoreWriter(
        root,
        run_id,
        resource=resource,
        max_bytes=max_bytes,
        clock_ns=clock.wall_ns,
        monotonic_s=clock.monotonic_s,
        **more,
    )


def finding(rule="cuda.oom", fingerprint="f00d", severity=Severity.ERROR, **more):
    given = {"category": Category.MEMORY, "summary": f"{rule} happened.", **more}
    return Finding(rule=rule, fingerprint=fingerprint, severity=severity, **given)


def occurrence(number=0, *, at_s=0.0, of=None, **more):
    return Occurrence(finding=of or finding(), id=f"{number:016x}", time_ns=START_NS + int(at_s * 1e9), **more)


def step(index, **more):
    return StepRecord(**{"index": index, "time_ns": START_NS + index, "duration_s": 0.5, **more})


def lines(path: Path):
    """Return the objects in a file of lines, packed or not."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


def files(root: Path):
    """Return the paths of all files in a directory, relative to it."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def recorded(root, *occurrences, close=True, **more):
    """Return a writer that has written these occurrences."""
    out = writer(root, **more)
    for one in occurrences:
        out.finding(one)
    if close:
        out.close()
    return out


def later(seconds):
    """Return a clock that many seconds later."""
    clock = Clock()
    clock.now_s = seconds
    return clock


def after(seconds):
    """Return the time that many seconds after the start, fewer than 20, as the store writes it."""
    return START.replace("40.000000", f"{40 + seconds:09.6f}")
