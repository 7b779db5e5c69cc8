"""One explained failure for the terminal. Pure."""

import textwrap
from collections.abc import Mapping
from typing import Any

from otel_mldebug.cli.finding_table import STYLES, spans
from otel_mldebug.cli.render import Look, clean, cut, number, percent, quantity

_LABEL = 9
_MOST_FRAMES = 6


def page(row: Mapping[str, Any], look: Look) -> list[str]:
    """Return the lines that explain one finding."""
    severity = look.paint(row["severity"].upper(), STYLES.get(row["severity"], ""))
    out = [f"{severity}  {look.between.join(clean(row[key]) for key in ('category', 'rule'))}"]
    out += textwrap.wrap(clean(row["summary"]), look.width)
    for label, text in (("where", _where(row)), ("cause", row.get("cause", ""))):
        out += _labelled(label, text, look)
    for place, solution in enumerate(row.get("solutions", ()), 1):
        out += _labelled("try" if place == 1 else "", f"{place}. {solution}", look)
    out += _labelled("prevent", row.get("prevention", ""), look)
    evidence = ", ".join(f"{key} {quantity(key, value)}" for key, value in row.get("evidence", {}).items())
    out += _labelled("seen", evidence, look)
    out += _chain(row.get("exception", {}), look)
    if row.get("docs"):
        out.append(look.paint("more".ljust(_LABEL), "faint") + clean(row["docs"]))
    again = "trying again may help" if row.get("retryable") else "trying again will not help"
    basis = f"by {clean(row['basis'])}" if row.get("basis", "none") != "none" else "no rule knows it"
    return out + _labelled("sure", f"{percent(row.get('confidence', 0.0))} ({basis}), {again}", look)


def _where(row: Mapping[str, Any]) -> str:
    parts = [f"line {row['line']}"] if row.get("line", 1) > 1 else []
    if row.get("count", 1) > 1:
        parts.append(f"{number(row['count'])} times")
    if row.get("ranks"):
        parts.append(f"ranks {spans(row['ranks'])}")
    return ", ".join(parts)


def _chain(exception: Mapping[str, Any], look: Look) -> list[str]:
    out = []
    own = [frame for frame in exception.get("frames", ()) if frame.get("in_app", True)]
    for frame in own[-_MOST_FRAMES:]:
        place = (
            f"{clean(frame.get('file', '?'))}:{clean(frame.get('line', '?'))} in {clean(frame.get('function', '?'))}"
        )
        label = look.paint(("code" if frame is own[-_MOST_FRAMES:][0] else "").ljust(_LABEL), "faint")
        out.append(label + cut(place, look.width - _LABEL, look))
    for link in exception.get("chain", ()):
        text = ": ".join(clean(link[key]) for key in ("type", "message") if link.get(key))
        out.append(look.paint("led to".ljust(_LABEL), "faint") + cut(text, look.width - _LABEL, look))
    return out


def _labelled(label: str, text: object, look: Look) -> list[str]:
    lines = textwrap.wrap(clean(text), max(20, look.width - _LABEL), break_on_hyphens=False)
    return [look.paint((label if place == 0 else "").ljust(_LABEL), "faint") + line for place, line in enumerate(lines)]
