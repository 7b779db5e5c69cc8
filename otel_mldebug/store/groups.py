"""Findings of several processes, grouped: what they have in common, how many there were, who saw them."""

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from otel_mldebug.rules.finding import ORDER
from otel_mldebug.semconv.names import Severity
from otel_mldebug.store.contract import ordered
from otel_mldebug.store.launchers import reports
from otel_mldebug.store.runs import Process, Run
from otel_mldebug.store.times import rfc3339

_MAX_REPORTS = 8
_SEVERITIES = {str(severity): place for severity, place in ORDER.items()}


def severity_order(severity: object) -> int:
    """Return the place of a severity, 0 for debug to 4 for critical; what nobody knows is an error."""
    return _SEVERITIES.get(str(severity), _SEVERITIES[Severity.ERROR.value])


@dataclass(slots=True)
class _Member:
    """Occurrences of one group in one process.

    Each that was written stands for itself and for those that were suppressed before it. The running count says more
    where some got lost on the way to the disk, or were suppressed after the last one that was written.
    """

    standing_for: int = 0
    in_window: int = 0
    highest_count: int = 0

    def lost(self) -> int:
        return max(0, self.highest_count - self.standing_for)


@dataclass(slots=True)
class _Group:
    first_row: int
    first_ns: int
    last_ns: int
    last_id: str
    severity: int
    written: int = 0
    in_window: bool = False
    members: dict[tuple[str, str], _Member] = field(default_factory=dict)
    ranks: set[int] = field(default_factory=set)
    hosts: set[str] = field(default_factory=set)
    reported_by: list[dict[str, Any]] = field(default_factory=list)


class Groups:
    """Collects the occurrences of runs from an index.

    Args:
        db: The index, up to date.
        since_ns: Only occurrences from then on count; None for all.
    """

    def __init__(self, db: sqlite3.Connection, since_ns: int | None = None) -> None:
        self._db, self._since_ns = db, since_ns
        self._groups: dict[str, _Group] = {}

    def add_run(self, run: Run) -> None:
        """Add what the processes of a run have found; what a launcher reports of it is added to that."""
        reported = reports(self._db, run)
        processes = {process.name: process for process in run.processes}
        rows = self._db.execute(
            "SELECT rowid, process, fingerprint, severity, time_ns, id, count, suppressed FROM occurrence"
            " WHERE run = ? ORDER BY time_ns, rowid",
            (run.path.name,),
        )
        for row in rows:
            if row[0] not in reported.rows:
                self._add(run.path.name, processes.get(row[1]), row)
        for fingerprint, said in reported.of.items():
            if group := self._groups.get(fingerprint):
                group.reported_by += said
        counts = self._db.execute(
            "SELECT process, fingerprint, count, time_ns FROM counted WHERE run = ?", (run.path.name,)
        )
        for process, fingerprint, count, time_ns in counts:
            if (group := self._groups.get(fingerprint)) and (member := group.members.get((run.path.name, process))):
                self._count(group, member, count, time_ns)

    def _add(self, run: str, process: Process | None, row: tuple[Any, ...]) -> None:
        rowid, name, fingerprint, severity, time_ns, identity, count, suppressed = row
        group = self._groups.get(fingerprint)
        if group is None:
            group = self._groups[fingerprint] = _Group(rowid, time_ns, time_ns, identity, 0)
        member = group.members.setdefault((run, name), _Member())
        member.standing_for += 1 + suppressed
        member.highest_count = max(member.highest_count, count)
        if self._since_ns is not None and time_ns < self._since_ns:
            return
        if not group.in_window or time_ns < group.first_ns:
            group.first_row, group.first_ns = rowid, time_ns
        group.in_window = True
        group.written += 1
        member.in_window += 1 + suppressed
        group.severity = max(group.severity, severity_order(severity))
        if time_ns >= group.last_ns:
            group.last_ns, group.last_id = time_ns, identity
        if process is not None:
            group.ranks |= set() if process.rank is None else {process.rank}
            group.hosts |= {process.host} if process.host else set()

    def _count(self, group: _Group, member: _Member, count: int, time_ns: int) -> None:
        if count <= member.highest_count:
            return
        member.highest_count = count
        if self._since_ns is None or time_ns >= self._since_ns:
            group.in_window = True
            group.last_ns = max(group.last_ns, time_ns)

    def to_json(self) -> list[dict[str, Any]]:
        """Return the groups as the command line prints them, the most severe first, then by count."""
        found = [self._json(group) for group in self._groups.values() if group.in_window]
        return sorted(found, key=lambda f: (-severity_order(f["severity"]), -f["count"], f["first_seen"], f["rule"]))

    def _json(self, group: _Group) -> dict[str, Any]:
        (text,) = self._db.execute("SELECT finding FROM occurrence WHERE rowid = ?", (group.first_row,)).fetchone()
        finding = json.loads(text)
        count = sum(member.in_window + member.lost() for member in group.members.values())
        severities = {place: severity for severity, place in _SEVERITIES.items()}
        worse = severities[group.severity] if group.severity > severity_order(finding["severity"]) else None
        return ordered(
            {
                **finding,
                "severity": worse or finding["severity"],
                "id": group.last_id,
                "count": count,
                "suppressed": count - group.written,
                "first_seen": rfc3339(group.first_ns),
                "last_seen": rfc3339(group.last_ns),
                "ranks": sorted(group.ranks) if len(group.ranks) > 1 else None,
                "hosts": sorted(group.hosts) or finding.get("hosts"),
                "reported_by": group.reported_by[:_MAX_REPORTS],
            }
        )
