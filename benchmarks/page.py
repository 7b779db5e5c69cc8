"""Puts figures into docs/reference/cost.md: for each benchmark what stands between its two markers."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, in_words

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cost.md"


def with_figures(text: str, module: str, figures: Iterable[Figure], document: Mapping[str, Any]) -> str:
    """Return the page `text` with the figures of one benchmark; unchanged when it has no markers for it.

    Args:
        text: The page.
        module: Name of the benchmark; its markers are `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
        figures: What it found.
        document: What `run.document` made: date, versions, machine.
    """
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    processors = f"{document['processors']} processors"
    lines = [
        f"Measured {document['date'][:10]} with Python {document['python']}, {versions}, on {processors}.",
        "",
        "| figure | value | spread | promise | what was compared |",
        "|---|---|---|---|---|",
    ]
    for figure in figures:
        value, spread, limit = in_words(figure)
        lines.append(f"| `{figure.name}` | {value} | {spread} | {limit} | {figure.note} |")
    body = "\n".join(lines)
    pattern = re.compile(
        rf"(<!-- bench:{re.escape(module)} -->\n).*?(\n<!-- /bench:{re.escape(module)} -->)", re.DOTALL
    )
    return pattern.sub(lambda match: f"{match[1]}{body}{match[2]}", text)
