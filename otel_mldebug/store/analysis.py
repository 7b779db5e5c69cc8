"""Findings with what can be said of their group: its share, its course over the run, what people decided about it."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from otel_mldebug.store import states
from otel_mldebug.store.contract import ordered
from otel_mldebug.store.impact import impact
from otel_mldebug.store.index import group_key, update, using_index
from otel_mldebug.store.queries import ALL, Store
from otel_mldebug.store.reader import run_directories
from otel_mldebug.store.runs import Run
from otel_mldebug.store.times import parse_rfc3339, rfc3339
from otel_mldebug.store.trends import trends


def analysed(
    store: Store,
    run_id: str | None = None,
    *,
    since_ns: int | None = None,
    clock_ns: Callable[[], int] = time.time_ns,
) -> list[dict[str, Any]]:
    """Return what `Store.findings` does, each with `share`, `rate_per_s`, `trend` and, once decided about, `state`.

    Raises:
        StoreError: there is no such run.
    """
    runs = store.runs() if run_id == ALL else [store.run(run_id)]
    findings = store.findings(run_id, since_ns=since_ns)
    begin_ns, end_ns = _time_of(runs, findings, since_ns, clock_ns)
    totals = {group_key(finding): int(finding["count"]) for finding in findings}

    def work(db: sqlite3.Connection) -> dict[str, list[int]]:
        return trends(db, [run.path.name for run in runs], begin_ns, end_ns, totals)

    spread = using_index(store.root, work) if findings else {}
    whole = sum(totals.values())
    for finding in findings:
        finding["share"] = round(finding["count"] / whole, 6)
        if end_ns > begin_ns:
            finding["rate_per_s"] = float(f"{finding['count'] / ((end_ns - begin_ns) / 1e9):.4g}")
            finding["trend"] = spread.get(group_key(finding))
    return [ordered(finding) for finding in with_states(store, findings)]


def with_states(store: Store, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the findings with `state`, `state_since` and `state_note`, where something was decided about them."""
    decided = states.read(store.root)
    if not decided:
        return findings
    seen_ns = _last_seen(store)
    out = []
    for finding in findings:
        if (state := decided.get(states.key_of(finding))) is not None:
            state = state.after(max(seen_ns.get(group_key(finding), 0), parse_rfc3339(finding["last_seen"]) or 0))
            finding = {
                **finding,
                "state": state.name,
                "state_since": rfc3339(state.since_ns),
                "state_note": state.note,
            }
        out.append(ordered(finding))
    return out


def with_impact(store: Store, finding: dict[str, Any], run_id: str | None) -> dict[str, Any]:
    """Return the finding with `impact`, where the function that failed was watched; reads the run's spans."""
    function = finding.get("function")
    if not function:
        return finding
    runs = store.runs() if run_id == ALL else [store.run(run_id)]
    return ordered({**finding, "impact": impact((run.path for run in runs), function)})


def _last_seen(store: Store) -> dict[str, int]:
    """Return when each group was last seen, in whatever run: what is resolved may have come back in another one."""

    def work(db: sqlite3.Connection) -> dict[str, int]:
        for run in run_directories(store.root):
            update(db, run)
        return dict(db.execute("SELECT fingerprint, max(time_ns) FROM occurrence GROUP BY fingerprint").fetchall())

    return using_index(store.root, work)


def _time_of(
    runs: list[Run], findings: list[dict[str, Any]], since_ns: int | None, clock_ns: Callable[[], int]
) -> tuple[int, int]:
    """Return the time that the findings are about: from the first run's begin to the last one's end."""
    if not runs or not findings:
        return 0, 0
    first = min(parse_rfc3339(finding["first_seen"]) or 0 for finding in findings)
    last = max(parse_rfc3339(finding["last_seen"]) or 0 for finding in findings)
    begin_ns = min(first, *(run.started_ns for run in runs))
    ends = [run.ended_ns or (clock_ns() if run.status == "running" else 0) for run in runs]
    return max(begin_ns, since_ns or 0), max(last, *ends)
