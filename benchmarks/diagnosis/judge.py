"""Which findings of a run are right, which are false alarms. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.diagnosis.program import Program

Finding = Mapping[str, Any]
"""A finding as `errors --json` prints it."""

_SEVERITIES = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run was judged.

    Attributes:
        hit: The right finding near the right step, as text; empty if there is none.
        delay: Steps from the beginning of the fault to the finding; None where that is not known or nothing was found.
        misplaced: Findings of the right meaning at the wrong step.
        false: False alarms: of warning or above in a healthy program; unrelated ones of error or above in a faulty one.
        other: Further findings, which do not count.
    """

    hit: str = ""
    delay: int | None = None
    misplaced: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


def judge(program: Program, findings: Sequence[Finding]) -> Verdict:
    """Judge what was found in one run of `program`."""
    right = [finding for finding in findings if program.faulty and _means(program, finding)]
    placed = [finding for finding in right if _near(program, _step(finding))]
    rest = [finding for finding in findings if finding not in right]
    false = [finding for finding in rest if _counts(program, finding)]
    first = min(placed, key=lambda finding: _step(finding) or 0, default=None)
    step = None if first is None else _step(first)
    return Verdict(
        hit="" if first is None else in_words(first),
        delay=None if step is None else max(0, step - program.step),
        misplaced=tuple(in_words(finding) for finding in right if finding not in placed),
        false=tuple(map(in_words, false)),
        other=tuple(in_words(finding) for finding in rest if finding not in false),
    )


def in_words(finding: Finding) -> str:
    """Return one line for a finding: severity, rule, step, layer, summary."""
    where = [f"step {step}"] if (step := _step(finding)) is not None else []
    where += [str(finding["layer"])] if finding.get("layer") else []
    place = f" ({', '.join(where)})" if where else ""
    return f"{finding.get('severity', '')} {finding.get('rule', '')}{place}: {finding.get('summary', '')}"


def _means(program: Program, finding: Finding) -> bool:
    rule = str(finding.get("rule", ""))
    if any(rule.startswith(prefix) for prefix in program.rules):
        return True
    text = " ".join((rule, str(finding.get("summary", "")), str(finding.get("cause", ""))))
    return bool(program.words) and all(re.search(word, text, re.IGNORECASE) for word in program.words)


def _step(finding: Finding) -> int | None:
    """Return the first step that the finding names: its evidence's, where it looks back."""
    given = (finding.get("step"), (finding.get("evidence") or {}).get("step"))
    return min((int(step) for step in given if isinstance(step, (int, float))), default=None)


def _near(program: Program, step: int | None) -> bool:
    if step is None:
        return program.step == 0
    return program.step - 1 <= step <= program.step + program.within


def _counts(program: Program, finding: Finding) -> bool:
    if any(str(finding.get("rule", "")).startswith(prefix) for prefix in program.consequences):
        return False
    least = "error" if program.faulty else "warning"
    return _SEVERITIES.index(str(finding.get("severity", "error"))) >= _SEVERITIES.index(least)
