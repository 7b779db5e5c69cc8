"""A million errors of ten thousand kinds: what they leave in memory, and whether each of them is counted."""

import itertools
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figure import Figure
from otel_mldebug.export.emitter import Emitter, Outlets
from otel_mldebug.semconv import names
from otel_mldebug.store.queries import Store
from otel_mldebug.store.writer import StoreWriter

KINDS = 10_000
LIMIT_BYTES = 20_000_000
_WORDS = tuple(map("".join, itertools.product("bcdfghklmn", "aeiou", "prstvz", "aeiou", "lmnr", "xyz")))


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]  # Linux only, and so is this benchmark
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _fail(emitter: Emitter, number: int) -> None:
    try:
        raise RuntimeError(f"cannot {_WORDS[number % KINDS]} the frobnicator in item {number}")
    except RuntimeError as exc:
        emitter.exception(exc)


def measure(quick: bool) -> Iterable[Figure]:
    """Report errors through the real pipeline into a real store, and ask the store for them."""
    errors = 30_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        store = StoreWriter(root, "many", resource={names.SERVICE_NAME: "many"}, max_bytes=2**30)
        emitter = Emitter(Outlets(store=store))
        for number in range(100):
            _fail(emitter, number)
        before = most = _resident_bytes()
        for number in range(100, errors):
            _fail(emitter, number)
            if number % 1000 == 0:
                most = max(most, _resident_bytes())
        emitter.close()
        store.close()
        found = Store(root).findings()
    note = f"{errors:,} errors of {KINDS:,} kinds"
    yield Figure(name="many.memory", value=most - before, unit="By", limit=LIMIT_BYTES, note=f"{note}: memory")
    lost = errors - sum(finding["count"] for finding in found)
    yield Figure(name="many.uncounted", value=abs(lost), unit="1", limit=0, note=f"{note}: errors not in the count")
    yield Figure(name="many.kinds", value=abs(KINDS - len(found)), unit="1", limit=0, note=f"{note}: kinds not listed")
