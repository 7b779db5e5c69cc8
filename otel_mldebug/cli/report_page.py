"""A report for the terminal: the verdict, and what to do. Pure."""

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from otel_mldebug.cli.finding_table import STYLES
from otel_mldebug.cli.render import Look, clean, number, seconds

_MOST = 8
"""Recommendations that are shown; all of them are in the document."""


def lines(document: Mapping[str, Any], look: Look, *, written: Path | None = None) -> list[str]:
    """Return the lines of the page.

    Args:
        document: What `report.document.report` returned.
        look: What the terminal can show.
        written: The file that the document was written to, if it was.
    """
    run = document["run"]
    head = [f"Run {clean(run['run_id'])}", clean(run["status"])]
    if "duration_s" in run:
        head.append(f"took {seconds(run['duration_s'])}")
    if steps := document.get("training", {}).get("steps_seen"):
        head.append(f"{number(steps)} steps")
    out = [look.paint(look.between.join(head), "strong"), "", *_verdict(document["verdict"], look), ""]
    out += _recommended(document.get("recommendations", ()), look)
    where = f"written to {written}" if written is not None else "all of it: otel-mldebug report --json"
    return [*out, "", look.paint(where, "faint")]


def _verdict(verdict: Mapping[str, Any], look: Look) -> Iterator[str]:
    if "rule" not in verdict:
        num = verdict["steps_seen"]
        what = "Nothing was found wrong" if verdict["healthy"] else "Nothing was found"
        yield look.paint(f"{what}: {number(num)} steps were watched.", "good" if verdict["healthy"] else "strong")
        return
    style = STYLES.get(verdict["severity"], "")
    yield look.paint(f"{verdict['severity'].upper()}  {clean(verdict['rule'])}", style)
    yield from _wrapped(verdict["summary"], look)
    if "cause" in verdict:
        yield from _wrapped(verdict["cause"], look)


def _recommended(found: Any, look: Look) -> Iterator[str]:
    if not found:
        yield "Nothing to recommend: what was seen asks for no change."
        return
    yield look.paint("What to do", "strong")
    why = ""
    for place, one in enumerate(found[:_MOST], 1):
        first, *rest = _wrapped(one["text"], look, 4)
        yield f"{place:>2}. {first.strip()}"
        yield from rest
        if one["why"] != why:
            why = one["why"]
            for line in _wrapped(f"because: {why}", look, 4):
                yield look.paint(line, "faint")
    if len(found) > _MOST:
        yield look.paint(f"{len(found) - _MOST} more: otel-mldebug report --json", "faint")


def _wrapped(text: str, look: Look, indent: int = 0) -> list[str]:
    space = " " * indent
    return textwrap.wrap(clean(text), look.width, initial_indent=space, subsequent_indent=space) or [space]
