"""A run's training for the terminal: phases, curves, findings on the time line, ranks side by side. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from otel_mldebug.cli import curves
from otel_mldebug.cli.finding_table import STYLES, ending, spans
from otel_mldebug.cli.render import Look, bar, clean, clock, cut, number, pad, percent, seconds
from otel_mldebug.semconv.names import Phase
from otel_mldebug.store.times import rfc3339
from otel_mldebug.store.training import Lane, Training

_LABEL = 15
_BAR = 32
_MOST_LANES = 16
_BRIEFS = {
    Phase.DATA: "waiting for the next batch",
    Phase.FORWARD: "forward pass and loss",
    Phase.BACKWARD: "backward pass",
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
    if not training.lanes:
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
    ranks = [lane.process.rank for lane in training.lanes if lane.process.rank is not None]
    when = f"began {clock(rfc3339(run.started_ns))}"
    if run.ended_ns is not None:
        when += f", took {seconds((run.ended_ns - run.started_ns) / 1e9)}"
    yield look.between.join([look.paint(f"Run {clean(run.run_id)}", "strong"), ending(run), when])
    lane_steps = training.steps_seen
    parts = [f"{number(lane_steps)} step{'s' * (lane_steps != 1)}"] if training.lanes else []
    if ranks:
        parts.append(f"rank{'s' * (len(set(ranks)) > 1)} {spans(sorted(set(ranks)))}")
    yield look.between.join([*parts, *watched(training.watched)]) or "nothing was watched"
    if missing := sum(lane.steps - lane.recorded for lane in training.lanes):
        yield look.paint(f"{number(missing)} steps are not in the store any more", "warn")
    if damaged := sum(lane.damaged for lane in training.lanes):
        yield look.paint(f"{number(damaged)} damaged lines were left out", "warn")


def watched(facts: Mapping[str, Any]) -> list[str]:
    """Return what was watched as short phrases: `PyTorch 2.15.0`, `SGD`, `203,530 parameters`."""
    out = []
    for key, value in facts.items():
        if key == "torch":
            out.append(f"PyTorch {clean(value)}")
        elif key in ("optimizers", "models") and isinstance(value, list):
            out += [clean(item) for item in value[:3]]
        elif key == "parameters":
            out.append(f"{number(value)} parameters")
        elif isinstance(value, (str, int, float, bool)):
            out.append(f"{clean(key).replace('_', ' ')} {number(value)}")
    return out


def _why(training: Training) -> str:
    if not training.run.processes:
        return "No process of the run has recorded anything: did it import PyTorch? See: otel-mldebug doctor"
    if "torch" not in training.watched:
        return "PyTorch was not watched in any of its processes. See: otel-mldebug doctor"
    return "PyTorch was watched, and no optimizer made a step."


def _phases(training: Training, look: Look) -> Iterator[str]:
    phases = training.phases
    whole = sum(lane.seconds for lane in training.lanes)
    num = len(training.lanes)
    told = sum(phases.values())
    rows = [(key, phases[key], _BRIEFS[Phase(key)]) for key in phases]
    if whole - told > 0.005 * whole:
        rows.append(("not measured", whole - told, "steps whose phases were not told apart"))
    per = f", mean of {num} processes" if num > 1 else ""
    yield look.paint(f"{'phase':<{_LABEL}}{'':<{_BAR}}  {'seconds':>10}  share{per}", "faint")
    for key, spent, brief in rows:
        share = spent / whole if whole > 0 else 0.0
        drawn = look.paint(bar(share, _BAR, look), "warn" if key == Phase.DATA and share > 0.5 else "")
        room = look.width - _LABEL - _BAR - 23
        line = f"{key:<{_LABEL}}{drawn}  {seconds(spent / num):>10}  {percent(share):>5}    "
        yield line + cut(brief, max(room, 3), look)


def _listed(findings: Sequence[Mapping[str, Any]], look: Look) -> list[str]:
    if not findings:
        return ["No findings."]
    out = []
    for place, finding in enumerate(findings):
        mark = curves.MARKS[place] if place < len(curves.MARKS) else " "
        severity = look.paint(finding["severity"].upper().ljust(8), STYLES.get(finding["severity"], ""))
        step = f"step {finding['step']:,}" if "step" in finding else ""
        lead = f"{mark}  {severity}  {pad(cut(clean(finding['rule']), 24, look), 24)}  {step:<12}  "
        plain = 3 + 8 + 2 + 24 + 2 + max(12, len(step)) + 2
        out.append(lead + cut(clean(finding["summary"]), max(20, look.width - plain), look))
    return [*out, look.paint("One in full: otel-mldebug errors RULE", "faint")]


def _lanes(training: Training, look: Look) -> Iterator[str]:
    phases = list(training.phases)
    named = len({lane.process.rank for lane in training.lanes}) < len(training.lanes)
    head = ["process" if named else "rank", "steps", "step time", *phases, "loss", "first bad"]
    slowest = sorted(training.lanes, key=lambda lane: lane.seconds / max(1, lane.counted))[-_MOST_LANES:]
    rows = [[*_lane(lane, phases, named)] for lane in training.lanes if lane in slowest]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    yield look.paint(
        "  ".join(pad(cell, width, right=i > 0) for i, (cell, width) in enumerate(zip(head, widths, strict=True))),
        "faint",
    )
    for row in rows:
        line = "  ".join(pad(cell, width, right=i > 0) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        yield cut(line, look.width, look)


def _lane(lane: Lane, phases: Sequence[str], named: bool) -> Iterator[str]:
    num = max(1, lane.counted)
    yield clean(lane.process.name) if named else str(lane.process.rank)
    yield f"{lane.steps:,}"
    yield seconds(lane.seconds / num)
    for phase in phases:
        yield seconds(lane.phases[phase] / num) if phase in lane.phases else ""
    yield "" if lane.loss is None else number(lane.loss)
    yield "" if lane.first_bad is None else f"{lane.first_bad:,}"
