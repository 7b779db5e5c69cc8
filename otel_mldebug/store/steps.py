"""Step records of a run, read back: batch by batch, in order, in bounded memory."""

import heapq
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from otel_mldebug.rules.steps import StepRecord
from otel_mldebug.store.lines import Columns, records, step_columns
from otel_mldebug.store.otlp_values import number
from otel_mldebug.store.reader import open_parts, parse, read_lines
from otel_mldebug.store.runs import Process, Run

_PRINTED = tuple(f.name for f in fields(StepRecord) if f.name not in ("index", "time_ns"))
_UNSAID = {"optimizer": "", "backward_calls": 1, "skipped": False, "shape": "", "saved_by": ""}


class Steps:
    """The steps of one process, as columns: one batch after the other, each by number.

    Args:
        directory: Of the process.
        first: The first step that is wanted.
        last: The last one, itself included; None for all.

    Attributes:
        damaged: Lines that could not be read, as far as it has been read.
        recorded: Steps in all batches, wanted or not, as far as it has been read. Optimizers that share a step have a
            record each.
        seen: Steps that the process has made by then, those whose records are gone included.
    """

    def __init__(self, directory: Path, first: int = 0, last: int | None = None) -> None:
        self._directory, self._first, self._last = directory, first, last
        self.damaged = self.recorded = self.seen = 0
        self._latest = -1

    def __iter__(self) -> Iterator[Columns]:
        for part in open_parts(self._directory, "steps"):
            for line in read_lines(part):
                try:
                    columns = step_columns(parse(line.data) or {})
                except ValueError:
                    self.damaged += 1
                    continue
                if columns["index"] and (wanted := self._wanted(columns)):
                    yield wanted

    def _wanted(self, columns: Columns) -> Columns | None:
        index = columns["index"]
        low, high = min(index), max(index)
        self.recorded += len(set(index)) - (low == self._latest)
        self._latest = high
        self.seen = max(self.seen, high + 1)
        last = high if self._last is None else self._last
        if high < self._first or low > last:
            return None
        if low >= self._first and high <= last and all(a <= b for a, b in pairwise(index)):
            return columns
        rows = sorted((step, row) for row, step in enumerate(index) if self._first <= step <= last)
        return {name: [column[row] for _, row in rows] for name, column in columns.items()}


def merged(run: Run, first: int = 0, last: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the steps of all processes as the command line prints them, by number, then by rank."""
    trainers = sorted((p for p in run.processes if any((run.path / p.name).glob("steps.*"))), key=Process.by_rank)
    ranks = [process.rank for process in trainers]
    streams = []
    for order, process in enumerate(trainers):
        named = ranks.count(process.rank) > 1  # the rank does not tell which process it was
        streams.append(_keyed(Steps(run.path / process.name, first, last), order, process, named))
    for _, _, step in heapq.merge(*streams, key=lambda item: item[:2]):
        yield step


def _keyed(steps: Steps, order: int, process: Process, named: bool) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for columns in steps:
        for record in records(columns):
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
