"""Recall, precision and delay of a list of runs, as figures, lines of text, and JSON."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.diagnosis.running import Result
from benchmarks.figure import Figure

MISSED = 0.1
"""Share of the faulty programs whose fault may go unnoticed: at least nine in ten get the right finding."""


def scores(results: Sequence[Result]) -> dict[str, float]:
    """Return recall, precision, delay and counts; what cannot be said (no program of that kind) is left out."""
    ran = [result for result in results if not result.broken]
    faulty = [result for result in ran if result.program.faulty]
    hits = [result for result in faulty if result.verdict.hit]
    delays = [result.verdict.delay for result in hits if result.verdict.delay is not None]
    alarms = sum(len(result.verdict.false) for result in ran)
    out: dict[str, float] = {
        "faulty": len(faulty),
        "healthy": len(ran) - len(faulty),
        "false_alarms": alarms,
        "healthy_with_alarm": sum(bool(result.verdict.false) for result in ran if not result.program.faulty),
        "broken": len(results) - len(ran),
        "seconds": sum(result.seconds for result in results),
    }
    if faulty:
        out["recall"] = len(hits) / len(faulty)
    if hits or alarms:
        out["precision"] = len(hits) / (len(hits) + alarms)
    if delays:
        out["delay"] = median(delays)
    return out


def figures(results: Sequence[Result]) -> list[Figure]:
    """Return what `make bench` shows and the page of figures says."""
    found = scores(results)
    out = []
    if "recall" in found:
        note = f"share of {found['faulty']:.0f} faulty programs without the right finding near the right step"
        out.append(Figure(name="diagnosis.missed", value=1 - found["recall"], unit="1", limit=MISSED, note=note))
    if found["healthy"]:
        share = found["healthy_with_alarm"] / found["healthy"]
        note = f"share of {found['healthy']:.0f} healthy programs with a finding of severity warning or above"
        out.append(Figure(name="diagnosis.false_alarms", value=share, unit="1", limit=0.0, note=note))
    if "precision" in found:
        note = "right findings, of those and all false alarms"
        out.append(Figure(name="diagnosis.precision", value=found["precision"], unit="1", note=note))
    if "delay" in found:
        note = "steps from the beginning of a fault to the step that its finding names, median"
        out.append(Figure(name="diagnosis.delay", value=found["delay"], unit="{step}", note=note))
    if found["broken"]:
        out.append(Figure(name="diagnosis.broken", value=found["broken"], unit="{run}", limit=0.0, note="did not end"))
    return out


def line(result: Result) -> str:
    """Return a run as one line of the table, and one more for each thing that is not as it should be."""
    verdict = result.verdict
    state = "BROKEN" if result.broken else "ok" if result.good else "false" if verdict.false else "MISS"
    if result.program.faulty and not verdict.hit and not result.broken:
        state = "MISS"
    delay = "" if verdict.delay is None else str(verdict.delay)
    steps = "-" if result.steps is None else str(result.steps)
    name = f"{result.program.name}#{result.seed}"
    rows = [f"{state:<6} {name:<44} {steps:>6} {delay:>6} {result.seconds:>6.1f} s  {verdict.hit[:110]}".rstrip()]
    if result.broken:
        rows.append(f"         {result.broken}")
    if state == "MISS":
        rows.append(f"         expected: {result.program.fault}, step {result.program.step} + {result.program.within}")
    rows += [f"         at the wrong step: {text}" for text in verdict.misplaced]
    rows += [f"         false: {text}" for text in verdict.false]
    rows += [f"         also: {text}" for text in verdict.other if state == "MISS"]
    return "\n".join(rows)


HEADING = f"{'':<6} {'program#seed':<44} {'steps':>6} {'delay':>6} {'time':>8}  finding"


def summary(results: Sequence[Result]) -> str:
    """Return the last line of the table."""
    found = scores(results)
    parts = [f"{name} {found[name]:.3f}" for name in ("recall", "precision") if name in found]
    parts += [f"median delay {found['delay']:.0f} steps"] if "delay" in found else []
    parts += [
        f"{found['faulty']:.0f} faulty, {found['healthy']:.0f} healthy",
        f"{found['false_alarms']:.0f} false alarms ({found['healthy_with_alarm']:.0f} healthy programs)",
        f"{found['broken']:.0f} broken",
        f"{found['seconds']:.0f} s",
    ]
    return "; ".join(parts)


def document(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything as JSON."""
    return {"scores": scores(results), "programs": [_row(result) for result in results]}


def _row(result: Result) -> dict[str, Any]:
    row = {
        "program": result.program.name,
        "seed": result.seed,
        "good": result.good,
        "seconds": round(result.seconds, 2),
        "steps": result.steps,
        "fault": result.program.fault,
        "hit": result.verdict.hit,
        "delay": result.verdict.delay,
        "misplaced": list(result.verdict.misplaced),
        "false": list(result.verdict.false),
        "other": list(result.verdict.other),
        "broken": result.broken,
    }
    return {key: value for key, value in row.items() if value not in (None, "", [])}
