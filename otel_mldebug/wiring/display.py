"""Findings for people in Python: as plain text, and as HTML for notebooks. Pure."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_MAX_SOLUTIONS = 3
_COLOURS = {"critical": "#b3261e", "error": "#b3261e", "warning": "#9a6700", "info": "#1f6feb", "debug": "#6e7781"}

Shown = Mapping[str, Any]
"""A finding as the command line prints it in JSON."""


class Findings:
    """Some findings: prints as text, shows as HTML in a notebook, and holds the values for programs.

    Attributes:
        findings: Each as `otel-mldebug errors --json` has it.
    """

    def __init__(self, findings: Sequence[Shown]) -> None:
        self.findings = list(findings)

    def __repr__(self) -> str:
        return "\n\n".join(text(finding) for finding in self.findings) or "no findings"

    def _repr_html_(self) -> str:
        return "".join(html(finding) for finding in self.findings) or "<p>no findings</p>"


def text(finding: Shown) -> str:
    """Return one finding as a few lines."""
    lines = [f"{str(finding.get('severity', '')).upper()}  {finding.get('summary') or finding.get('rule', '')}"]
    if place := _where(finding):
        lines.append(f"  where  {place}")
    if cause := finding.get("cause"):
        lines.append(f"  why    {cause}")
    lines += [f"  try    {solution}" for solution in list(finding.get("solutions", ()))[:_MAX_SOLUTIONS]]
    if docs := finding.get("docs"):
        lines.append(f"  see    {docs}")
    return "\n".join(lines)


def html(finding: Shown) -> str:
    """Return one finding as a block of HTML. Whatever the values hold, none of it is markup."""
    severity = str(finding.get("severity", ""))
    colour = _COLOURS.get(severity, "#6e7781")
    parts = [
        f'<div style="border-left:4px solid {colour};padding:4px 12px;margin:8px 0">',
        f'<div><b style="color:{colour}">{escape(severity)}</b> '
        f"<b>{escape(str(finding.get('summary') or finding.get('rule', '')))}</b></div>",
    ]
    if place := _where(finding):
        parts.append(f'<div style="opacity:.75">{escape(place)}</div>')
    if cause := finding.get("cause"):
        parts.append(f"<div>{escape(str(cause))}</div>")
    if solutions := list(finding.get("solutions", ()))[:_MAX_SOLUTIONS]:
        items = "".join(f"<li>{escape(str(solution))}</li>" for solution in solutions)
        parts.append(f'<ol style="margin:4px 0">{items}</ol>')
    docs = str(finding.get("docs") or "")
    if docs.startswith(("https://", "http://")):
        parts.append(f'<div><a href="{escape(docs, quote=True)}">{escape(docs)}</a></div>')
    parts.append("</div>")
    return "".join(parts)


def _where(finding: Shown) -> str:
    parts = [str(finding["function"])] if finding.get("function") else []
    for key, name in (("step", "step"), ("epoch", "epoch"), ("layer", "layer"), ("rank", "rank")):
        if finding.get(key) not in (None, ""):
            parts.append(f"{name} {finding[key]}")
    if (count := finding.get("count", 1)) > 1:
        parts.append(f"{count:,} times")
    parts.append(str(finding.get("rule", "")))
    if identifier := finding.get("id"):
        parts.append(str(identifier))
    return ", ".join(parts)
