"""Step records of a run, read back: batch by batch, in order, in bounded memory."""

import heapq
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.store.lines import parse_steps
from otel_mldebug.store.otlp_values import number
from otel_mldebug.store.reader import open_parts, parse, read_lines
from otel_mldebug.store.runs import Process, Run

_PRINTED = tuple(f.name for f in fields(StepRecord) if f.name not in ("index", "time_ns"))
_UNSAID = {"optimizer": "", "backward_calls": 1, "skipped": False}


class Steps:
    """The steps of one process.

    Attributes:
        damaged: Lines that could not be read, as far as it has been read.
    """

    def __init__(self, directory: Path, first: int = 0, last: int | None = None) -> None:
        self._directory, self._first, self._last = directory, first, last
        self.damaged = 0

    def __iter__(self) -> Iterator[StepRecord]:
        for part in open_parts(self._directory, "steps"):
            for line in read_lines(part):
                yield from self._wanted(line.data)

    def _wanted(self, data: bytes | None) -> list[StepRecord]:
        try:
            records = parse_steps(parse(data) or {})
        except (ValueError, TypeError):
            self.damaged += 1
            return []
        wanted = [r for r in records if self._first <= r.index and (self._last is None or r.index <= self._last)]
        return sorted(wanted, key=lambda record: record.index)


def merged(run: Run, first: int = 0, last: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the steps of all processes as the command line prints them, by number, then by rank."""
    ranks = [process.rank for process in run.processes]
    streams = []
    for order, process in enumerate(sorted(run.processes, key=lambda p: (p.rank is None, p.rank or 0, p.name))):
        named = ranks.count(process.rank) > 1  # the rank does not tell which process it was
        streams.append(_keyed(Steps(run.path / process.name, first, last), order, process, named))
    for _, _, step in heapq.merge(*streams, key=lambda item: item[:2]):
        yield step


def _keyed(steps: Steps, order: int, process: Process, named: bool) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for record in steps:
        yield record.index, order, step_json(record, process.rank, process.name if named else "")


def step_json(record: StepRecord, rank: int | None = None, process: str = "") -> dict[str, Any]:
    """Return one step: what is unknown is left out, non-finite numbers are text."""
    out: dict[str, Any] = {"step": record.index}
    if rank is not None:
        out["rank"] = rank
    if process:
        out["process"] = process
    for name in _PRINTED:
        value = getattr(record, name)
        if value is not None and value != _UNSAID.get(name):
            out[name] = number(value) if isinstance(value, float) else value
    return out
