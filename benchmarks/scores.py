"""How well failures are explained, on labelled messages: `python -m benchmarks.scores FILE.jsonl`.

A line holds `exception_type`, `message` (and any other field that `explain` reads), `category`, `category_alt`,
`severity`, `retryable`, and `expected_hints`: groups of words, of each of which one must be in cause, solutions or
prevention.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, table
from otel_mldebug.rules.explain import explain
from otel_mldebug.rules.finding import Finding
from otel_mldebug.rules.unwrap import facts_of_json

PROMISES = {"category": 0.9, "category_or_alternative": 0.96, "severity": 0.9, "retryable": 0.9, "remedy": 0.9}
"""Shares of messages that must come out right."""

Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """Return the labelled messages in a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def marks(row: Row, finding: Finding) -> dict[str, bool]:
    """Return what of `finding` is right."""
    advice = " ".join((finding.cause, *finding.solutions, finding.prevention)).lower()
    return {
        "category": finding.category == row["category"],
        "category_or_alternative": finding.category in (row["category"], *row.get("category_alt", ())),
        "severity": finding.severity == row["severity"],
        "retryable": finding.retryable == row["retryable"],
        "remedy": all(any(word.lower() in advice for word in group) for group in row.get("expected_hints", ())),
    }


def explained(row: Row) -> Finding:
    """Return the finding for a labelled message; its labels are not shown to the rules."""
    shown = {key: row[key] for key in ("type", "exception_type", "message", "frames", "cause", "group") if key in row}
    facts = facts_of_json(shown)
    if facts is None:
        raise ValueError(f"not a message: {row}")
    return explain(facts)


def scores(rows: Sequence[Row], name: str) -> list[Figure]:
    """Return the share of `rows` that comes out right, for each thing that is labelled."""
    each = [marks(row, explained(row)) for row in rows]
    return [
        Figure(
            name=f"explain.{name}.{label}",
            value=sum(mark[label] for mark in each) / len(each),
            unit="1",
            note=f"share of {len(each)} messages that is right; promised: at least {promise}",
        )
        for label, promise in PROMISES.items()
    ]


def misses(rows: Iterable[Row]) -> Iterable[str]:
    """Yield a line for each message that is not all right: its id, what is wrong, and the rule that fired."""
    for row in rows:
        finding = explained(row)
        wrong = [label for label, right in marks(row, finding).items() if not right]
        if wrong:
            yield f"{row.get('id', '?')}: {', '.join(wrong)} ({finding.rule})"


def main(arguments: Sequence[str]) -> int:
    """Print the scores of each file, and with `--misses` what is wrong."""
    for given in arguments:
        if given != "--misses":
            rows = read(Path(given))
            print(table(scores(rows, Path(given).stem)))
            if "--misses" in arguments:
                print("\n".join(misses(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
