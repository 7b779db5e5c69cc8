"""A run's training for the terminal: phases, curves, findings on the time line, ranks side by side. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_mldebug.cli import curves
from otel_mldebug.cli.finding_table import STYLES, ending, spans
from otel_mldebug.cli.render import Look, bar, clean, clock, columns, cut, number, pad, percent, seconds
from otel_mldebug.semconv.names import Phase
from otel_mldebug.store.times import rfc3339
from otel_mldebug.store.training import Lane, Training

_LABEL = 15
_BAR = 32
_MOST_LANES = 16
_PHASES_FROM = 90
_BRIEFS = {
    Phase.DATA: "waiting for the next batch",
    Phase.COPY: "batch to the device",
    Phase.FORWARD: "forward pass",
    Phase.LOSS: "loss, after the model",
    Phase.BACKWARD: "backward pass",
    Phase.SYNC: "waiting for other ranks",
    Phase.OPTIMIZER: "optimizer step",
    Phase.OTHER: "all else between two steps",
}


def lines(training: Training, look: Look, *, first: int = 0) -> list[str]:
    """Return the lines of the page.

    Args:
        training: What to show.
        look: What the terminal can show.
        first: The first step that was asked for.
    """
    out = [*_head(training, look), ""]
    if not any(lane.counted for lane in training.lanes):
        out += [f"No training step was recorded{f' from step {first} on' if first else ''}.", _why(training)]
        return [*out, *_listed(training.findings, look)]
    out += [*_phases(training, look), ""]
    out += [*curves.lines(training, look), ""]
    out += _listed(training.findings, look)
    if len(training.lanes) > 1:
        out += ["", *_lanes(training, look)]
    return out


def _head(training: Training, look: Look) -> Iterator[str]:
    run = training.run
    when = f"began {clock(rfc3339(run.started_ns))}"
    if run.ended_ns is not None:
        when += f", took {seconds((run.ended_ns - run.started_ns) / 1e9)}"
    first, *rest = _joined([f"Run {clean(run.run_id)}", ending(run), when], look)
    name, between, facts = first.partition(look.between)
    yield from (look.paint(name, "strong") + between + facts, *rest)
    num = training.steps_seen
    parts = [f"{number(num)} step{'s' * (num != 1)}"] if training.lanes else []
    if ranks := sorted({lane.process.rank for lane in training.lanes if lane.process.rank is not None}):
        parts.append(f"rank{'s' * (len(ranks) > 1)} {spans(ranks)}")
    yield from _joined([*parts, *watched(training.watched)] or ["nothing was watched"], look)
    yield from _records(training, look)
    if damaged := sum(lane.damaged for lane in training.lanes):
        yield look.paint(f"{number(damaged)} damaged lines were left out", "warn")


def _records(training: Training, look: Look) -> Iterator[str]:
    """Say how many of the steps there are numbers of, and how often layers were looked into."""
    missing = sum(max(0, lane.steps - lane.recorded) for lane in training.lanes)
    if gone := min(missing, sum(lane.process.dropped.get("steps", 0) for lane in training.lanes)):
        yield look.paint(f"{number(gone)} steps are not in the store any more: it was full", "warn")
    told = []
    if missing > gone:
        every = "" if gone else f"{number(sum(lane.recorded for lane in training.lanes))} of them recorded one by one, "
        told.append(f"{every}{number(missing - gone)} only counted")
    if (taken := training.looks).num:
        first, last = f"step {taken.first:,}", f"step {taken.last:,}"
        where = f"at {first}" if taken.num == 1 else f"from {first} to {last}"
        told.append(f"{number(taken.num)} look{'s' * (taken.num != 1)} into layers {where}")
    if told:
        yield from (look.paint(line, "faint") for line in _joined(told, look))


def _joined(parts: Sequence[str], look: Look) -> list[str]:
    """Join phrases into as few lines as they need."""
    out = [cut(parts[0], look.width, look)]
    for part in parts[1:]:
        line = f"{out[-1]}{look.between}{part}"
        if columns(line) <= look.width:
            out[-1] = line
        else:
            out.append(cut(f"  {part}", look.width, look))
    return out


def watched(facts: Mapping[str, Any]) -> list[str]:
    """Return what was watched as short phrases: `PyTorch 2.15.0`, `SGD`, `203,530 parameters`."""
    out = []
    for key, value in facts.items():
        if key == "torch":
            out.append(f"PyTorch {clean(value)}")
        elif key in ("optimizers", "models") and isinstance(value, list):
            counted = Counter(map(clean, value))
            out += [name if num == 1 else f"{name} ({num})" for name, num in list(counted.items())[:3]]
        elif key == "parameters":
            out.append(f"{number(value)} parameters")
        elif isinstance(value, (str, int, float, bool)):
            out.append(f"{clean(key).replace('_', ' ')} {number(value)}")
    return out


def _why(training: Training) -> str:
    if not training.run.processes:
        return "No process of the run has recorded anything: did it import PyTorch? See: otel-mldebug doctor"
    if training.lanes:
        return "There are none among those that were asked for."
    if "torch" not in training.watched:
        return "PyTorch was not watched in any of its processes. See: otel-mldebug doctor"
    return "PyTorch was watched, and no optimizer made a step."


def _phases(training: Training, look: Look) -> Iterator[str]:
    phases = training.phases
    whole = sum(lane.seconds for lane in training.lanes)
    num = len(training.lanes)
    told = sum(phases.values())
    briefs = _BRIEFS if Phase.LOSS in phases else {**_BRIEFS, Phase.FORWARD: "forward pass and loss"}
    rows = [(key, phases[key], briefs[Phase(key)]) for key in phases]
    if whole - told > 0.005 * whole:
        rows.append(("not measured", whole - told, "steps not told apart"))
    width = min(_BAR, look.width - _LABEL - 22)
    per = f", mean of {num} processes" if num > 1 else ""
    yield look.paint(cut(f"{'phase':<{_LABEL}}{'':<{width}}  {'seconds':>10}  share{per}", look.width, look), "faint")
    for key, spent, brief in rows:
        share = spent / whole if whole > 0 else 0.0
        drawn = look.paint(bar(share, width, look), "warn" if key == Phase.DATA and share > 0.5 else "")
        room = look.width - _LABEL - width - 23
        line = f"{key:<{_LABEL}}{drawn}  {seconds(spent / num):>10}  {percent(share):>5}"
        yield f"{line}    {brief}" if room >= len(brief) else line


def _listed(findings: Sequence[Mapping[str, Any]], look: Look) -> list[str]:
    if not findings:
        return ["No findings."]
    rules = [cut(clean(finding["rule"]), 24, look) for finding in findings]
    steps = [f"step {finding['step']:,}" if "step" in finding else "" for finding in findings]
    wide, far = max(map(columns, rules)), max(map(len, steps))
    out = []
    for place, (finding, rule, step) in enumerate(zip(findings, rules, steps, strict=True)):
        mark = curves.MARKS[place] if place < len(curves.MARKS) else " "
        severity = look.paint(finding["severity"].upper().ljust(8), STYLES.get(finding["severity"], ""))
        room = look.width - (3 + 8 + 2 + wide + 2 + far + 2)
        summary = cut(clean(finding["summary"]), room, look)
        out.append(f"{mark}  {severity}  {pad(rule, wide)}  {step:<{far}}  {summary}")
    return [*out, look.paint("One in full: otel-mldebug errors RULE", "faint")]


def _lanes(training: Training, look: Look) -> Iterator[str]:
    phases = list(training.phases) if look.width >= _PHASES_FROM else []
    named = len({lane.process.rank for lane in training.lanes}) < len(training.lanes)
    slowest = sorted(training.lanes, key=lambda lane: lane.seconds / max(1, lane.counted))[-_MOST_LANES:]
    while True:  # what does not fit is left out, the shortest phase first
        head = ["process" if named else "rank", "steps", "step time", *phases, "last loss", "first bad"]
        rows = [[*_lane(lane, phases, named)] for lane in training.lanes if lane in slowest]
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
        if not phases or sum(widths) + 2 * len(widths) - 2 <= look.width:
            break
        phases.remove(min(phases, key=training.phases.__getitem__))
    for row in (head, *rows):
        cells = [pad(cell, width, right=i > 0) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        line = cut("  ".join(cells).rstrip(), look.width, look)
        yield look.paint(line, "faint") if row is head else line
    if len(training.lanes) > len(rows):
        yield look.paint(f"the slowest {len(rows)} of {len(training.lanes)}; all of them: --json", "faint")


def _lane(lane: Lane, phases: Sequence[str], named: bool) -> Iterator[str]:
    num = max(1, lane.counted)
    yield clean(lane.process.name) if named else str(lane.process.rank)
    yield f"{lane.steps:,}"
    yield seconds(lane.seconds / num)
    for phase in phases:
        yield seconds(lane.phases[phase] / num) if phase in lane.phases else ""
    yield "" if lane.loss is None else number(lane.loss)
    yield "" if lane.first_bad is None else f"{lane.first_bad:,}"
