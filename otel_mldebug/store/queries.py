"""Questions to a store: which runs, which findings, which steps."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from otel_mldebug.errors import StoreError
from otel_mldebug.store.groups import Groups
from otel_mldebug.store.index import forget_runs, update, using_index
from otel_mldebug.store.layout import check_format
from otel_mldebug.store.reader import run_directories
from otel_mldebug.store.runs import Process, Run, read_run
from otel_mldebug.store.steps import merged
from otel_mldebug.store.training import Training, summarise

ALL = "all"
"""In place of a run id: every run of the store."""
_TRY = "Record one with: otel-mldebug run train.py"


class Store:
    """A store, opened for reading. Nothing in it is changed but its index.

    Args:
        root: Its directory.

    Raises:
        StoreError: there is none, or a newer version wrote it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        if not root.is_dir():
            what = "is not a directory" if root.exists() else "does not exist"
            raise StoreError(f"The store {root} {what}. {_TRY}, or name another one: --store DIR")
        check_format(root)

    def runs(self) -> list[Run]:
        """Return all runs, the newest first."""
        found = [read_run(path) for path in run_directories(self.root)]
        return sorted(found, key=lambda run: (run.started_ns, run.run_id), reverse=True)

    def latest(self) -> Run:
        """Return the run that began last.

        Raises:
            StoreError: there is none yet.
        """
        if not (found := self.runs()):
            raise StoreError(f"The store {self.root} holds no run yet. {_TRY}")
        return found[0]

    def run(self, run_id: str | None = None) -> Run:
        """Return the run of that id, or of an id that begins so; the latest without one.

        Raises:
            StoreError: there is none, or more than one.
        """
        if run_id is None:
            return self.latest()
        runs = self.runs()
        found = [run for run in runs if run_id in (run.run_id, run.path.name)]
        found = found or [run for run in runs if run_id and run.run_id.startswith(run_id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise StoreError(
                f"{run_id!r} fits {len(found)} runs: {_some(run.run_id for run in found)}. Give more of it."
            )
        here = _some(run.run_id for run in runs)
        raise StoreError(f"The store {self.root} has no run {run_id!r}. " + (f"It has: {here}." if runs else _TRY))

    def processes(self, run_id: str | None = None) -> tuple[Process, ...]:
        """Return the processes of a run, with what each of them watched.

        Raises:
            StoreError: there is no such run.
        """
        return self.run(run_id).processes

    def findings(self, run_id: str | None = None, *, since_ns: int | None = None) -> list[dict[str, Any]]:
        """Return the findings of all processes of a run, one for each group, the most severe first, then by count.

        A group has the values of its first occurrence, where the trouble began; its highest severity; the id of its
        latest occurrence; and the exact count of all, those that were only counted among them.

        Args:
            run_id: A run; the latest one by default; `all` for every run.
            since_ns: Only occurrences from then on, nanoseconds since the epoch.

        Raises:
            StoreError: there is no such run.
        """
        runs = self.runs() if run_id == ALL else [self.run(run_id)]

        def work(db: sqlite3.Connection) -> list[dict[str, Any]]:
            forget_runs(db, [path.name for path in run_directories(self.root)])
            groups = Groups(db, since_ns)
            for run in runs:
                update(db, run.path)
                groups.add_run(run)
            return groups.to_json()

        return using_index(self.root, work)

    def occurrence(self, occurrence_id: str) -> dict[str, Any] | None:
        """Return one occurrence by its id, or by the beginning of it if no other begins so; None if there is none."""

        def work(db: sqlite3.Connection) -> dict[str, Any] | None:
            for run in run_directories(self.root):
                update(db, run)
            rows = db.execute(
                "SELECT DISTINCT id, fingerprint, finding FROM occurrence WHERE substr(id, 1, ?) = ? LIMIT 2",
                (len(occurrence_id), occurrence_id),
            ).fetchall()
            return json.loads(rows[0][2]) if len(rows) == 1 else None

        return using_index(self.root, work) if occurrence_id else None

    def steps(self, run_id: str | None = None, *, first: int = 0, last: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield the steps of a run by number, then by rank, in bounded memory.

        Args:
            run_id: A run; the latest one by default.
            first: The first step.
            last: The last step, itself included; None for all.

        Raises:
            StoreError: there is no such run.
        """
        return merged(self.run(run_id), first, last)

    def summary(self, run_id: str | None = None, *, first: int = 0, last: int | None = None) -> Training:
        """Return what the steps of a run come to: phases, ranks, curves, the first bad step.

        Raises:
            StoreError: there is no such run.
        """
        run = self.run(run_id)
        return summarise(run, self.findings(run.path.name), first, last)

    def training(self, run_id: str | None = None, *, first: int = 0, last: int | None = None) -> dict[str, Any]:
        """Return a run's training as `otel-mldebug training --json` prints it.

        Raises:
            StoreError: there is no such run.
        """
        run = self.run(run_id)
        out = self.summary(run.path.name, first=first, last=last).to_json()
        return {**out, "steps": list(merged(run, first, last))}


def _some(names: Iterable[str], most: int = 5) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")
