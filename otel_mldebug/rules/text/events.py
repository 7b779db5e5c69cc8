"""Lines of a log that announce a failure without a traceback: killed processes, native crashes, bare error lines."""

import re

from otel_mldebug.rules.facts import ErrorFacts
from otel_mldebug.rules.text.lines import without_prefix

_BARE = re.compile(
    r"((?:[A-Za-z_]\w*\.){0,12}[A-Z]\w*(?:Error|Exception|Timeout|Interrupt|NotFound|Exceeded|Refused|Aborted|Killed|Failure))"
    r": ?(\S.*)"
)
_LOGGED = re.compile(r"[\w.]{1,60}: " + _BARE.pattern)
_WARNING = re.compile(r"(?:[A-Za-z_]\w*\.)*\w*Warning: ")
_EVENTS = re.compile(
    r"(?:^|: |\] |\d )Killed(?:$|\s+(?:\"?\$|python|torchrun|accelerate))"
    r"|Segmentation fault|Bus error|Illegal instruction|Floating point exception"
    r"|\bAborted(?: \(core dumped\)|$)|core dumped"
    r"|oom-kill|Out of memory: Kill|OOM Killed|OOMKilled|out-of-memory handler"
    r"|Watchdog caught collective operation timeout|NCCL watchdog|NCCL WARN|ncclSystemError|ncclInternalError"
    r"|srun: error: |slurmstepd: error: |DUE TO TIME LIMIT|DUE TO PREEMPTION"
    r"|what\(\):|panicked at|Fatal Python error|FATAL: "
    r"|No space left on device|Too many open files|CUDA error: |NVRM: Xid|Xid \("
    r"|died with <Signals\.|exited with (?:exit )?code -?[1-9]"
    r"|(?:process|worker).{0,60}(?:died|was killed|got signal)"
    r"|(?:loss|grad(?:ient)?(?:_norm| norm)?)\W{1,4}(?:nan|inf)\b|(?:nan|inf|non-finite) loss"
)
_TRIGGERS = (
    "rror|xception|illed|KILL|imeout|ault|oom|OOM|Abort|abort|core dumped|NCCL|ncclS|ncclI|srun|slurm|DUE TO|what()|"
    "panicked|FATAL|No space|Too many open|Xid|died|exited|signal|nan|NaN|inf|Inf|Interrupt|NotFound|Exceeded|Refused|"
    "Failure"
)
TRIGGERS = tuple(_TRIGGERS.split("|"))
"""Pieces, one of which is in every line that can matter: most lines of a log have none and cost no expression."""
_KILLED = re.compile(r"(?:^|: |\] |\d )Killed(?:$|\s+(?:\"?\$|python|torchrun|accelerate))")
_AFTERMATH = re.compile(
    r"\bAborted\b|core dumped|Segmentation fault"
    r"|srun: error: .{0,200}\bExited with exit code|CANCELLED AT (?!.{0,80}DUE TO)"
)
_WHAT = re.compile(r"\s*what\(\):\s*(.*)")


def may_matter(line: str) -> bool:
    """Return quickly whether `line` could announce a failure."""
    return any(trigger in line for trigger in TRIGGERS)


def event_in(line: str) -> ErrorFacts | None:
    """Return the failure that a single line announces; None for all others."""
    said = without_prefix(line)
    found = _BARE.match(said) or _LOGGED.match(said)
    if found is not None:
        return ErrorFacts(type=found.group(1), message=found.group(2))
    if _WARNING.match(said) or not _EVENTS.search(line):
        return None
    if _KILLED.search(line) is not None:  # as a shell says it, between its script's line and the command
        return ErrorFacts(message="Killed")
    what = _WHAT.match(said)
    return ErrorFacts(message=what.group(1) if what else said)


def is_aftermath(facts: ErrorFacts) -> bool:
    """Return whether a line only says that a process or job ended, which something before it may explain."""
    return not facts.type and len(facts.message) < 400 and _AFTERMATH.search(facts.message) is not None
