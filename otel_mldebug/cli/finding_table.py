"""A list of findings for the terminal: a line of facts for each, what it is, and what to try first. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from otel_mldebug.cli.render import Look, clean, clock, columns, cut, number, pad, percent, sparkline
from otel_mldebug.store.runs import Run
from otel_mldebug.store.trends import SLICES

STYLES = {"critical": "bad", "error": "bad", "warning": "warn", "info": "", "debug": "faint"}
"""Severity -> style."""

_HEAD = ("severity", "category", "what", "count", "share", "ranks", "seen", "trend", "where")
_MOST = (8, 16, 26, 9, 5, 9, 19, SLICES, 30)
_LEAST = (8, 6, 12, 5, 5, 5, 8, SLICES, 8)
_FIRST_TO_GO = ("trend", "share")
"""Columns that are left out where there is no room, before others are made narrower: one in full has them too."""
_INDENT = "  "
_UNKNOWN = "unknown"
"""The rule of what no rule knows: then type and message of the exception say more."""


def lines(
    runs: Sequence[Run], findings: Sequence[Mapping[str, Any]], look: Look, *, since: str | None = None, hidden: int = 0
) -> list[str]:
    """Return the lines of a list of findings, as wide as the look allows; `hidden` ignored ones are only counted."""
    when = f" since {since} ago" if since and since[-1:] in "smhd" else f" since {since}" if since else ""
    title = _title(runs, look)
    if not findings:
        return [title, "", f"No findings{when}.", *_hidden(hidden), _watched(runs)]
    rows = [_row(finding, look) for finding in findings]
    widths = _widths(rows, look.width)
    num = sum(int(finding["count"]) for finding in findings)
    groups = f"{len(findings)} finding{'s' * (len(findings) > 1)}{when}, {number(num)} occurrence{'s' * (num > 1)}"
    out = [title, groups, "", look.paint(_line(_HEAD, widths, look), "faint")]
    for finding, row in zip(findings, rows, strict=True):
        out += [_painted(finding, row, widths, look), *_explained(finding, look), ""]
    first = findings[0].get("fingerprint") or findings[0].get("id", "")
    out += _hidden(hidden)
    return [*out, look.paint(f"One in full: otel-mldebug errors {str(first)[:8]}", "faint")]


def _hidden(number: int) -> list[str]:
    return [f"{number} ignored: otel-mldebug errors --all"] if number else []


def _title(runs: Sequence[Run], look: Look) -> str:
    if len(runs) != 1:
        return look.paint(f"{len(runs)} runs", "strong")
    run = runs[0]
    return look.paint(f"Run {clean(run.run_id)}", "strong") + look.between + ending(run)


def ending(run: Run) -> str:
    """Return how a run ended, as a phrase."""
    if run.signal:
        return f"killed by {clean(run.signal)}"
    if run.exit_code:
        return f"failed with exit code {run.exit_code}"
    return {"finished": "finished", "running": "still running", "killed": "ended without a word"}.get(
        run.status, run.status
    )


def _watched(runs: Sequence[Run]) -> str:
    num = sum(len(run.processes) for run in runs)
    if not num:
        return "No process has recorded anything. What was watched: otel-mldebug doctor"
    return f"{num} process{'es' * (num > 1)} recorded. The steps: otel-mldebug training"


def _row(finding: Mapping[str, Any], look: Look) -> tuple[str, ...]:
    exception = finding.get("exception", {}).get("type", "")
    ranks = finding.get("ranks") or ([finding["rank"]] if "rank" in finding else [])
    return (
        finding["severity"].upper(),
        finding["category"],
        clean(finding["rule"] if finding["rule"] != _UNKNOWN or not exception else exception),
        number(finding["count"]),
        percent(finding["share"]) if 0 < finding.get("share", 1) < 1 else "",
        spans(ranks),
        seen(finding),
        trend(finding, look),
        where(finding, look),
    )


def seen(finding: Mapping[str, Any], now: datetime | None = None) -> str:
    """Return when a finding was first and last seen: times of today, otherwise days, in at most 19 columns."""
    first, last = clock(finding["first_seen"], now), clock(finding["last_seen"], now)
    if first == last:
        return first
    (day, _, begin), (last_day, _, end) = first.rpartition(" "), last.rpartition(" ")
    if day != last_day:
        return f"{day[5:] or begin[:5]} - {last_day[5:] or end[:5]}"
    return f"{day[5:]} {begin[:5]}-{end[:5]}" if day else f"{begin} - {end}"


def trend(finding: Mapping[str, Any], look: Look) -> str:
    """Return how the occurrences are spread over the run; empty where there is nothing to compare."""
    values = finding.get("trend") or ()
    return sparkline([value or None for value in values], look) if sum(values) > 1 else ""


def where(finding: Mapping[str, Any], look: Look) -> str:
    """Return step, layer and function, as far as they are known."""
    parts = [f"step {finding['step']}" if "step" in finding else "", finding.get("layer", "")]
    if not any(parts):
        parts.append(finding.get("function", ""))
    return look.between.join(clean(part) for part in parts if part)


def spans(ranks: Sequence[int]) -> str:
    """Return ranks as ranges: `0-3, 7`."""
    out: list[list[int]] = []
    for rank in sorted(ranks):
        if out and rank == out[-1][1] + 1:
            out[-1][1] = rank
        else:
            out.append([rank, rank])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in out)


def state(finding: Mapping[str, Any]) -> str:
    """Return what was decided about a group and when; empty where nothing was."""
    if not finding.get("state"):
        return ""
    when = clock(finding["state_since"])
    told = f"reopened: it was resolved {when}" if finding["state"] == "reopened" else f"{finding['state']} {when}"
    return f"{told} ({clean(finding['state_note'])})" if finding.get("state_note") else told


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the columns' widths: where there is no room some columns go, then the widest give up most.

    An empty column has none.
    """
    widths = [min(most, max(columns(row[i]) for row in (_HEAD, *rows))) for i, most in enumerate(_MOST)]
    widths = [one if any(row[i] for row in rows) else 0 for i, one in enumerate(widths)]
    for name in _FIRST_TO_GO:
        if _total(widths) > width:
            widths[_HEAD.index(name)] = 0
    while _total(widths) > width:
        room = [one - least if one else 0 for one, least in zip(widths, _LEAST, strict=True)]
        if max(room) <= 0:
            break
        widths[room.index(max(room))] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(one + 2 for one in widths if one) - 2


def _line(cells: Sequence[str], widths: Sequence[int], look: Look) -> str:
    shown = [
        pad(cut(cell, width, look), width, right=name in ("count", "share"))
        for cell, width, name in zip(cells, widths, _HEAD, strict=True)
        if width
    ]
    return cut("  ".join(shown).rstrip(), look.width, look)


def _painted(finding: Mapping[str, Any], row: Sequence[str], widths: Sequence[int], look: Look) -> str:
    line = _line(row, widths, look)
    return look.paint(line[: widths[0]], STYLES.get(finding["severity"], "")) + line[widths[0] :]


def _explained(finding: Mapping[str, Any], look: Look) -> Iterator[str]:
    room = look.width - len(_INDENT)
    yield _INDENT + cut(clean(finding["summary"]), room, look)
    if told := state(finding):
        yield _INDENT + cut(told, room, look)
    message = clean(finding.get("exception", {}).get("message", ""))
    if finding["rule"] == _UNKNOWN and message and message not in clean(finding["summary"]):
        yield _INDENT + cut(message, room, look)
    if solutions := finding.get("solutions"):
        advice = cut(f"{look.arrow} {clean(solutions[0])}", room, look)
        yield _INDENT + look.paint(advice, "good")
