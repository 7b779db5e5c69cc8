"""`otel-mldebug explain`: what an error message, a traceback or a log means, and what to try."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from otel_mldebug.cli.common import fail_option, show
from otel_mldebug.cli.explain_input import Input, numbered, open_input
from otel_mldebug.cli.explain_page import page
from otel_mldebug.cli.render import Look
from otel_mldebug.config import Config
from otel_mldebug.rules.catalogue.plugins import entries
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.finding import ORDER, Finding
from otel_mldebug.rules.redact import DEFAULT
from otel_mldebug.rules.text.collect import Collected, Group, collect
from otel_mldebug.rules.text.packed import is_record
from otel_mldebug.rules.text.read import MAX_MESSAGE_LINES, facts_of_message, read_text
from otel_mldebug.rules.text.scan import Seen, scan_numbered
from otel_mldebug.rules.unwrap import facts_of_json, links
from otel_mldebug.semconv.names import Severity

SMALL = 64 * 2**10
"""Characters up to which a text is looked at as a whole, as a message may be."""
_EXAMPLES = """\
examples:
  otel-mldebug explain "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB"
  otel-mldebug explain train.log
  python train.py 2>&1 | otel-mldebug explain -
  otel-mldebug explain --json --fail-on critical slurm-1234.out"""

Explain = Callable[[ErrorFacts], Finding]


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "explain",
        help="explain an error message, a traceback or a log",
        description="Explain an error message, a pasted traceback, or every failure in a log.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("text", nargs="*", metavar="TEXT | FILE | -", help="what to explain; - or nothing: stdin")
    parser.add_argument(
        "--json",
        action="store_true",
        help="JSON on stdout: one finding a line if the input is JSON lines, otherwise one document",
    )
    parser.add_argument(
        "--patterns", action="append", default=[], type=Path, metavar="FILE", help="a file with further patterns"
    )
    fail_option(parser)


def main(args: argparse.Namespace) -> int:
    """Explain what was given and return the exit code."""
    patterns = entries((*Config.load().patterns, *args.patterns))
    explained: Explain = partial(explain, patterns=patterns)
    with open_input(" ".join(args.text)) as source:
        if source.is_json_lines():
            worst = _json_lines(source, explained, as_json=args.json)
        else:
            worst = _text(source, explained, as_json=args.json)
    return int(args.fail_on is not None and worst >= ORDER[Severity(args.fail_on)])


def _json_lines(source: Input, explained: Explain, *, as_json: bool) -> int:
    """Print one finding for each line, in order, and return the highest severity."""
    worst = -1
    look = Look.of(sys.stdout)
    for line in source.lines():
        if not line.strip():
            continue
        facts = facts_of_line(line)
        finding = explained(facts)
        worst = max(worst, ORDER[finding.severity])
        if as_json:
            print(json.dumps(_redacted(finding.to_json()), allow_nan=False))
        else:
            show([*page(_with_exception(finding, facts), look), ""])
    return worst


def facts_of_line(line: str) -> ErrorFacts:
    """Return the facts in one line of JSON lines; a line that is no JSON object is taken as a message."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return facts_of_message(line)
    facts = facts_of_json(value)
    if facts is None:
        return facts_of_message(line)
    if not (facts.type or facts.frames or facts.cause or facts.group):
        return facts_of_message(facts.message)
    return facts


def _text(source: Input, explained: Explain, *, as_json: bool) -> int:
    """Print the findings of a message, a traceback or a log, and return the highest severity."""
    found = _collected(source, explained)
    rows = [_redacted(_row(group)) for group in found.groups]
    if found.left_out:
        print(f"otel-mldebug explain: {found.left_out} failures of further kinds were left out", file=sys.stderr)
    if as_json:
        print(json.dumps({"findings": rows}, indent=2, allow_nan=False))
    else:
        show(_pages(rows, source))
    return max((ORDER[group.finding.severity] for group in found.groups), default=-1)


def _collected(source: Input, explained: Explain) -> Collected:
    head = source.head(SMALL)
    if len(head) < SMALL and head.count("\n") <= 20 * MAX_MESSAGE_LINES:
        if (facts := _document(head)) is not None:
            return collect([Seen(facts, 1)], explained)
        rows = list(numbered(head.splitlines(keepends=True)))
        return collect(read_text("".join(said for _, said in rows), rows), explained)
    return collect(scan_numbered(source.numbered()), explained)


def _document(text: str) -> ErrorFacts | None:
    """Return the facts in a JSON document over several lines, such as torchelastic's error file."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    told = isinstance(value, dict) and "message" in value and not is_record(value)
    return facts_of_json(value) if told else None


def _row(group: Group) -> dict[str, Any]:
    row = _with_exception(group.finding, group.facts)
    row["count"] = group.count
    if group.ranks:
        row["ranks"] = sorted(group.ranks)
    if len(group.ranks) == 1:
        row["rank"] = min(group.ranks)
    row["line"] = group.line
    return row


def _with_exception(finding: Finding, facts: ErrorFacts) -> dict[str, Any]:
    root, *rest = links(facts)
    exception: dict[str, Any] = {"type": root.type, "message": root.message[:4096], "frames": _frames(root)}
    exception["chain"] = [{"type": link.type, "message": link.message[:1024]} for link in rest[:8]]
    exception = {key: value for key, value in exception.items() if value}
    return {**finding.to_json(), **({"exception": exception} if exception else {})}


def _frames(facts: ErrorFacts) -> list[dict[str, Any]]:
    return [
        {
            key: value
            for key, value in (
                ("file", frame.file),
                ("function", frame.function),
                ("line", frame.line),
                ("in_app", frame.in_app),
                ("code", frame.code),
            )
            if value not in ("", None)
        }
        for frame in facts.frames
    ]


def _redacted(row: dict[str, Any]) -> dict[str, Any]:
    redacted: dict[str, Any] = DEFAULT.value(row)
    return redacted


def _pages(rows: Iterable[dict[str, Any]], source: Input) -> Iterator[str]:
    look = Look.of(sys.stdout)
    empty = True
    for row in rows:
        if not empty:
            yield ""
        yield from page(row, look)
        empty = False
    if empty:
        yield f"No failure found in {source.name}."
