"""Which of a run's findings the others follow from. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from otel_mldebug.rules.finding import MAIN_THREAD, UNCAUGHT
from otel_mldebug.semconv.names import Category, Severity

_ORDER = {str(severity): place for place, severity in enumerate(Severity)}
_ERROR = _ORDER[Severity.ERROR.value]

Finding = Mapping[str, Any]


def root(findings: Sequence[Finding]) -> Finding | None:
    """Return the finding that the others follow from, as far as one can tell; None if there are none.

    The most severe; among those one that ended its program; among those the earliest. But what a launcher, or one
    rank about another, has to say of the end of a process comes after an earlier error of that process itself.
    """
    if not findings:
        return None
    first = min(findings, key=_rank)
    ranked = any(finding.get("rank") is not None for finding in findings)
    if _hearsay(first, ranked):
        earlier = [
            finding
            for finding in findings
            if _severity(finding) >= _ERROR
            and not _hearsay(finding, ranked)
            and str(finding.get("first_seen", "")) <= str(first.get("first_seen", ""))
        ]
        first = min(earlier, key=_rank, default=first)
    return first


def _hearsay(finding: Finding, ranked: bool) -> bool:
    """Return whether a finding is about other processes: `ranked` says whether some of the processes are ranks."""
    launcher = ranked and finding.get("rank") is None and ended_the_program(finding)
    return launcher or (finding.get("category") == Category.DISTRIBUTED.value and bool(finding.get("exception")))


def _rank(finding: Finding) -> tuple[int, bool, str]:
    return -_severity(finding), not ended_the_program(finding), str(finding.get("first_seen", ""))


def ended_the_program(finding: Finding) -> bool:
    """Return whether nobody caught it, and the main thread ended with it."""
    return (finding.get("context") or {}).get(UNCAUGHT) == MAIN_THREAD


def _severity(finding: Finding) -> int:
    return _ORDER.get(str(finding.get("severity")), _ERROR)
