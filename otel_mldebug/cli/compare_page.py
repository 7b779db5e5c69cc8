"""Two runs for the terminal: settings, times, losses and findings side by side. Pure."""

from collections.abc import Iterator
from typing import Any

from otel_mldebug.cli.render import Look, clean, cut, number, pad, seconds
from otel_mldebug.store.comparing import Comparison

_LABEL = 18
_MOST_SETTINGS = 12


def lines(found: Comparison, look: Look) -> list[str]:
    """Return the lines of the page: a column for each run, and then what follows from both."""
    one, other = found.one, found.other
    rows = [("", one.run.run_id, other.run.run_id, ""), ("status", one.run.status, other.run.status, "")]
    rows.append(("steps", number(one.steps_seen), number(other.steps_seen), ""))
    rows.append(("step time", *_pair(found.step_s), _factor(found.step_s)))
    rows += [(f"  {phase}", *_pair(pair), _factor(pair)) for phase, pair in found.phases.items()]
    for name, (mine, theirs) in list(found.settings.items())[:_MOST_SETTINGS]:
        rows.append((clean(name).replace("_", " "), _told(mine), _told(theirs), "differs"))
    room = max(16, (look.width - _LABEL - 14) // 2)
    widths = [min(room, max(len(row[i]) for row in rows)) for i in (1, 2)]
    out = []
    for label, mine, theirs, remark in rows:
        cells = [pad(cut(text, width, look), width) for text, width in zip((mine, theirs), widths, strict=True)]
        line = f"{cut(label, _LABEL - 1, look):<{_LABEL}}{'  '.join(cells)}  {remark}".rstrip()
        out.append(look.paint(line, "strong") if not label else line)
    return [*out, "", *_loss(found, look), "", *_findings(found, look)]


def _loss(found: Comparison, look: Look) -> Iterator[str]:
    if found.common is None:
        yield "The runs have no step in common that both recorded a loss for."
        return
    if found.apart is None:
        yield f"The losses agree (within 1 %) in every common step, up to step {found.common[0]:,}."
    else:
        step, mine, theirs = found.apart
        yield look.paint(f"The losses part at step {step:,}: {number(mine)} and {number(theirs)}", "warn")
    step, mine, theirs = found.common
    yield f"At step {step:,}, the last in common: {number(mine)} and {number(theirs)}"


def _findings(found: Comparison, look: Look) -> Iterator[str]:
    names = (f"only in {clean(found.one.run.run_id)}", f"only in {clean(found.other.run.run_id)}", "in both")
    told = [(name, rules) for name, rules in zip(names, found.findings, strict=True) if rules]
    if not told:
        yield "No findings in either of them."
    for name, rules in told:
        yield cut(f"findings {name}: {', '.join(map(clean, rules))}", look.width, look)


def _pair(pair: tuple[float | None, float | None]) -> tuple[str, str]:
    return ("" if pair[0] is None else seconds(pair[0]), "" if pair[1] is None else seconds(pair[1]))


def _factor(pair: tuple[float | None, float | None]) -> str:
    """Return how the second compares to the first: `x 1.42`; empty where that says nothing."""
    if not pair[0] or pair[1] is None:
        return ""
    return f"x {pair[1] / pair[0]:.2f}"


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(clean, value))
    return "" if value is None else number(value)
