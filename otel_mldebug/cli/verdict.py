"""The verdict on a run: what happened, where, why, what to try, what was watched, and what to type next. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from otel_mldebug.cli.box import LABEL_COLUMNS, Section, draw, lines_needed
from otel_mldebug.cli.reasons import ended, no_steps, watched
from otel_mldebug.cli.render import Look, quantity
from otel_mldebug.cli.seen import Seen
from otel_mldebug.semconv.names import Severity
from otel_mldebug.store.roots import ended_the_program, root

MAX_LINES = 15
_STYLE = {Severity.CRITICAL.value: "bad", Severity.ERROR.value: "bad", Severity.WARNING.value: "warn"}

Finding = Mapping[str, Any]


def verdict(seen: Seen, look: Look) -> list[str]:
    """Return the lines of the verdict, at most `MAX_LINES`."""
    first = root(seen.findings)
    sections = [*(_about(first, seen) if first else _nothing_found(seen)), *_recorded(seen)]
    commands = _next(seen, first)
    if lines_needed([*sections, *commands], look) > MAX_LINES:
        commands = _short(commands, look)
    title, style = _title(seen, first)
    sections += commands
    return draw(title, sections, look, height=MAX_LINES, style=style)


def _title(seen: Seen, first: Finding | None) -> tuple[str, str]:
    if first is not None:
        severity = str(first.get("severity", Severity.ERROR.value))
        return f"otel-mldebug: {severity}, {first.get('rule', 'unknown')}", _STYLE.get(severity, "strong")
    if seen.ending.signal is not None:
        return f"otel-mldebug: {seen.ending.signal_name}, no findings", "warn"
    return "otel-mldebug: no findings", "good" if seen.steps and not seen.ending.code else "strong"


def _about(first: Finding, seen: Seen) -> Iterable[Section]:
    style = _STYLE.get(str(first.get("severity")), "strong")
    yield Section(label="what", text=str(first.get("summary") or first.get("rule")), style=style, most=3, weight=75)
    exception = first.get("exception") or {}
    if exception.get("type"):
        text = f"{exception['type']}: {exception.get('message', '')}".rstrip(": ")
        yield Section(label="error", text=text, most=2, least=0, weight=45)
    if place := where(first, seen):
        yield Section(label="where", text=place, most=2, weight=65)
    if evidence := _evidence(first):
        yield Section(label="evidence", text=evidence, most=2, least=0, weight=40)
    if first.get("cause"):
        yield Section(label="why", text=str(first["cause"]), most=2, weight=60)
    for number, solution in enumerate((first.get("solutions") or ())[:3]):
        label, weight = "" if number else "try", (70, 58, 30)[number]
        yield Section(
            label=label, text=f"{number + 1}. {solution}", most=1 + (number == 0), least=int(number == 0), weight=weight
        )
    if text := ended(seen):
        yield Section(label="ended", text=text, most=2, weight=50)
    yield from _others([finding for finding in seen.findings if finding is not first])


def where(finding: Finding, seen: Seen) -> str:
    """Return step, layer, code, rank and host of a finding, as far as they are known."""
    parts: list[str] = []
    if (step := finding.get("step")) is not None:
        epoch = finding.get("epoch")
        parts.append(f"step {step:,}" + (f" (epoch {epoch})" if epoch is not None else ""))
    elif seen.steps and ended_the_program(finding):
        parts.append(f"after {seen.steps:,} step{'s' * (seen.steps != 1)}")
    if layer := finding.get("layer"):
        parts.append(f"in layer {layer}" if finding.get("exception") else f"first in layer {layer}")
    own = _frames(finding.get("exception") or {})
    if own:
        parts.append(
            f"{PurePath(own[-1].get('file', '?')).name}:{own[-1].get('line', '?')} in {own[-1].get('function')}"
        )
    elif function := finding.get("function"):
        parts.append(str(function))
    hosts = finding.get("hosts") or ()
    if finding.get("rule") == "training.hang" and (finding.get("evidence") or {}).get("waiting"):
        parts += _waiting(finding["evidence"])
        return ", ".join([*parts, *([f"on {', '.join(hosts[:3])}"] if hosts else [])])
    ranks = finding.get("ranks") or ([finding["rank"]] if finding.get("rank") is not None else [])
    if ranks:
        parts.append(_ranks(ranks))
    if hosts and (ranks or len(seen.hosts) > 1):
        parts.append(f"on {', '.join(hosts[:3])}")
    count = finding.get("count", 1)
    if count > 1:
        parts.append(f"{count:,} times")
    return ", ".join(parts)


def _frames(exception: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the frames of the user's own in which the root cause was raised, or else those that are known best."""
    known = [link.get("frames") or () for link in (*reversed(exception.get("chain") or ()), exception)]
    for frames in known:
        if own := [frame for frame in frames if frame.get("in_app")]:
            return own
    return next(filter(None, known), ())


def _ranks(ranks: Sequence[int]) -> str:
    named = ", ".join(map(str, ranks[:8])) + (f" and {len(ranks) - 8} more" if len(ranks) > 8 else "")
    return f"rank{'s' * (len(ranks) > 1)} {named}"


def _waiting(evidence: Mapping[str, Any]) -> Iterable[str]:
    """Yield which ranks a collective misses, where the first of those is, and which ones wait in it."""
    collective = str(evidence.get("collective") or evidence.get("operation") or "a collective")
    if (number := evidence.get("collective_number")) is not None:
        collective += f" number {number}"
    if missing := evidence.get("missing"):
        yield f"{_ranks(missing)} not in {collective}"
        if place := evidence.get("missing_at"):
            yield f"but in {place}"
        yield f"{_ranks(evidence['waiting'])} waiting for it"
    else:
        yield f"{_ranks(evidence['waiting'])} in {collective}"


def _evidence(finding: Finding) -> str:
    """Return the numbers, then the words that the summary does not hold already."""
    summary = str(finding.get("summary", ""))
    pairs = [(name, value) for name, value in (finding.get("evidence") or {}).items() if name != "step"]
    numbers = [(name, value) for name, value in pairs if _numeric(value)]
    words = [(name, value) for name, value in pairs if not _numeric(value) and str(value) not in summary]
    return "; ".join(f"{_words(name)} {quantity(name, value)}" for name, value in [*numbers, *words])


def _words(name: str) -> str:
    for unit in ("_bytes", "_s", "_share"):
        name = name.removesuffix(unit)
    return name.replace("_", " ")


def _numeric(value: Any) -> bool:
    values = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in values)


def _others(findings: Sequence[Finding]) -> Iterable[Section]:
    shown = findings if len(findings) <= 2 else findings[:1]
    for number, finding in enumerate(shown):
        step = f" at step {finding['step']:,}" if finding.get("step") is not None else ""
        text = f"{finding.get('severity')} {finding.get('rule')}{step}: {finding.get('summary', '')}"
        yield Section(label="" if number else "also", text=text)
    if len(shown) < len(findings):
        yield Section(label="", text=f"and {len(findings) - len(shown)} more findings: see otel-mldebug errors")


def _nothing_found(seen: Seen) -> Iterable[Section]:
    text = ended(seen)
    if text:
        style = "" if seen.ending.code == 0 else "warn"
        yield Section(label="what", text=text, style=style, most=3)
    elif seen.steps:
        yield Section(label="what", text=f"{seen.label} ran through and nothing wrong was seen.", style="good")
    if not seen.steps and (advice := no_steps(seen)[1]):
        yield Section(label="try", text=advice, most=2)


def _recorded(seen: Seen) -> Iterable[Section]:
    yield Section(label="watched", text=watched(seen), most=3, weight=25)
    if seen.store:
        count = len(seen.findings)
        what = [f"{count} finding{'s' * (count != 1)}"] if count else []
        what += [f"{seen.steps:,} steps"] if seen.steps else []
        text = f"{' and '.join(what)} in {seen.store}" if what else seen.store
        yield Section(label="recorded", text=text, most=2, weight=20)


def _next(seen: Seen, first: Finding | None) -> list[Section]:
    ours = seen.command
    commands: dict[str, str] = {}
    if first:
        named = str(first.get("fingerprint", ""))[:8] or first.get("rule", "")
        commands[f"{ours} errors{seen.option} {named}"] = "this finding in full"
    if len(seen.findings) > 1:
        commands[f"{ours} errors{seen.option}"] = f"all {len(seen.findings)} findings"
    if seen.steps:
        commands[f"{ours} training{seen.option}"] = "loss, gradient norm, phases by step"
    commands[f"{ours} doctor"] = "check versions, endpoints and settings"
    commands[f"{ours} explain -"] = "paste any error to have it explained"
    commands[f"{ours} demo"] = "see what a finding looks like"
    chosen = list(commands.items())[:3]
    columns = max(len(command) for command, _ in chosen)
    return [
        Section(label="" if number else "next", text=f"{command.ljust(columns)}  # {about}", literal=True)
        for number, (command, about) in enumerate(chosen)
    ]


def _short(commands: Iterable[Section], look: Look) -> list[Section]:
    """Return the commands without their comments, as many on a line as it has room for."""
    rows = [""]
    for command in (section.text.partition("  # ")[0].strip() for section in commands):
        longer = f"{rows[-1]}; {command}" if rows[-1] else command
        if len(longer) <= look.width - 4 - LABEL_COLUMNS or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(command)
    return [Section(label="" if number else "next", text=row, literal=True) for number, row in enumerate(rows)]
