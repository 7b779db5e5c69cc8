"""What launchers report of ranks whose own failure is known: torchrun says that rank 1 failed, and rank 1 says why."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.rules.unwrap import REPORTERS
from otel_mldebug.store.roots import ended_the_program
from otel_mldebug.store.runs import Process, Run

_LAST = 50
"""Latest occurrences of a process among which the one that ended it is looked for."""


_MOST_LAUNCHERS = 32
"""Processes without a rank in a run; where there are more, they are no launchers but the work itself."""


@dataclass(slots=True)
class Reports:
    """The reports of a run that say no more than the failures they are about.

    Attributes:
        rows: Row of each of them in the index.
        of: Groups of failures, by fingerprint -> what was reported of them.
    """

    rows: set[int] = field(default_factory=set)
    of: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def reports(db: sqlite3.Connection, run: Run) -> Reports:
    """Return the reports of launchers in a run, each with the failure that it is about.

    That is the one which ended the rank that the launcher names, or the same as the one that it hands on, or the only
    one that ended another program of the run, where it names no rank. A launcher whose rank has said nothing, because
    it was killed, stays a finding.
    """
    found = Reports()
    launchers = [process for process in run.processes if process.rank is None]
    if len(run.processes) < 2 or len(launchers) > _MOST_LAUNCHERS:
        return found
    for process in launchers:
        for rowid, finding in _ends(db, run, [process]):
            if _name(finding) not in REPORTERS:
                continue
            about = _reported(db, run, process, finding)
            if about is not None:
                found.rows.add(rowid)
                found.of.setdefault(about, []).append(_said(finding))
    return found


def _reported(db: sqlite3.Connection, run: Run, launcher: Process, report: dict[str, Any]) -> str | None:
    """Return the group of the failure that a report is about; None where it is not known."""
    rank = (report.get("evidence") or {}).get("rank")
    others = [process for process in run.processes if process is not launcher and rank in (None, process.rank)]
    ended = [finding for _, finding in _ends(db, run, others) if _name(finding) not in REPORTERS]
    groups = list(dict.fromkeys(str(finding.get("fingerprint", "")) for finding in ended))
    own = str(report.get("fingerprint", ""))  # torch.multiprocessing hands on a child's whole traceback
    if own and own in groups:
        return own
    if rank is None:
        return groups[0] if len(groups) == 1 and groups[0] else None
    return groups[-1] or None if groups else None


def _ends(db: sqlite3.Connection, run: Run, processes: Sequence[Process]) -> list[tuple[int, dict[str, Any]]]:
    """Return row and finding of the exceptions that ended the main threads of processes, the latest last."""
    found = []
    for process in processes:
        rows = db.execute(
            "SELECT time_ns, rowid, finding FROM occurrence WHERE run = ? AND process = ?"
            " ORDER BY time_ns DESC, rowid DESC LIMIT ?",
            (run.path.name, process.name, _LAST),
        )
        found += [(time_ns, rowid, json.loads(text)) for time_ns, rowid, text in rows]
    found.sort(key=lambda row: row[:2])
    return [(rowid, finding) for _, rowid, finding in found if ended_the_program(finding)]


def _name(finding: dict[str, Any]) -> str:
    return str((finding.get("exception") or {}).get("type", "")).rpartition(".")[2]


def _said(report: dict[str, Any]) -> dict[str, Any]:
    said = {key: report.get(key) for key in ("rule", "summary", "id")}
    return {**said, "type": (report.get("exception") or {}).get("type")}
